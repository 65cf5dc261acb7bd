use crate::{Dovecot, Error, Server, ServerCertificate, User, rig::jail, server};

/// perdition from Debian's package of that name, to be started, with a Dovecot behind.
///
/// It offers USER and STLS. Login over, it passes octets on, so that everything else is Dovecot's,
/// its capabilities included.
#[derive(Clone, Debug, Default)]
pub struct Perdition {
    /// Who may log in, and their mail.
    pub users: Vec<User>,
    /// What the certificate says.
    pub certificate: ServerCertificate,
}

impl Perdition {
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
        server::start("perdition", Some(self.certificate), |ground| {
            let script = ground.fill(
                include_str!("perdition/start.sh"),
                &[("BACK_END_PORT", &back_end.plain_port())],
            );
            let (command, log) = jail::command("perdition", ground.dir, &script)?;
            Ok((command, (log, back_end)))
        })
    }
}
