//! `popfetch list`.

use std::process::Command;

use poplib_sandbox::{Generated, Mailbox};

use crate::support::{Rig, head, masked, ran};

/// Headers as people write them, and as those do who mean harm.
fn mail() -> Mailbox {
    Mailbox::messages([
        &b"From: =?utf-8?q?J=C3=BCrgen_M=C3=BCller?= <j@example.org>\n\
           Date: Fri, 2 Jan 2026 09:05:00 +0100\n\
           Subject: =?utf-8?b?R3LDvMOfZSDwn5C7?=\n\nhello\n"[..],
        b"From: ada@example.org\nSubject: \x1b]0;owned\x07\x1b[2J =?utf-8?q?=E2=80=AEgpj=2Eexe?=\n\n",
        b"no header at all\n",
    ])
}

fn list(rig: &Rig, options: &[&str]) -> Command {
    let mut command = rig.ask(&["list"]);
    command
        .arg("--state")
        .arg(rig.path("state.db"))
        .args(options);
    command
}

#[test]
fn it_shows_numbers_octets_states_and_unique_ids() {
    let rig = Rig::new(mail());
    rig.misbehave(&["err-on-retr=3"]);
    rig.run(&[]).expect(75);
    rig.misbehave(&[]);
    rig.sandbox.deliver("alice", "Subject: new\n\n").unwrap();
    let mut plain = list(&rig, &[]);
    insta::assert_snapshot!("plain", ran(&mut plain).expect(0).out);
    insta::assert_snapshot!("quiet", ran(plain.arg("-q")).expect(0).out);
    let json = ran(&mut list(&rig, &["--json"])).expect(0).out;
    insta::assert_snapshot!("json", masked(&rig, &json));
}

#[test]
fn a14_headers_are_decoded_and_move_nothing() {
    let rig = Rig::new(mail());
    let people = ran(&mut list(&rig, &["--headers"])).expect(0).out;
    insta::assert_snapshot!("headers", people);
    let programs = ran(&mut list(&rig, &["--headers", "--json"])).expect(0).out;
    insta::assert_snapshot!("headers-json", masked(&rig, &programs));
    for text in [people, programs] {
        assert!(!text.contains(['\x1b', '\x07', '\u{202e}']), "{text}");
    }
}

#[test]
fn a14_a_unique_id_moves_nothing() {
    let rig = Rig::new(mail());
    rig.misbehave(&["answer=UIDL:+OK\r\n1 a\x1b[2J\r\n2 \u{202e}b\r\n3 \u{9b}c\r\n.\r\n"]);
    for option in ["--quiet", "--json"] {
        let out = ran(&mut list(&rig, &[option])).expect(0).out;
        assert!(
            out.contains("a\\x1b[2J") || out.contains("a\\\\x1b[2J"),
            "{out}"
        );
        assert!(!out.contains(['\x1b', '\u{202e}', '\u{9b}']), "{out}");
    }
}

#[test]
fn a14_a_refusal_of_top_moves_nothing_and_stops_nobody() {
    let rig = Rig::new(mail());
    rig.misbehave(&["answer=TOP:-ERR \x1b[31m\u{202e}no\r\n"]);
    let out = ran(&mut list(&rig, &["--headers"])).expect(0).out;
    assert_eq!(
        out.matches(r"(-ERR \x1b[31m\u{202e}no)").count(),
        3,
        "{out}"
    );
}

#[test]
fn it_changes_nothing() {
    let rig = Rig::five(&[]);
    ran(&mut list(&rig, &["--headers"])).expect(0);
    assert!(!rig.path("state.db").exists());
    assert_eq!(rig.left(), 5);
    let lines = rig.sandbox.sessions()[0].lines();
    assert_eq!(lines.last().map(String::as_str), Some("QUIT"));
    assert!(!lines.iter().any(|line| line.starts_with("DELE")));
}

#[test]
fn options_that_deliver_are_understood() {
    let rig = Rig::five(&[]);
    ran(&mut list(&rig, &["--maildir", "mail", "--keep", "none"])).expect(0);
    assert!(!rig.path("mail").exists());
    assert_eq!(rig.left(), 5);
}

#[test]
fn an_empty_maildrop() {
    let rig = Rig::new(Mailbox::empty());
    let out = ran(&mut list(&rig, &["--headers"])).expect(0).out;
    assert_eq!(out, "no messages on the server\n");
    let programs = ran(&mut list(&rig, &["--json"])).expect(0).out;
    assert!(!programs.contains("listed"), "{programs}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let rig = Rig::new(Mailbox::generated(Generated {
        seed: 1,
        messages: 3_000,
        octets: 1_000.into(),
    }));
    for options in [&["--headers"][..], &["--json"], &[]] {
        let lines = head(&list(&rig, options));
        assert_eq!(lines.lines().count(), 1, "{options:?}: {lines}");
        assert!(!lines.contains("error"), "{options:?}: {lines}");
    }
}
