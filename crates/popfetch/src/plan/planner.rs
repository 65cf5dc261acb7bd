//! The comparison of a listing with the rows of its account.

mod message;

use std::sync::Arc;

use super::known::{Belief, KnownRow};
use super::resized::Resized;
use super::{Contents, Fetch, Keep, Listing, Plan, Policy, Removal, Vanished};
use crate::clock::Timestamp;
use crate::key::{KeyRef, Sum};
use crate::sizes::{Sample, Sizes};
use crate::state::{Past, Row, State};

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
    /// What is known of LIST's numbers.
    sizes: Sizes,
    /// Stored messages that may go where room is wanted, with their octets.
    stored: Vec<(Removal, u64)>,
    resized: Resized,
    /// Whether a few messages may stand for all whose sizes have changed.
    trusts_sample: bool,
    /// Rows that are doubted, and are settled when all rows are known.
    doubted: Vec<(u32, KnownRow, Arc<[Sum]>)>,
    /// Messages that the server has confirmed to have deleted, and shows still.
    lingering: Vec<(u32, KnownRow, Arc<[Sum]>)>,
    /// Whether it is known to ignore deletions.
    ignores_deletion: bool,
    /// Contents of doubted messages, any of which may have come in the place of another's.
    unsure: Vec<Sum>,
    exact_samples: Vec<Sample>,
    vanished: Vanished,
    /// What was delivered of messages of which LIST tells another size by now.
    exchanged: Vanished,
    contents: Contents,
    plan: Plan,
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
            sizes: Sizes::default(),
            stored: Vec::new(),
            resized: Resized::default(),
            trusts_sample: true,
            doubted: Vec::new(),
            lingering: Vec::new(),
            ignores_deletion: false,
            unsure: Vec::new(),
            exact_samples: Vec::new(),
            vanished: Vanished::default(),
            exchanged: Vanished::default(),
            contents: Contents::new(policy.only_new),
            plan,
        }
    }

    /// The same with what is known of LIST's numbers.
    pub(crate) fn with_sizes(self, sizes: Sizes) -> Self {
        Self { sizes, ..self }
    }

    /// The same for a server that is known to ignore deletions, if it is.
    pub(crate) fn with_ignored_deletions(self, ignores_deletion: bool) -> Self {
        Self {
            ignores_deletion,
            ..self
        }
    }

    /// The same, and every message whose size has changed is fetched: a sample showed that some are
    /// other messages.
    pub(crate) fn without_sample(self) -> Self {
        Self {
            trusts_sample: false,
            ..self
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
        self.rows.push(KnownRow::new(&row));
    }

    /// The plan, after the last row.
    pub(crate) fn finish(mut self) -> Plan {
        self.flush();
        while let Some((_, positions)) = self.listing.group(self.settled) {
            self.unknown(positions);
        }
        self.listing
            .nameless()
            .for_each(|position| self.want(Fetch::new(position), false));
        self.settle_lingering();
        self.settle_doubts();
        let resized = std::mem::take(&mut self.resized);
        let (fetch, waiting) = resized.split(self.trusts_sample);
        if !waiting.is_empty() {
            self.plan.sampled = fetch.iter().map(|fetch| fetch.position).collect();
        }
        fetch.into_iter().for_each(|fetch| self.want(fetch, false));
        self.plan.resized = waiting;
        if let Keep::Octets(room) = self.policy.keep {
            self.make_room(room);
        }
        // Oldest first, except that what failed before must not keep others waiting.
        self.plan
            .fetch
            .sort_by_key(|fetch| (Past::rank(fetch.past.as_deref()), fetch.position));
        self.plan.excerpts.sort_by_key(|fetch| fetch.position);
        self.plan.skip.sort_unstable();
        self.plan
            .delete
            .sort_unstable_by_key(|removal| removal.position);
        self.plan.listed.sort_unstable();
        self.plan.vanished = Arc::new(self.vanished.sorted());
        if !self.exchanged.is_empty() {
            self.plan.exchanged = Some(Arc::new(self.exchanged.sorted()));
        }
        self.plan.contents = Arc::new(self.contents);
        self.plan
    }

    /// What becomes of messages that are there though the server has confirmed to have deleted them.
    /// Where it is known to ignore that, or has deleted others, they are what they were. Else some
    /// are compared: their unique-ids may stand for others by now (Q45).
    fn settle_lingering(&mut self) {
        const SAMPLE: usize = 3;
        let is_known = self.ignores_deletion || self.plan.obeyed > 0;
        let lingering = std::mem::take(&mut self.lingering);
        for (index, (position, row, delivered)) in lingering.into_iter().enumerate() {
            if is_known {
                self.plan.kept.push(position);
                self.stored(position, &row, row.whole(), &delivered);
                continue;
            }
            // At once after QUIT the server may still be about to (Q58).
            if !row.may_be_going(self.now) {
                self.plan.lingering.push(position);
            }
            match index {
                ..SAMPLE => {
                    let fetch = self.compared(position, &row, &delivered);
                    self.want(fetch, false);
                }
                _ => self.plan.count.keep += 1,
            }
        }
    }

    /// What becomes of doubted messages, once it is known what all of them say of LIST's numbers.
    fn settle_doubts(&mut self) {
        let samples = &mut self.plan.samples;
        samples.append(&mut self.exact_samples);
        if !self.doubted.is_empty() {
            self.sizes = self.sizes.taught(samples).unwrap_or(self.sizes);
        }
        self.plan.sizes = self.sizes;
        for (position, row, delivered) in std::mem::take(&mut self.doubted) {
            match row.belief(self.sizes) {
                Belief::Understood(whole) | Belief::Whole(whole) => {
                    self.plan.believed.push(row.key.as_ref());
                    self.stored(position, &row, Some(whole), &delivered);
                }
                Belief::Unproven => self.stored(position, &row, None, &delivered),
                Belief::Later => self.plan.doubted.push(position),
                Belief::Again => {
                    self.plan.doubted.push(position);
                    let known = [&*delivered, &*self.unsure].concat().into();
                    let fetch = self.compared(position, &row, &known);
                    self.want(fetch, false);
                }
            }
        }
    }

    /// Deletes stored messages, the oldest first, until all there are take no more than this. What
    /// is not stored takes room and stays.
    fn make_room(&mut self, room: u64) {
        self.stored
            .sort_unstable_by_key(|(removal, _)| removal.position);
        let mut stored = self.stored.iter().rev().peekable();
        let mut taken = 0_u64;
        for position in self.listing.positions().rev() {
            let here = stored.next_if(|(stored, _)| stored.position == position);
            let octets = (self.listing.octets(position)).or(here.map(|&(_, octets)| octets));
            taken = taken.saturating_add(octets.unwrap_or(0));
            match here {
                Some(&(removal, _)) if taken > room => self.plan.delete.push(removal),
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
        self.want(Fetch::new(position), false);
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

    /// One row whose message is not on the server.
    fn missing(&mut self, row: &KnownRow) {
        let key = row.key.as_ref();
        if let Some(sum) = key.identity.content()
            && self.plan.count.nameless > 0
        {
            // It may be any of those, which only their content tells apart; or it has a name now.
            self.sample(row);
            self.vanish(row);
            return self.contents.push(sum, row, self.goes(row));
        }
        let is_lost = row.state.is_delivered() && row.state != State::Gone;
        self.plan.count.lost += u64::from(is_lost);
        // Servers lose their minds for a moment and say that there is nothing at all. That alone
        // wipes out nothing; but what was deleted on request is expected to be missing.
        let credible = self.listing.len() > 0 || row.state == State::Gone;
        self.vanish(row);
        match (row.state, row.unseen_since) {
            (State::Storing, _) => {}
            (State::Deleting, _) => self.plan.gone.push(key),
            (State::Gone, None) => {
                self.plan.obeyed += 1;
                self.plan.unseen.push(key);
            }
            (_, None) => self.plan.unseen.push(key),
            (_, Some(since)) => {
                if credible && self.now.seconds_since(since) > FORGET_AFTER {
                    self.plan.forget.push(key);
                }
            }
        }
    }

    /// A message that the listing lacks may be there under another key. One whose deletion was
    /// confirmed is not.
    fn vanish(&mut self, row: &KnownRow) {
        let key: KeyRef<'_> = row.key.as_ref();
        if self.listing.len() == 0 {
            return;
        }
        match (row.state, row.sum) {
            (State::Stored | State::Deleting, Some(sum)) if !row.excerpt => {
                self.vanished.push(key, sum, row.essence);
            }
            (State::Pending, _) => self.vanished.push_waiting(key),
            _ => {}
        }
    }
}
