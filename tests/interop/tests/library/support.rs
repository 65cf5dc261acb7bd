//! What both faces need and neither awaits.

use interop::{Dovecot, Mailbox, Server, User};
use poplib::{Config, Security, Tls, sasl::Method};

/// Alice and her mail.
pub(crate) fn alice(mailbox: &Mailbox) -> Vec<User> {
    vec![User::new("alice", "secret").with(mailbox)]
}

/// A Dovecot with Alice's mail.
pub(crate) fn dovecot(mailbox: &Mailbox) -> Server {
    Dovecot {
        users: alice(mailbox),
        ..Dovecot::default()
    }
    .start()
    .unwrap()
}

/// Implicit TLS, the server's authority trusted.
pub(crate) fn implicit_tls(server: &Server) -> Config {
    Config::new(server.host())
        .with_port(server.tls_port())
        .with_tls(trust(server))
}

/// STLS, the server's authority trusted.
pub(crate) fn stls(server: &Server) -> Config {
    implicit_tls(server)
        .with_port(server.plain_port())
        .with_security(Security::Stls)
}

/// No TLS at all.
pub(crate) fn plaintext(server: &Server) -> Config {
    stls(server)
        .with_security(Security::Plaintext)
        .with_plaintext_credentials()
}

/// The same, with one way to log in.
pub(crate) fn only(config: Config, method: Method) -> Config {
    let mut policy = config.login_policy().clone();
    policy.only = Some(method);
    config.with_login_policy(policy)
}

pub(crate) fn trust(server: &Server) -> Tls {
    Tls::with_authorities(server.ca_pem().as_bytes()).unwrap()
}
