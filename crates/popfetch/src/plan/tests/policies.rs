//! Which policy does what, and what none of them does.

use super::*;
use crate::state::LONGEST_PAUSE;

/// A row with everything that a policy looks at.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub(super) known: Known,
    pub(super) excerpt: bool,
    pub(super) age: Option<i64>,
    pub(super) octets: Option<u64>,
    pub(super) header: Option<Sum>,
}

impl Whole {
    pub(super) fn new(state: State) -> Self {
        Self {
            known: known(state),
            excerpt: false,
            age: Some(0),
            octets: Some(100),
            header: None,
        }
    }

    fn row<'a>(&self, key: &'a Key) -> Row<'a> {
        Row {
            sum: self.known.sum,
            header: self.header,
            octets: self.octets,
            listed: self.octets,
            excerpt: self.excerpt,
            age: self.age,
            attempts: self.known.attempts,
            unseen_since: self.known.unseen_since,
            ..Row::of(key.as_ref(), self.known.state, NOW)
        }
    }
}

pub(super) type Wholes = BTreeMap<Key, Whole>;

pub(super) fn sized(messages: &[(&str, Option<u64>)]) -> Listing {
    let mut listing = Listing::default();
    for (number, (unique_id, octets)) in (1..).zip(messages) {
        listing.push(number, *octets, Some(By::UniqueId(unique_id.as_bytes())));
    }
    listing.counted()
}

pub(super) fn planned(listing: &Listing, rows: &Wholes, policy: Policy) -> Plan {
    let mut planner = Planner::new(listing, policy, NOW);
    for (key, whole) in rows {
        planner.row(whole.row(key));
    }
    planner.finish()
}

#[test]
fn a_message_goes_when_its_time_and_one_jump_of_the_clock_have_passed() {
    let deleted = |time: u64, age| {
        let row = Whole {
            age,
            ..Whole::new(State::Stored)
        };
        let policy = Policy {
            keep: Keep::For(Duration::from_secs(time)),
            ..Policy::default()
        };
        let rows = Wholes::from([(key("a", 1), row)]);
        planned(&listing(&["a"]), &rows, policy).to_delete() == [0]
    };
    let day = LONGEST_PAUSE;
    assert!(!deleted(3 * 86_400, Some(4 * day - 1)));
    assert!(deleted(3 * 86_400, Some(4 * day)));
    // A short time is not made a day longer.
    assert!(!deleted(60, Some(119)));
    assert!(deleted(60, Some(120)));
    assert!(!deleted(60, None));
    assert!(!deleted(u64::MAX, Some(i64::MAX - 1)));
}

#[test]
fn only_an_accounts_first_session_leaves_alone_what_it_finds() {
    let begun = |begun_at| Facts {
        begun_at,
        ..Facts::default()
    };
    for (only_new, begun_at, leaves_alone) in [
        (true, None, true),
        (true, Some(YESTERDAY), false),
        (false, None, false),
        (false, Some(YESTERDAY), false),
    ] {
        let policy = Policy {
            only_new,
            keep: Keep::None,
            ..Policy::default()
        };
        let policy = policy.for_session(&begun(begun_at));
        assert_eq!((policy.only_new, policy.keep), (leaves_alone, Keep::None));
    }
}

#[test]
fn what_the_state_knows_by_a_unique_id_and_may_be_there_is_counted() {
    let mut octets = Vec::new();
    Identity::push_headers(&mut octets, &[9; 32]);
    let by_headers = KeyRef {
        identity: Identity::from_octets(&octets),
        occurrence: 1,
    };
    let rows = Wholes::from([
        (key("a", 1), Whole::new(State::Stored)),
        (key("b", 1), Whole::new(State::Pending)),
        (key("c", 1), Whole::new(State::Gone)),
        (by_headers.to_key(), Whole::new(State::Stored)),
    ]);
    let plan = planned(&listing(&[]), &rows, Policy::default());
    assert_eq!(plan.count.by_unique_id, 2);
}

#[test]
fn room_is_made_of_what_is_stored_oldest_first() {
    let maildrop = sized(&[
        ("old", Some(10)),
        ("unstored", Some(30)),
        ("no-size", None),
        ("new", Some(10)),
    ]);
    let stored = |octets| Whole {
        octets: Some(octets),
        ..Whole::new(State::Stored)
    };
    let rows: Wholes = [("old", 10), ("no-size", 100), ("new", 10)]
        .map(|(unique_id, octets)| (key(unique_id, 1), stored(octets)))
        .into();
    // Without LIST's number nothing shows that a message is the one that was stored.
    for (room, deleted) in [
        (50, vec![]),
        (49, vec![0]),
        (10, vec![0]),
        (9, vec![0, 3]),
        (0, vec![0, 3]),
    ] {
        let policy = Policy {
            keep: Keep::Octets(room),
            ..Policy::default()
        };
        let plan = planned(&maildrop, &rows, policy);
        assert_eq!(plan.count.keep, 3 - deleted.len() as u64, "{room}");
        assert_eq!(
            (plan.to_delete(), fetched_of(&plan.fetch)),
            (deleted, vec![1]),
            "{room}"
        );
    }
}

pub(super) fn fetched_of(fetch: &[Fetch]) -> Vec<u32> {
    fetch.iter().map(|fetch| fetch.position).collect()
}

#[test]
fn a_session_is_limited_but_gets_something_done() {
    let maildrop = sized(&[
        ("a", Some(10)),
        ("b", None),
        ("c", Some(10)),
        ("d", Some(10)),
    ]);
    for (max_messages, max_octets, fetched) in [
        (None, None, 4),
        (Some(3), None, 3),
        (Some(3), Some(10), 2),
        (None, Some(20), 3),
        (None, Some(1), 1),
        (Some(4), Some(30), 4),
    ] {
        let policy = Policy {
            max_messages,
            max_octets,
            ..Policy::default()
        };
        let mut plan = planned(&maildrop, &Wholes::new(), policy);
        plan.limit(&maildrop, policy);
        assert_eq!((plan.fetch.len(), plan.more), (fetched, fetched < 4));
    }
}

#[test]
fn q15_rows_move_to_new_unique_ids_where_header_and_size_are_the_same() {
    let stored = |sum, header, octets| Whole {
        known: Known {
            sum: Some([sum; 32]),
            ..known(State::Stored)
        },
        header: Some([header; 32]),
        octets: Some(octets),
        ..Whole::new(State::Stored)
    };
    let mut gone = stored(7, 3, 11);
    gone.known.state = State::Gone;
    let excerpt = Whole {
        excerpt: true,
        ..stored(8, 3, 11)
    };
    let rows = Wholes::from([
        (key("a", 1), stored(1, 1, 10)),
        (key("b", 1), stored(2, 2, 10)),
        (key("c", 1), stored(3, 2, 10)),
        (key("d", 1), stored(4, 3, 10)),
        (key("e", 1), stored(5, 4, 10)),
        // It is still there, and is not looked for.
        (key("f", 1), stored(6, 1, 10)),
        // Not there any more, and not there yet.
        (key("g", 1), gone),
        (key("h", 1), excerpt),
    ]);
    let maildrop = sized(&[
        ("v", Some(10)),
        ("w", Some(10)),
        ("x", Some(10)),
        ("y", Some(11)),
        ("z", None),
        ("f", Some(10)),
    ]);
    let headers = [
        (0, [2; 32]),
        (1, [1; 32]),
        (2, [2; 32]),
        (3, [3; 32]),
        (4, [4; 32]),
    ];
    let mut reset = Reset::new(&maildrop, &headers);
    for (key, whole) in &rows {
        reset.row(whole.row(key));
    }
    let renamed = reset.finish();
    let expected = [("a", "w"), ("b", "v"), ("c", "x")];
    assert_eq!(
        renamed,
        expected.map(|(from, to)| (key(from, 1), key(to, 1)))
    );
}

#[test]
fn q15_a_reset_is_seen_where_nearly_everything_changed() {
    let names = |name: &str, count: u32| (0..count).map(|n| format!("{name}{n:02}")).collect();
    // What was delivered before, what waits to be, and how many of each and of new ones are there.
    let shows = |delivered, (old, pending, new): (u32, u32, u32)| {
        let all = |names: Vec<String>, state| {
            names
                .into_iter()
                .map(move |name| (key(&name, 1), Whole::new(state)))
        };
        let rows: Wholes = all(names("old", delivered), State::Stored)
            .chain(all(names("pending", pending), State::Pending))
            .collect();
        let there: Vec<String> = [
            names("old", old),
            names("pending", pending),
            names("new", new),
        ]
        .concat();
        let there: Vec<&str> = there.iter().map(String::as_str).collect();
        let maildrop = listing(&there);
        planned(&maildrop, &rows, Policy::default()).shows_reset(&maildrop)
    };
    assert!(shows(20, (0, 0, 20)));
    assert!(shows(20, (1, 0, 19)));
    assert!(!shows(20, (0, 0, 0)));
    // Too much of what was delivered is still there.
    assert!(shows(20, (2, 0, 60)));
    assert!(!shows(20, (3, 0, 60)));
    // Too much of what is there is not new.
    assert!(shows(20, (0, 2, 18)));
    assert!(!shows(20, (0, 2, 17)));
    // Too little is missing to mean anything.
    assert!(shows(5, (0, 0, 20)));
    assert!(!shows(4, (0, 0, 20)));
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::Pending),
        Just(State::Storing),
        Just(State::Stored),
        Just(State::Deleting),
        Just(State::Gone),
        Just(State::Quarantined),
        Just(State::Skipped),
        Just(State::Rejected),
    ]
}

fn whole() -> impl Strategy<Value = Whole> {
    let seen = prop_oneof![Just(None), Just(Some(YESTERDAY)), Just(Some(LONG_AGO))];
    let age = prop::option::of(0..1_000_000_i64);
    (state(), 0..u8::MAX, any::<bool>(), age, 0..5_u32, seen).prop_map(
        |(state, sum, excerpt, age, attempts, unseen_since)| Whole {
            known: Known {
                sum: state.is_delivered().then_some([sum; 32]),
                attempts,
                unseen_since,
                ..known(state)
            },
            excerpt: excerpt && state.is_delivered(),
            age,
            ..Whole::new(state)
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let keep = prop_oneof![
        Just(Keep::Forever),
        Just(Keep::None),
        (1..900_000_u64).prop_map(|time| Keep::For(Duration::from_secs(time))),
        (0..1_000_u64).prop_map(Keep::Octets),
    ];
    let skip_over = prop::option::of(0..300_u64);
    let oversize = prop_oneof![Just(Oversize::Skip), Just(Oversize::Headers)];
    (keep, skip_over, oversize, any::<bool>()).prop_map(|(keep, skip_over, oversize, only_new)| {
        Policy {
            keep,
            skip_over,
            oversize,
            only_new,
            ..Policy::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Whatever the server lists, the state knows and the user wants.
    #[test]
    fn every_message_has_one_fate_and_none_that_loses_it(
        messages in prop::collection::vec((0..6_u8, prop::option::of(0..300_u64)), 0..12),
        rows in prop::collection::btree_map((0..8_u8, 1..4_u32), whole(), 0..16),
        policy in policy(),
    ) {
        let named: Vec<(String, Option<u64>)> = messages
            .iter()
            .map(|&(unique_id, octets)| (unique_id.to_string(), octets))
            .collect();
        let named: Vec<(&str, Option<u64>)> =
            named.iter().map(|(unique_id, octets)| (unique_id.as_str(), *octets)).collect();
        let maildrop = sized(&named);
        let rows: Wholes = rows
            .into_iter()
            .map(|((unique_id, copy), whole)| (key(&unique_id.to_string(), copy), whole))
            .collect();
        let plan = planned(&maildrop, &rows, policy);
        let row = |position| rows.get(&maildrop.key(position).unwrap().to_key());

        for fetch in plan.fetch.iter().chain(&plan.excerpts) {
            // What is stored comes again only to be compared, or because only a part is stored.
            if let Some(row) = row(fetch.position)
                && matches!(row.known.state, State::Stored | State::Deleting)
                && !row.excerpt
            {
                prop_assert!(fetch.known.contains(&row.known.sum.unwrap()));
            }
        }
        for &position in &plan.to_delete() {
            let row = row(position).unwrap();
            prop_assert!(matches!(row.known.state, State::Stored | State::Deleting));
            prop_assert!(!row.excerpt && policy.keep != Keep::Forever);
        }
        for &position in &plan.reject {
            prop_assert_eq!(row(position).unwrap().known.state, State::Rejected);
        }
        for &position in &plan.skip {
            let state = row(position).map(|row| row.known.state);
            prop_assert!(policy.only_new && matches!(state, None | Some(State::Pending)));
        }
        let fetched = fetched_of(&plan.fetch);
        let fates = [&*fetched, &*plan.to_delete(), &*plan.reject, &*plan.skip].concat();
        prop_assert_eq!(fates.iter().collect::<BTreeSet<_>>().len(), fates.len());
        let count = plan.count;
        let waiting = plan.resized.len() as u64 + count.unresolved;
        let left = count.keep + count.quarantined + count.skipped + count.oversize + waiting;
        prop_assert_eq!(fates.len() as u64 + left, messages.len() as u64);
        prop_assert!(plan.excerpts.len() as u64 <= count.oversize);
    }
}
