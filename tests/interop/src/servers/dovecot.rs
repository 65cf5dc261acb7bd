use std::{fmt::Write as _, path::Path};

use crate::{
    Error, Server, ServerCertificate, Tap, User,
    server::{self, Ground},
};

const PROGRAM: &str = "/usr/sbin/dovecot";
const POP3_SERVICE: &str = "/usr/lib/dovecot/pop3-login";

/// Dovecot from Debian's `dovecot-pop3d`, to be started.
///
/// It offers USER, APOP, STLS, PIPELINING, and the SASL mechanisms PLAIN, LOGIN, CRAM-MD5,
/// DIGEST-MD5, SCRAM-SHA-1, SCRAM-SHA-256 and ANONYMOUS, which logs in as the first user.
#[derive(Clone, Debug, Default)]
pub struct Dovecot {
    /// Who may log in, and their mail.
    pub users: Vec<User>,
    /// What the certificate says.
    pub certificate: ServerCertificate,
    /// Whether a login without TLS is accepted.
    pub clear_text: ClearText,
    /// [`OauthServer::url`](crate::OauthServer::url) of a server whose tokens XOAUTH2 and
    /// OAUTHBEARER, offered then, accept.
    pub oauth: Option<String>,
    /// [`ClientCertificate::ca_pem`](crate::ClientCertificate::ca_pem) of an authority. Whoever
    /// shows a certificate of its may log in by EXTERNAL, offered then, as its common name.
    pub clients: Option<String>,
    /// Lines put at the end of the configuration.
    pub extra: String,
}

/// What is said to a login that would send a password without TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClearText {
    /// It may log in.
    #[default]
    Allowed,
    /// It is refused, and CAPA before STLS offers no mechanism for it.
    Refused,
    /// There is no TLS: STLS is not offered, and both ports speak in clear text.
    Only,
}

impl Dovecot {
    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where the package is not installed; [`Error::NotReady`] with the
    /// server's log where it does not start.
    pub fn start(&self) -> Result<Server, Error> {
        for program in [PROGRAM, POP3_SERVICE] {
            if !Path::new(program).exists() {
                return Err(Error::Missing {
                    what: program.to_owned(),
                    remedy: "apt-get install dovecot-pop3d",
                });
            }
        }
        let mut server = server::start("Dovecot", Some(self.certificate), |ground| {
            self.set_up(ground)?;
            let config = ground.dir.join("dovecot.conf").into();
            Ok((vec![PROGRAM.into(), "-F".into(), "-c".into(), config], ()))
        })?;
        if self.clear_text == ClearText::Refused {
            // Dovecot takes a client at its own address for secure, whatever it was told.
            server.elsewhere = Some(Tap::before(server.plain_port())?);
        }
        Ok(server)
    }

    fn set_up(&self, ground: &Ground<'_>) -> Result<(), Error> {
        ground.fill_maildirs(&self.users)?;
        let mut passwords = String::new();
        for user in &self.users {
            let _ = writeln!(passwords, "{}:{{PLAIN}}{}::::::", user.name, user.password);
        }
        ground.write("users", &passwords)?;

        let mut extra = self.extra.clone();
        if let Some(oauth) = &self.oauth {
            let template = include_str!("dovecot/oauth2.conf");
            ground.write("oauth2.conf", &ground.fill(template, &[("OAUTH", oauth)]))?;
            extra += &ground.fill(include_str!("dovecot/oauth2-passdb.conf"), &[]);
        }
        if let Some(authority) = &self.clients {
            ground.write("clients.pem", authority)?;
            extra += &ground.fill(include_str!("dovecot/external.conf"), &[]);
        }
        let config = ground.fill(
            include_str!("dovecot/dovecot.conf"),
            &[
                (
                    "DISABLE_PLAINTEXT_AUTH",
                    match self.clear_text {
                        ClearText::Allowed | ClearText::Only => &"no",
                        ClearText::Refused => &"yes",
                    },
                ),
                (
                    "SSL",
                    match self.clear_text {
                        ClearText::Allowed | ClearText::Refused => &"yes",
                        ClearText::Only => &"no",
                    },
                ),
                (
                    "OAUTH_MECHANISMS",
                    match self.oauth {
                        Some(_) => &" xoauth2 oauthbearer",
                        None => &"",
                    },
                ),
                (
                    "ANONYMOUS",
                    match self.users.first() {
                        Some(user) => &user.name,
                        None => &"",
                    },
                ),
                ("EXTRA", &extra),
            ],
        );
        ground.write("dovecot.conf", &config)
    }
}
