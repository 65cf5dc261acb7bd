//! Servers, configurations and ears that both faces' tests use.

pub(crate) mod front;
pub(crate) mod memory;
pub(crate) mod trace;
pub(crate) mod wire;

use std::time::Duration;

use poplib::{Config, Security, Timeouts, Tls};
use poplib_sandbox::{Builder, Mailbox, Sandbox};

/// The sandbox's user, and a password that must be seen nowhere.
pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "s3nt1nel-p4ssw0rd";

/// The sandbox's messages, with LF line ends. The second has lines that begin with dots.
pub(crate) const MESSAGES: [&str; 3] = [
    "Subject: one\n\nfirst line\nsecond line\n",
    "Subject: dots\n\n.\n..\n.x\nend\n",
    "Subject: three\n\nlast\n",
];

/// A message as a client gets it.
pub(crate) fn message(number: usize) -> Vec<u8> {
    MESSAGES[number - 1].replace('\n', "\r\n").into_bytes()
}

/// A server with one user and three messages.
pub(crate) fn sandbox() -> Builder {
    Sandbox::builder().mailbox(
        USER,
        PASSWORD,
        Mailbox::messages(MESSAGES).unique_ids(["uid-1", "uid-2", "uid-3"]),
    )
}

pub(crate) fn started(builder: Builder) -> Sandbox {
    builder.start().unwrap()
}

/// Its plain port, with credentials allowed in clear.
pub(crate) fn plaintext(sandbox: &Sandbox) -> Config {
    Config::new(sandbox.host())
        .with_port(sandbox.plain_addr().port())
        .with_security(Security::Plaintext)
        .with_plaintext_credentials()
        .with_timeouts(patient())
}

/// Its TLS port, with its CA trusted.
pub(crate) fn implicit_tls(sandbox: &Sandbox) -> Config {
    Config::new(sandbox.host())
        .with_port(sandbox.tls_addr().port())
        .with_tls(trusting(sandbox))
        .with_timeouts(patient())
}

/// Its plain port, with STLS demanded and its CA trusted.
pub(crate) fn stls(sandbox: &Sandbox) -> Config {
    implicit_tls(sandbox)
        .with_port(sandbox.plain_addr().port())
        .with_security(Security::Stls)
}

pub(crate) fn trusting(sandbox: &Sandbox) -> Tls {
    Tls::with_authorities(sandbox.ca_pem().as_bytes()).unwrap()
}

/// For streams in memory: no TLS, credentials allowed.
pub(crate) fn in_memory() -> Config {
    Config::new("pop.example.org")
        .with_security(Security::Plaintext)
        .with_plaintext_credentials()
        .with_timeouts(patient())
}

/// Longer than any test takes on a busy machine, and an end to one that hangs.
pub(crate) fn patient() -> Timeouts {
    let mut timeouts = Timeouts::each(Duration::from_secs(60));
    timeouts.session = Some(Duration::from_secs(120));
    timeouts
}

/// What the only session of a sandbox received, once it has ended.
pub(crate) fn received(sandbox: &Sandbox) -> String {
    let ended = sandbox.wait_ended(1, Duration::from_secs(60));
    assert!(ended, "the session has not ended");
    let sessions = sandbox.sessions();
    assert_eq!(sessions.len(), 1);
    String::from_utf8_lossy(&sessions[0].received()).into_owned()
}
