//! E15: one message that always breaks or stalls the session.

use crate::support::{By, Rig, finish, kill, names, ran, start, wait_until};

const KEEP_NONE: [&str; 4] = ["--keep", "none", "--timeout", "1"];

fn status(rig: &Rig) -> String {
    ran(&mut rig.with_state(&["status"])).expect(0).out
}

/// How many messages are known to have failed.
fn failing(rig: &Rig) -> u32 {
    let state = rusqlite::Connection::open(rig.path("state.db")).unwrap();
    let count = "SELECT count(*) FROM message WHERE attempts > 0 OR reason IS NOT NULL";
    state.query_row(count, [], |row| row.get(0)).unwrap()
}

#[test]
fn e15_what_is_stored_is_deleted_before_what_breaks_is_tried_again() {
    for fault in ["cut-in-body", "reset-in-body", "stall-in-body"] {
        let rig = Rig::five(&[&format!("{fault}=3:1000")]);
        rig.run(&KEEP_NONE).expect(75);
        // It is the third of five that are on their way, and named at once.
        assert_eq!((rig.delivered().len(), rig.left()), (2, 5), "{fault}");
        let told = status(&rig);
        assert!(
            told.contains("waits:\n    could not fetch message 3"),
            "{told}"
        );

        // Once the others are away, it is the first and last.
        rig.misbehave(&[&format!("{fault}=1:1000")]);
        let before = rig.sandbox.sessions().len();
        rig.run(&KEEP_NONE).expect(75);
        assert_eq!((rig.delivered().len(), rig.left()), (4, 1), "{fault}");
        assert_eq!(rig.sandbox.sessions().len(), before + 2);
        let told = status(&rig);
        assert!(told.contains("failed once, first on "), "{told}");

        // Twice more, but within the hour.
        rig.run(&KEEP_NONE).expect(75);
        rig.run(&KEEP_NONE).expect(75);
        assert_eq!(rig.states(), ["gone", "pending"], "{fault}");
        rig.pass_hours(1);
        let ran = rig.run(&KEEP_NONE).expect(75);
        assert!(ran.err.contains("given up"), "{}", ran.err);
        assert_eq!(rig.states(), ["gone", "quarantined"], "{fault}");
        // From now on it stops nobody.
        rig.run(&KEEP_NONE).expect(0);
        assert_eq!((rig.delivered().len(), rig.left()), (4, 1), "{fault}");
        assert_eq!(names(&rig.path("mail/tmp")), [""; 0]);
    }
}

#[test]
fn e15_new_mail_comes_and_goes_while_another_message_breaks_every_session() {
    let rig = Rig::five(&["cut-in-body=3:1000"]);
    rig.run(&KEEP_NONE).expect(75);
    rig.misbehave(&["cut-in-body=1:1000"]);
    for visit in 0..3 {
        rig.sandbox.deliver("alice", "Subject: new\n\n").unwrap();
        rig.run(&KEEP_NONE).expect(75);
        assert_eq!((rig.delivered().len(), rig.left()), (5 + visit, 1));
    }
}

#[test]
fn e15_a_break_under_way_with_others_counts_against_none() {
    let rig = Rig::five(&[]);
    for _ in 0..4 {
        // Each time at another message, and never alone.
        rig.misbehave(&["cut-in-body=3:1000"]);
        rig.sandbox.deliver("alice", "Subject: new\n\n").unwrap();
        let ran = rig.run(&[]);
        assert!(!ran.err.contains("given up"), "{}", ran.err);
        rig.misbehave(&[]);
        rig.run(&[]).expect(0);
        rig.pass_hours(1);
    }
    assert_eq!(failing(&rig), 0);
}

#[test]
fn e16_stopping_on_purpose_is_no_attempt() {
    for signal in ["INT", "TERM", "KILL"] {
        let rig = Rig::five(&["stall-in-body=3:1000"]);
        let child = start(&mut rig.sync(By::ImplicitTls));
        wait_until("the third message", || {
            !names(&rig.path("mail/tmp")).is_empty()
        });
        let mut child = Some(child);
        wait_until("the end", || {
            kill(child.as_ref().unwrap(), signal);
            child.as_mut().unwrap().try_wait().unwrap().is_some()
        });
        finish(child.take().unwrap());
        assert_eq!(failing(&rig), 0, "{signal}");
        rig.misbehave(&[]);
        rig.run(&[]).expect(0);
        rig.assert_five();
    }
}
