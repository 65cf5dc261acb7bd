//! What `popfetch run` has done, in numbers: for the service manager's status line, and for
//! whoever scrapes `--metrics`.
//!
//! The [`Ledger`] is a [`Report`] that books every event before it passes it on, so that numbers
//! and log cannot contradict each other.

mod http;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::{Clock, Timestamp};
use crate::failure::Status;
use crate::report::{Event, Report, count_accounts};

pub(crate) use http::{listen, serve};

#[cfg(test)]
mod tests;

/// Books events by account.
pub(crate) struct Ledger {
    report: Arc<dyn Report>,
    clock: Arc<dyn Clock>,
    accounts: Mutex<BTreeMap<String, Account>>,
    changed: Notify,
}

/// One account in numbers.
#[derive(Clone, Debug, Default)]
struct Account {
    stored: u64,
    octets: u64,
    deleted: u64,
    quarantined: u64,
    /// In the visit that goes on,
    holding_back: u64,
    /// and in the last one.
    held_back: u64,
    /// How many visits ended so; `None` is well.
    visits: BTreeMap<Ended, u64>,
    last: Option<(Ended, Duration)>,
    succeeded_at: Option<Timestamp>,
    next_at: Option<Timestamp>,
    in_flight: bool,
}

/// How a visit ended: its status' name, or "ok".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ended(&'static str);

impl Ended {
    const WELL: Self = Self("ok");

    fn of(status: Option<Status>) -> Self {
        status.map_or(Self::WELL, |status| Self(status.name()))
    }
}

impl Ledger {
    pub(crate) fn new(report: Arc<dyn Report>, clock: Arc<dyn Clock>) -> Self {
        Self {
            report,
            clock,
            accounts: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Opens a page for each of these accounts and closes those of all others.
    pub(crate) fn keep(&self, names: &BTreeSet<&str>) {
        let mut accounts = self.accounts();
        accounts.retain(|name, account| account.in_flight || names.contains(name.as_str()));
        for name in names {
            accounts.entry((*name).to_owned()).or_default();
        }
    }

    /// Completes when what the status line tells has changed since the last time.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// How many accounts are being visited.
    pub(crate) fn in_flight(&self) -> usize {
        let accounts = self.accounts();
        accounts
            .values()
            .filter(|account| account.in_flight)
            .count()
    }

    fn accounts(&self) -> MutexGuard<'_, BTreeMap<String, Account>> {
        // Numbers are never half-written.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn book(&self, account: &str, event: &Event<'_>) {
        let mut accounts = self.accounts();
        let Some(account) = accounts.get_mut(account) else {
            return;
        };
        match *event {
            Event::Began => {
                account.in_flight = true;
                account.next_at = None;
                account.holding_back = 0;
            }
            Event::Stored { octets, .. } => {
                account.stored += 1;
                account.octets += octets;
            }
            Event::Deleted { messages } => account.deleted += messages as u64,
            Event::NotFetched { quarantined, .. } => account.quarantined += u64::from(quarantined),
            Event::HeldBack { .. } => account.holding_back += 1,
            Event::Ended { status, time } => {
                let ended = Ended::of(status);
                *account.visits.entry(ended).or_default() += 1;
                account.last = Some((ended, time));
                account.in_flight = false;
                account.held_back = account.holding_back;
                if status.is_none() {
                    account.succeeded_at = Some(self.clock.now());
                }
            }
            Event::Waiting { time, .. } => {
                let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
                account.next_at = Some(Timestamp(self.clock.now().0.saturating_add(seconds)));
            }
            _ => return,
        }
        if matches!(event, Event::Began | Event::Ended { .. }) {
            self.changed.notify_one();
        }
    }
}

impl Report for Ledger {
    fn report(&self, account: &str, event: Event<'_>) {
        self.book(account, &event);
        self.report.report(account, event);
    }
}

/// One line for the service manager.
impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts = self.accounts();
        let count = |so: fn(&Account) -> bool| accounts.values().filter(|one| so(one)).count();
        f.write_str(&count_accounts(accounts.len()))?;
        for (number, what) in [
            (count(|one| one.in_flight), "being fetched"),
            (
                count(|one| one.last.is_some_and(|(ended, _)| ended != Ended::WELL)),
                "failing",
            ),
        ] {
            if number > 0 {
                write!(f, ", {number} {what}")?;
            }
        }
        Ok(())
    }
}
