//! Accounts that need no server, for the tests of this room.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use poplib::{Config, Secret};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::poll::{Round, Visit};
use crate::account::Account;
use crate::deliver::Destinations;
use crate::failure::{Failure, Status};
use crate::fetch::Outcome;
use crate::jobs::{Limits, Turn, Turns};
use crate::plan::Policy;
use crate::report::{Event, Report};
use crate::secret::Source;
use crate::stop::Stop;

pub(super) const INTERVAL: Duration = Duration::from_secs(300);

pub(super) fn account(name: &str) -> Account {
    Account {
        name: name.into(),
        maildrop: name.into(),
        config: Config::new("pop.example.org"),
        user: name.into(),
        password: Source::Given(Secret::from("secret")),
        destinations: Destinations::maildir(Path::new("mail")),
        policy: Policy::default(),
        filter: None,
        rsets_before_quit: false,
        interval: INTERVAL,
    }
}

/// Visits that do nothing but take their time and end as they are told to.
pub(super) struct Script {
    begun: Instant,
    takes: Duration,
    ends: RefCell<VecDeque<Outcome>>,
    /// Whose visit ended when, since the beginning.
    visits: RefCell<Vec<(String, Duration)>>,
}

impl Script {
    /// Visits end so, one after the other, and all later ones well.
    pub(super) fn new(takes: Duration, ends: impl IntoIterator<Item = Outcome>) -> Self {
        Self {
            begun: Instant::now(),
            takes,
            ends: RefCell::new(ends.into_iter().collect()),
            visits: RefCell::default(),
        }
    }

    /// When the visits ended, in seconds since the beginning.
    pub(super) fn seconds(&self) -> Vec<f64> {
        let visits = self.visits.borrow();
        visits.iter().map(|(_, time)| time.as_secs_f64()).collect()
    }

    pub(super) fn names(&self) -> Vec<String> {
        let visits = self.visits.borrow();
        visits.iter().map(|(name, _)| name.clone()).collect()
    }
}

impl Visit for Script {
    async fn visit(&self, account: &Arc<Account>, _stop: &Stop, _turn: &Turn) -> Outcome {
        sleep(self.takes).await;
        let visit = (account.name.clone(), self.begun.elapsed());
        self.visits.borrow_mut().push(visit);
        self.ends.borrow_mut().pop_front().unwrap_or_default()
    }
}

pub(super) fn failed(status: Status) -> Outcome {
    Failure::new(status, "could not").into()
}

/// Writes down what it is told.
#[derive(Default)]
pub(super) struct Told(Mutex<Vec<String>>);

impl Told {
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Report for Told {
    fn report(&self, account: &str, event: Event<'_>) {
        self.0.lock().unwrap().push(format!("{account}: {event:?}"));
    }
}

/// What all accounts share, who can stop it, and what is told.
pub(super) fn round(script: Script) -> (Round<Script>, watch::Sender<Option<Status>>, Arc<Told>) {
    let (ask, stop) = Stop::by_hand();
    let told = Arc::new(Told::default());
    let round = Round {
        visitor: script,
        turns: Turns::new(Limits::default()),
        report: Arc::clone(&told) as _,
        stop,
    };
    (round, ask, told)
}
