//! A server that deletes what it is asked to, or does not.

use super::whole::{NONE, mail, server};
use crate::support::{Rig, sorted};

fn retrieved(rig: &Rig) -> u64 {
    rig.sandbox.retrievals("alice").unwrap().values().sum()
}

/// How many DELEs the last session had.
fn deletions(rig: &Rig) -> usize {
    let sessions = rig.sandbox.sessions();
    let lines = sessions.last().unwrap().lines();
    lines.iter().filter(|line| line.starts_with("DELE")).count()
}

#[test]
fn e12_a_server_that_ignores_dele_is_noticed_and_asked_once_a_day() {
    let rig = server(5, &["ignore-dele"]);
    rig.run(&NONE).expect(0);
    rig.pass_hours(1);
    let noticed = rig.run(&NONE).expect(75);
    assert!(noticed.err.contains("shows them still"), "{}", noticed.err);
    // A few are compared, as their unique-ids might stand for others.
    assert_eq!(retrieved(&rig), 8);
    rig.pass_hours(1);
    let again = rig.run(&NONE).expect(75);
    assert!(
        !again.err.contains("shows them still"),
        "once: {}",
        again.err
    );
    assert_eq!((deletions(&rig), retrieved(&rig)), (0, 8));
    rig.pass_hours(25);
    rig.run(&NONE).expect(75);
    assert_eq!((deletions(&rig), retrieved(&rig)), (1, 8));
    rig.pass_hours(1);
    rig.run(&NONE).expect(75);
    assert_eq!((deletions(&rig), retrieved(&rig)), (0, 8));
    // It obeys, and the verdict is forgotten.
    rig.misbehave(&[]);
    rig.pass_hours(25);
    rig.run(&NONE);
    rig.pass_hours(1);
    rig.run(&NONE).expect(0);
    assert_eq!((rig.delivered(), rig.left()), (sorted(mail(5)), 0));
    assert_eq!(retrieved(&rig), 8);
}

#[test]
fn e34_a_server_that_obeys_some_deletions_is_asked_for_the_rest() {
    let rig = server(6, &["obey-deles=2"]);
    for left in [4, 2, 0] {
        rig.run(&NONE);
        assert_eq!((rig.left(), retrieved(&rig)), (left, 6));
        rig.pass_hours(1);
    }
    rig.run(&NONE).expect(0);
    assert_eq!(rig.delivered(), sorted(mail(6)));
}

#[test]
fn q58_a_server_that_deletes_after_its_answer_is_given_time() {
    let rig = server(3, &["late-deletion=1"]);
    rig.run(&NONE).expect(0);
    // At once after QUIT the listing is no evidence.
    let ran = rig.run(&NONE).expect(0);
    assert_eq!(ran.err, "");
    assert_eq!(rig.delivered(), sorted(mail(3)));
}
