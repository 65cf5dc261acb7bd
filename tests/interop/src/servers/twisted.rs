use crate::{Error, Server, ServerCertificate, User, rig::prepared::prepared, server};

/// Twisted's POP3 protocol from PyPI, to be started.
///
/// It offers USER and CRAM-MD5 and spells PIPELINING otherwise. TLS it has on its own port only,
/// and the APOP that its greeting offers never succeeds.
#[derive(Clone, Debug, Default)]
pub struct Twisted {
    /// Who may log in, and their mail.
    pub users: Vec<User>,
    /// What the certificate says.
    pub certificate: ServerCertificate,
}

impl Twisted {
    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where `tests/interop/prepare` has not run; [`Error::NotReady`] with the
    /// server's log where it does not start.
    pub fn start(&self) -> Result<Server, Error> {
        let python = prepared("twisted")?.join("bin/python");
        server::start("Twisted", Some(self.certificate), |ground| {
            ground.fill_maildirs(&self.users)?;
            ground.write_users(&self.users)?;
            ground.write("server.py", include_str!("twisted/server.py"))?;
            let plain = format!("tcp:{}:interface=127.0.0.1", ground.plain_port);
            let tls = format!(
                "ssl:{}:interface=127.0.0.1:privateKey=server.key:certKey=server.pem",
                ground.tls_port
            );
            let command = [
                "env".into(),
                "--chdir".into(),
                ground.dir.into(),
                python.into(),
                "server.py".into(),
                plain.into(),
                tls.into(),
            ];
            Ok((command.into(), ()))
        })
    }
}
