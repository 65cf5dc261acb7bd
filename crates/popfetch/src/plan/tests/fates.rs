//! What becomes of a message, by its row and by those of the messages that share its unique-id.

use super::policies::{Whole, Wholes, fetched_of, planned, sized};
use super::*;

/// The rows of so many messages that share the unique-id `a`.
fn copies(rows: &[Whole]) -> Wholes {
    (1..)
        .zip(rows)
        .map(|(occurrence, row)| (key("a", occurrence), row.clone()))
        .collect()
}

fn away(mut row: Whole) -> Whole {
    row.known.unseen_since = Some(YESTERDAY);
    row
}

fn keeping(keep: Keep) -> Policy {
    Policy {
        keep,
        ..Policy::default()
    }
}

/// The plan for rows that share a unique-id, of which this many messages are there.
fn shared(rows: &[Whole], there: usize, keep: Keep) -> Plan {
    planned(&listing(&vec!["a"; there]), &copies(rows), keeping(keep))
}

/// The contents that the only message fetched is compared with.
fn compared(plan: &Plan) -> &[Sum] {
    assert_eq!((plan.fetch.len(), plan.delete.len()), (1, 0));
    &plan.fetch[0].known
}

#[test]
fn what_is_left_alone_is_counted() {
    let one = |row: Whole| {
        let plan = shared(&[row], 1, Keep::None);
        assert_eq!((plan.fetch.len(), plan.delete.len()), (0, 0));
        let seen = keys(&plan.seen);
        (plan.count, seen)
    };
    let (count, _) = one(Whole::new(State::Storing));
    assert_eq!(count.unresolved, 1);
    let (count, seen) = one(Whole::new(State::Skipped));
    assert_eq!((count.skipped, seen), (1, vec![]));
    let (count, seen) = one(away(Whole::new(State::Skipped)));
    assert_eq!((count.skipped, seen), (1, vec![key("a", 1)]));
    for state in [State::Stored, State::Deleting, State::Gone] {
        let mut row = Whole::new(state);
        row.known.attempts = 3;
        let (count, _) = one(row);
        assert_eq!(count.quarantined, 1);
    }
}

#[test]
fn what_is_rejected_goes_unless_it_was_away() {
    let rejected = || Whole::new(State::Rejected);
    let plan = shared(&[rejected()], 1, Keep::Forever);
    assert_eq!((plan.fetch.len(), plan.reject), (0, vec![0]));
    let plan = shared(&[away(rejected())], 1, Keep::Forever);
    assert_eq!((compared(&plan), plan.reject.len()), (&[] as &[Sum], 0));
}

#[test]
fn what_was_found_before_is_left_alone_too_where_only_what_is_new_is_wanted() {
    let policy = Policy {
        only_new: true,
        ..Policy::default()
    };
    let rows = copies(&[Whole::new(State::Pending)]);
    let plan = planned(&listing(&["b", "a"]), &rows, policy);
    assert_eq!((plan.skip, plan.fetch.len()), (vec![0, 1], 0));
}

#[test]
fn copies_that_are_all_there_are_known_by_their_order() {
    let stored = Whole::new(State::Stored);
    let plan = shared(&[stored.clone(), stored], 2, Keep::None);
    assert_eq!((plan.fetch.len(), plan.to_delete()), (0, vec![0, 1]));
}

#[test]
fn copies_of_which_one_is_or_was_missing_are_compared_before_they_go() {
    let stored = Whole::new(State::Stored);
    let pair = [stored.clone(), stored.clone()];
    assert_eq!(compared(&shared(&pair, 1, Keep::None)), [[1; 32]; 2]);
    let kept = shared(&pair, 1, Keep::Forever);
    assert_eq!((kept.fetch.len(), kept.count.keep), (0, 1));
    assert_eq!(keys(&kept.unseen), [key("a", 2)]);

    let plan = shared(&[away(stored.clone()), stored], 2, Keep::None);
    assert_eq!((fetched(&plan), plan.delete.len()), (vec![0, 1], 0));
}

#[test]
fn a_copy_that_may_be_one_that_is_wanted_is_fetched() {
    let [stored, pending, skipped, quarantined] = [
        State::Stored,
        State::Pending,
        State::Skipped,
        State::Quarantined,
    ]
    .map(Whole::new);
    for given_up in [&skipped, &quarantined] {
        let plan = shared(&[given_up.clone(), pending.clone()], 1, Keep::None);
        assert_eq!(fetched(&plan), [0]);
    }
    let plan = shared(&[skipped.clone(), stored.clone()], 1, Keep::None);
    assert_eq!((plan.fetch.len(), plan.count.skipped), (0, 1));

    let plan = shared(&[stored.clone(), pending], 1, Keep::Forever);
    assert_eq!(compared(&plan), [[1; 32]]);
    let plan = shared(&[stored, skipped], 1, Keep::Forever);
    assert_eq!((plan.fetch.len(), plan.count.keep), (0, 1));
}

#[test]
fn copies_get_rows_before_the_first_of_them_is_fetched() {
    let found = |rows: &Wholes, unique_ids: &[&str]| {
        planned(&listing(unique_ids), rows, Policy::default()).found
    };
    assert_eq!(found(&Wholes::new(), &["a", "b", "b"]), [1, 2]);
    // The first of two is gone, and its row was forgotten.
    let second = Wholes::from([(key("a", 2), Whole::new(State::Stored))]);
    assert!(found(&second, &["a"]).is_empty());
}

#[test]
fn a_message_of_which_the_header_is_stored_comes_whole() {
    let excerpt = Whole {
        excerpt: true,
        ..Whole::new(State::Stored)
    };
    let plan = shared(&[away(excerpt)], 1, Keep::None);
    assert_eq!(compared(&plan), [] as [Sum; 0]);
    assert_eq!(keys(&plan.seen), [key("a", 1)]);
}

#[test]
fn of_what_is_larger_than_wanted_the_header_is_stored_once() {
    let maildrop = sized(&[
        ("fits", Some(100)),
        ("large", Some(101)),
        ("done", Some(101)),
        ("refused", Some(101)),
        ("back", Some(101)),
        ("unknown", None),
    ]);
    let row = |state, excerpt| Whole {
        excerpt,
        ..Whole::new(state)
    };
    let rows = Wholes::from([
        (key("back", 1), row(State::Gone, false)),
        (key("done", 1), row(State::Stored, true)),
        (key("refused", 1), row(State::Pending, true)),
    ]);
    for (oversize, excerpts) in [(Oversize::Skip, vec![]), (Oversize::Headers, vec![1, 3])] {
        let policy = Policy {
            skip_over: Some(100),
            oversize,
            ..Policy::default()
        };
        let plan = planned(&maildrop, &rows, policy);
        assert_eq!((fetched(&plan), plan.count.oversize), (vec![0, 5], 4));
        assert_eq!(fetched_of(&plan.excerpts), excerpts);
    }
}

#[test]
fn q15_what_was_deleted_or_never_came_is_not_lost() {
    for (state, lost) in [(State::Stored, 1), (State::Gone, 0), (State::Pending, 0)] {
        assert_eq!(
            shared(&[Whole::new(state)], 0, Keep::Forever).count.lost,
            lost
        );
    }
}
