//! What is remembered of each copy of a message.

use super::*;

#[test]
fn an_unfinished_delivery_is_found_again_after_reopening() {
    let fixture = Fixture::new();
    let (one, two) = (key(b"one", 1), key(b"two", 3));
    let target = target();
    let copies = placement(&target, "1000.name");
    for key in [&one, &two] {
        let change = Change::Storing {
            key: key.as_ref(),
            sum: &[2; 32],
            header: &[9; 32],
            received: Received::of(9),
            excerpt: false,
            copies: &copies,
        };
        fixture.apply(&[change]).unwrap();
    }
    fixture
        .apply(&[Change::Stored { key: one.as_ref() }])
        .unwrap();
    let path = fixture.path();
    let Fixture {
        directory: _kept,
        store,
        claim,
    } = fixture;
    let id = store.id().to_vec();
    drop((store, claim));

    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.id(), id);
    let account = store.account("me@example.org").unwrap().unwrap();
    let expected = Unfinished {
        key: two,
        since: NOW,
        sum: Some([2; 32]),
        essence: None,
        copies: vec![Placed {
            target: target.clone(),
            place: b"1000.name".to_vec(),
            delivered: false,
            batch: 3,
        }],
    };
    assert_eq!(store.unfinished(account).unwrap(), [expected]);
}

#[test]
fn a_copy_that_arrived_is_remembered_until_all_have() {
    let fixture = Fixture::new();
    let key = key(b"x", 1);
    let key = key.as_ref();
    let (here, there) = (
        target(),
        Target {
            kind: "exec".into(),
            location: b"deliver".to_vec(),
        },
    );
    let storing = |delivered| {
        let copies = [
            Placement {
                delivered,
                ..placement(&here, "1.x")[0]
            },
            placement(&there, "")[0],
        ];
        let change = Change::Storing {
            key,
            sum: &[3; 32],
            header: &[9; 32],
            received: Received::of(1),
            excerpt: false,
            copies: &copies,
        };
        fixture.apply(&[change]).unwrap();
    };
    let partly = || {
        fixture
            .store
            .partly_delivered(fixture.claim.account)
            .unwrap()
    };
    let reached = Change::Reached { key, target: &here };

    storing(false);
    fixture.apply(&[reached, Change::Returned { key }]).unwrap();
    let refused = Change::Failed {
        key,
        reason: "no",
        failing: Timestamp(9),
    };
    fixture.apply(&[refused]).unwrap();
    let [message] = &partly()[..] else {
        panic!("{:?}", partly());
    };
    assert_eq!((message.key.as_ref(), message.sum), (key, Some([3; 32])));
    assert_eq!(message.copies.len(), 1);
    assert_eq!(message.copies[0].target, here);
    // No longer on its way, it reaches nothing.
    assert!(matches!(
        fixture.apply(&[reached]),
        Err(StateError::Transition { .. })
    ));

    // The attempts count until it is stored.
    storing(true);
    assert_eq!(fixture.rows()[0].3, 1);
    fixture.apply(&[Change::Stored { key }]).unwrap();
    assert_eq!(fixture.rows()[0].3, 0);
    assert_eq!(partly(), []);
}
