//! What is remembered of targets.

use super::*;
use crate::state::{NEVER, Verdict};

fn other() -> Target {
    Target {
        kind: "mbox".into(),
        location: b"/mbox".to_vec(),
    }
}

fn marker(target: Target) -> Marker {
    Marker {
        target,
        token: Some([7; 16]),
        batch: 3,
        seen: Some(1_800_000_000_000_000_001),
        verdict: None,
        since: None,
    }
}

/// The message is about to be in both targets.
fn storing(fixture: &Fixture, key: KeyRef<'_>) {
    let (here, there) = (target(), other());
    let copies = [placement(&here, "1.x")[0], placement(&there, "0 9")[0]];
    let storing = Change::Storing {
        key,
        sum: &[3; 32],
        header: &[9; 32],
        received: Received::of(1),
        excerpt: false,
        copies: &copies,
    };
    fixture.apply(&[storing]).unwrap();
}

/// Keys, states, places and batches of the copies in a target.
fn copies_in(fixture: &Fixture, target: &Target) -> Vec<(Key, State, Vec<u8>, u64)> {
    let mut copies = Vec::new();
    let visit = &mut |copy: Copied<'_>| {
        copies.push((
            copy.key.to_key(),
            copy.state,
            copy.place.to_vec(),
            copy.batch,
        ));
    };
    let account = fixture.claim.account;
    fixture.store.copies_in(account, target, visit).unwrap();
    copies
}

fn depending_on(fixture: &Fixture, target: &Target) -> Vec<Key> {
    let mut keys = Vec::new();
    let visit = &mut |key: KeyRef<'_>| keys.push(key.to_key());
    let account = fixture.claim.account;
    fixture.store.depending_on(account, target, visit).unwrap();
    keys
}

#[test]
fn a_marker_is_kept_and_goes_on_with_the_batches() {
    let fixture = Fixture::new();
    let account = fixture.claim.account;
    let away = Marker {
        token: None,
        verdict: Some(Verdict::Away),
        since: Some(NOW),
        ..marker(other())
    };
    fixture.store.mark(account, &marker(target())).unwrap();
    fixture.store.mark(account, &away).unwrap();
    assert_eq!(
        fixture.store.markers(account).unwrap(),
        [marker(target()), away.clone()]
    );

    let target = target();
    let marks = [
        Mark::Begun {
            target: &target,
            batch: 4,
        },
        Mark::Settled {
            target: &target,
            seen: Some(5),
        },
    ];
    (fixture.store)
        .apply_marked(account, NOW, &mut std::iter::empty(), &marks)
        .unwrap();
    let now = Marker {
        batch: 4,
        seen: Some(5),
        ..marker(target.clone())
    };
    assert_eq!(fixture.store.markers(account).unwrap(), [now, away]);
}

#[test]
fn e03_what_a_target_lacks_is_fetched_again_for_it_alone() {
    let fixture = Fixture::new();
    let (stored, unfinished) = (key(b"a", 1), key(b"b", 1));
    storing(&fixture, stored.as_ref());
    storing(&fixture, unfinished.as_ref());
    let key = stored.as_ref();
    fixture.apply(&[Change::Stored { key }]).unwrap();
    let target = target();
    let lacking = |key| Change::Lacking {
        key,
        target: &target,
    };
    fixture
        .apply(&[lacking(key), lacking(unfinished.as_ref())])
        .unwrap();
    let states: Vec<State> = fixture.rows().into_iter().map(|row| row.1).collect();
    assert_eq!(states, [State::Pending, State::Storing]);
    let partly = fixture
        .store
        .partly_delivered(fixture.claim.account)
        .unwrap();
    assert_eq!(partly[0].copies.len(), 1);
    assert_eq!(partly[0].copies[0].target, other());
    // What is on its way is looked for, and not believed to have been there.
    let left = [(unfinished.clone(), State::Storing, b"1.x".to_vec(), NEVER)];
    assert_eq!(copies_in(&fixture, &target), left);
    // Twice is as once.
    fixture.apply(&[lacking(key)]).unwrap();
    assert_eq!(
        fixture
            .store
            .partly_delivered(fixture.claim.account)
            .unwrap(),
        partly
    );
}

#[test]
fn e03_what_a_target_lacks_of_the_deleted_is_fetched_again_once_the_server_shows_it() {
    let target = target();
    for shows in [true, false] {
        let fixture = Fixture::new();
        let name = key(b"a", 1);
        let key = name.as_ref();
        storing(&fixture, key);
        let states = || {
            fixture
                .rows()
                .into_iter()
                .map(|row| row.1)
                .collect::<Vec<_>>()
        };
        let lacking = Change::Lacking {
            key,
            target: &target,
        };
        let (stored, deleting) = (Change::Stored { key }, Change::Deleting { key });
        fixture
            .apply(&[stored, deleting, Change::Gone { key }])
            .unwrap();
        // A backup may lack it, which harms nothing.
        fixture.apply(&[lacking]).unwrap();
        assert_eq!(states(), [State::Gone]);
        let again = match shows {
            true => Change::Kept { key },
            false => Change::Recognised {
                key,
                sum: &[3; 32],
                received: Received::of(1),
            },
        };
        fixture.apply(&[again]).unwrap();
        assert_eq!(states(), [State::Pending]);
        let account = fixture.claim.account;
        let partly = fixture.store.partly_delivered(account).unwrap();
        assert_eq!(partly[0].copies.len(), 1);
        assert_eq!(partly[0].copies[0].target, other());
    }
}

#[test]
fn e03_a_target_that_lacks_what_it_had_of_an_unfinished_message_is_not_believed_to_have_it() {
    let fixture = Fixture::new();
    let name = key(b"a", 1);
    let key = name.as_ref();
    storing(&fixture, key);
    let target = target();
    let (reached, lacking) = (
        Change::Reached {
            key,
            target: &target,
        },
        Change::Lacking {
            key,
            target: &target,
        },
    );
    fixture.apply(&[reached, lacking]).unwrap();
    let copies = fixture.store.unfinished(fixture.claim.account).unwrap();
    let delivered = copies[0].copies.iter().map(|copy| copy.delivered);
    assert_eq!(delivered.collect::<Vec<_>>(), [false, false]);
}

#[test]
fn e14_copies_move_with_their_target() {
    let fixture = Fixture::new();
    let account = fixture.claim.account;
    let key = key(b"a", 1);
    storing(&fixture, key.as_ref());
    fixture.store.mark(account, &marker(target())).unwrap();
    let moved = Target {
        location: b"/home/mail".to_vec(),
        ..target()
    };
    fixture.store.relocate(account, &target(), &moved).unwrap();
    assert_eq!(
        fixture.store.markers(account).unwrap(),
        [marker(moved.clone())]
    );
    assert_eq!(copies_in(&fixture, &target()), []);
    assert_eq!(copies_in(&fixture, &moved).len(), 1);
    // Of a target that nobody knows, there is nothing to move.
    fixture
        .store
        .relocate(account, &target(), &other())
        .unwrap();
    assert_eq!(copies_in(&fixture, &other()).len(), 1);
}

#[test]
fn e26_stored_messages_depend_on_their_targets_and_on_all_where_none_is_known() {
    let fixture = Fixture::new();
    let (one, two) = (key(b"a", 1), key(b"b", 1));
    for key in [one.as_ref(), two.as_ref()] {
        storing(&fixture, key);
    }
    assert_eq!(depending_on(&fixture, &target()), []);
    fixture
        .apply(&[Change::Stored { key: one.as_ref() }])
        .unwrap();
    let first = std::slice::from_ref(&one);
    assert_eq!(depending_on(&fixture, &target()), first);
    let nowhere = Target {
        location: b"/nowhere".to_vec(),
        ..target()
    };
    assert_eq!(depending_on(&fixture, &nowhere), []);
    let three = key(b"c", 1);
    let found = Change::Found {
        key: three.as_ref(),
    };
    let recognised = Change::Recognised {
        key: three.as_ref(),
        sum: &[3; 32],
        received: Received::default(),
    };
    fixture.apply(&[found, recognised]).unwrap();
    assert_eq!(depending_on(&fixture, &target()), [one, three.clone()]);
    assert_eq!(depending_on(&fixture, &nowhere), [three]);
}
