//! The state in numbers.

use super::*;

fn stored<'a>(
    store: &SqliteStore,
    account: AccountId,
    key: KeyRef<'a>,
    octets: u64,
    at: Timestamp,
) {
    let target = target();
    let copies = placement(&target, "1.x");
    let storing = Change::Storing {
        key,
        sum: &[5; 32],
        header: &[9; 32],
        received: Received::of(octets),
        excerpt: false,
        copies: &copies,
    };
    let mut changes = [storing, Change::Stored { key }].into_iter();
    store.apply(account, at, &mut changes).unwrap();
}

#[test]
fn every_account_is_shown_with_its_messages_and_no_other_s() {
    let fixture = Fixture::new();
    let Fixture { store, claim, .. } = &fixture;
    let [first, second, third, fourth, fifth] =
        [b"a", b"b", b"c", b"d", b"e"].map(|unique_id| key(unique_id, 1));
    stored(store, claim.account, first.as_ref(), 7, Timestamp(2_000));
    stored(store, claim.account, second.as_ref(), 5, Timestamp(1_500));
    let reason = "refused";
    fixture
        .apply(&[
            Change::Found {
                key: third.as_ref(),
            },
            Change::Failed {
                key: fourth.as_ref(),
                reason,
                failing: Timestamp(9),
            },
            Change::Quarantined {
                key: fifth.as_ref(),
                reason,
            },
        ])
        .unwrap();
    let empty = store.claim("a@example.org").unwrap();
    let other = store.claim("z@example.org").unwrap();
    stored(store, other.account, first.as_ref(), 11, Timestamp(3_000));

    let tally = |state, messages, octets| Tally {
        state,
        messages,
        octets,
    };
    let surveys = store.survey().unwrap();
    let [none, mine, others] = surveys.as_slice() else {
        panic!("{surveys:?}");
    };
    assert_eq!(
        (none.account, none.name.as_str()),
        (empty.account, "a@example.org")
    );
    assert_eq!(
        (none.states.as_slice(), none.failing, none.last_stored),
        ([].as_slice(), 0, None)
    );
    assert_eq!(
        (mine.account, mine.name.as_str()),
        (claim.account, "me@example.org")
    );
    let expected = [
        tally(State::Pending, 2, 0),
        tally(State::Quarantined, 1, 0),
        tally(State::Stored, 2, 12),
    ];
    assert_eq!(mine.states, expected);
    assert_eq!(
        (mine.failing, mine.last_stored),
        (1, Some(Timestamp(2_000)))
    );
    assert_eq!(
        (others.account, others.name.as_str()),
        (other.account, "z@example.org")
    );
    assert_eq!(others.states, [tally(State::Stored, 1, 11)]);
    assert_eq!(
        (others.failing, others.last_stored),
        (0, Some(Timestamp(3_000)))
    );
}
