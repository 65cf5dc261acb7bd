use std::{
    ffi::OsString,
    fmt::Display,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use crate::{
    Error, Maildir, ServerCertificate, Tap, User,
    error::Doing,
    maildir::Owner,
    mbox::mbox,
    rig::{
        certificate::Certificates,
        ports::{self, Port},
        process::{Supervised, read_lossy},
    },
};

/// Debian's uid and gid of `mail`, the same in every installation.
pub(crate) const MAIL: Owner = Owner { uid: 8, gid: 8 };

/// A running POP3 server. The drop stops it and removes its files.
pub struct Server {
    // The fields are dropped in this order: the server first, then what it uses.
    process: Supervised,
    plain: Port,
    tls: Option<Port>,
    ca_pem: String,
    pub(crate) elsewhere: Option<Tap>,
    _keep: Box<dyn Send + Sync>,
}

impl Server {
    /// The name that the certificate carries.
    #[must_use]
    pub fn host(&self) -> &'static str {
        "localhost"
    }

    /// The port that greets in clear text and offers STLS.
    #[must_use]
    pub fn plain_port(&self) -> u16 {
        self.elsewhere.as_ref().map_or(self.plain.number, Tap::port)
    }

    /// The port of implicit TLS.
    ///
    /// # Panics
    ///
    /// When the server has none.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        let port = self.tls.as_ref();
        port.expect("asked only of servers that have TLS").number
    }

    /// Whether there is a port of implicit TLS.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The authority that signed the server's certificate.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The user's Maildir on the server, where the server keeps its mail in one.
    #[must_use]
    pub fn maildir(&self, user: &str) -> Maildir {
        maildir(self.dir(), user)
    }

    /// What the server wrote so far to its log and its standard error: logins and refusals, and
    /// in whatever form the server has what each connection came to.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output() + &read_lossy(&self.dir().join("log"))
    }

    pub(crate) fn dir(&self) -> &Path {
        self.process.dir()
    }
}

/// Where a server is to be set up.
pub(crate) struct Ground<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) plain_port: u16,
    /// Free, and nobody's where the server has no TLS.
    pub(crate) tls_port: u16,
}

impl Ground<'_> {
    /// Puts this ground's directory, ports and the given values where `@NAME@` stands.
    pub(crate) fn fill(&self, template: &str, values: &[(&str, &dyn Display)]) -> String {
        let common: [(&str, &dyn Display); 5] = [
            ("DIR", &self.dir.display()),
            ("PLAIN_PORT", &self.plain_port),
            ("TLS_PORT", &self.tls_port),
            ("UID", &MAIL.uid),
            ("GID", &MAIL.gid),
        ];
        common
            .iter()
            .chain(values)
            .fold(template.to_owned(), |text, (name, value)| {
                text.replace(&format!("@{name}@"), &value.to_string())
            })
    }

    /// Writes a file into the directory.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        fs::write(self.dir.join(name), text).doing(|| format!("writing {name}"))
    }

    /// Writes the file `users`: on each line a name, a space and a password.
    pub(crate) fn write_users(&self, users: &[User]) -> Result<(), Error> {
        let lines = users
            .iter()
            .map(|user| format!("{} {}\n", user.name, user.password));
        self.write("users", &lines.collect::<String>())
    }

    /// Gives every user a Maildir with the user's mail.
    pub(crate) fn fill_maildirs(&self, users: &[User]) -> Result<(), Error> {
        users
            .iter()
            .try_for_each(|user| maildir(self.dir, &user.name).fill(&user.mailbox, MAIL))
    }

    /// Gives every user an mbox with the user's mail, `mail/NAME`.
    pub(crate) fn fill_mboxes(&self, users: &[User]) -> Result<(), Error> {
        let dir = self.dir.join("mail");
        fs::create_dir(&dir).doing(|| format!("making {}", dir.display()))?;
        for user in users {
            let file = dir.join(&user.name);
            fs::write(&file, mbox(user.mailbox.messages()))
                .doing(|| format!("writing {}", file.display()))?;
        }
        Ok(())
    }
}

fn maildir(dir: &Path, user: &str) -> Maildir {
    Maildir::at(dir.join("mail").join(user).join("Maildir"))
}

/// Starts a server and waits until it greets. `set_up` writes its configuration and says how it
/// is run; what it returns beside that lives as long as the server. A server without a certificate
/// has no TLS.
pub(crate) fn start<K: Send + Sync + 'static>(
    name: &'static str,
    certificate: Option<ServerCertificate>,
    set_up: impl FnOnce(&Ground<'_>) -> Result<(Vec<OsString>, K), Error>,
) -> Result<Server, Error> {
    let dir = tempfile::Builder::new()
        .prefix(&format!("interop-{}-", name.to_lowercase()))
        // The server's own unprivileged users must reach their files in it.
        .permissions(Permissions::from_mode(0o755))
        .tempdir()
        .doing(|| "making the server's directory".to_owned())?;
    // Clients are given an authority in any case.
    let certificates = Certificates::new(certificate.unwrap_or_default())?;
    certificates.write(dir.path())?;
    let (plain, tls) = (Port::claim()?, Port::claim()?);
    let (command, keep) = set_up(&Ground {
        dir: dir.path(),
        plain_port: plain.number,
        tls_port: tls.number,
    })?;
    let server = Server {
        process: Supervised::start(dir, &command)?,
        plain,
        tls: certificate.map(|_| tls),
        ca_pem: certificates.ca_pem,
        elsewhere: None,
        _keep: Box::new(keep),
    };
    for port in [&server.plain].into_iter().chain(&server.tls) {
        let answers = |port| {
            if port == server.plain.number {
                ports::greets(port)
            } else {
                ports::connect(port).map(|_| true)
            }
        };
        ports::wait_for(port.number, answers, || server.process.is_running()).map_err(|why| {
            Error::NotReady {
                server: name,
                why,
                log: server.log(),
            }
        })?;
    }
    Ok(server)
}
