use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    Error, Maildir, ServerCertificate, Tap, User,
    certificate::Certificates,
    error::Doing,
    maildir::Owner,
    ports,
    process::{Supervised, read_lossy},
};

const PROGRAM: &str = "/usr/sbin/dovecot";
const POP3_SERVICE: &str = "/usr/lib/dovecot/pop3-login";

/// Debian's uid and gid of `mail`, in every installation.
const MAIL: Owner = Owner { uid: 8, gid: 8 };

/// How long a start may take on a machine that is busy with other tests.
const START_WITHIN: Duration = Duration::from_secs(60);

/// How often a start is tried where another process took a port first.
const STARTS: usize = 5;

/// What is said to a login that would send a password without TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClearText {
    /// It may log in.
    #[default]
    Allowed,
    /// It is refused, and CAPA before STLS offers no mechanism for it.
    Refused,
}

/// How a [`Dovecot`] is to be.
#[derive(Clone, Debug, Default)]
pub struct DovecotOptions {
    /// Who may log in, and their mail.
    pub users: Vec<User>,
    /// What the certificate says.
    pub certificate: ServerCertificate,
    /// Whether a login without TLS is accepted.
    pub clear_text: ClearText,
    /// Lines put at the end of the configuration.
    pub extra: String,
}

/// A running Dovecot. Offers USER, APOP, STLS, and the SASL mechanisms PLAIN, LOGIN, CRAM-MD5,
/// SCRAM-SHA-1, SCRAM-SHA-256 and ANONYMOUS.
pub struct Dovecot {
    process: Supervised,
    plain_port: u16,
    tls_port: u16,
    ca_pem: String,
    /// Dovecot takes a client at its own address for secure, whatever it was told of clear text.
    elsewhere: Option<Tap>,
}

impl Dovecot {
    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where the package is not installed; [`Error::NotReady`] with the
    /// server's log where it does not start.
    pub fn start(options: &DovecotOptions) -> Result<Self, Error> {
        for program in [PROGRAM, POP3_SERVICE] {
            if !Path::new(program).exists() {
                return Err(Error::Missing {
                    what: program.to_owned(),
                    remedy: "apt-get install dovecot-pop3d",
                });
            }
        }
        let certificates = Certificates::new(options.certificate)?;
        let mut attempt = 1;
        loop {
            match Self::try_start(options, &certificates) {
                Err(Error::NotReady { log, .. })
                    if log.contains("Address already in use") && attempt < STARTS =>
                {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn try_start(options: &DovecotOptions, certificates: &Certificates) -> Result<Self, Error> {
        let dir = tempfile::Builder::new()
            .prefix("interop-dovecot-")
            // The server's own unprivileged users must reach their files in it.
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .doing(|| "making the server's directory".to_owned())?;
        let [plain_port, tls_port] = ports::free()?;
        // In the greeting, so that whatever else took the port is not mistaken for this server.
        let mark = format!("interop {plain_port} {}", dir.path().display());
        certificates.write(dir.path())?;
        fill(dir.path(), &options.users)?;
        let config = dir.path().join("dovecot.conf");
        let text = configuration(dir.path(), options, &mark, plain_port, tls_port);
        fs::write(&config, text).doing(|| "writing dovecot.conf".to_owned())?;

        let elsewhere = match options.clear_text {
            ClearText::Allowed => None,
            ClearText::Refused => Some(Tap::before(plain_port)?),
        };
        let dovecot = Self {
            process: Supervised::start(
                dir,
                &[
                    PROGRAM.as_ref(),
                    "-F".as_ref(),
                    "-c".as_ref(),
                    config.as_os_str(),
                ],
            )?,
            plain_port,
            tls_port,
            ca_pem: certificates.ca_pem.clone(),
            elsewhere,
        };
        ports::wait_for_greeting(
            plain_port,
            Instant::now() + START_WITHIN,
            |greeting| greeting.contains(&mark),
            || dovecot.process.is_running(),
        )
        .map_err(|why| Error::NotReady {
            server: "Dovecot",
            why,
            log: dovecot.log(),
        })?;
        Ok(dovecot)
    }

    /// The name that the certificate carries.
    #[must_use]
    pub fn host(&self) -> &'static str {
        "localhost"
    }

    /// The port that greets in clear text and offers STLS.
    #[must_use]
    pub fn plain_port(&self) -> u16 {
        self.elsewhere.as_ref().map_or(self.plain_port, Tap::port)
    }

    /// The port of implicit TLS.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The authority that signed the server's certificate.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The user's Maildir on the server.
    #[must_use]
    pub fn maildir(&self, user: &str) -> Maildir {
        Maildir::at(self.process.dir().join("mail").join(user))
    }

    /// What the server logged so far: logins, refusals, and for each connection that ended before
    /// a login how many attempts it made.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output() + &read_lossy(&self.process.dir().join("log"))
    }
}

fn fill(dir: &Path, users: &[User]) -> Result<(), Error> {
    let mut passwords = String::new();
    for user in users {
        Maildir::at(dir.join("mail").join(&user.name)).fill(&user.mailbox, MAIL)?;
        // Colons separate the fields, and {PLAIN} must not be read as a scheme of the password's.
        let _ = writeln!(passwords, "{}:{{PLAIN}}{}::::::", user.name, user.password);
    }
    let file = dir.join("users");
    fs::write(&file, passwords).doing(|| format!("writing {}", file.display()))
}

fn configuration(
    dir: &Path,
    options: &DovecotOptions,
    mark: &str,
    plain_port: u16,
    tls_port: u16,
) -> String {
    let dir = dir.display();
    let disable_plaintext_auth = match options.clear_text {
        ClearText::Allowed => "no",
        ClearText::Refused => "yes",
    };
    let anonymous = options.users.first().map_or("", |user| &user.name);
    let extra = &options.extra;
    format!(
        "base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
protocols = pop3
listen = 127.0.0.1
login_greeting = {mark}
ssl = yes
ssl_cert = <{dir}/server.pem
ssl_key = <{dir}/server.key
disable_plaintext_auth = {disable_plaintext_auth}
auth_mechanisms = plain login cram-md5 apop scram-sha-1 scram-sha-256 anonymous
auth_anonymous_username = {anonymous}
auth_failure_delay = 0
first_valid_uid = {uid}
mail_location = maildir:{dir}/mail/%u
passdb {{
  driver = passwd-file
  args = {dir}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%u
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {plain_port}
  }}
  inet_listener pop3s {{
    port = {tls_port}
    ssl = yes
  }}
}}
protocol pop3 {{
  mail_max_userip_connections = 1000
}}
{extra}
",
        uid = MAIL.uid,
        gid = MAIL.gid,
    )
}
