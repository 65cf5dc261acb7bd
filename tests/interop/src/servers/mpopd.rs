use std::path::Path;

use crate::{Error, Server, User, server};

const PROGRAM: &str = "/usr/bin/mpopd";

/// mpopd from Debian's `mpop`, to be started.
///
/// It offers USER and UIDL, has neither TOP nor TLS, and closes the connection when a second
/// command comes with the first.
#[derive(Clone, Debug, Default)]
pub struct Mpopd {
    /// Who may log in, and their mail.
    pub users: Vec<User>,
}

impl Mpopd {
    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where the package is not installed; [`Error::NotReady`] with the
    /// server's log where it does not start.
    pub fn start(&self) -> Result<Server, Error> {
        if !Path::new(PROGRAM).exists() {
            return Err(Error::Missing {
                what: PROGRAM.to_owned(),
                remedy: "apt-get install mpop",
            });
        }
        server::start("mpopd", None, |ground| {
            ground.fill_maildirs(&self.users)?;
            ground.write_users(&self.users)?;
            let dir = ground.dir.display();
            let mut command = vec![
                PROGRAM.to_owned(),
                format!("--port={}", ground.plain_port),
                format!("--log={dir}/log"),
            ];
            for User { name, .. } in &self.users {
                command.push(format!("--auth={name},sed -n 's/^{name} //p' {dir}/users"));
                command.push(format!("--maildir={dir}/mail/{name}/Maildir"));
            }
            Ok((command.into_iter().map(Into::into).collect(), ()))
        })
    }
}
