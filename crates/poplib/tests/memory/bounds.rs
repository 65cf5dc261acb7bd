//! What no server can make the client exceed.

use poplib::{Config, Credentials, Limits, Security};
use poplib_sandbox::{Generated, Mailbox, Sandbox};

use super::{Client, Session};
use crate::{MIB, Peak};

/// A server with one message of so many octets, and a misbehaviour.
fn server(octets: u64, fault: &str) -> Sandbox {
    let mailbox = Mailbox::generated(Generated {
        seed: 7,
        messages: 1,
        octets: octets.into(),
    });
    let builder = Sandbox::builder().mailbox("me", "secret", mailbox);
    builder.misbehave(fault).record_up_to(0).start().unwrap()
}

fn config(sandbox: &Sandbox) -> Config {
    let mut limits = Limits::default();
    limits.listing_octets = 1 << 20;
    Config::new("localhost")
        .with_port(sandbox.plain_addr().port())
        .with_security(Security::Plaintext)
        .with_plaintext_credentials()
        .with_limits(limits)
        .unwrap()
}

function! {
    fn session(sandbox: &Sandbox) -> Session {
        let mut client = go!(Client::connect(&config(sandbox))).unwrap();
        go!(client.user("me")).unwrap();
        go!(client.pass("secret")).unwrap()
    }
}

bound! { a07_an_endless_line {
    let sandbox = server(1000, "endless-line=stat");
    let mut session = go!(session(&sandbox));
    let peak = Peak::measure();
    let error = go!(session.stat()).unwrap_err();
    assert!(error.to_string().contains("a line over the limit"), "{error}");
    peak.assert_below(4 * MIB);
}}

bound! { a07_an_endless_listing {
    for command in ["list", "uidl"] {
        let sandbox = server(1000, &format!("endless-lines={command}"));
        let mut session = go!(session(&sandbox));
        let peak = Peak::measure();
        let error = match command {
            "list" => go!(session.list()).unwrap_err(),
            _ => go!(session.uidl()).unwrap_err(),
        };
        assert!(error.to_string().contains("an answer over the limit"), "{error}");
        peak.assert_below(8 * MIB);
    }
}}

bound! { a07_an_endless_list_of_capabilities {
    let sandbox = server(1000, "endless-lines=capa");
    let mut client = go!(Client::connect(&config(&sandbox))).unwrap();
    let peak = Peak::measure();
    let error = go!(client.capa()).unwrap_err();
    assert!(error.to_string().contains("an answer over the limit"), "{error}");
    peak.assert_below(4 * MIB);
}}

bound! { a07_an_endless_challenge {
    let sandbox = server(1000, "endless-challenge");
    let client = go!(Client::connect(&config(&sandbox))).unwrap();
    let peak = Peak::measure();
    let refused = go!(client.login(&Credentials::password("me", "secret"))).unwrap_err();
    assert!(refused.client.is_none());
    peak.assert_below(4 * MIB);
}}

bound! { a07_an_endless_message_streams {
    let octets = 64 * MIB;
    let sandbox = server(octets, "lf-only@2-");
    let mut session = go!(session(&sandbox));
    let peak = Peak::measure();
    let mut body = go!(session.retr(1)).unwrap();
    let mut read = 0;
    while let Some(chunk) = go!(body.chunk()).unwrap() {
        read += chunk.len() as u64;
    }
    assert_eq!(read, octets);
    peak.assert_below(8 * MIB);
}}

bound! { a07_a_message_that_nobody_reads_is_skipped_without_being_kept {
    let sandbox = server(64 * MIB, "lf-only@2-");
    let mut session = go!(session(&sandbox));
    let peak = Peak::measure();
    drop(go!(session.retr(1)).unwrap());
    assert_eq!(go!(session.stat()).unwrap().messages, 1);
    peak.assert_below(8 * MIB);
}}
