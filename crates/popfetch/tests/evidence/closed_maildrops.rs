//! Q57 and Q61: a maildrop that cannot be opened or changed for now.

use crate::support::{Rig, USER};

#[test]
fn q57_a_maildrop_that_cannot_be_opened_is_no_empty_one() {
    let rig = Rig::five(&["unopened-maildrop"]);
    for visit in 0..2 {
        let ran = rig.run(&["--keep", "none"]).expect(75);
        assert!(!ran.out.contains("no messages"), "{}", ran.out);
        assert!(!ran.out.contains("nothing new"), "{}", ran.out);
        assert!(
            ran.err.contains("server said: -ERR unable to open mailbox"),
            "visit {visit}: {}",
            ran.err
        );
    }
    rig.misbehave(&[]);
    rig.run(&["--keep", "none"]).expect(0);
    rig.assert_five();
    assert_eq!(rig.left(), 0);
}

#[test]
fn q57_a_stat_that_counts_nothing_and_a_listing_that_is_refused_are_no_empty_maildrop() {
    for (list, uidl) in [
        ("-ERR unable to open mailbox", "-ERR unable to open mailbox"),
        ("-ERR unable to open mailbox", "-ERR unknown command"),
        ("-ERR [SYS/TEMP] unable to open mailbox", "+OK\\r\\n."),
        ("+OK\\r\\n.", "-ERR unable to open mailbox"),
    ] {
        let rig = Rig::five(&[
            "answer=STAT:+OK no mail, cannot make temporary file\\r\\n",
            &format!("answer=LIST:{list}\\r\\n"),
            &format!("answer=UIDL:{uidl}\\r\\n"),
        ]);
        let ran = rig.run(&[]).expect(75);
        assert!(
            !ran.out.contains("no messages"),
            "{list}, {uidl}: {}",
            ran.out
        );
        assert!(
            ran.err.contains("server said: "),
            "{list}, {uidl}: {}",
            ran.err
        );
        rig.misbehave(&[]);
        rig.run(&[]).expect(0);
        rig.assert_five();
    }
}

#[test]
fn q61_a_dele_that_is_refused_for_all_is_told_once() {
    let rig = Rig::five(&["answer=DELE:-ERR [IN-USE] locked by another session\\r\\n"]);
    for _ in 0..2 {
        let ran = rig.run(&["--keep", "none"]).expect(75);
        assert_eq!(
            ran.err.matches("locked by another session").count(),
            1,
            "{}",
            ran.err
        );
        assert!(
            ran.err.contains("could not delete 5 messages"),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("hint: "), "{}", ran.err);
        assert_eq!(rig.left(), 5);
    }
    rig.misbehave(&[]);
    rig.run(&["--keep", "none"]).expect(0);
    rig.assert_five();
    assert_eq!(
        (
            rig.left(),
            rig.sandbox.retrievals(USER).unwrap().values().sum::<u64>()
        ),
        (0, 5)
    );
}

#[test]
fn q54_a_question_that_locks_the_maildrop_is_left_out_in_the_next_visit() {
    // In a flight of several commands it shows later which of them was too much.
    for (fault, most) in [
        ("close-after-login=CAPA", 5),
        ("close-after-login=TOP", 2),
        ("stall-after-login=CAPA", 5),
        ("stall-after-login=TOP", 2),
    ] {
        // Without unique-ids headers are asked for.
        let rig = Rig::five(&[fault, "hold-lock-for=1", "refuse=UIDL"]);
        let options = ["--keep", "none", "--timeout", "1s"];
        let mut visits = 1;
        while rig.run(&options).status != Some(0) {
            visits += 1;
            assert!(visits <= most, "{fault}");
            rig.pass_hours(1);
        }
        rig.assert_five();
        assert_eq!(rig.left(), 0, "{fault}");
    }
}
