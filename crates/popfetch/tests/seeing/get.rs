//! `popfetch get`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use poplib_sandbox::Mailbox;

use crate::support::{Rig, five, head, masked, names, ran};

fn get(rig: &Rig, options: &[&str]) -> Command {
    let mut command = rig.ask(&["get"]);
    command.args(options);
    command
}

/// As the sandbox sends it.
fn with_crlf(message: &[u8]) -> Vec<u8> {
    let mut sent = Vec::new();
    for &octet in message {
        if octet == b'\n' {
            sent.push(b'\r');
        }
        sent.push(octet);
    }
    sent
}

#[test]
fn messages_come_by_number_and_by_unique_id() {
    let rig = Rig::five(&[]);
    let listed = ran(rig.ask(&["list", "--quiet"]).args(["--state", "none"]))
        .expect(0)
        .out;
    let unique_id = listed
        .lines()
        .nth(3)
        .unwrap()
        .split_whitespace()
        .last()
        .unwrap();
    let out = get(&rig, &["2", unique_id]).output().unwrap();
    assert!(out.status.success());
    assert_eq!(out.stdout, [five()[1].clone(), five()[3].clone()].concat());
    let raw = get(&rig, &["--raw", "4"]).output().unwrap();
    assert_eq!(raw.stdout, with_crlf(&five()[3]));
}

#[test]
fn a14_a_unique_id_can_be_given_as_it_is_shown() {
    let rig = Rig::five(&["answer=UIDL:+OK\r\n1 7\r\n3 a\x1b[2J\r\n.\r\n"]);
    let out = get(&rig, &[r"a\x1b[2J", "uid:7"]).output().unwrap();
    assert_eq!(out.stdout, [five()[2].clone(), five()[0].clone()].concat());
}

#[test]
fn files_are_private_whole_and_never_replaced_unasked() {
    let rig = Rig::five(&[]);
    ran(&mut get(&rig, &["3", "--output", "three.eml"])).expect(0);
    let path = rig.path("three.eml");
    assert_eq!(fs::read(&path).unwrap(), five()[2]);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let again = ran(&mut get(&rig, &["1", "--output", "three.eml"])).expect(73);
    insta::assert_snapshot!("exists", again.err);
    assert_eq!(fs::read(&path).unwrap(), five()[2]);
    ran(&mut get(&rig, &["1", "--output", "three.eml", "--force"])).expect(0);
    assert_eq!(fs::read(&path).unwrap(), five()[0]);

    fs::create_dir(rig.path("several")).unwrap();
    let json = ran(&mut get(
        &rig,
        &["1", "2", "--output", "several", "--json", "--raw"],
    ))
    .expect(0);
    insta::assert_snapshot!("json", masked(&rig, &json.out));
    assert_eq!(
        fs::read(rig.path("several/2.eml")).unwrap(),
        with_crlf(&five()[1])
    );
}

#[test]
fn a_message_that_breaks_off_leaves_no_file() {
    let rig = Rig::five(&["cut-in-body=3:1000"]);
    fs::write(rig.path("old.eml"), "old").unwrap();
    let before = names(&rig.path(""));
    ran(&mut get(&rig, &["3", "--output", "new.eml"])).expect(75);
    ran(&mut get(&rig, &["3", "--output", "old.eml", "--force"])).expect(75);
    assert_eq!(names(&rig.path("")), before);
    assert_eq!(fs::read(rig.path("old.eml")).unwrap(), b"old");
}

#[test]
fn what_is_not_there() {
    let rig = Rig::five(&[]);
    let number = ran(&mut get(&rig, &["9"])).expect(66);
    insta::assert_snapshot!("no-such-number", number.err);
    let unique_id = ran(&mut get(&rig, &["\x1b[2J"])).expect(66);
    insta::assert_snapshot!("no-such-unique-id", unique_id.err);
}

#[test]
fn standard_output_takes_either_messages_or_events() {
    let rig = Rig::five(&[]);
    insta::assert_snapshot!(
        "json-on-stdout",
        ran(&mut get(&rig, &["1", "--json"])).expect(64).err
    );
    assert_eq!(rig.sandbox.sessions().len(), 0);
}

#[test]
fn p10_nothing_is_deleted_even_where_quit_deletes_what_was_retrieved() {
    let rig = Rig::five(&["delete-retrieved"]);
    ran(&mut get(&rig, &["1"])).expect(0);
    assert_eq!(rig.left(), 5);
    let lines = rig.sandbox.sessions()[0].lines();
    assert!(!lines.iter().any(|line| line == "QUIT"), "{lines:?}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let large = [
        b"Subject: large\n\n".to_vec(),
        b"0123456789abcde\n".repeat(1 << 18),
    ]
    .concat();
    let rig = Rig::new(Mailbox::messages([large]));
    assert_eq!(head(&get(&rig, &["1"])), "Subject: large\n");
}
