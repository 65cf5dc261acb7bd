//! Messages that could not be fetched: who is told, what the state remembers, and whether they have
//! another turn in this run.

use std::mem;
use std::sync::Arc;

use super::trouble::Denial;
use super::{Fetcher, blocking};
use crate::clock::Timestamp;
use crate::deliver::{Delivery, Refused, Stored, Ticket};
use crate::failure::Failure;
use crate::key::KeyRef;
use crate::plan::{Fetch, Listing};
use crate::report::Event;
use crate::state::{Change, Past, Target};

/// A target that has taken nothing for so many seconds will not do so for waiting longer: from
/// then on its refusals are about the message.
const DAY: i64 = 24 * 60 * 60;

/// A message that could not be fetched.
pub(super) struct Lost {
    pub(super) ticket: Ticket,
    pub(super) failure: Failure,
    pub(super) why: Why,
}

/// Why a message could not be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The server would not give it.
    Refused,
    /// The server would not give it for now, or wants to give no more.
    ForNow,
    /// A target would not have it.
    NotTaken {
        /// The target has taken another one in this visit, so it works.
        target_works: bool,
    },
    /// A target would not have it for now.
    NotTakenForNow,
    /// The session broke at it.
    Broke {
        /// The server sent what it must not, so that others may come in another session.
        misbehaved: bool,
        /// Nothing else was on its way: it was this message.
        alone: bool,
    },
}

/// What a message that could not be fetched comes to.
struct Verdict {
    counts: bool,
    quarantined: bool,
    /// Since when, as the state is to remember it.
    failing: Option<Timestamp>,
    is_news: bool,
}

impl Why {
    /// The server would not give it.
    pub(super) fn by(denial: Denial) -> Self {
        match denial {
            Denial::OfMessage => Self::Refused,
            Denial::ForNow | Denial::Quota => Self::ForNow,
        }
    }
}

impl Lost {
    /// A target would not have it; these took another one in this visit.
    pub(super) fn not_taken(refused: Refused, working: &[Target]) -> Self {
        let target_works = working.contains(&refused.target);
        Self {
            ticket: refused.ticket,
            failure: refused.failure,
            why: match refused.for_now {
                true => Why::NotTakenForNow,
                false => Why::NotTaken { target_works },
            },
        }
    }

    /// Whether the server misbehaved at it.
    pub(super) fn is_blamed(&self) -> bool {
        matches!(
            self.why,
            Why::Broke {
                misbehaved: true,
                ..
            }
        )
    }

    /// What it comes to at the time `now`.
    fn judge(&self, now: Timestamp) -> Verdict {
        let before = self.ticket.past.as_deref().cloned().unwrap_or_default();
        let counts = match self.why {
            Why::Refused => true,
            Why::ForNow | Why::NotTakenForNow => false,
            Why::NotTaken { target_works } => target_works || before.age(now) >= DAY,
            Why::Broke { alone, .. } => alone,
        };
        let is_target = matches!(self.why, Why::NotTaken { .. } | Why::NotTakenForNow);
        let failing = match (is_target, counts) {
            // Whether the target or the message is broken, time tells.
            (true, _) => before.failing.or(Some(now)),
            (false, true) if before.attempts == 0 => Some(now),
            (false, true) => before.failing.or(Some(now)),
            (false, false) => before.failing,
        };
        let is_news = !is_same(&before.reason, &self.failure.to_string());
        let quarantined = counts && Past { failing, ..before }.is_last(now);
        Verdict {
            counts,
            quarantined,
            failing,
            is_news: is_news || quarantined,
        }
    }
}

/// Whether two reasons say the same, apart from numbers: a message has another number in each
/// session.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let words = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    words(one) == words(other)
}

/// How a message failed in this run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Failed {
    times: u32,
    /// It broke the session, so it was not the server's free will.
    broke: bool,
}

impl Fetcher<'_> {
    /// Remembers what the targets made of headers in a session. What they would not have is not
    /// settled before the messages had their turn, which show what works.
    pub(super) fn keep_in_view(&mut self, stored: &mut Stored) {
        self.refused.append(&mut stored.refused);
        for target in mem::take(&mut stored.took) {
            if !self.working.contains(&target) {
                self.working.push(target);
            }
        }
    }

    /// What the targets would not have in a session.
    pub(super) fn not_taken(&mut self, stored: &mut Stored) -> Vec<Lost> {
        self.keep_in_view(stored);
        (mem::take(&mut self.refused).into_iter())
            .map(|refused| Lost::not_taken(refused, &self.working))
            .collect()
    }

    /// A message that failed in this run has had its turn; one that broke a session has another
    /// one behind all others, so that it is alone (Q11).
    pub(super) fn may_be_tried(&self, listing: &Listing, fetch: &Fetch) -> bool {
        let key = listing.key(fetch.position);
        // What was doubted in this run would tell nothing new.
        if key.is_some_and(|key| self.doubted.contains(&key.to_key())) {
            return false;
        }
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
        let now = delivery.clock.now();
        let mut first = false;
        let mut remembered = Vec::with_capacity(lost.len());
        for lost in lost {
            let failed = self.failed.entry(lost.ticket.key.clone()).or_default();
            first |= failed.times == 0;
            failed.times += 1;
            failed.broke |= matches!(lost.why, Why::Broke { .. });
            self.blamed_message |= lost.is_blamed();
            let verdict = lost.judge(now);
            self.event(Event::NotFetched {
                number: lost.ticket.number,
                identity: lost.ticket.key.as_ref().identity,
                failure: &lost.failure,
                quarantined: verdict.quarantined,
                is_news: verdict.is_news,
            });
            // Without a key it cannot be remembered.
            if !lost.ticket.key.as_ref().identity.is_provisional() {
                remembered.push((lost.ticket.key.clone(), lost.failure.to_string(), verdict));
            }
        }
        if !remembered.is_empty() {
            let delivery = Arc::clone(delivery);
            blocking(move || {
                let mut changes = remembered
                    .iter()
                    .map(|(key, reason, verdict)| verdict.change(key.as_ref(), reason, now));
                Ok(delivery.store.apply(delivery.account, now, &mut changes)?)
            })
            .await?;
        }
        Ok(first)
    }
}

impl Verdict {
    fn change<'a>(&self, key: KeyRef<'a>, reason: &'a str, now: Timestamp) -> Change<'a> {
        let failing = self.failing;
        match (self.quarantined, self.counts) {
            (true, _) => Change::Quarantined { key, reason },
            (false, true) => Change::Failed {
                key,
                reason,
                failing: failing.unwrap_or(now),
            },
            (false, false) => Change::Delayed {
                key,
                reason,
                failing,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Status;
    use crate::key::Key;

    const NOW: Timestamp = Timestamp(1_000_000);
    const HOUR: i64 = 60 * 60;

    /// A message that failed so often, for the first time so many seconds ago.
    fn lost(why: Why, attempts: u32, since: Option<i64>) -> Lost {
        Lost {
            ticket: Ticket {
                past: Some(Arc::new(Past {
                    attempts,
                    failing: since.map(|age| Timestamp(NOW.0 - age)),
                    reason: "could not fetch message 12: no".into(),
                })),
                ..Ticket::new(0, 1, Key::of_unique_id(b"x", 1))
            },
            failure: Failure::new(Status::Protocol, "could not fetch message 3: no"),
            why,
        }
    }

    fn counts(lost: &Lost) -> (bool, bool) {
        let Verdict {
            counts,
            quarantined,
            ..
        } = lost.judge(NOW);
        (counts, quarantined)
    }

    #[test]
    fn e16_what_passes_never_counts_however_often() {
        for why in [Why::ForNow, Why::NotTakenForNow] {
            for attempts in [0, 2, 100] {
                let lost = lost(why, attempts, Some(100 * DAY));
                assert_eq!(counts(&lost), (false, false), "{why:?}");
            }
        }
        // Nor does the time count in which it was refused for now.
        let refused = lost(Why::Refused, 0, Some(DAY));
        assert_eq!(refused.judge(NOW).failing, Some(NOW));
    }

    #[test]
    fn e16_what_counts_needs_three_attempts_and_an_hour() {
        for (attempts, age, expected) in [
            (1, HOUR, (true, false)),
            (2, HOUR - 1, (true, false)),
            (2, HOUR, (true, true)),
        ] {
            let lost = lost(Why::Refused, attempts, Some(age));
            assert_eq!(counts(&lost), expected, "{attempts} attempts, {age} s");
        }
    }

    #[test]
    fn e15_a_break_counts_where_nothing_else_was_on_its_way() {
        for misbehaved in [false, true] {
            let broke = |alone| lost(Why::Broke { misbehaved, alone }, 2, Some(HOUR));
            assert_eq!(counts(&broke(true)), (true, true));
            assert_eq!(counts(&broke(false)), (false, false));
        }
    }

    #[test]
    fn e17_a_refusal_counts_where_the_target_works_or_after_a_day() {
        for (target_works, age, expected) in [
            (false, Some(DAY - 1), (false, false)),
            (false, Some(DAY), (true, true)),
            (false, None, (false, false)),
            (true, Some(HOUR), (true, true)),
        ] {
            let lost = lost(Why::NotTaken { target_works }, 2, age);
            assert_eq!(counts(&lost), expected, "{target_works}, {age:?}");
        }
        // The day begins with the first refusal, whether it counts or not.
        for (since, expected) in [(None, NOW.0), (Some(HOUR), NOW.0 - HOUR)] {
            let why = Why::NotTaken {
                target_works: false,
            };
            let verdict = lost(why, 0, since).judge(NOW);
            assert_eq!(verdict.failing, Some(Timestamp(expected)));
        }
    }

    #[test]
    fn the_same_reason_is_no_news() {
        let mut lost = lost(Why::ForNow, 0, None);
        assert!(!lost.judge(NOW).is_news);
        lost.failure = Failure::new(Status::Protocol, "could not fetch message 3: never");
        assert!(lost.judge(NOW).is_news);
    }
}
