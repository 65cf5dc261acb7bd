//! What is known about each message of each account: the memory that makes "exactly once" true.
//!
//! ```text
//!            RETR                rename            DELE            QUIT +OK
//!  pending ───────▶ storing ───────────▶ stored ─────────▶ deleting ────────▶ gone
//!     │  ▲ ◀────────── │ a crash here is    ▲                  │                 ▲
//!     ▼  │  a target      finished next time └──────────────────┘                 │
//!  quarantined refused                       QUIT lost or refused               │
//!                                                                               │
//!  skipped: never fetched, never deleted      rejected: never fetched ──────────┘
//! ```
//!
//! Only a whole message that is stored can be deleted; what is rejected was so by the user's own
//! filter.

mod doubt;
mod error;
mod facts;
mod marker;
mod past;
mod sqlite;

use crate::clock::Timestamp;
use crate::key::{Key, KeyRef, Sum};
use crate::likeness::Essence;

pub(crate) use doubt::Doubt;
pub(crate) use error::StateError;
pub(crate) use facts::{Facts, Ignored, LONGEST_PAUSE, Quirks};
pub(crate) use marker::{Copied, Mark, Marker, NEVER, Token, Verdict};
pub(crate) use past::Past;
pub(crate) use sqlite::{Cell, FORMAT, History, Learned, NotTaken, Record, SqliteStore};

/// Where a message is on its way from the server to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Seen on the server; not stored, perhaps after failed attempts.
    Pending,
    /// It is about to appear in its targets; in which of them it did is to be found out.
    Storing,
    /// Delivered, durably.
    Stored,
    /// Delivered; DELE was sent and QUIT has not been answered.
    Deleting,
    /// Delivered and deleted on the server.
    Gone,
    /// Failed too often. Neither fetched again nor deleted until someone decides.
    Quarantined,
    /// Known and left alone: neither fetched nor deleted.
    Skipped,
    /// The user's filter wants it deleted without being fetched.
    Rejected,
}

impl State {
    /// Its name, in the state and for programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Storing => "storing",
            Self::Stored => "stored",
            Self::Deleting => "deleting",
            Self::Gone => "gone",
            Self::Quarantined => "quarantined",
            Self::Skipped => "skipped",
            Self::Rejected => "rejected",
        }
    }

    /// Whether a whole copy has reached its target.
    pub(crate) fn is_delivered(self) -> bool {
        matches!(self, Self::Stored | Self::Deleting | Self::Gone)
    }
}

/// What the state knows of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) key: KeyRef<'a>,
    pub(crate) state: State,
    /// When it came into this state.
    pub(crate) changed_at: Timestamp,
    /// Of the message as received; known once it was stored.
    pub(crate) sum: Option<Sum>,
    /// Of its header; known once it was stored. See [`HeaderDigest`](crate::key::HeaderDigest).
    pub(crate) header: Option<Sum>,
    /// As received; known once it was stored.
    pub(crate) octets: Option<u64>,
    /// Line ends, as received; known once it was stored.
    pub(crate) lines: Option<u64>,
    /// The octets that LIST told when it was fetched last, if LIST told any.
    pub(crate) listed: Option<u64>,
    /// What no server changes in it, where it has a Message-ID.
    pub(crate) essence: Option<Essence>,
    /// Why its content is not believed to be the whole message.
    pub(crate) doubt: Option<Doubt>,
    /// How often it was fetched again since that doubt arose, and had the same content.
    pub(crate) checks: u32,
    /// How long ago it was fetched again last, in seconds of the account's time.
    pub(crate) checked: Option<i64>,
    /// What is stored is its header only.
    pub(crate) excerpt: bool,
    /// How long it has been stored, in seconds of the account's time ([`Facts::pass`]).
    pub(crate) age: Option<i64>,
    /// How many attempts to fetch it failed.
    pub(crate) attempts: u32,
    /// When the first of these did; where none did, since when it cannot be delivered.
    pub(crate) failing: Option<Timestamp>,
    /// Why the last one did, or why it waits.
    pub(crate) reason: Option<&'a str>,
    /// When a listing first lacked it. Cleared when it shows up again.
    pub(crate) unseen_since: Option<Timestamp>,
}

#[cfg(test)]
impl<'a> Row<'a> {
    /// One of which nothing is known but its state.
    pub(crate) fn of(key: KeyRef<'a>, state: State, changed_at: Timestamp) -> Self {
        Self {
            key,
            state,
            changed_at,
            sum: None,
            header: None,
            octets: None,
            lines: None,
            listed: None,
            essence: None,
            doubt: None,
            checks: 0,
            checked: None,
            excerpt: false,
            age: None,
            attempts: 0,
            failing: None,
            reason: None,
            unseen_since: None,
        }
    }
}

/// What the state knows of an account, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Survey {
    pub(crate) account: AccountId,
    /// What the state knows it by.
    pub(crate) name: String,
    /// The states in which there are messages.
    pub(crate) states: Vec<Tally>,
    /// Messages that are not stored and failed at least once, those given up left out.
    pub(crate) failing: u64,
    /// When a message was stored last.
    pub(crate) last_stored: Option<Timestamp>,
}

/// How many messages are in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) state: State,
    pub(crate) messages: u64,
    /// As received; those that never were count as nothing.
    pub(crate) octets: u64,
}

/// A message whose delivery has begun and has not come to its end everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfinished {
    pub(crate) key: Key,
    /// When its row was written.
    pub(crate) since: Timestamp,
    /// Of the message as received.
    pub(crate) sum: Option<Sum>,
    /// What no server changes in it, where it has a Message-ID.
    pub(crate) essence: Option<Essence>,
    pub(crate) copies: Vec<Placed>,
}

/// A copy of a message, as the store remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) target: Target,
    pub(crate) place: Vec<u8>,
    /// Whether it is there for certain.
    pub(crate) delivered: bool,
    /// The batch of its target that it came in.
    pub(crate) batch: u64,
}

/// Where a copy of a message is to be: in which target, and where in that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement<'a> {
    pub(crate) target: &'a Target,
    /// The file name in a Maildir (octets, because file names are), the extent in an mbox, nothing
    /// where the target does not say.
    pub(crate) place: &'a [u8],
    /// Whether an earlier attempt brought it there.
    pub(crate) delivered: bool,
    /// The batch of the target that it comes in, or came in then.
    pub(crate) batch: u64,
}

/// Something that messages are delivered to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    /// `maildir`, `mbox`, `exec`, `lmtp`, `smtp` or `stdout`.
    pub(crate) kind: String,
    /// Its absolute path, the command, or the address.
    pub(crate) location: Vec<u8>,
}

/// What a message was like as it was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) octets: u64,
    /// Line ends.
    pub(crate) lines: u64,
    /// The octets that LIST told of it, if LIST told any.
    pub(crate) listed: Option<u64>,
    /// What no server changes in it, where it has a Message-ID.
    pub(crate) essence: Option<Essence>,
    /// Why its content may not be the whole message.
    pub(crate) doubt: Option<Doubt>,
}

#[cfg(test)]
impl Received {
    /// A whole message of so many octets, as LIST told them.
    pub(crate) fn of(octets: u64) -> Self {
        Self {
            octets,
            listed: Some(octets),
            ..Self::default()
        }
    }
}

/// One step of one message. A store applies many at once, all or none.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'a> {
    /// It was seen on the server; its row, if there is one, stays as it is.
    Found { key: KeyRef<'a> },
    /// Its octets are durable, and it is about to appear in its target.
    Storing {
        key: KeyRef<'a>,
        sum: &'a Sum,
        header: &'a Sum,
        /// What it was like as it was received.
        received: Received,
        /// It is the header only, and the message is yet to come.
        excerpt: bool,
        copies: &'a [Placement<'a>],
    },
    /// One of its copies is in its target, since the last batch that was begun there. The others may
    /// not be.
    Reached { key: KeyRef<'a>, target: &'a Target },
    /// Its copy in this target is not there, though it was delivered: if it was stored, it waits to
    /// be fetched again, for this target only; if it was deleted, it does once the server shows it.
    Lacking { key: KeyRef<'a>, target: &'a Target },
    /// Every copy is in its target.
    Stored { key: KeyRef<'a> },
    /// Not every target has it: it waits to be fetched again, for those that lack it.
    Returned { key: KeyRef<'a> },
    /// It was fetched and found to be what had been delivered before. Why that is doubted, if it is,
    /// stays.
    Recognised {
        key: KeyRef<'a>,
        sum: &'a Sum,
        received: Received,
    },
    /// Its content is believed now, or is doubted for this reason.
    Judged {
        key: KeyRef<'a>,
        doubt: Option<Doubt>,
    },
    /// LIST tells these octets of it, and it is known to be the same message.
    Listed { key: KeyRef<'a>, octets: u64 },
    /// The server shows it still, though it confirmed that it deleted it.
    Kept { key: KeyRef<'a> },
    /// DELE is about to be sent.
    Deleting { key: KeyRef<'a> },
    /// QUIT was not confirmed: whatever was being deleted is merely stored.
    Undeleted { key: KeyRef<'a> },
    /// QUIT was confirmed.
    Gone { key: KeyRef<'a> },
    /// An attempt to fetch it failed, for this reason, and counts.
    Failed {
        key: KeyRef<'a>,
        reason: &'a str,
        /// When the first of these attempts failed.
        failing: Timestamp,
    },
    /// It waits, for this reason, which does not count against it.
    Delayed {
        key: KeyRef<'a>,
        reason: &'a str,
        failing: Option<Timestamp>,
    },
    /// The attempt that failed was one too many.
    Quarantined { key: KeyRef<'a>, reason: &'a str },
    /// Somebody wants it tried again, however often it failed.
    Retry { key: KeyRef<'a> },
    /// It is to be left alone from now on. Nothing that was stored becomes this.
    Skipped { key: KeyRef<'a> },
    /// It is to be deleted without being fetched. Nothing that is stored becomes this.
    Rejected { key: KeyRef<'a> },
    /// The server knows it by another key now (Q15), under which nothing was delivered.
    Renamed { key: KeyRef<'a>, to: KeyRef<'a> },
    /// A listing has it again.
    Seen { key: KeyRef<'a> },
    /// A listing lacks it.
    Unseen { key: KeyRef<'a> },
    /// Its row is of no use any more.
    Forget { key: KeyRef<'a> },
}

impl<'a> Change<'a> {
    pub(crate) fn key(self) -> KeyRef<'a> {
        match self {
            Self::Found { key }
            | Self::Storing { key, .. }
            | Self::Reached { key, .. }
            | Self::Lacking { key, .. }
            | Self::Stored { key }
            | Self::Returned { key }
            | Self::Recognised { key, .. }
            | Self::Judged { key, .. }
            | Self::Listed { key, .. }
            | Self::Kept { key }
            | Self::Deleting { key }
            | Self::Undeleted { key }
            | Self::Gone { key }
            | Self::Failed { key, .. }
            | Self::Delayed { key, .. }
            | Self::Quarantined { key, .. }
            | Self::Retry { key }
            | Self::Skipped { key }
            | Self::Rejected { key }
            | Self::Renamed { key, .. }
            | Self::Seen { key }
            | Self::Unseen { key }
            | Self::Forget { key } => key,
        }
    }
}

/// An account that this process alone may fetch, until this is dropped or the process ends,
/// however it ends.
pub(crate) struct Claim {
    pub(crate) account: AccountId,
    _lock: Box<dyn Send + Sync>,
}

#[cfg(any(test, feature = "measuring"))]
impl Claim {
    /// A claim without a lock.
    pub(crate) fn of(account: AccountId) -> Self {
        Self {
            account,
            _lock: Box::new(()),
        }
    }
}

/// A store's own number for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccountId(i64);

/// Where state is kept. Everything blocks, and everything that returns `Ok` is durable.
///
/// Nothing here is SQLite's: a row is found by its key, and a batch of changes is one transaction.
pub(crate) trait StateStore: Send + Sync {
    /// What tells this store from every other; part of the names of temporary files, so that two
    /// stores that deliver to one Maildir never write to the same file.
    fn id(&self) -> &[u8];

    /// A new random number.
    fn token(&self) -> Result<Token, StateError>;

    /// The account's number, if the store has met it.
    fn account(&self, name: &str) -> Result<Option<AccountId>, StateError>;

    /// Takes the account for this process.
    ///
    /// # Errors
    /// [`StateError::Claimed`] when another process has it.
    fn claim(&self, name: &str) -> Result<Claim, StateError>;

    /// What names of files and markers know the account by, whatever people call it.
    fn uid(&self, account: AccountId) -> Result<Vec<u8>, StateError>;

    /// What is known of the account as a whole.
    fn facts(&self, account: AccountId) -> Result<Facts, StateError>;

    /// Replaces that.
    fn learn(&self, account: AccountId, facts: &Facts) -> Result<(), StateError>;

    /// Shows every row of the account to `visit`, ordered by key.
    fn rows(&self, account: AccountId, visit: &mut dyn FnMut(Row<'_>)) -> Result<(), StateError>;

    /// The rows in state [`State::Storing`].
    fn unfinished(&self, account: AccountId) -> Result<Vec<Unfinished>, StateError>;

    /// Messages that are to be fetched again, though some of their copies were delivered; with
    /// those copies only.
    fn partly_delivered(&self, account: AccountId) -> Result<Vec<Unfinished>, StateError>;

    /// The name of another account that seems to be the same maildrop, where nothing is known of
    /// this one: its user is called the same, and most of these messages are its, each with the
    /// octets that LIST tells. A store of one account knows no other.
    fn resembling(
        &self,
        _account: AccountId,
        _messages: &[(KeyRef<'_>, u64)],
    ) -> Result<Option<String>, StateError> {
        Ok(None)
    }

    /// Makes all these changes at the time `now`, or none of them.
    ///
    /// # Errors
    /// [`StateError::Transition`] when a message is not in the state its change starts from.
    fn apply(
        &self,
        account: AccountId,
        now: Timestamp,
        changes: &mut dyn Iterator<Item = Change<'_>>,
    ) -> Result<(), StateError> {
        self.apply_marked(account, now, changes, &[])
    }

    /// The same, and what is to be recorded of targets with it.
    fn apply_marked(
        &self,
        account: AccountId,
        now: Timestamp,
        changes: &mut dyn Iterator<Item = Change<'_>>,
        marks: &[Mark<'_>],
    ) -> Result<(), StateError>;

    /// What is known of the account's targets that are files or directories.
    fn markers(&self, account: AccountId) -> Result<Vec<Marker>, StateError>;

    /// Replaces what is known of a target.
    fn mark(&self, account: AccountId, marker: &Marker) -> Result<(), StateError>;

    /// A target is somewhere else now: what is known of it, and the copies in it, go with it.
    fn relocate(&self, account: AccountId, from: &Target, to: &Target) -> Result<(), StateError>;

    /// Shows every copy that was delivered to this target, or is about to be.
    fn copies_in(
        &self,
        account: AccountId,
        target: &Target,
        visit: &mut dyn FnMut(Copied<'_>),
    ) -> Result<(), StateError>;

    /// Shows the stored messages that have a copy in this target, or none anywhere.
    fn depending_on(
        &self,
        account: AccountId,
        target: &Target,
        visit: &mut dyn FnMut(KeyRef<'_>),
    ) -> Result<(), StateError>;
}

/// What can be told of a store without any server and without taking an account.
pub(crate) trait StateSurvey {
    /// Every account in numbers, ordered by name.
    fn survey(&self) -> Result<Vec<Survey>, StateError>;
}
