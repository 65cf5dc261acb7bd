//! What the user gets to see while it happens.
//!
//! Whoever does something reports an [`Event`]; a [`Report`] shows it: as lines and
//! progress for people ([`Human`]), as one JSON object a line for programs ([`Json`]).

mod header;
mod human;
mod json;
mod log;
mod outlet;
mod output;
mod schema;
mod screen;
mod table;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::ops::AddAssign;
use std::path::Path;
use std::time::Duration;

use crate::failure::{Failure, Status};
use crate::key::{Identity, Sum};

pub(crate) use header::{Date, Header};
pub(crate) use human::{Human, Verbosity, count, count_accounts, size, span};
pub(crate) use json::{Fields, Json, harmless};
pub(crate) use log::{Format, log};
pub(crate) use outlet::Outlet;
pub(crate) use output::{End, Output};
pub(crate) use table::Table;

/// Takes events of all accounts, from any thread.
pub(crate) trait Report: Send + Sync {
    fn report(&self, account: &str, event: Event<'_>);
}

/// Something that happened to an account.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event<'a> {
    /// Deliveries that an earlier run was interrupted in are finished.
    Recovered { messages: usize },
    /// Somebody logged in.
    Connected {
        server: &'a str,
        tls: Option<TlsShown<'a>>,
    },
    /// The maildrop was listed and a plan was made.
    Planned(&'a Planned),
    /// What a session that changes nothing would have done with a message.
    Would {
        action: Action,
        number: u32,
        identity: Identity<'a>,
        octets: Option<u64>,
    },
    /// So much has arrived since the last time; `messages` counts those that became whole.
    Received { octets: usize, messages: usize },
    /// A message is safely where it belongs.
    Stored {
        number: u32,
        identity: Identity<'a>,
        /// As received.
        octets: u64,
        /// Of the message as received.
        sum: &'a Sum,
        /// Where that is a file.
        file: Option<&'a Path>,
    },
    /// A message turned out to have been delivered before.
    Recognised { number: u32, identity: Identity<'a> },
    /// A message could not be fetched; the others could.
    NotFetched {
        number: u32,
        identity: Identity<'a>,
        failure: &'a Failure,
        quarantined: bool,
        /// It was not said in an earlier visit.
        is_news: bool,
    },
    /// A message stays on the server though all might seem well, and why. It is neither lost nor
    /// given up.
    HeldBack {
        number: u32,
        identity: Identity<'a>,
        /// What was seen, behind "message 14": "came shorter than listed".
        why: &'a str,
        /// What happens next: "it is fetched again next time".
        next: &'a str,
        /// It has not been said before.
        is_news: bool,
    },
    /// Messages are left alone from now on.
    Marked { messages: usize },
    /// A message is left alone for good.
    LeftAlone { number: u32, why: &'a str },
    /// The server has deleted messages that are stored.
    Deleted { messages: usize },
    /// Something is wrong, and it went on.
    Warning { failure: &'a Failure },
    /// It is over, for better or worse.
    Finished(&'a Summary),
    /// A visit begins.
    Began,
    /// A visit is over, with this status unless it went well.
    Ended {
        status: Option<Status>,
        time: Duration,
    },
    /// The next visit is due in so much time; later than usual where the last one failed.
    Waiting { time: Duration, failed: bool },
    /// Metrics are offered at this address.
    Metrics { address: SocketAddr },
    /// So many accounts are visited from now on.
    Polling { accounts: usize },
    /// It was asked to stop, and so many accounts are being visited.
    Stopping { accounts: usize },
    /// Every account has had its turn.
    Total(&'a Total),
    /// It ended before it was done.
    Failed { failure: &'a Failure },
}

/// What TLS agreed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TlsShown<'a> {
    pub(crate) version: &'a str,
    pub(crate) cipher_suite: &'a str,
}

/// What a plan does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Fetch,
    FetchHeaders,
    Skip,
    Delete,
}

/// A plan in numbers. Octets are those that the server states.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Planned {
    pub(crate) messages: usize,
    pub(crate) octets: u64,
    pub(crate) fetch: usize,
    pub(crate) fetch_octets: u64,
    pub(crate) delete: usize,
    pub(crate) quarantined: u64,
    pub(crate) skipped: u64,
    pub(crate) oversize: u64,
    pub(crate) nameless: u64,
}

/// A session in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// Messages stored, and their octets as received.
    pub(crate) stored: usize,
    pub(crate) octets: u64,
    pub(crate) deleted: usize,
    /// Messages that could not be fetched.
    pub(crate) not_fetched: usize,
    /// Messages that stay on the server until something about them is known or decided.
    pub(crate) held_back: usize,
    pub(crate) time: Duration,
    /// Nothing was changed, on purpose.
    pub(crate) dry_run: bool,
}

impl AddAssign for Summary {
    /// Adds what another session did.
    fn add_assign(&mut self, other: Self) {
        self.stored += other.stored;
        self.octets += other.octets;
        self.deleted += other.deleted;
        self.not_fetched += other.not_fetched;
        self.held_back += other.held_back;
        self.time += other.time;
        self.dry_run |= other.dry_run;
    }
}

/// Many accounts in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Total {
    pub(crate) accounts: usize,
    /// Those that could not be fetched, or not completely.
    pub(crate) failed: usize,
    /// Those that had to stop, or had not begun.
    pub(crate) stopped: usize,
    pub(crate) summary: Summary,
}
