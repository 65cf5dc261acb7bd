//! Each misbehaviour does what its name says.

use std::io::Read;
use std::time::{Duration, Instant};

use poplib_sandbox::{Builder, Generated, Mailbox, Misbehaviour, Octets, Sandbox};

use crate::common::{Client, alice};

fn start(fault: &str) -> Sandbox {
    alice().misbehave(fault).start().unwrap()
}

/// The octets of a whole session on a server that behaves.
fn transcript(builder: Builder) -> Vec<u8> {
    let sandbox = builder.apop(false).start().unwrap();
    let mut client = Client::connect(sandbox.plain_addr());
    client.send("USER alice\r\nPASS secret\r\nSTAT\r\nRETR 2\r\nUIDL\r\nQUIT\r\n");
    client.rest()
}

#[test]
fn one_byte_writes_and_drip_change_no_octet() {
    let whole = transcript(alice());
    assert!(whole.ends_with(b"+OK bye\r\n"));
    assert_eq!(transcript(alice().misbehave("one-byte-writes")), whole);
    assert_eq!(transcript(alice().misbehave("drip=0")), whole);
}

#[test]
fn a10_answers_can_take_their_time() {
    let sandbox = start("delay=200");
    let mut client = Client::greeted(sandbox.plain_addr());
    let start = Instant::now();
    client.ok("UTF8");
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[test]
fn q08_lf_only_removes_every_cr() {
    let whole = String::from_utf8(transcript(alice())).unwrap();
    let lf_only = String::from_utf8(transcript(alice().misbehave("lf-only"))).unwrap();
    assert_eq!(lf_only, whole.replace("\r\n", "\n"));
}

#[test]
fn cut_after_ends_the_stream_at_every_octet() {
    let whole = transcript(alice());
    for octets in 0..whole.len() {
        let cut = transcript(alice().misbehave(Misbehaviour::CutAfter(octets as u64)));
        assert_eq!(cut, whole[..octets], "cut-after={octets}");
    }
}

#[test]
fn reset_after_ends_in_an_error() {
    let sandbox = start("reset-after=10");
    let mut client = Client::connect(sandbox.plain_addr());
    client.octets(10);
    let error = client.tcp().read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn a10_stalls_last_until_the_client_gives_up() {
    for (fault, commands) in [
        ("stall", ""),
        ("stall=capa", "CAPA\r\n"),
        ("stall=stls", "STLS\r\n"),
        ("stall-after=0", ""),
    ] {
        let sandbox = start(fault);
        let mut client = Client::connect(sandbox.plain_addr());
        if !commands.is_empty() {
            client.line();
            client.send(commands);
        }
        assert!(client.hears_nothing(), "{fault}");
        drop(client);
        assert!(sandbox.wait_ended(1, Duration::from_secs(20)), "{fault}");
    }
}

#[test]
fn a10_a_stalled_handshake_is_never_answered() {
    let sandbox = start("stall=tls");
    let mut client = Client::greeted(sandbox.plain_addr());
    client.ok("STLS");
    client.send([0x16, 3, 1]);
    assert!(client.hears_nothing());
}

#[test]
fn a01_text_is_injected_behind_the_answer_to_stls() {
    for fault in [
        "inject-before-tls=+OK evil\\r\\n",
        "inject-before-tls-split=+OK evil\\r\\n",
    ] {
        let sandbox = start(fault);
        let mut client = Client::greeted(sandbox.plain_addr());
        client.ok("STLS");
        assert_eq!(client.line(), "+OK evil\r\n");
        assert!(client.hears_nothing());
    }
}

#[test]
fn q05_capa_can_be_unknown() {
    let sandbox = start("no-capa");
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    client.err("CAPA");
    client.ok("STAT");
}

#[test]
fn one_message_can_be_unreadable() {
    let sandbox = start("err-on-retr=2");
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    client.body("RETR 1");
    client.err("RETR 2");
    client.body("RETR 3");
    assert!(sandbox.retrievals("alice").unwrap().len() == 2);
}

#[test]
fn a_body_can_be_cut_in_one_session_only() {
    let sandbox = start("cut-in-body=3:10@1");
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    client.ok("RETR 3");
    assert_eq!(client.rest(), b"Subject: t");
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    assert!(client.body("RETR 3").ends_with("3\r\n"));
}

#[test]
fn a_body_can_stall() {
    let sandbox = start("stall-in-body=1:10");
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    client.ok("RETR 1");
    assert_eq!(client.octets(10), b"Subject: o");
    assert!(client.hears_nothing());
    drop(client);
    Client::logged_in(&sandbox, "alice", "secret");
}

#[test]
fn a_huge_message_can_be_cut_deep_inside() {
    let mailbox = Mailbox::generated(Generated {
        seed: 1,
        messages: 1,
        octets: Octets::Exactly(1 << 34),
    });
    let sandbox = Sandbox::builder()
        .mailbox("alice", "secret", mailbox)
        .misbehave("cut-in-body=1:10000000")
        .start()
        .unwrap();
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    assert_eq!(client.ok("LIST 1"), "1 17179869184");
    client.ok("RETR 1");
    assert_eq!(client.rest().len(), 10_000_000);
}
