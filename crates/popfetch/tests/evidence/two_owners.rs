//! E23: two processes deliver to one Maildir.

use std::fs;
use std::process::Child;

use poplib_sandbox::Mailbox;

use crate::support::{By, Ran, Rig, finish, five, kill, names, ran, sorted, start, wait_until};

/// Bob's mail goes to the same Maildir, by another state.
fn bob(rig: &Rig) -> Ran {
    let url = rig.url(By::ImplicitTls).replace("alice", "bob");
    let mut command = rig.bare(&["sync", "--server", &url, "--ca-file", "ca.pem"]);
    command.args(["--maildir", "mail", "--state", "bob.db", "--keep", "none"]);
    ran(command.env("POPFETCH_PASSWORD", "sesame"))
}

fn bobs() -> Vec<Vec<u8>> {
    vec![b"Subject: to bob\n\n".to_vec()]
}

/// A run in the middle of the third message, which does not go on until it is told to.
fn in_message_3() -> (Rig, Child) {
    let rig = Rig::built(Mailbox::messages(five()), |builder| {
        builder.mailbox("bob", "sesame", Mailbox::messages(bobs()))
    });
    rig.misbehave(&["stall-in-body=3:60000@1", "no-lock"]);
    let mut sync = rig.sync(By::ImplicitTls);
    let child = start(sync.args(["--keep", "none", "--timeout", "5"]));
    wait_until("the third message", || {
        names(&rig.path("mail/tmp")).len() == 3
    });
    kill(&child, "STOP");
    (rig, child)
}

#[test]
fn e23_nobody_touches_what_another_owner_is_writing() {
    let (rig, child) = in_message_3();
    let before = names(&rig.path("mail/tmp"));
    bob(&rig).expect(0);
    assert_eq!(names(&rig.path("mail/tmp")), before);
    kill(&child, "CONT");
    finish(child).expect(75);
    rig.misbehave(&[]);
    rig.run(&["--keep", "none"]).expect(0);
    assert_eq!(rig.delivered(), sorted([five(), bobs()].concat()));
    assert_eq!((rig.left(), names(&rig.path("mail/tmp")).len()), (0, 0));
}

#[test]
fn e23_a_process_that_wakes_after_another_claim_delivers_nothing_twice() {
    let (rig, child) = in_message_3();
    // As where two machines share a disk and no locks.
    fs::remove_dir_all(rig.path("state.db.locks")).unwrap();
    rig.misbehave(&["no-lock"]);
    rig.run(&[]).expect(0);
    rig.assert_five();
    kill(&child, "CONT");
    let ran = finish(child);
    assert_ne!(ran.status, Some(0), "{}", ran.err);
    for keep in ["forever", "none"] {
        rig.run(&["--keep", keep]).expect(0);
        rig.assert_five();
    }
    assert_eq!(rig.left(), 0);
}

#[test]
fn e23_a_claim_removes_what_an_earlier_one_of_the_same_owner_left() {
    let (rig, mut child) = in_message_3();
    child.kill().unwrap();
    child.wait().unwrap();
    let foreign = rig.path("mail/tmp/1800000000.M1P2.elsewhere");
    fs::write(&foreign, "half").unwrap();
    rig.misbehave(&["close-on=LIST"]);
    let ran = rig.run(&[]);
    assert_ne!(ran.status, Some(0));
    assert_eq!(names(&rig.path("mail/tmp")), ["1800000000.M1P2.elsewhere"]);
}
