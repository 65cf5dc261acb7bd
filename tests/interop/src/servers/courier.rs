use crate::{Error, Server, ServerCertificate, User, rig::jail, server};

/// Courier from Debian's `courier-pop`, to be started.
///
/// It is the only server that offers `UTF8 USER` (RFC 6856). It has no APOP and no response codes,
/// offers PLAIN, LOGIN, CRAM-MD5 and CRAM-SHA256, and puts CR before every LF of a message, also
/// before one that has its CR already.
#[derive(Clone, Debug, Default)]
pub struct Courier {
    /// Who may log in, and their mail.
    pub users: Vec<User>,
    /// What the certificate says.
    pub certificate: ServerCertificate,
}

impl Courier {
    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where `tests/interop/prepare` has not run; [`Error::NotReady`] with the
    /// server's log where it does not start.
    pub fn start(&self) -> Result<Server, Error> {
        server::start("Courier", Some(self.certificate), |ground| {
            ground.fill_maildirs(&self.users)?;
            ground.write_users(&self.users)?;
            let script = ground.fill(include_str!("courier/start.sh"), &[]);
            jail::command("courier", ground.dir, &script)
        })
    }
}
