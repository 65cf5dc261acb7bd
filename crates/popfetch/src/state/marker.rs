//! What is known of the targets of an account as a whole, so that each is known again.

use super::{State, Target};
use crate::clock::Timestamp;
use crate::key::KeyRef;

/// A copy that is known not to be in its target has this in the place of its batch.
pub(crate) const NEVER: u64 = i64::MAX as u64;

/// A random number, which no other has.
pub(crate) type Token = [u8; 16];

/// What shows that a target is the one that an account was delivered to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) target: Target,
    /// What the marker in the target says; `None` where none of ours can be, as its directory is not
    /// ours to write to.
    pub(crate) token: Option<Token>,
    /// The last batch of messages that was begun. The marker in the target tells this one or the
    /// one behind it.
    pub(crate) batch: u64,
    /// When the target was changed last, by its own times, when everything begun had been stored;
    /// nanoseconds since 1970.
    pub(crate) seen: Option<i64>,
    /// What is to be done about the target before anything is delivered to it.
    pub(crate) verdict: Option<Verdict>,
    /// Since when that is so.
    pub(crate) since: Option<Timestamp>,
}

/// Why a target is not simply used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The first format of the state knew no markers.
    Unmarked,
    /// It does not show its marker: everything is held back until it does.
    Away,
    /// The user takes it as it is. What it lacks is fetched again.
    Accepted,
    /// The user takes it as it is, and has put away what it lacks.
    Emptied,
    /// It is gone for good, and the user has put away what was in it.
    Left,
}

impl Verdict {
    pub(crate) const ALL: [Self; 5] = [
        Self::Unmarked,
        Self::Away,
        Self::Accepted,
        Self::Emptied,
        Self::Left,
    ];

    /// Its name, in the state and for programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unmarked => "unmarked",
            Self::Away => "away",
            Self::Accepted => "accepted",
            Self::Emptied => "emptied",
            Self::Left => "left",
        }
    }

    /// One that this program does not know holds everything back.
    pub(crate) fn of_name(name: &str) -> Self {
        let known = Self::ALL.into_iter().find(|verdict| verdict.name() == name);
        known.unwrap_or(Self::Away)
    }
}

/// What is recorded of a target together with the messages of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark<'a> {
    /// Its marker tells this batch, durably.
    Begun { target: &'a Target, batch: u64 },
    /// Everything that was begun is there. It was changed last at this time.
    Settled {
        target: &'a Target,
        seen: Option<i64>,
    },
}

/// A copy of a message in a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copied<'a> {
    pub(crate) key: KeyRef<'a>,
    /// The message's.
    pub(crate) state: State,
    /// When the message was stored last.
    pub(crate) stored_at: Option<Timestamp>,
    pub(crate) place: &'a [u8],
    /// In which batch it came.
    pub(crate) batch: u64,
}
