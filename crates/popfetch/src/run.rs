//! `popfetch run`: fetches again and again until it is stopped.
//!
//! Each account has a task of its own ([`poll`]); this is who employs and dismisses them, listens
//! for signals, and tells the service manager.

mod notify;
mod pace;
mod poll;
#[cfg(test)]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::panic;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use poplib::Secret;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::{self, JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use self::notify::Manager;
use self::poll::{Round, Visit};
use crate::account::Account;
use crate::cli;
use crate::clock::SystemClock;
use crate::config::{self, Configuration};
use crate::failure::{Failure, Status};
use crate::jobs::{self, Turns};
use crate::metrics::{self, Ledger};
use crate::report::{Event, Outlet, Report};
use crate::secret::{self, Source};
use crate::settings::Span;
use crate::visit::{Mode, Shared};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod week;

/// Fetches until somebody asks to stop, which is how this ends well.
///
/// # Errors
/// What kept it from beginning.
pub(crate) fn run(
    options: &cli::Run,
    report: &Arc<dyn Report>,
    outlet: &Outlet,
) -> Result<Option<Status>, Failure> {
    let listener = options.metrics.map(metrics::listen).transpose()?;
    let loader = Loader::new(options, outlet);
    let configuration = config::read(&options.files)?;
    let accounts = loader.accounts(&configuration)?;
    let state = configuration.state(&options.files)?;
    let ledger = Arc::new(Ledger::new(Arc::clone(report), Arc::new(SystemClock)));
    let limits = configuration.limits(options.limits);
    let shared = Shared::open(&state, Mode::Fetch, limits, Arc::clone(&ledger) as _)?;
    jobs::block_on(limits, async |stop| {
        if let Some(listener) = listener {
            metrics::serve(listener, Arc::clone(&ledger))?;
        }
        let round = Round {
            visitor: shared,
            turns: Turns::new(limits),
            report: Arc::clone(&ledger) as _,
            stop,
        };
        let (hangups, manager) = (hangups()?, Manager::from_environment());
        let load = Arc::new(move || loader.load());
        Office::new(round, ledger, manager)
            .run(accounts, load, hangups)
            .await;
        Ok(None)
    })?
}

/// Reads the configuration, again and again.
struct Loader {
    options: cli::Run,
    outlet: Outlet,
    typed: Mutex<Typed>,
}

impl Loader {
    fn new(options: &cli::Run, outlet: &Outlet) -> Self {
        Self {
            options: options.clone(),
            outlet: outlet.clone(),
            typed: Mutex::default(),
        }
    }

    fn load(&self) -> Result<Vec<Account>, Failure> {
        self.accounts(&config::read(&self.options.files)?)
    }

    fn accounts(&self, configuration: &Configuration) -> Result<Vec<Account>, Failure> {
        let cli::Run {
            accounts,
            settings,
            interval,
            ..
        } = &self.options;
        let mut accounts = configuration.accounts(settings, accounts)?;
        if accounts.iter().any(Account::uses_standard_output) {
            self.outlet.leave_standard_output();
        }
        let mut typed = self.typed.lock().unwrap_or_else(PoisonError::into_inner);
        for account in &mut accounts {
            if let Some(Span(time)) = interval {
                account.interval = *time;
            }
            typed.fill(account, |account| {
                secret::password(&account.password, account.whose())
            });
        }
        Ok(accounts)
    }
}

/// Passwords that were typed in, by account: nobody may be there to ask later.
#[derive(Default)]
struct Typed(BTreeMap<String, Secret>);

impl Typed {
    /// Gives the account its password, if that is to be typed in. One that nobody gives is its
    /// account's failure only, at the first visit.
    fn fill(
        &mut self,
        account: &mut Account,
        ask: impl FnOnce(&Account) -> Result<Secret, Failure>,
    ) {
        let Source::Ask = account.password else {
            return;
        };
        if !self.0.contains_key(&account.name)
            && let Ok(password) = ask(account)
        {
            self.0.insert(account.name.clone(), password);
        }
        if let Some(password) = self.0.get(&account.name) {
            account.password = Source::Given(password.clone());
        }
    }
}

/// What reads the configuration. It may block.
type Load = Arc<dyn Fn() -> Result<Vec<Account>, Failure> + Send + Sync>;

/// Somebody who wants the configuration to be read again. Those who want it twice before it has
/// been read want it once.
fn hangups() -> Result<mpsc::Receiver<()>, Failure> {
    let mut hangup = signal(SignalKind::hangup()).map_err(|error| {
        let message = format!("could not listen for SIGHUP: {error}");
        Failure::new(Status::InputOutput, message)
    })?;
    let (tell, hangups) = mpsc::channel(1);
    task::spawn_local(async move {
        while hangup.recv().await.is_some() {
            // If it is full, somebody has said so already.
            let _ = tell.try_send(());
        }
    });
    Ok(hangups)
}

/// Employs a task for each account.
struct Office<V> {
    round: Rc<Round<V>>,
    ledger: Arc<Ledger>,
    manager: Manager,
    orders: BTreeMap<String, watch::Sender<Option<Arc<Account>>>>,
    polls: JoinSet<()>,
}

impl<V: Visit + 'static> Office<V> {
    fn new(round: Round<V>, ledger: Arc<Ledger>, manager: Manager) -> Self {
        Self {
            round: Rc::new(round),
            ledger,
            manager,
            orders: BTreeMap::new(),
            polls: JoinSet::new(),
        }
    }

    /// Works until somebody asks to stop, and then until every visit has ended.
    async fn run(mut self, accounts: Vec<Account>, load: Load, mut hangups: mpsc::Receiver<()>) {
        let mut stop = self.round.stop.clone();
        let mut alive = self.manager.alive_every().map(interval);
        let mut loading: Option<JoinHandle<Result<Vec<Account>, Failure>>> = None;
        self.employ(accounts);
        loop {
            tokio::select! {
                biased;
                _stopped = stop.asked() => break,
                () = tick(&mut alive) => self.manager.alive(),
                loaded = finished(&mut loading) => {
                    loading = None;
                    self.reload(loaded);
                }
                Some(()) = hangups.recv(), if loading.is_none() => {
                    self.manager.reloading();
                    let load = Arc::clone(&load);
                    loading = Some(task::spawn_blocking(move || load()));
                }
                Some(ended) = self.polls.join_next() => unharmed(ended),
                () = self.ledger.changed() => self.manager.status(&self.ledger.to_string()),
            }
        }
        self.manager.stopping();
        self.tell(Event::Stopping {
            accounts: self.ledger.in_flight(),
        });
        while let Some(ended) = self.polls.join_next().await {
            unharmed(ended);
        }
    }

    /// Takes the new configuration, or keeps the old one.
    fn reload(&mut self, loaded: Result<Vec<Account>, Failure>) {
        match loaded {
            Ok(accounts) => self.employ(accounts),
            Err(mut failure) => {
                failure.message = format!("kept the old configuration: {}", failure.message);
                self.tell(Event::Warning { failure: &failure });
                self.manager.ready(&self.ledger.to_string());
            }
        }
    }

    /// Visits these accounts from now on, all of them at once, and no others.
    fn employ(&mut self, accounts: Vec<Account>) {
        let names = accounts.iter().map(|account| account.name.as_str());
        self.ledger.keep(&names.clone().collect());
        self.orders.retain(|_, orders| !orders.is_closed());
        let kept: BTreeSet<&str> = names.collect();
        for (_, orders) in self
            .orders
            .iter()
            .filter(|(name, _)| !kept.contains(name.as_str()))
        {
            orders.send_replace(None);
        }
        self.tell(Event::Polling {
            accounts: accounts.len(),
        });
        for account in accounts.into_iter().map(Arc::new) {
            let order = Some(Arc::clone(&account));
            let employed = self.orders.get(&account.name);
            if employed.is_none_or(|orders| orders.send(order).is_err()) {
                let (give, orders) = watch::channel(Some(Arc::clone(&account)));
                self.orders.insert(account.name.clone(), give);
                let round = Rc::clone(&self.round);
                self.polls
                    .spawn_local(async move { round.poll(orders).await });
            }
        }
        self.manager.ready(&self.ledger.to_string());
    }

    fn tell(&self, event: Event<'_>) {
        self.round.report.report("", event);
    }
}

/// A task that panicked left an account that nobody visits. It is better to be started anew.
fn unharmed(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && let Ok(panic) = error.try_into_panic()
    {
        panic::resume_unwind(panic);
    }
}

fn interval(time: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + time, time);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Completes when it is time again, if ever.
async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => drop(interval.tick().await),
        None => pending().await,
    }
}

/// Completes when the configuration has been read, if it is being read.
async fn finished(
    loading: &mut Option<JoinHandle<Result<Vec<Account>, Failure>>>,
) -> Result<Vec<Account>, Failure> {
    match loading {
        Some(loading) => loading.await.unwrap_or_else(|_| {
            let message = "reading the configuration panicked";
            Err(Failure::new(Status::InputOutput, message))
        }),
        None => pending().await,
    }
}
