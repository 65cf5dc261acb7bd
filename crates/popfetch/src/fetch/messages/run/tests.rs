use super::*;
use crate::key::Key;

fn ticket(number: u32) -> Ticket {
    Ticket::new(
        number - 1,
        number,
        Key::of_unique_id(&number.to_be_bytes(), 1),
    )
}

fn failure() -> Failure {
    Failure::new(Status::Protocol, "something is wrong")
}

fn refuse(run: &mut Run, number: u32, denial: Denial) -> bool {
    run.refused(ticket(number), failure(), denial)
}

fn counting(run: &Run) -> Vec<(u32, bool)> {
    let lost = run.lost.iter();
    lost.map(|lost| (lost.ticket.number, lost.why == Why::Refused))
        .collect()
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
    assert!(refuse(&mut run, 1, Denial::OfMessage));
    // It gives another one in between.
    assert!(prove(&mut run, 7));
    for number in 3..7 {
        assert!(refuse(&mut run, number, Denial::OfMessage));
    }
    assert!(run.failure.is_none());
    assert!(!refuse(&mut run, 7, Denial::OfMessage));
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
    assert!(refuse(&mut run, 1, Denial::OfMessage));
    assert!(!refuse(&mut run, 2, Denial::Quota));
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
fn e15_a_session_that_broke_takes_the_message_at_hand_with_it() {
    for (misbehaved, alone) in [(false, false), (true, false), (false, true)] {
        let mut run = Run {
            current: Some(ticket(1)),
            alone,
            ..Run::default()
        };
        let broken = || Trouble::Broken {
            failure: failure(),
            misbehaved,
        };
        run.end(broken());
        assert_eq!(run.lost[0].why, Why::Broke { misbehaved, alone });
        // Between two messages there is none.
        run.end(broken());
        assert_eq!(run.lost.len(), 1);
        assert!(run.failure.is_some());
    }
}

#[test]
fn e16_a_refusal_for_now_does_not_count() {
    let mut run = Run::default();
    assert!(refuse(&mut run, 1, Denial::ForNow));
    assert_eq!(run.lost[0].why, Why::ForNow);
    assert!(run.failure.is_none());
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
