//! What becomes of one message that is on the server and has a row.

use std::sync::Arc;

use super::super::known::{KnownRow, Number};
use super::super::{Fetch, Keep, Oversize};
use super::{Planner, Siblings};
use crate::evidence::Whole;
use crate::key::Sum;
use crate::state::{LONGEST_PAUSE, State};

impl Planner<'_> {
    /// One message that is on the server and has a row.
    pub(super) fn known_message(&mut self, position: u32, row: &KnownRow, siblings: &Siblings) {
        self.plan.count.delivered += u64::from(row.state.is_delivered());
        self.sample(row);
        let given_up = !(siblings.shuffled && siblings.pending);
        let number = row.number(self.listing.octets(position));
        let is_other = number == Number::Changed;
        match row.state {
            // Its target could not be asked what became of it. It stays until that is known.
            State::Storing => self.plan.count.unresolved += 1,
            // The unique-id may stand for another message by now (Q45).
            State::Skipped | State::Quarantined if given_up && is_other => {
                self.resized.other(Fetch::new(position));
            }
            State::Skipped if given_up => {
                self.is_back(row);
                self.is_same(position, row);
                self.plan.count.skipped += 1;
            }
            State::Quarantined if given_up => self.plan.count.quarantined += 1,
            State::Pending if self.policy.only_new => self.plan.skip.push(position),
            // Octets cannot be compared with a message that the server will not give.
            State::Stored | State::Deleting | State::Gone
                if (row.past.as_ref()).is_some_and(|past| past.is_given_up(self.now)) =>
            {
                self.plan.count.quarantined += 1;
            }
            // Copies may differ in nothing but their way here.
            _ if siblings.shuffled => {
                let fetch = row.compare(position, &siblings.delivered);
                self.want(fetch, false);
            }
            State::Rejected if row.unseen_since.is_none() && !is_other => {
                self.plan.reject.push(position);
            }
            State::Pending | State::Quarantined | State::Skipped | State::Rejected => {
                let past = row.past.clone();
                let fetch = Fetch::new(position);
                self.want(Fetch { past, ..fetch }, false);
            }
            State::Gone => self.deleted_message(position, row, number, &siblings.delivered),
            State::Stored | State::Deleting => {
                self.stored_message(position, row, number, &siblings.delivered);
            }
        }
    }

    /// One that was deleted, by what the server said. What becomes of one that no listing lacked
    /// since is settled when all rows are known.
    fn deleted_message(
        &mut self,
        position: u32,
        row: &KnownRow,
        number: Number,
        delivered: &Arc<[Sum]>,
    ) {
        let was_away = row.unseen_since.is_some();
        // Where messages are known by their numbers, the next one has the number now (Q45).
        if was_away || number != Number::Same || self.is_numbered(position) {
            // The unique-id was in use before: it may stand for something else now.
            self.compare(position, row, delivered);
        } else {
            let delivered = Arc::clone(delivered);
            self.lingering.push((position, row.clone(), delivered));
        }
    }

    /// One that was stored, and whose deletion was not confirmed.
    fn stored_message(
        &mut self,
        position: u32,
        row: &KnownRow,
        number: Number,
        delivered: &Arc<[Sum]>,
    ) {
        let was_away = row.unseen_since.is_some() && self.policy.keep != Keep::Forever;
        match number {
            _ if row.excerpt => {
                self.is_back(row);
                let fetch = self.compared(position, row, delivered);
                self.want(fetch, true);
            }
            // It is another message, or the server counts otherwise than before.
            Number::Changed => {
                // Numbers move up when a message goes, and then every one stands for another.
                self.trusts_sample &= !self.is_numbered(position);
                if let Some(sum) = row.sum {
                    self.exchanged.push(row.key.as_ref(), sum, None);
                }
                let fetch = self.compared(position, row, delivered);
                self.resized.delivered(Fetch {
                    is_resized: true,
                    ..fetch
                });
            }
            // What was away and came back is not deleted unseen.
            _ if was_away => self.compare(position, row, delivered),
            _ if row.is_doubted() => {
                self.unsure.extend(row.sum);
                self.is_back(row);
                self.doubted
                    .push((position, row.clone(), Arc::clone(delivered)));
            }
            // Where LIST tells nothing, the content must tell before it goes.
            Number::Missing | Number::Same => {
                self.is_back(row);
                self.is_same(position, row);
                self.stored(position, row, row.whole(), delivered);
            }
        }
    }

    /// The request to compare it, with what it must have in common.
    pub(super) fn compared(
        &mut self,
        position: u32,
        row: &KnownRow,
        delivered: &Arc<[Sum]>,
    ) -> Fetch {
        let likeness = row.likeness();
        (self.plan.likenesses).extend(likeness.map(|likeness| (position, likeness)));
        row.compare(position, delivered)
    }

    fn compare(&mut self, position: u32, row: &KnownRow, delivered: &Arc<[Sum]>) {
        let fetch = self.compared(position, row, delivered);
        self.want(fetch, false);
    }

    /// What a row tells of LIST's numbers. A few messages that fit to the octet tell enough.
    pub(super) fn sample(&mut self, row: &KnownRow) {
        const FEW: usize = 8;
        match row.sample() {
            Some(sample) if row.is_doubted() => self.plan.samples.push(sample),
            Some(sample) if self.exact_samples.len() < FEW => self.exact_samples.push(sample),
            _ => {}
        }
    }

    /// Its LIST number is as before; where none was remembered, this one is.
    fn is_same(&mut self, position: u32, row: &KnownRow) {
        self.resized.same();
        let octets = self.listing.octets(position);
        let fits = row.octets.is_none() || row.octets == octets;
        if row.listed.is_none() && octets.is_some() && fits {
            self.plan.listed.push(position);
        }
    }

    /// Whether the unique-id is the message's number.
    fn is_numbered(&self, position: u32) -> bool {
        let unique_id = self
            .listing
            .key(position)
            .and_then(|key| key.identity.unique_id());
        unique_id == Some(self.listing.number(position).to_string().as_bytes())
    }

    fn is_back(&mut self, row: &KnownRow) {
        if row.unseen_since.is_some() {
            self.plan.seen.push(row.key.as_ref());
        }
    }

    /// A message that is stored whole: it stays or goes. Where listing and state cannot tell that it
    /// is the one that was stored, it is fetched and compared before it goes.
    pub(super) fn stored(
        &mut self,
        position: u32,
        row: &KnownRow,
        whole: Option<Whole>,
        delivered: &Arc<[Sum]>,
    ) {
        let removal = row.removal(position, self.listing.octets(position), whole);
        match (self.policy.keep, removal) {
            (Keep::Octets(_), Some(removal)) => {
                self.stored.push((removal, row.octets.unwrap_or(0)));
            }
            _ if !self.goes(row) => self.plan.count.keep += 1,
            (_, Some(removal)) => self.plan.delete.push(removal),
            (_, None) => self.compare(position, row, delivered),
        }
    }

    /// Whether the policy lets a stored message go that takes no other's room.
    pub(super) fn goes(&self, row: &KnownRow) -> bool {
        match self.policy.keep {
            Keep::Forever | Keep::Octets(_) => false,
            Keep::None => true,
            // A jump of the clock passes a day at most, and that is made up for.
            Keep::For(time) => {
                let time = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
                let least = time.saturating_add(time.min(LONGEST_PAUSE));
                row.age.is_some_and(|age| age >= least)
            }
        }
    }

    /// A message that is to be had, unless it is larger than is wanted.
    pub(super) fn want(&mut self, fetch: Fetch, has_excerpt: bool) {
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
}
