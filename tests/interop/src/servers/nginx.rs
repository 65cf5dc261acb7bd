use crate::{
    Dovecot, Error, Server, ServerCertificate, User,
    rig::{jail, ports::Port},
    server,
};

/// The mail proxy of nginx from Debian's `libnginx-mod-mail`, to be started, with a Dovecot behind.
///
/// It offers USER, APOP, PLAIN, LOGIN, CRAM-MD5 and STLS. Login over, it passes octets on, so
/// that everything else is Dovecot's, its capabilities included.
#[derive(Clone, Debug, Default)]
pub struct Nginx {
    /// Who may log in, and their mail.
    pub users: Vec<User>,
    /// What the certificate says.
    pub certificate: ServerCertificate,
}

impl Nginx {
    /// Starts both servers and waits until they answer.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where `tests/interop/prepare` has not run; [`Error::NotReady`] with the
    /// server's log where it does not start.
    pub fn start(&self) -> Result<Server, Error> {
        let back_end = Dovecot {
            users: self.users.clone(),
            ..Dovecot::default()
        }
        .start()?;
        let auth = Port::claim()?;
        server::start("nginx", Some(self.certificate), |ground| {
            ground.write_users(&self.users)?;
            ground.write("auth.py", include_str!("nginx/auth.py"))?;
            let fill = |template| {
                ground.fill(
                    template,
                    &[
                        ("AUTH_PORT", &auth.number),
                        ("BACK_END_PORT", &back_end.plain_port()),
                    ],
                )
            };
            ground.write("nginx.conf", &fill(include_str!("nginx/nginx.conf")))?;
            let script = fill(include_str!("nginx/start.sh"));
            let (command, log) = jail::command("nginx", ground.dir, &script)?;
            Ok((command, (log, back_end, auth)))
        })
    }
}
