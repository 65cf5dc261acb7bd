//! Mail servers that take mail, for `popfetch` to hand it over to.

use std::{
    ffi::OsString,
    fs::{self, Permissions},
    io::{self, BufRead, BufReader},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
};

use crate::{
    Error, Maildir, ServerCertificate,
    error::Doing,
    rig::{
        certificate::Certificates,
        ports::{self, Port},
        prepared::prepared,
        process::{Supervised, read_lossy},
    },
    server::MAIL,
};

const DOVECOT: &str = "/usr/sbin/dovecot";
const LMTP_SERVICE: &str = "/usr/lib/dovecot/lmtp";

/// A running mail server, which puts what it takes into a Maildir for each recipient. The drop
/// stops it and removes its files.
pub struct Taker {
    // Dropped before the ports are free again.
    process: Supervised,
    starttls: Port,
    tls: Port,
    ca_pem: String,
}

impl Taker {
    /// Dovecot from Debian's `dovecot-lmtpd`, which takes mail by LMTP from everybody, with or
    /// without TLS. It puts `Return-Path` and `Delivered-To` on top.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where the package is not installed; [`Error::NotReady`] with the
    /// server's log where it does not start.
    pub fn dovecot() -> Result<Self, Error> {
        for program in [DOVECOT, LMTP_SERVICE] {
            if !Path::new(program).exists() {
                return Err(Error::Missing {
                    what: program.to_owned(),
                    remedy: "apt-get install dovecot-lmtpd",
                });
            }
        }
        Self::start("Dovecot's LMTP", |dir, starttls_port, tls_port| {
            let values = [
                ("@DIR@", dir.display().to_string()),
                ("@STARTTLS_PORT@", starttls_port),
                ("@TLS_PORT@", tls_port),
                ("@UID@", MAIL.uid.to_string()),
                ("@GID@", MAIL.gid.to_string()),
            ];
            let template = include_str!("takers/dovecot.conf").to_owned();
            let filled =
                (values.iter()).fold(template, |text, (name, value)| text.replace(name, value));
            let config = dir.join("dovecot.conf");
            fs::write(&config, filled).doing(|| "writing dovecot.conf".to_owned())?;
            let mail = dir.join("mail");
            fs::create_dir(&mail)
                .and_then(|()| chown(&mail, Some(MAIL.uid), Some(MAIL.gid)))
                .doing(|| "making a directory for mail".to_owned())?;
            Ok(vec![
                DOVECOT.into(),
                "-F".into(),
                "-c".into(),
                config.into(),
            ])
        })
    }

    /// PyPI's aiosmtpd, which takes mail by SMTP under TLS from `me`, whose password is `sesame`.
    /// It keeps it as it comes.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where `tests/interop/prepare` has not run; [`Error::NotReady`] with what
    /// the server wrote where it does not start.
    pub fn aiosmtpd() -> Result<Self, Error> {
        let python = prepared("aiosmtpd")?.join("bin/python3");
        Self::start("aiosmtpd", |dir, starttls_port, tls_port| {
            Ok(vec![
                python.into(),
                "-c".into(),
                include_str!("takers/aiosmtpd.py").into(),
                dir.into(),
                starttls_port.into(),
                tls_port.into(),
            ])
        })
    }

    fn start(
        name: &'static str,
        set_up: impl FnOnce(&Path, String, String) -> Result<Vec<OsString>, Error>,
    ) -> Result<Self, Error> {
        let dir = tempfile::Builder::new()
            .prefix("interop-taker-")
            // Dovecot's own unprivileged users must reach their files in it.
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .doing(|| "making the mail server's directory".to_owned())?;
        let certificates = Certificates::new(ServerCertificate::default())?;
        certificates.write(dir.path())?;
        let (starttls, tls) = (Port::claim()?, Port::claim()?);
        let command = set_up(
            dir.path(),
            starttls.number.to_string(),
            tls.number.to_string(),
        )?;
        let taker = Self {
            process: Supervised::start(dir, &command)?,
            starttls,
            tls,
            ca_pem: certificates.ca_pem,
        };
        let (starttls, tls) = (taker.starttls.number, taker.tls.number);
        let is_running = || taker.process.is_running();
        ports::wait_for(starttls, greets, is_running)
            .and_then(|()| {
                ports::wait_for(tls, |port| ports::connect(port).map(|_| true), is_running)
            })
            .map_err(|why| Error::NotReady {
                server: name,
                why,
                log: taker.log(),
            })?;
        Ok(taker)
    }

    /// The port that greets in clear text and offers STARTTLS.
    #[must_use]
    pub fn starttls_port(&self) -> u16 {
        self.starttls.number
    }

    /// The port of implicit TLS.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls.number
    }

    /// Dovecot's Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.process.dir().join("socket")
    }

    /// The authority that signed the server's certificate.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What the recipient got; it is there once the recipient got something.
    #[must_use]
    pub fn maildir(&self, recipient: &str) -> Maildir {
        Maildir::at(
            self.process
                .dir()
                .join("mail")
                .join(recipient)
                .join("Maildir"),
        )
    }

    /// What the server wrote so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output() + &read_lossy(&self.process.dir().join("log"))
    }
}

/// Whether a mail server greets on the port.
fn greets(port: u16) -> io::Result<bool> {
    let mut line = String::new();
    BufReader::new(ports::connect(port)?).read_line(&mut line)?;
    Ok(line.starts_with("220"))
}
