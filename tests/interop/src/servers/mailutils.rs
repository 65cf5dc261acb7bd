use crate::{Error, Server, ServerCertificate, User, rig::jail, server};

/// GNU Mailutils' pop3d from Debian's `mailutils-pop3d`, to be started.
///
/// It offers USER, APOP, STLS and PIPELINING, and keeps its mail in mboxes. It writes header lines
/// of its own into each message, which LIST counts in one session and not in another.
#[derive(Clone, Debug, Default)]
pub struct Mailutils {
    /// Who may log in, and their mail.
    pub users: Vec<User>,
    /// What the certificate says.
    pub certificate: ServerCertificate,
}

impl Mailutils {
    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where `tests/interop/prepare` has not run; [`Error::NotReady`] with the
    /// server's log where it does not start.
    pub fn start(&self) -> Result<Server, Error> {
        server::start("Mailutils", Some(self.certificate), |ground| {
            ground.fill_mboxes(&self.users)?;
            ground.write_users(&self.users)?;
            for (name, template) in [
                ("spool.sh", include_str!("spool.sh")),
                ("pop3d.conf", include_str!("mailutils/pop3d.conf")),
            ] {
                ground.write(name, &ground.fill(template, &[]))?;
            }
            jail::command("mailutils", ground.dir, include_str!("mailutils/start.sh"))
        })
    }
}
