//! E16: a message that the server does not give, for now or for good.

use poplib_sandbox::Mailbox;

use crate::support::{Rig, five, ran, sorted};

fn status(rig: &Rig) -> String {
    ran(&mut rig.with_state(&["status"])).expect(0).out
}

#[test]
fn e16_a_refusal_that_passes_gives_up_nothing_however_often() {
    for words in [
        "[SYS/TEMP] no",
        "[IN-USE] no",
        "try again later",
        "lock busy! Is another session active?",
        "Download exceed",
    ] {
        let rig = Rig::five(&[]);
        for visit in 1..=5 {
            rig.misbehave(&[&format!("refuse-retr=3:{words}")]);
            let ran = rig.run(&[]).expect(75);
            // A quota ends the session, which says so each time.
            let is_said = ran.err.contains("warning: ");
            assert_eq!(is_said, visit == 1, "{}", ran.err);
            assert!(!ran.err.contains("given up"), "{}", ran.err);
            // It is named from the first time on.
            let status = status(&rig);
            assert!(
                status.contains("waits:\n    could not fetch message 3"),
                "{status}"
            );
            assert!(status.contains(words), "{status}");
            rig.pass_hours(1);
        }
        rig.misbehave(&[]);
        rig.run(&[]).expect(0);
        rig.assert_five();
    }
}

#[test]
fn e16_what_counts_counts_over_hours() {
    let rig = Rig::five(&["refuse-retr=3:no such message"]);
    // However often it is visited within an hour.
    for visit in 1..=8 {
        let ran = rig.run(&[]).expect(75);
        assert!(!ran.err.contains("given up"), "visit {visit}: {}", ran.err);
    }
    let told = status(&rig);
    assert!(told.contains("failed 8 times, first on "), "{told}");
    rig.pass_hours(1);
    let ran = rig.run(&[]).expect(75);
    assert!(ran.err.contains("given up"), "{}", ran.err);
    rig.run(&[]).expect(0);
    assert_eq!((rig.delivered().len(), rig.left()), (4, 5));
}

#[test]
fn e16_hours_without_three_attempts_are_not_enough() {
    let rig = Rig::five(&["refuse-retr=3:no such message"]);
    for visit in 1..=3 {
        let ran = rig.run(&[]).expect(75);
        assert_eq!(ran.err.contains("given up"), visit == 3, "{}", ran.err);
        rig.pass_hours(1);
    }
}

#[test]
fn e16_five_refusals_in_a_row_mean_the_session() {
    let messages: Vec<Vec<u8>> = (0..12)
        .map(|number| format!("Subject: {number}\n\n").into_bytes())
        .collect();
    let rig = Rig::new(Mailbox::messages(messages.clone()));
    for _ in 0..4 {
        rig.misbehave(&["refuse-retrs=5:no such message"]);
        let ran = rig.run(&[]).expect(75);
        assert!(ran.err.contains("refused 5 messages"), "{}", ran.err);
        assert!(!ran.err.contains("given up"), "{}", ran.err);
        rig.pass_hours(1);
    }
    rig.misbehave(&[]);
    rig.run(&[]).expect(0);
    assert_eq!(rig.delivered(), sorted(messages));
}

#[test]
fn e16_an_honest_run_says_nothing_of_all_this() {
    let rig = Rig::five(&[]);
    assert_eq!(rig.run(&[]).expect(0).err, "");
    assert!(!status(&rig).contains("waits"));
    assert_eq!(rig.delivered(), sorted(five()));
    assert_eq!(rig.sandbox.sessions().len(), 1);
}
