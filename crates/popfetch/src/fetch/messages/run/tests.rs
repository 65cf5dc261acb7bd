use super::*;
use crate::key::Key;
use crate::plan::ATTEMPTS;

fn ticket(number: u32) -> Ticket {
    Ticket {
        position: number - 1,
        number,
        key: Key::of_unique_id(&number.to_be_bytes(), 1),
        listed: None,
        attempts: 0,
        known: [].into(),
        excerpt: false,
    }
}

fn failure() -> Failure {
    Failure::new(Status::Protocol, "something is wrong")
}

fn refuse(run: &mut Run, number: u32, is_quota: bool) -> bool {
    run.refused(ticket(number), failure(), is_quota)
}

fn counting(run: &Run) -> Vec<(u32, bool)> {
    let lost = run.lost.iter();
    lost.map(|lost| (lost.ticket.number, lost.counts)).collect()
}

fn prove(run: &mut Run, octets: u64) -> bool {
    run.unproven = Some(Unproven {
        octets,
        expected: None,
    });
    run.prove()
}

#[test]
fn q21_refusals_one_behind_the_other_are_about_the_session() {
    let mut run = Run::default();
    assert!(refuse(&mut run, 1, false));
    // It gives another one in between.
    assert!(prove(&mut run, 7));
    for number in 3..7 {
        assert!(refuse(&mut run, number, false));
    }
    assert!(run.failure.is_none());
    assert!(!refuse(&mut run, 7, false));
    assert_eq!(
        counting(&run),
        [
            (1, true),
            (3, false),
            (4, false),
            (5, false),
            (6, false),
            (7, false)
        ]
    );
    let failure = run.failure.unwrap();
    assert_eq!(failure.status, Status::Temporary);
    assert_eq!(failure.retry_after, Some(QUOTA_PAUSE));
    assert!(failure.message.contains("5 messages"), "{failure}");
}

#[test]
fn q21_a_server_that_gives_no_more_is_believed_at_once() {
    let mut run = Run::default();
    assert!(refuse(&mut run, 1, false));
    assert!(!refuse(&mut run, 2, true));
    assert_eq!(counting(&run), [(1, false), (2, false)]);
    let failure = run.failure.unwrap();
    assert!(failure.message.contains("no more for now"), "{failure}");
}

#[test]
fn a_message_is_whole_once() {
    let mut run = Run::default();
    assert!(!run.prove());
    assert!(prove(&mut run, 7));
    assert!(!run.prove());
    assert!(prove(&mut run, 5));
    assert_eq!(run.octets, 12);
}

#[test]
fn a_message_is_given_up_after_so_many_attempts_that_count() {
    for (attempts, counts, quarantined) in [
        (ATTEMPTS - 2, true, false),
        (ATTEMPTS - 1, true, true),
        (ATTEMPTS, true, true),
        (ATTEMPTS, false, false),
    ] {
        let lost = Lost {
            ticket: Ticket {
                listed: None,
                attempts,
                ..ticket(1)
            },
            failure: failure(),
            counts,
            broke: false,
        };
        assert_eq!(lost.quarantined(), quarantined, "{attempts} {counts}");
    }
}

#[test]
fn a_session_that_broke_takes_the_message_at_hand_with_it() {
    for blames_message in [false, true] {
        let mut run = Run::default();
        let broken = || Trouble::Broken {
            failure: failure(),
            blames_message,
        };
        run.current = Some(Ticket {
            listed: None,
            attempts: 2,
            ..ticket(1)
        });
        run.end(broken());
        let lost = &run.lost[0];
        assert!(lost.broke && lost.ticket.attempts == 2);
        assert_eq!(lost.counts, blames_message);
        // Between two messages there is none.
        run.end(broken());
        assert_eq!(run.lost.len(), 1);
        assert!(run.failure.is_some());
    }
}

#[test]
fn whoever_stops_takes_no_message_for_lost() {
    let mut run = Run {
        current: Some(ticket(1)),
        ..Run::default()
    };
    run.end(Trouble::Disk);
    assert!(run.failure.is_none());
    run.end(Trouble::Asked(failure()));
    assert!(run.failure.is_some());
    assert!(run.lost.is_empty());
}
