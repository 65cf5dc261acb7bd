//! One account, once: take it for this process, finish what an earlier run was interrupted in,
//! and fetch.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use poplib::Secret;

use crate::account::Account;
use crate::clock::{Clock, SystemClock};
use crate::deliver::queue::Bounds;
use crate::deliver::{Delivery, Targets};
use crate::failure::{Failure, Status};
use crate::fetch::{Fetcher, Outcome, blocking};
use crate::fs::{FileSystem, OsFileSystem};
use crate::jobs::{Limits, Turn};
use crate::report::{Event, Report, Summary, count};
use crate::secret;
use crate::state::{SqliteStore, StateStore};
use crate::stop::Stop;

/// Whether anything may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Fetch,
    DryRun,
    MarkSeen,
    DryMarkSeen,
}

impl Mode {
    /// Whether nothing may change.
    fn is_dry(self) -> bool {
        matches!(self, Self::DryRun | Self::DryMarkSeen)
    }
}

/// What all accounts of a process share.
#[derive(Clone)]
pub(crate) struct Shared {
    mode: Mode,
    store: Arc<dyn StateStore>,
    file_system: Arc<dyn FileSystem>,
    clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) report: Arc<dyn Report>,
}

impl Shared {
    /// Opens the state.
    pub(crate) fn open(
        state: &Path,
        mode: Mode,
        limits: Limits,
        report: Arc<dyn Report>,
    ) -> Result<Self, Failure> {
        let store = match mode {
            // Not even an empty state is left behind.
            _ if mode.is_dry() && !state.exists() => SqliteStore::in_memory()?,
            _ => SqliteStore::open(state)?,
        };
        Ok(Self {
            mode,
            store: Arc::new(store),
            file_system: Arc::new(OsFileSystem),
            clock: Arc::new(SystemClock),
            limits,
            report,
        })
    }

    /// The same, by another clock.
    #[cfg(test)]
    pub(crate) fn by(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Visits the account and tells how that ended, unless somebody asked to stop: that is told
    /// once, and not for each account.
    pub(crate) async fn visit(&self, account: &Arc<Account>, stop: &Stop, turn: &Turn) -> Outcome {
        let begun = Instant::now();
        self.report.report(&account.name, Event::Began);
        let visited = match self.mode {
            Mode::Fetch => self.fetch(account, stop, turn).await,
            Mode::DryRun => self.dry_run(account, stop).await,
            Mode::MarkSeen | Mode::DryMarkSeen => self.mark_seen(account, stop).await,
        };
        let mut outcome = visited.unwrap_or_else(Outcome::from);
        let summary = outcome.summary;
        let event = |event| self.report.report(&account.name, event);
        if outcome.failure.is_none() || summary.stored > 0 || summary.deleted > 0 {
            event(Event::Finished(&summary));
        }
        outcome.failure = (outcome.failure).or_else(|| incomplete(&summary));
        match &outcome.failure {
            Some(failure) if !failure.status.is_stop() => event(Event::Failed { failure }),
            _ => {}
        }
        event(Event::Ended {
            status: outcome.failure.as_ref().map(|failure| failure.status),
            time: begun.elapsed(),
        });
        outcome
    }

    async fn fetch(
        &self,
        account: &Arc<Account>,
        stop: &Stop,
        turn: &Turn,
    ) -> Result<Outcome, Failure> {
        let delivery = {
            let (shared, account) = (self.clone(), Arc::clone(account));
            blocking(move || shared.prepare(&account)).await?
        };
        let (fetcher, password) = self.fetcher(account, stop).await?;
        let mut fetcher = fetcher.in_turn(turn);
        let mut outcome = fetcher.fetch(password, &delivery).await;
        // Those that are listed have been counted.
        let held_back = &mut outcome.summary.held_back;
        *held_back = delivery.waiting().max(*held_back);
        Ok(outcome)
    }

    /// Takes the account, which stays ours as long as the delivery lives, and finishes what was
    /// left unfinished.
    fn prepare(&self, account: &Account) -> Result<Arc<Delivery>, Failure> {
        let claim = self.store.claim(&account.maildrop)?;
        let delivery = Delivery {
            store: Arc::clone(&self.store),
            account: claim.account,
            claim,
            account_name: account.name.clone(),
            maildrop: account.maildrop.clone(),
            targets: Targets::default(),
            file_system: Arc::clone(&self.file_system),
            clock: Arc::clone(&self.clock),
            report: Arc::clone(&self.report),
            bounds: Bounds::of(self.limits),
        };
        Ok(Arc::new(delivery.open(&account.destinations)?))
    }

    async fn dry_run(&self, account: &Arc<Account>, stop: &Stop) -> Result<Outcome, Failure> {
        let (mut fetcher, password) = self.fetcher(account, stop).await?;
        let store = Arc::clone(&self.store);
        Ok(fetcher.dry_run(password, store, self.clock.now()).await)
    }

    /// What fetches the account, and its password, which a command may take its time for.
    async fn fetcher<'a>(
        &'a self,
        account: &'a Arc<Account>,
        stop: &Stop,
    ) -> Result<(Fetcher<'a>, Secret), Failure> {
        let (mut stop, asked) = (stop.clone(), Arc::clone(account));
        let password = blocking(move || secret::password(&asked.password, asked.whose()));
        let password = stop.or(password).await?;
        Ok((Fetcher::new(account, &*self.report, stop), password))
    }

    async fn mark_seen(&self, account: &Arc<Account>, stop: &Stop) -> Result<Outcome, Failure> {
        let claim = match self.mode.is_dry() {
            true => None,
            false => {
                let (store, maildrop) = (Arc::clone(&self.store), account.maildrop.clone());
                Some(blocking(move || Ok(store.claim(&maildrop)?)).await?)
            }
        };
        let (mut fetcher, password) = self.fetcher(account, stop).await?;
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let claimed = claim.as_ref().map(|claim| claim.account);
        Ok(fetcher.mark_seen(password, store, claimed, now).await)
    }
}

/// The failure of a visit in which everything else went well.
fn incomplete(summary: &Summary) -> Option<Failure> {
    let number = |messages: usize| count(messages as u64);
    let message = match (summary.not_fetched, summary.held_back) {
        (0, 0) => return None,
        (0, held) => format!("held back {}", number(held)),
        (lost, 0) => format!("{} could not be fetched", number(lost)),
        (lost, held) => format!("{} could not be fetched, held back {held}", number(lost)),
    };
    let failure = Failure::new(Status::Temporary, message);
    Some(match summary.held_back {
        0 => failure,
        _ => failure.hint("popfetch status tells why, and what to do"),
    })
}
