use crate::{Error, Server, User, rig::jail, server};

/// popa3d from Debian's package of that name, to be started.
///
/// It knows the commands of RFC 1939 without APOP, and nothing else: no CAPA, no TLS, no words in
/// its answers. It keeps its mail in mboxes.
#[derive(Clone, Debug, Default)]
pub struct Popa3d {
    /// Who may log in, and their mail.
    pub users: Vec<User>,
}

impl Popa3d {
    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where `tests/interop/prepare` has not run; [`Error::NotReady`] with the
    /// server's log where it does not start.
    pub fn start(&self) -> Result<Server, Error> {
        server::start("popa3d", None, |ground| {
            ground.fill_mboxes(&self.users)?;
            ground.write_users(&self.users)?;
            ground.write("spool.sh", &ground.fill(include_str!("spool.sh"), &[]))?;
            ground.write("inetd.py", include_str!("popa3d/inetd.py"))?;
            let script = ground.fill(include_str!("popa3d/start.sh"), &[]);
            jail::command("popa3d", ground.dir, &script)
        })
    }
}
