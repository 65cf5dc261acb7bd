//! The comparison of a listing with the rows of its account.

use std::sync::Arc;

use super::{Fetch, Keep, Listing, Oversize, Plan, Policy};
use crate::clock::Timestamp;
use crate::key::{Key, Sum};
use crate::state::{LONGEST_PAUSE, Past, Row, State};

/// How long a message may be missing from listings before it is forgotten, in seconds: 30 days.
const FORGET_AFTER: i64 = 30 * 24 * 60 * 60;

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
    /// Stored messages that may go where room is wanted, with their octets.
    stored: Vec<(u32, u64)>,
    plan: Plan,
}

/// A [`Row`] that outlives the store's cursor.
struct KnownRow {
    key: Key,
    state: State,
    sum: Option<Sum>,
    octets: Option<u64>,
    excerpt: bool,
    age: Option<i64>,
    past: Option<Arc<Past>>,
    unseen_since: Option<Timestamp>,
}

/// What the rows of one identity say together about each of its messages.
struct Siblings {
    /// The contents that were delivered.
    delivered: Arc<[Sum]>,
    /// Copies are told apart by their order. Where some are or were missing, nobody knows which
    /// are left: before one of them is deleted or passed over, its content must tell.
    shuffled: bool,
    /// Some were neither delivered nor given up.
    pending: bool,
}

impl<'a> Planner<'a> {
    /// With a policy of `only_new`, what has no row yet is left alone.
    pub(crate) fn new(listing: &'a Listing, policy: Policy, now: Timestamp) -> Self {
        let mut plan = Plan::default();
        plan.count.nameless = listing.nameless().count() as u64;
        Self {
            listing,
            policy,
            now,
            settled: 0,
            rows: Vec::new(),
            stored: Vec::new(),
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
        let is_by_unique_id = row.key.identity.unique_id().is_some() && row.state != State::Gone;
        self.plan.count.by_unique_id += u64::from(is_by_unique_id);
        self.rows.push(KnownRow {
            key: row.key.to_key(),
            state: row.state,
            sum: row.sum,
            octets: row.octets,
            excerpt: row.excerpt,
            age: row.age,
            past: Past::of(&row).map(Arc::new),
            unseen_since: row.unseen_since,
        });
    }

    /// The plan, after the last row.
    pub(crate) fn finish(mut self) -> Plan {
        self.flush();
        while let Some((_, positions)) = self.listing.group(self.settled) {
            self.unknown(positions);
        }
        if let Keep::Octets(room) = self.policy.keep {
            self.make_room(room);
        }
        // Oldest first, except that what failed before must not keep others waiting.
        self.plan
            .fetch
            .sort_by_key(|fetch| (Past::rank(fetch.past.as_deref()), fetch.position));
        self.plan.excerpts.sort_by_key(|fetch| fetch.position);
        self.plan.skip.sort_unstable();
        self.plan.delete.sort_unstable();
        self.plan
    }

    /// Deletes stored messages, the oldest first, until all there are take no more than this. What
    /// is not stored takes room and stays.
    fn make_room(&mut self, room: u64) {
        self.stored.sort_unstable();
        let mut stored = self.stored.iter().rev().peekable();
        let mut taken = 0_u64;
        for position in self.listing.positions().rev() {
            let here = stored.next_if(|&&(stored, _)| stored == position);
            let octets = (self.listing.octets(position)).or(here.map(|&(_, octets)| octets));
            taken = taken.saturating_add(octets.unwrap_or(0));
            match here {
                Some(_) if taken > room => self.plan.delete.push(position),
                Some(_) => self.plan.count.keep += 1,
                None => {}
            }
        }
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
        self.plan.count.unknown += 1;
        if self.policy.only_new {
            return self.plan.skip.push(position);
        }
        if has_copies {
            self.plan.found.push(position);
        }
        let fetch = Fetch {
            position,
            past: None,
            known: Arc::default(),
        };
        self.want(fetch, false);
    }

    /// The messages and the rows of one identity.
    fn group(&mut self, positions: &[u32], rows: &[KnownRow]) {
        self.settled += positions.len();
        let fewer = positions.len() < rows.len()
            || rows
                .iter()
                .any(|row| row.state == State::Gone || row.unseen_since.is_some());
        let undecided = |row: &KnownRow| !row.state.is_delivered() && row.state != State::Skipped;
        let siblings = Siblings {
            delivered: (rows.iter())
                .filter(|row| row.state.is_delivered() && !row.excerpt)
                .filter_map(|row| row.sum)
                .collect(),
            shuffled: fewer
                && rows.len() > 1
                && (self.policy.keep != Keep::Forever || rows.iter().any(undecided)),
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
        self.plan.count.delivered += u64::from(row.state.is_delivered());
        let given_up = !(siblings.shuffled && siblings.pending);
        let known = match row.state {
            // Its target could not be asked what became of it. It stays until that is known.
            State::Storing => return self.plan.count.keep += 1,
            State::Skipped if given_up => {
                self.is_back(row);
                return self.plan.count.skipped += 1;
            }
            State::Quarantined if given_up => return self.plan.count.quarantined += 1,
            State::Pending if self.policy.only_new => return self.plan.skip.push(position),
            // Octets cannot be compared with a message that the server will not give.
            State::Stored | State::Deleting | State::Gone
                if (row.past.as_ref()).is_some_and(|past| past.is_given_up(self.now)) =>
            {
                return self.plan.count.quarantined += 1;
            }
            _ if siblings.shuffled => Arc::clone(&siblings.delivered),
            State::Rejected if row.unseen_since.is_none() => {
                return self.plan.reject.push(position);
            }
            State::Pending | State::Quarantined | State::Skipped | State::Rejected => {
                Arc::default()
            }
            // The unique-id was in use before: it may stand for something else now.
            State::Gone => Arc::clone(&siblings.delivered),
            State::Stored | State::Deleting if row.excerpt => {
                self.is_back(row);
                Arc::clone(&siblings.delivered)
            }
            // What was away and came back is not deleted unseen.
            State::Stored | State::Deleting
                if row.unseen_since.is_some() && self.policy.keep != Keep::Forever =>
            {
                Arc::clone(&siblings.delivered)
            }
            State::Stored | State::Deleting if self.may_be_another(position, row) => {
                Arc::clone(&siblings.delivered)
            }
            State::Stored | State::Deleting => {
                self.is_back(row);
                return self.stored(position, row);
            }
        };
        let fetch = Fetch {
            position,
            past: row.past.clone(),
            known,
        };
        self.want(fetch, row.excerpt && row.state.is_delivered());
    }

    /// Whether it was to be deleted before and may have been, and its unique-id stands for another
    /// message since. The size tells them apart; servers that count it otherwise (Q13) cost a
    /// comparison.
    fn may_be_another(&self, position: u32, row: &KnownRow) -> bool {
        let was_to_go = row.state == State::Deleting || self.policy.keep == Keep::None;
        let octets = self.listing.octets(position);
        was_to_go && row.octets.is_some_and(|known| octets != Some(known))
    }

    fn is_back(&mut self, row: &KnownRow) {
        if row.unseen_since.is_some() {
            self.plan.seen.push(row.key.as_ref());
        }
    }

    /// A message that is stored whole: it stays or goes.
    fn stored(&mut self, position: u32, row: &KnownRow) {
        let goes = match self.policy.keep {
            Keep::Forever => false,
            Keep::None => true,
            // A jump of the clock passes a day at most, and that is made up for.
            Keep::For(time) => {
                let time = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
                let least = time.saturating_add(time.min(LONGEST_PAUSE));
                row.age.is_some_and(|age| age >= least)
            }
            Keep::Octets(_) => {
                return self.stored.push((position, row.octets.unwrap_or(0)));
            }
        };
        match goes {
            true => self.plan.delete.push(position),
            false => self.plan.count.keep += 1,
        }
    }

    /// A message that is to be had, unless it is larger than is wanted.
    fn want(&mut self, fetch: Fetch, has_excerpt: bool) {
        let octets = self.listing.octets(fetch.position);
        let oversize = (self.policy.skip_over.zip(octets)).is_some_and(|(most, is)| is > most);
        if !oversize {
            return self.plan.fetch.push(fetch);
        }
        self.plan.count.oversize += 1;
        if self.policy.oversize == Oversize::Headers && !has_excerpt && fetch.known.is_empty() {
            self.plan.excerpts.push(fetch);
        }
    }

    /// One row whose message is not on the server.
    fn missing(&mut self, row: &KnownRow) {
        let key = row.key.as_ref();
        let is_lost = row.state.is_delivered() && row.state != State::Gone;
        self.plan.count.lost += u64::from(is_lost);
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
