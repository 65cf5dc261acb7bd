use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::clock::Timestamp;
use crate::key::{Identity, Key, KeyRef};
use crate::state::{Row, State};

mod fates;
mod policies;

const NOW: Timestamp = Timestamp(100_000_000);
const MONTH: i64 = 2_592_000;
const LONG_AGO: Timestamp = Timestamp(NOW.0 - MONTH - 1);
const YESTERDAY: Timestamp = Timestamp(NOW.0 - 86_400);

fn key(unique_id: &str, occurrence: u32) -> Key {
    Key::of_unique_id(unique_id.as_bytes(), occurrence)
}

/// A row as the tests write it down.
#[derive(Clone, Debug)]
struct Known {
    state: State,
    sum: Option<Sum>,
    attempts: u32,
    unseen_since: Option<Timestamp>,
}

fn known(state: State) -> Known {
    Known {
        state,
        sum: state.is_delivered().then_some([1; 32]),
        attempts: 0,
        unseen_since: None,
    }
}

type Rows = BTreeMap<Key, Known>;

fn listing(unique_ids: &[&str]) -> Listing {
    let mut listing = Listing::default();
    for (number, unique_id) in (1..).zip(unique_ids) {
        listing.push(number, Some(100), Some(By::UniqueId(unique_id.as_bytes())));
    }
    listing.counted()
}

fn plan(listing: &Listing, rows: &Rows, keep: Keep) -> Plan {
    let policy = Policy {
        keep,
        ..Policy::default()
    };
    let mut planner = Planner::new(listing, policy, NOW);
    for (key, row) in rows {
        planner.row(Row {
            sum: row.sum,
            octets: Some(100),
            listed: Some(100),
            age: Some(0),
            attempts: row.attempts,
            unseen_since: row.unseen_since,
            ..Row::of(key.as_ref(), row.state, NOW)
        });
    }
    planner.finish()
}

fn fetched(plan: &Plan) -> Vec<u32> {
    plan.fetch.iter().map(|fetch| fetch.position).collect()
}

fn keys(list: &KeyList) -> Vec<Key> {
    list.iter().map(KeyRef::to_key).collect()
}

#[test]
fn what_is_stored_is_not_fetched_again() {
    let rows = Rows::from([
        (key("a", 1), known(State::Stored)),
        (key("b", 1), known(State::Deleting)),
        (key("c", 1), known(State::Pending)),
    ]);
    let listing = listing(&["new", "c", "b", "a"]);
    let kept = plan(&listing, &rows, Keep::Forever);
    assert_eq!(
        (fetched(&kept), kept.to_delete(), kept.count.keep),
        (vec![0, 1], vec![], 2)
    );
    let emptied = plan(&listing, &rows, Keep::None);
    assert_eq!(
        (fetched(&emptied), emptied.to_delete(), emptied.count.keep),
        (vec![0, 1], vec![2, 3], 0)
    );
}

#[test]
fn what_failed_before_comes_last_and_is_given_up_some_time() {
    let rows = Rows::from([
        (
            key("a", 1),
            Known {
                attempts: 2,
                ..known(State::Pending)
            },
        ),
        (key("b", 1), known(State::Quarantined)),
    ]);
    let plan = plan(&listing(&["a", "b", "c"]), &rows, Keep::None);
    assert_eq!(
        (fetched(&plan), plan.delete.len(), plan.count.quarantined),
        (vec![2, 0], 0, 1)
    );
}

#[test]
fn q15_a_unique_id_that_comes_back_from_the_dead_is_compared() {
    let gone = Known {
        unseen_since: Some(YESTERDAY),
        ..known(State::Gone)
    };
    let rows = Rows::from([(key("a", 1), gone)]);
    for keep in [Keep::Forever, Keep::None] {
        let plan = plan(&listing(&["a"]), &rows, keep);
        assert_eq!(
            plan.fetch,
            [Fetch {
                known: [[1; 32]].into(),
                is_new: true,
                is_believed: true,
                ..Fetch::new(0)
            }]
        );
        assert!(plan.delete.is_empty());
    }
}

#[test]
fn what_was_away_is_not_deleted_unseen() {
    let away = Known {
        unseen_since: Some(YESTERDAY),
        ..known(State::Stored)
    };
    let rows = Rows::from([(key("a", 1), away)]);
    let emptied = plan(&listing(&["a"]), &rows, Keep::None);
    assert_eq!(
        (
            fetched(&emptied),
            emptied.delete.len(),
            emptied.seen.iter().count()
        ),
        (vec![0], 0, 0)
    );
    let kept = plan(&listing(&["a"]), &rows, Keep::Forever);
    assert_eq!(
        (fetched(&kept), kept.count.keep, keys(&kept.seen)),
        (vec![], 1, vec![key("a", 1)])
    );
}

#[test]
fn what_was_to_go_and_has_another_size_is_not_deleted_unseen() {
    let rows = Rows::from([
        (key("a", 1), known(State::Stored)),
        (key("b", 1), known(State::Deleting)),
    ]);
    for (octets, keep, expected) in [
        (Some(100), Keep::None, (vec![], vec![0, 1])),
        (Some(101), Keep::None, (vec![0, 1], vec![])),
        (None, Keep::None, (vec![0, 1], vec![])),
        (Some(101), Keep::For(Duration::ZERO), (vec![0, 1], vec![])),
    ] {
        let mut listing = Listing::default();
        listing.push(1, octets, Some(By::UniqueId(b"a")));
        listing.push(2, octets, Some(By::UniqueId(b"b")));
        let plan = plan(&listing.counted(), &rows, keep);
        assert_eq!((fetched(&plan), plan.to_delete()), expected, "{octets:?}");
        for fetch in plan.fetch {
            assert_eq!(*fetch.known, [[1; 32]]);
        }
    }
}

#[test]
fn an_empty_listing_never_wipes_state() {
    let long_missing = Known {
        unseen_since: Some(LONG_AGO),
        ..known(State::Stored)
    };
    let rows = Rows::from([
        (key("a", 1), known(State::Stored)),
        (key("b", 1), long_missing.clone()),
        (
            key("c", 1),
            Known {
                state: State::Quarantined,
                ..long_missing
            },
        ),
    ]);
    let plan = plan(&listing(&[]), &rows, Keep::Forever);
    assert_eq!(
        (plan.forget.iter().count(), plan.gone.iter().count()),
        (0, 0)
    );
    assert_eq!(keys(&plan.unseen), [key("a", 1)]);
}

#[test]
fn what_is_missing_for_a_month_is_forgotten() {
    let since = |unseen_since| Known {
        unseen_since,
        ..known(State::Stored)
    };
    let rows = Rows::from([
        (key("a", 1), since(Some(LONG_AGO))),
        (key("b", 1), since(Some(YESTERDAY))),
        (key("c", 1), since(None)),
        (
            key("d", 1),
            Known {
                unseen_since: Some(LONG_AGO),
                ..known(State::Storing)
            },
        ),
        // The clock was set back since.
        (key("e", 1), since(Some(Timestamp(NOW.0 * 2)))),
        (key("f", 1), since(Some(Timestamp(NOW.0 - MONTH)))),
    ]);
    let plan = plan(&listing(&["other"]), &rows, Keep::Forever);
    assert_eq!(
        (keys(&plan.forget), keys(&plan.unseen)),
        (vec![key("a", 1)], vec![key("c", 1)])
    );
}

#[test]
fn what_was_being_deleted_and_is_missing_is_gone() {
    let rows = Rows::from([(key("a", 1), known(State::Deleting))]);
    assert_eq!(
        keys(&plan(&listing(&[]), &rows, Keep::None).gone),
        [key("a", 1)]
    );
}

#[test]
fn p04_copies_that_share_a_unique_id_are_fetched_each_once() {
    let rows = Rows::from([(key("a", 1), known(State::Stored))]);
    let plan = plan(&listing(&["a", "b", "a", "a"]), &rows, Keep::None);
    assert_eq!(
        (fetched(&plan), plan.to_delete(), plan.found),
        (vec![1, 2, 3], vec![0], vec![2, 3])
    );
}

#[test]
fn p04_a_copy_left_over_is_recognised_by_its_content_only() {
    // Two shared a unique-id; the first was being deleted when the connection broke, the second
    // was never fetched. One is left: which?
    for (first, second) in [
        (State::Deleting, State::Pending),
        (State::Stored, State::Quarantined),
        (State::Gone, State::Pending),
    ] {
        let rows = Rows::from([(key("a", 1), known(first)), (key("a", 2), known(second))]);
        let plan = plan(&listing(&["a"]), &rows, Keep::None);
        assert_eq!(
            plan.fetch,
            [Fetch {
                known: [[1; 32]].into(),
                is_new: first == State::Gone,
                is_believed: true,
                ..Fetch::new(0)
            }]
        );
        assert!(plan.delete.is_empty());
    }
}

#[test]
fn q14_a_message_without_a_unique_id_stops_nobody() {
    let mut listing = Listing::default();
    listing.push(1, None, None);
    listing.push(2, None, Some(By::UniqueId("ü".as_bytes())));
    let plan = plan(&listing.counted(), &Rows::new(), Keep::None);
    assert_eq!((fetched(&plan), plan.count.nameless), (vec![0, 1], 1));
}

/// A maildrop, the state, and a client that follows the plan until something breaks.
#[derive(Debug, Default)]
struct World {
    server: Vec<(String, u8)>,
    rows: Rows,
    arrived: BTreeSet<u8>,
    delivered: Vec<u8>,
    /// Unique-ids under which some messages were deleted and others are left, or were deleted
    /// without the client knowing.
    in_doubt: BTreeSet<String>,
}

#[derive(Clone, Debug)]
enum Move {
    Arrive {
        unique_id: u8,
        content: u8,
    },
    /// A session that ends after so many messages, with or without its QUIT being executed and
    /// confirmed.
    Session {
        fetches: usize,
        executed: bool,
        confirmed: bool,
    },
    /// The server shows an empty maildrop.
    Blink,
}

impl World {
    fn session(&mut self, fetches: usize, executed: bool, confirmed: bool, keep: Keep) {
        let unique_ids: Vec<&str> = self.server.iter().map(|(id, _)| id.as_str()).collect();
        let listing = listing(&unique_ids);
        let plan = plan(&listing, &self.rows, keep);
        self.prepare(&listing, &plan);
        let key = |position| listing.key(position).unwrap().to_key();
        let mut delete = plan.to_delete();
        for fetch in plan.fetch.iter().take(fetches) {
            let content = self.server[fetch.position as usize].1;
            if !fetch.known.contains(&[content; 32]) {
                self.delivered.push(content);
            }
            let row = Known {
                sum: Some([content; 32]),
                ..known(State::Stored)
            };
            self.rows.insert(key(fetch.position), row);
            if keep == Keep::None {
                delete.push(fetch.position);
            }
        }
        for &position in &delete {
            let state = if executed && confirmed {
                State::Gone
            } else {
                State::Deleting
            };
            let row = self.rows.get_mut(&key(position)).unwrap();
            assert!(row.state.is_delivered());
            row.state = state;
            row.unseen_since = (state == State::Gone).then_some(NOW);
        }
        let present: BTreeSet<String> = self.server.iter().map(|(id, _)| id.clone()).collect();
        self.in_doubt.retain(|id| present.contains(id));
        if executed {
            self.delete(&delete, confirmed);
        }
    }

    fn delete(&mut self, positions: &[u32], confirmed: bool) {
        let positions: BTreeSet<usize> = positions.iter().map(|&p| p as usize).collect();
        let deleted: Vec<String> = positions
            .iter()
            .map(|&p| self.server[p].0.clone())
            .collect();
        let mut position = 0..;
        self.server
            .retain(|_| !positions.contains(&position.next().unwrap()));
        let left = |id: &String| self.server.iter().any(|(other, _)| other == id);
        self.in_doubt
            .extend(deleted.into_iter().filter(|id| !confirmed || left(id)));
    }

    fn prepare(&mut self, listing: &Listing, plan: &Plan) {
        for &position in &plan.found {
            let key = listing.key(position).unwrap().to_key();
            self.rows.entry(key).or_insert(known(State::Pending));
        }
        let since = [(&plan.seen, None), (&plan.unseen, Some(NOW))];
        for (list, unseen_since) in since {
            for key in keys(list) {
                self.rows.get_mut(&key).unwrap().unseen_since = unseen_since;
            }
        }
        for key in keys(&plan.gone) {
            let row = self.rows.get_mut(&key).unwrap();
            (row.state, row.unseen_since) = (State::Gone, Some(NOW));
        }
        assert_eq!(plan.forget.iter().count(), 0);
    }

    fn play(&mut self, step: &Move, keep: Keep) {
        match *step {
            Move::Arrive { unique_id, content } => {
                let unique_id = unique_id.to_string();
                if !self.in_doubt.contains(&unique_id) {
                    self.arrived.insert(content);
                    self.server.push((unique_id, content));
                }
            }
            Move::Session {
                fetches,
                executed,
                confirmed,
            } => {
                self.session(fetches, executed, confirmed, keep);
            }
            Move::Blink => {
                let hidden = (std::mem::take(&mut self.server), self.in_doubt.clone());
                self.session(0, false, false, keep);
                (self.server, self.in_doubt) = hidden;
            }
        }
    }
}

fn moves(unique_ids: u8) -> impl Strategy<Value = Vec<Move>> {
    let session =
        (0..6_usize, any::<bool>(), any::<bool>()).prop_map(|(fetches, executed, confirmed)| {
            Move::Session {
                fetches,
                executed,
                confirmed,
            }
        });
    let arrive = (0..unique_ids, 0..u8::MAX)
        .prop_map(|(unique_id, content)| Move::Arrive { unique_id, content });
    prop::collection::vec(
        prop_oneof![3 => arrive, 3 => session, 1 => Just(Move::Blink)],
        0..30,
    )
}

fn keep() -> impl Strategy<Value = Keep> {
    prop_oneof![Just(Keep::Forever), Just(Keep::None)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Servers that keep RFC 1939: every message has a unique-id of its own.
    #[test]
    fn every_message_is_delivered_exactly_once(moves in moves(1), keep in keep()) {
        let mut world = World::default();
        for (serial, step) in (0..).zip(&moves) {
            match step {
                Move::Arrive { .. } => {
                    world.play(&Move::Arrive { unique_id: serial, content: serial }, keep);
                }
                other => world.play(other, keep),
            }
        }
        world.session(usize::MAX, true, true, Keep::None);
        world.delivered.sort_unstable();
        prop_assert_eq!(world.delivered, world.arrived.into_iter().collect::<Vec<_>>());
    }

    /// Servers that give one unique-id to many messages and use it again later: a duplicate is
    /// better than a loss. What they must not do is use it again while it is in doubt.
    #[test]
    fn p04_no_content_is_lost_whatever_unique_ids_do(moves in moves(3), keep in keep()) {
        let mut world = World::default();
        for step in &moves {
            world.play(step, keep);
        }
        for _ in 0..3 {
            world.session(usize::MAX, true, true, Keep::None);
        }
        let delivered: BTreeSet<u8> = world.delivered.into_iter().collect();
        prop_assert_eq!(world.arrived, delivered);
        prop_assert_eq!(world.server.len(), 0);
    }
}
