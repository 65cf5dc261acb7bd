//! Whether a message may be deleted on the server. DELE is the only act that cannot be taken back,
//! so it needs a [`Permit`]: four facts that were observed, or the user's explicit word.
//!
//! | fact | type | who observes it |
//! |---|---|---|
//! | every target holds the message now, and is the one that it was delivered to | [`Held`] | `deliver` |
//! | what arrived is the whole message | [`Whole`] | the session that fetched it |
//! | the message that carries this number now is the one that was fetched | [`Same`] | `plan`, `fetch` |
//! | this process holds the account | [`Claim`] | `state` |
//!
//! Absence is no evidence: silence, an empty directory, a closed connection prove nothing. Each
//! type has one constructor, which looks at facts and gives nothing where they do not suffice.

mod essence;
mod reading;
mod session;

use crate::state::{Claim, Doubt};

pub(crate) use reading::{Read, Reading};
pub(crate) use session::{Arrivals, Arrived, Listed, Standing};

/// The message at this number is the one that was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Same(());

impl Same {
    /// What LIST told when the message was fetched is what LIST tells now of the message with the
    /// same unique-id. What was received is not compared: servers count octets in many ways (Q13).
    pub(crate) fn by_listing(then: Option<u64>, now: Option<u64>) -> Option<Self> {
        (then.is_some() && then == now).then_some(Self(()))
    }

    /// It was fetched in this session, in which its number stays its own (RFC 1939 §3).
    pub(crate) fn fetched_in_this_session() -> Self {
        Self(())
    }
}

/// What arrived is believed to be the whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole(());

impl Whole {
    /// It was judged, and no doubt is left.
    pub(crate) fn without(doubt: Option<Doubt>) -> Option<Self> {
        doubt.is_none().then_some(Self(()))
    }
}

/// Every target holds the message now, durably, and is the target that it was delivered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held(());

impl Held {
    /// Every one of its targets was looked at just now, and shows it. A message that is known to
    /// be in no target at all is not held.
    pub(crate) fn by_all(targets: impl Iterator<Item = bool>) -> Option<Self> {
        let mut shown = targets.peekable();
        let is_somewhere = shown.peek().is_some();
        (is_somewhere && shown.all(|holds| holds)).then_some(Self(()))
    }
}

/// Leave to delete the message at this position of the listing.
#[derive(Debug)]
pub(crate) struct Permit {
    position: u32,
}

impl Permit {
    /// On evidence.
    pub(crate) fn on_evidence(position: u32, _: Held, _: Whole, _: Same, _: &Claim) -> Self {
        Self { position }
    }

    /// On the user's word: a filter said `delete` of this very message.
    pub(crate) fn on_word(position: u32, _: &Claim) -> Self {
        Self { position }
    }

    pub(crate) fn position(&self) -> u32 {
        self.position
    }
}
