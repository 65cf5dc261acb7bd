//! E17 and E33: whether a target is broken, or a message that it refuses.

use std::fs;

use poplib_sandbox::Mailbox;

use crate::support::{By, Ran, Rig, USER, five, ran, sorted};

fn run(rig: &Rig, options: &[&str]) -> Ran {
    ran(&mut rig.sync_to(By::ImplicitTls, options))
}

fn many() -> Vec<Vec<u8>> {
    (0..20)
        .map(|number| format!("Subject: {number}\n\n").into_bytes())
        .collect()
}

fn taken(rig: &Rig) -> usize {
    let taken = fs::read_to_string(rig.path("taken")).unwrap_or_default();
    taken.lines().count()
}

#[test]
fn e17_a_command_that_takes_nothing_is_broken_and_no_message_is_given_up() {
    let rig = Rig::new(Mailbox::messages(many()));
    for command in ["exit 1", "echo x >> tried; exit 1", "kill -9 $$"] {
        for _ in 0..4 {
            let ran = run(&rig, &["--keep", "none", "--exec", command]).expect(75);
            assert!(
                ran.err.contains("it is the target that does not work"),
                "{}",
                ran.err
            );
            assert!(ran.err.contains("hint: see what is wrong"), "{}", ran.err);
            assert!(!ran.err.contains("given up"), "{}", ran.err);
            rig.pass_hours(3);
        }
    }
    // The session ended, and did not try all of them in vain.
    let tried = fs::read_to_string(rig.path("tried"))
        .unwrap()
        .lines()
        .count();
    assert_eq!(tried, 4 * 5);
    assert_eq!(rig.left(), 20);
    run(&rig, &["--keep", "none", "--exec", "echo x >> taken"]).expect(0);
    assert_eq!((taken(&rig), rig.left()), (20, 0));
}

#[test]
fn e17_one_message_that_is_refused_and_no_other_to_compare_with_waits_for_a_day() {
    let rig = Rig::new(Mailbox::messages(["Subject: one\n\n"]));
    let options = ["--exec", "exit 1"];
    for _ in 0..5 {
        let ran = run(&rig, &options).expect(75);
        assert!(!ran.err.contains("given up"), "{}", ran.err);
        rig.pass_hours(4);
    }
    let status = ran(&mut rig.with_state(&["status"])).expect(0).out;
    assert!(status.contains("could not be delivered since "), "{status}");
    rig.pass_hours(4);
    for attempt in 1..=3 {
        let ran = run(&rig, &options).expect(75);
        assert_eq!(ran.err.contains("given up"), attempt == 3, "{}", ran.err);
    }
    run(&rig, &options).expect(0);
}

#[test]
fn e17_a_message_that_is_refused_while_others_are_taken_is_given_up_after_an_hour() {
    let rig = Rig::five(&[]);
    let command = "! grep -q three && echo x >> taken";
    let options = ["--exec", command];
    for attempt in 1..=3 {
        let ran = run(&rig, &options).expect(75);
        assert_eq!(ran.err.contains("given up"), attempt == 3, "{}", ran.err);
        rig.pass_hours(1);
        rig.sandbox.deliver(USER, "Subject: more\n\n").unwrap();
    }
    run(&rig, &options).expect(0);
    assert_eq!(taken(&rig), 4 + 3);
}

#[test]
fn e17_trouble_that_passes_ends_the_session_too() {
    let rig = Rig::new(Mailbox::messages(many()));
    for _ in 0..3 {
        run(&rig, &["--exec", "echo x >> tried; exit 75"]).expect(75);
    }
    let tried = fs::read_to_string(rig.path("tried"))
        .unwrap()
        .lines()
        .count();
    assert_eq!(tried, 3 * 5);
    run(&rig, &["--exec", "echo x >> taken"]).expect(0);
    assert_eq!(taken(&rig), 20);
}

#[test]
fn e33_what_is_stored_everywhere_is_deleted_though_one_message_is_refused() {
    for faults in [&[][..], &["delete-retrieved"]] {
        let rig = Rig::five(faults);
        let command = "! grep -q three && echo x >> taken";
        let options = ["--maildir", "mail", "--exec", command, "--keep", "none"];
        run(&rig, &options).expect(75);
        assert_eq!((taken(&rig), rig.left()), (4, 1), "{faults:?}");
        // At each visit, and once in it.
        for more in 1..=2 {
            rig.sandbox
                .deliver(USER, format!("Subject: {more}\n\n"))
                .unwrap();
            run(&rig, &options).expect(75);
            assert_eq!((taken(&rig), rig.left()), (4 + more, 1), "{faults:?}");
        }
        let mut options = options;
        options[3] = "true";
        run(&rig, &options).expect(0);
        assert_eq!(rig.left(), 0);
        let more = [1, 2].map(|more| format!("Subject: {more}\n\n").into_bytes());
        assert_eq!(rig.delivered(), sorted([five(), more.to_vec()].concat()));
    }
}

#[test]
fn e33_nothing_is_deleted_that_the_other_target_refused() {
    let rig = Rig::five(&[]);
    let options = ["--maildir", "mail", "--keep", "none"];
    let refusing = [&options[..], &["--exec", "exit 1"]].concat();
    run(&rig, &refusing).expect(75);
    assert_eq!(rig.left(), 5);
    run(&rig, &[&options[..], &["--exec", "true"]].concat()).expect(0);
    rig.assert_five();
    assert_eq!(rig.left(), 0);
}

#[test]
fn e33_an_honest_run_needs_no_further_session() {
    let rig = Rig::five(&[]);
    let options = ["--maildir", "mail", "--exec", "true", "--keep", "none"];
    run(&rig, &options).expect(0);
    assert_eq!((rig.sandbox.sessions().len(), rig.left()), (1, 0));
}
