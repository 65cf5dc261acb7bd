//! What to do with each message: a pure function of the listing, the state and the policy.

mod listing;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::clock::Timestamp;
use crate::key::{Key, KeyList, Sum};
use crate::state::{Row, State};

pub(crate) use listing::{By, Listing};

/// How often a message that the server refuses or garbles is asked for before it is quarantined.
pub(crate) const ATTEMPTS: u32 = 3;

/// How long a message may be missing from listings before it is forgotten, in seconds: 30 days.
const FORGET_AFTER: i64 = 30 * 24 * 60 * 60;

/// How long messages stay on the server once they are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Until somebody else deletes them.
    #[default]
    Forever,
    /// Not at all.
    None,
    /// For so long after they were stored.
    For(Duration),
    /// The newest, as long as they take no more octets than this.
    Octets(u64),
}

/// What becomes of a message that is larger than is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Oversize {
    /// It stays on the server.
    #[default]
    Skip,
    /// Its headers are stored, marked as such; it stays on the server.
    Headers,
}

/// What the user wants done with the messages of an account.
#[allow(dead_code, reason = "the planner that obeys all of it is being made")]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) keep: Keep,
    /// Octets above which a message is oversize.
    pub(crate) skip_over: Option<u64>,
    pub(crate) oversize: Oversize,
    /// The most messages and octets to fetch in one session.
    pub(crate) max_messages: Option<u32>,
    pub(crate) max_octets: Option<u64>,
    /// Whether an account's first session leaves alone what it finds.
    pub(crate) only_new: bool,
}

/// A message to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetch {
    /// Where it is in the [`Listing`].
    pub(crate) position: u32,
    /// How many attempts failed before.
    pub(crate) attempts: u32,
    /// What was delivered under the same identity. If the content is one of these, it must not be
    /// delivered again.
    pub(crate) known: Vec<Sum>,
}

/// What a session is to do, in the order of the fields.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Messages that get a row before anything is fetched, so that it is known how many shared
    /// their identity.
    pub(crate) found: Vec<u32>,
    /// Rows whose message is back, is missing, or has been missing for too long.
    pub(crate) seen: KeyList,
    pub(crate) unseen: KeyList,
    pub(crate) forget: KeyList,
    /// Rows of messages that were being deleted and are no longer there.
    pub(crate) gone: KeyList,
    /// Those that never failed come first.
    pub(crate) fetch: Vec<Fetch>,
    /// Positions of messages that are stored and may go.
    pub(crate) delete: Vec<u32>,
    /// How many are stored and stay.
    pub(crate) keep: u64,
    /// How many are left alone because they failed too often.
    pub(crate) quarantined: u64,
    /// How many have nothing to tell them apart by.
    pub(crate) nameless: u64,
}

/// Compares a listing with the rows of its account, which come one by one in the order of their
/// keys, so that neither a million rows nor a copy of their unique-ids is ever in memory.
pub(crate) struct Planner<'a> {
    listing: &'a Listing,
    policy: Policy,
    now: Timestamp,
    /// How far the listing's order of identities is settled.
    settled: usize,
    /// The rows read so far that share an identity.
    rows: Vec<KnownRow>,
    plan: Plan,
}

/// A [`Row`] that outlives the store's cursor.
struct KnownRow {
    key: Key,
    state: State,
    sum: Option<Sum>,
    attempts: u32,
    unseen_since: Option<Timestamp>,
}

/// What the rows of one identity say together about each of its messages.
struct Siblings {
    /// The contents that were delivered.
    delivered: Vec<Sum>,
    /// Copies are told apart by their order. Where some are or were missing, nobody knows which
    /// are left: before one of them is deleted or passed over, its content must tell.
    shuffled: bool,
    /// Some were neither delivered nor given up.
    pending: bool,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(listing: &'a Listing, policy: Policy, now: Timestamp) -> Self {
        let plan = Plan {
            nameless: listing.nameless().count() as u64,
            ..Plan::default()
        };
        Self {
            listing,
            policy,
            now,
            settled: 0,
            rows: Vec::new(),
            plan,
        }
    }

    /// Takes the next row of the state.
    pub(crate) fn row(&mut self, row: Row<'_>) {
        if self
            .rows
            .first()
            .is_some_and(|first| first.key.as_ref().identity != row.key.identity)
        {
            self.flush();
        }
        self.rows.push(KnownRow {
            key: row.key.to_key(),
            state: row.state,
            sum: row.sum,
            attempts: row.attempts,
            unseen_since: row.unseen_since,
        });
    }

    /// The plan, after the last row.
    pub(crate) fn finish(mut self) -> Plan {
        self.flush();
        while let Some((_, positions)) = self.listing.group(self.settled) {
            self.unknown(positions);
        }
        // Oldest first, except that what failed before must not keep others waiting.
        self.plan
            .fetch
            .sort_by_key(|fetch| (fetch.attempts, fetch.position));
        self.plan.delete.sort_unstable();
        self.plan
    }

    /// Settles everything up to and including the identity of the rows collected.
    fn flush(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        if let Some(first) = rows.first() {
            let wanted = first.key.as_ref().identity;
            loop {
                match self.listing.group(self.settled) {
                    Some((identity, positions)) if identity < wanted => self.unknown(positions),
                    Some((identity, positions)) if identity == wanted => {
                        break self.group(positions, &rows);
                    }
                    _ => break rows.iter().for_each(|row| self.missing(row)),
                }
            }
        }
        rows.clear();
        self.rows = rows;
    }

    /// Messages of an identity that the state has no row of.
    fn unknown(&mut self, positions: &[u32]) {
        self.settled += positions.len();
        for &position in positions {
            self.new_message(position, positions.len() > 1);
        }
    }

    fn new_message(&mut self, position: u32, has_copies: bool) {
        if has_copies {
            self.plan.found.push(position);
        }
        self.plan.fetch.push(Fetch {
            position,
            attempts: 0,
            known: Vec::new(),
        });
    }

    /// The messages and the rows of one identity.
    fn group(&mut self, positions: &[u32], rows: &[KnownRow]) {
        self.settled += positions.len();
        let fewer = positions.len() < rows.len()
            || rows
                .iter()
                .any(|row| row.state == State::Gone || row.unseen_since.is_some());
        let siblings = Siblings {
            delivered: (rows.iter().filter(|row| row.state.is_delivered()))
                .filter_map(|row| row.sum)
                .collect(),
            shuffled: fewer
                && rows.len() > 1
                && (self.policy.keep == Keep::None
                    || rows.iter().any(|row| !row.state.is_delivered())),
            pending: rows.iter().any(|row| row.state == State::Pending),
        };
        for (occurrence, &position) in (1..).zip(positions) {
            match rows
                .iter()
                .find(|row| row.key.as_ref().occurrence == occurrence)
            {
                Some(row) => self.known_message(position, row, &siblings),
                None => self.new_message(position, positions.len() > 1),
            }
        }
        (rows.iter())
            .filter(|row| row.key.as_ref().occurrence as usize > positions.len())
            .for_each(|row| self.missing(row));
    }

    /// One message that is on the server and has a row.
    fn known_message(&mut self, position: u32, row: &KnownRow, siblings: &Siblings) {
        let known = match (row.state, self.policy.keep) {
            // Its target could not be asked what became of it. It stays until that is known.
            (State::Storing, _) => return self.plan.keep += 1,
            (State::Quarantined, _) if !(siblings.shuffled && siblings.pending) => {
                return self.plan.quarantined += 1;
            }
            // Octets cannot be compared with a message that the server will not give.
            (State::Stored | State::Deleting | State::Gone, _) if row.attempts >= ATTEMPTS => {
                return self.plan.quarantined += 1;
            }
            _ if siblings.shuffled => siblings.delivered.clone(),
            (State::Pending | State::Quarantined, _) => Vec::new(),
            // The unique-id was in use before: it may stand for something else now.
            (State::Gone, _) => siblings.delivered.clone(),
            // What was away and came back is not deleted unseen.
            (State::Stored | State::Deleting, Keep::None) if row.unseen_since.is_some() => {
                siblings.delivered.clone()
            }
            (State::Stored | State::Deleting, keep) => {
                if row.unseen_since.is_some() {
                    self.plan.seen.push(row.key.as_ref());
                }
                match keep {
                    Keep::None => self.plan.delete.push(position),
                    _ => self.plan.keep += 1,
                }
                return;
            }
        };
        self.plan.fetch.push(Fetch {
            position,
            attempts: row.attempts,
            known,
        });
    }

    /// One row whose message is not on the server.
    fn missing(&mut self, row: &KnownRow) {
        let key = row.key.as_ref();
        // Servers lose their minds for a moment and say that there is nothing at all. That alone
        // wipes out nothing; but what was deleted on request is expected to be missing.
        let credible = self.listing.len() > 0 || row.state == State::Gone;
        match (row.state, row.unseen_since) {
            (State::Storing, _) => {}
            (State::Deleting, _) => self.plan.gone.push(key),
            (_, None) => self.plan.unseen.push(key),
            (_, Some(since)) => {
                if credible && self.now.seconds_since(since) > FORGET_AFTER {
                    self.plan.forget.push(key);
                }
            }
        }
    }
}
