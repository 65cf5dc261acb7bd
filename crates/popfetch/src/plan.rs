//! What to do with each message: a pure function of the listing, the state and the policy.

mod contents;
mod known;
mod listing;
mod planner;
mod reset;
mod resized;
#[cfg(test)]
mod tests;
mod vanished;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::evidence::{Same, Whole};
use crate::key::{KeyList, Sum};
use crate::likeness::Likeness;
use crate::sizes::{Sample, Sizes};
use crate::state::{Facts, Ignored, Past};

pub(crate) use contents::Contents;
pub(crate) use listing::{By, Listing};
pub(crate) use planner::Planner;
pub(crate) use reset::Reset;
pub(crate) use vanished::Vanished;

/// How long messages stay on the server once they are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Until somebody else deletes them.
    #[default]
    Forever,
    /// Not at all.
    None,
    /// For so long after they were stored, and up to a day longer.
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
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) keep: Keep,
    /// Octets above which a message is oversize, as LIST tells them. One that turns out larger
    /// than the server said is on its way already, and is fetched whole.
    pub(crate) skip_over: Option<u64>,
    pub(crate) oversize: Oversize,
    /// No message is larger than this; what comes beyond it is not read. `None` is the default.
    pub(crate) largest_message: Option<u64>,
    /// The most messages and octets to fetch in one session, which is one message at least.
    pub(crate) max_messages: Option<u32>,
    pub(crate) max_octets: Option<u64>,
    /// Whether an account's first session leaves alone what it finds.
    pub(crate) only_new: bool,
}

impl Policy {
    /// The policy of the next session of an account that so much is known of.
    pub(crate) fn for_session(self, facts: &Facts) -> Self {
        Self {
            only_new: self.only_new && facts.begun_at.is_none(),
            ..self
        }
    }
}

/// A message to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetch {
    /// Where it is in the [`Listing`].
    pub(crate) position: u32,
    /// What came of earlier attempts; `None` if all is as it should be.
    pub(crate) past: Option<Arc<Past>>,
    /// What was delivered under the same identity. If the content is one of these, it must not be
    /// delivered again.
    pub(crate) known: Arc<[Sum]>,
    /// What was delivered under its identity, if anything was, is deleted or doubted. It may be one
    /// of those that are missing from the listing, under another key.
    pub(crate) is_new: bool,
    /// LIST tells another size of it than before.
    pub(crate) is_resized: bool,
    /// What was delivered under its key is believed to be a whole message.
    pub(crate) is_believed: bool,
}

impl Fetch {
    /// A message of which nothing is known.
    fn new(position: u32) -> Self {
        Self {
            position,
            past: None,
            known: Arc::default(),
            is_new: true,
            is_resized: false,
            is_believed: false,
        }
    }
}

/// A message that is stored and may go, as far as listing and state can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Removal {
    pub(crate) position: u32,
    pub(crate) same: Same,
    pub(crate) whole: Whole,
}

/// What a session is to do, in the order of the fields.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Messages that get a row before anything is fetched, so that it is known how many shared
    /// their identity.
    pub(crate) found: Vec<u32>,
    /// Messages that are left alone from now on.
    pub(crate) skip: Vec<u32>,
    /// Rows whose message is back, is missing, or has been missing for too long.
    pub(crate) seen: KeyList,
    pub(crate) unseen: KeyList,
    pub(crate) forget: KeyList,
    /// Rows of messages that were being deleted and are no longer there.
    pub(crate) gone: KeyList,
    /// Those that never failed come first.
    pub(crate) fetch: Vec<Fetch>,
    /// Messages of which only the headers are wanted.
    pub(crate) excerpts: Vec<Fetch>,
    /// Messages that are stored and may go.
    pub(crate) delete: Vec<Removal>,
    /// Positions of messages that are to go unseen.
    pub(crate) reject: Vec<u32>,
    /// Rows whose content is believed, now that LIST's numbers are understood.
    pub(crate) believed: KeyList,
    /// Positions whose LIST number is to be remembered.
    pub(crate) listed: Vec<u32>,
    /// Positions of messages that the server shows, though it confirmed that it deleted them.
    pub(crate) kept: Vec<u32>,
    /// Positions of messages that it has confirmed to have deleted, some time ago, of which it is not
    /// known whether they are others by now.
    pub(crate) lingering: Vec<u32>,
    /// What is known of a server that ignores deletions.
    pub(crate) ignored: Option<Ignored>,
    /// What a message at a position must have in common with the one that was delivered under its key
    /// to be the same, where its content is another. Few messages have one, so it stands apart.
    pub(crate) likenesses: BTreeMap<u32, Likeness>,
    /// How many messages that it deleted are missing from a listing for the first time.
    pub(crate) obeyed: u64,
    /// Positions whose LIST number has changed, with too many others to fetch all of them. Some are
    /// fetched; where these have their old content, so have all.
    pub(crate) resized: Vec<u32>,
    /// Positions of those that are fetched for them.
    pub(crate) sampled: Vec<u32>,
    /// Positions of messages that are doubted, whether they are to be fetched again now or not.
    pub(crate) doubted: Vec<u32>,
    /// What was delivered of messages that the listing lacks.
    pub(crate) vanished: Arc<Vanished>,
    /// What is known of messages by their content only.
    pub(crate) contents: Arc<Contents>,
    /// What was delivered of messages of which LIST tells another size by now.
    pub(crate) exchanged: Option<Arc<Vanished>>,
    /// Messages whose sizes are not understood.
    pub(crate) samples: Vec<Sample>,
    /// What is known of LIST's numbers, with what these teach.
    pub(crate) sizes: Sizes,
    /// There are more to fetch, in another session.
    pub(crate) more: bool,
    pub(crate) count: Count,
}

/// How many messages there are of each kind that nothing is done with, and what tells of
/// unique-ids that the server made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Stored, and to stay.
    pub(crate) keep: u64,
    /// Left alone because they failed too often.
    pub(crate) quarantined: u64,
    /// Left alone because somebody wants that.
    pub(crate) skipped: u64,
    /// Larger than is wanted.
    pub(crate) oversize: u64,
    /// Without anything to tell them apart by before they are fetched.
    pub(crate) nameless: u64,
    /// Held back until a target can be asked what became of them.
    pub(crate) unresolved: u64,
    /// Kept by a server that ignores deletions.
    pub(crate) ignored: u64,
    /// Counted by STAT and not listed, or the reverse.
    pub(crate) unlisted: u64,
    /// Those that the state knows by a unique-id and that may be on the server.
    pub(crate) by_unique_id: u64,
    /// Those that the state has no row of.
    unknown: u64,
    /// Delivered ones that the listing has, and that it lacks.
    delivered: u64,
    lost: u64,
}

impl Plan {
    /// Leaves for another session what is too much for one.
    pub(crate) fn limit(&mut self, listing: &Listing, policy: Policy) {
        let messages = policy.max_messages.unwrap_or(u32::MAX) as usize;
        let most = policy.max_octets.unwrap_or(u64::MAX);
        let mut octets = 0_u64;
        let within = (self.fetch.iter().take(messages))
            .take_while(|fetch| {
                octets = octets.saturating_add(listing.octets(fetch.position).unwrap_or(0));
                octets <= most
            })
            .count()
            .max(1);
        self.more = within < self.fetch.len();
        self.fetch.truncate(within);
    }

    /// How many messages are held back, whatever is fetched, those left out that are doubted.
    pub(crate) fn held_back(&self) -> usize {
        let Count {
            unresolved,
            ignored,
            unlisted,
            ..
        } = self.count;
        usize::try_from(unresolved + ignored + unlisted).unwrap_or(usize::MAX)
    }

    /// Whether a message is to be fetched that may have been delivered under another key.
    pub(crate) fn finds_new(&self) -> bool {
        self.fetch.iter().any(|fetch| fetch.is_new)
    }

    /// The positions of messages that are stored and may go.
    pub(crate) fn to_delete(&self) -> Vec<u32> {
        self.delete.iter().map(|removal| removal.position).collect()
    }

    /// Whether the server seems to have made its unique-ids anew (Q15): nearly everything in the
    /// listing is new, and nearly everything that was delivered is missing from it.
    pub(crate) fn shows_reset(&self, listing: &Listing) -> bool {
        const MANY: u64 = 5;
        let Count {
            unknown,
            delivered,
            lost,
            ..
        } = self.count;
        unknown > 0
            && lost >= MANY
            && lost >= 9 * delivered
            && unknown * 10 >= listing.len() as u64 * 9
    }
}
