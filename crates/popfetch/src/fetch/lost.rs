//! Messages that could not be fetched: who is told, what the state remembers, and whether they have
//! another turn in this run.

use std::sync::Arc;

use super::{Fetcher, blocking};
use crate::deliver::{Delivery, Refused, Ticket};
use crate::failure::Failure;
use crate::key::Key;
use crate::plan::{ATTEMPTS, Fetch, Listing};
use crate::report::Event;
use crate::state::Change;

/// A message that could not be fetched.
pub(super) struct Lost {
    pub(super) ticket: Ticket,
    pub(super) failure: Failure,
    /// Whether it may be given up after too many attempts.
    pub(super) counts: bool,
    /// Whether the session broke at it.
    pub(super) broke: bool,
}

impl Lost {
    /// The server would not give it.
    pub(super) fn refused(ticket: Ticket, failure: Failure) -> Self {
        Self {
            ticket,
            failure,
            counts: true,
            broke: false,
        }
    }

    pub(super) fn quarantined(&self) -> bool {
        self.counts && self.ticket.attempts + 1 >= ATTEMPTS
    }
}

impl From<Refused> for Lost {
    fn from(refused: Refused) -> Self {
        Self {
            ticket: refused.ticket,
            failure: refused.failure,
            counts: refused.counts,
            broke: false,
        }
    }
}

/// How a message failed in this run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Failed {
    times: u32,
    /// It broke the session, so it was not the server's free will.
    broke: bool,
}

impl Fetcher<'_> {
    /// A message that failed in this run has had its turn; one that broke a session has another
    /// one behind all others, so that it is alone (Q11).
    pub(super) fn may_be_tried(&self, listing: &Listing, fetch: &Fetch) -> bool {
        let key = listing.key(fetch.position);
        let failed = key.and_then(|key| self.failed.get(&key.to_key()));
        failed.is_none_or(|failed| failed.broke && failed.times < 2)
    }

    /// Tells of the messages that were not fetched, and remembers them. Whether some of them
    /// failed for the first time in this run.
    pub(super) async fn settle(
        &mut self,
        lost: &[Lost],
        delivery: &Arc<Delivery>,
    ) -> Result<bool, Failure> {
        let mut first = false;
        for lost in lost {
            let failed = self.failed.entry(lost.ticket.key.clone()).or_default();
            first |= failed.times == 0;
            failed.times += 1;
            failed.broke |= lost.broke;
            self.blamed_message |= lost.broke && lost.counts;
            self.event(Event::NotFetched {
                number: lost.ticket.number,
                identity: lost.ticket.key.as_ref().identity,
                failure: &lost.failure,
                quarantined: lost.quarantined(),
            });
        }
        // One that does not count is put behind the others, and never given up.
        let remembered: Vec<(Key, bool, String)> = (lost.iter())
            .filter(|lost| lost.counts || lost.ticket.attempts == 0)
            .map(|lost| {
                let reason = lost.failure.to_string();
                (lost.ticket.key.clone(), lost.quarantined(), reason)
            })
            .collect();
        if !remembered.is_empty() {
            let delivery = Arc::clone(delivery);
            blocking(move || {
                let mut changes = (remembered.iter()).map(|(key, quarantined, reason)| {
                    Change::failed(key.as_ref(), reason, *quarantined)
                });
                let now = delivery.clock.now();
                Ok(delivery.store.apply(delivery.account, now, &mut changes)?)
            })
            .await?;
        }
        Ok(first)
    }
}
