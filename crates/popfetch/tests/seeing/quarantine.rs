//! `popfetch quarantine`.

use poplib_sandbox::Mailbox;

use crate::support::{Rig, masked, ran};

/// A maildrop of two messages, of which the second was given up, with words that mean harm.
fn given_up() -> Rig {
    let rig = Rig::new(Mailbox::messages(["Subject: one\n\n"]));
    rig.run(&[]).expect(0);
    rig.sandbox.deliver("alice", "Subject: two\n\n").unwrap();
    rig.misbehave(&["answer=RETR:-ERR \x1b[31m\u{202e}no\r\n"]);
    for _ in 0..3 {
        rig.run(&["--keep", "none"]).expect(75);
        rig.pass_hours(1);
    }
    rig.sandbox.set_faults([]);
    rig
}

/// What the command prints on standard output, and on standard error after it.
fn quarantine(rig: &Rig, options: &[&str], status: i32) -> String {
    let arguments = [&["quarantine"], options].concat();
    let ran = ran(&mut rig.with_state(&arguments)).expect(status);
    masked(rig, &(ran.out + &ran.err))
}

/// The unique-id of the one that was given up.
fn unique_id(rig: &Rig) -> String {
    let list = quarantine(rig, &["list"], 0);
    let line = list.lines().nth(1).unwrap();
    line.trim().split(',').next().unwrap().into()
}

#[test]
fn a14_it_shows_what_was_given_up_and_why() {
    let rig = given_up();
    let (people, programs) = (
        quarantine(&rig, &["list"], 0),
        quarantine(&rig, &["list", "--json"], 0),
    );
    for text in [&people, &programs] {
        assert!(!text.contains(['\x1b', '\u{202e}']), "{text}");
    }
    insta::assert_snapshot!("people", people);
    insta::assert_snapshot!("programs", programs);
}

#[test]
fn what_is_retried_is_fetched_by_the_next_sync() {
    let rig = given_up();
    rig.run(&["--keep", "none"]).expect(0);
    assert_eq!((rig.delivered().len(), rig.left()), (1, 1));
    insta::assert_snapshot!("retry", quarantine(&rig, &["retry", &unique_id(&rig)], 0));
    assert_eq!(quarantine(&rig, &["list"], 0), "no message was given up\n");
    rig.run(&["--keep", "none"]).expect(0);
    assert_eq!((rig.delivered().len(), rig.left()), (2, 0));
}

#[test]
fn what_is_dropped_is_never_fetched_and_stays_on_the_server() {
    let rig = given_up();
    insta::assert_snapshot!("drop", quarantine(&rig, &["drop", "--all"], 0));
    assert_eq!(quarantine(&rig, &["list"], 0), "no message was given up\n");
    for _ in 0..2 {
        rig.run(&["--keep", "none"]).expect(0);
        assert_eq!((rig.delivered().len(), rig.left()), (1, 1));
    }
}

#[test]
fn only_what_was_given_up_can_be_decided_about() {
    let rig = Rig::new(Mailbox::messages(["Subject: one\n\n"]));
    insta::assert_snapshot!("no-state", quarantine(&rig, &["retry", "x"], 66));
    assert!(!rig.path("state.db").exists());
    let rig = given_up();
    let both = [&*unique_id(&rig), "\x1b[2J"];
    insta::assert_snapshot!("unknown", quarantine(&rig, &["drop", both[0], both[1]], 66));
    // Nothing was done by halves.
    assert_eq!(unique_id(&rig), both[0]);
    quarantine(&rig, &["drop"], 64);
    quarantine(&rig, &["drop", "--all", "--account", "nobody"], 64);
}
