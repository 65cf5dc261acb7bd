//! The programs in `examples/` that were written from the documentation alone do what they say.
//! `subjects.rs` has its tests in itself.
#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

#[cfg(feature = "tokio")]
mod accounts;
mod batch;
mod oauth;
mod sync;
mod tunnel;

use poplib::{Config, Credentials, Tls};
use poplib_sandbox::{Builder, Mailbox, Sandbox};

const MESSAGES: [&str; 3] = [
    "Subject: one\n\n",
    "Subject: two\n\n.\n",
    "Subject: three\n\n",
];

/// A server on which Alice has three messages, and how to reach it.
fn server(builder: Builder) -> (Sandbox, Config) {
    let mailbox = Mailbox::messages(MESSAGES).unique_ids(["a/1", "a/2", "a/3"]);
    let server = builder.mailbox("alice", "secret", mailbox).start().unwrap();
    let config = reached(&server);
    (server, config)
}

fn reached(server: &Sandbox) -> Config {
    Config::new(server.host())
        .with_port(server.tls_addr().port())
        .with_tls(Tls::with_authorities(server.ca_pem().as_bytes()).unwrap())
}

fn alice() -> Credentials {
    Credentials::password("alice", "secret")
}

fn message(number: usize) -> String {
    MESSAGES[number - 1].replace('\n', "\r\n")
}
