//! The core runs under a runtime that this crate knows nothing of.
#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

#[allow(dead_code, reason = "main is what cargo runs")]
#[path = "../examples/smol.rs"]
mod example;

use poplib_sandbox::{Mailbox, Sandbox};

#[test]
fn smol_fetches_a_mailbox_octet_by_octet() {
    let mail: [&[u8]; 3] = [b"one\r\n", b"..two\r\n.\r\n", b""];
    let sandbox = Sandbox::builder()
        .mailbox(
            "alice",
            "secret",
            Mailbox::messages(mail.map(<[u8]>::to_vec)),
        )
        .misbehave("one-byte-writes")
        .start()
        .unwrap();
    let address = sandbox.plain_addr().to_string();
    let fetched = smol::block_on(example::fetch(&address, "alice", "secret")).unwrap();
    assert_eq!(fetched, mail);
    let refused = smol::block_on(example::fetch(&address, "alice", "wrong"));
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("PASS was refused")
    );
}
