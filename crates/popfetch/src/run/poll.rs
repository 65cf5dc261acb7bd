//! One account, over and over, until somebody says otherwise.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::pace::{Jitter, Pace};
use crate::account::Account;
use crate::failure::{Failure, Status};
use crate::fetch::Outcome;
use crate::jobs::{Turn, Turns};
use crate::report::{Event, Report};
use crate::stop::Stop;
use crate::visit::Shared;

#[cfg(test)]
mod tests;

/// Fetches an account once.
pub(super) trait Visit {
    async fn visit(&self, account: &Arc<Account>, stop: &Stop, turn: &Turn) -> Outcome;
}

impl Visit for Shared {
    async fn visit(&self, account: &Arc<Account>, stop: &Stop, turn: &Turn) -> Outcome {
        Self::visit(self, account, stop, turn).await
    }
}

/// The account as the configuration has it now; `None` once it has it no more.
pub(super) type Orders = watch::Receiver<Option<Arc<Account>>>;

/// What all accounts share.
pub(super) struct Round<V> {
    pub(super) visitor: V,
    pub(super) turns: Turns,
    pub(super) report: Arc<dyn Report>,
    pub(super) stop: Stop,
}

impl<V: Visit> Round<V> {
    /// Visits an account whenever it is due and has its turn. A visit is never cut off by new
    /// orders: it ends first. There is one of these for each account, so that no account is
    /// visited twice at once.
    pub(super) async fn poll(&self, mut orders: Orders) {
        let mut stop = self.stop.clone();
        let mut jitter = Jitter::from_system();
        let mut pace = Pace::default();
        let mut earliest = Instant::now();
        let mut due = Some(earliest);
        let mut order = orders.borrow_and_update().clone();
        while let Some(account) = &order {
            tokio::select! {
                biased;
                _stopped = stop.asked() => return,
                changed = orders.changed() => {
                    order = changed.ok().and_then(|()| orders.borrow_and_update().clone());
                    // What was wrong may be right now. Only what the server wants still holds.
                    (pace, due) = (Pace::default(), Some(earliest));
                }
                turn = self.turn(due, account.host()) => {
                    let outcome = self.visitor.visit(account, &stop, &turn).await;
                    drop(turn);
                    let now = Instant::now();
                    if outcome.gave_way && outcome.failure.is_none() {
                        // Behind those who wait for their turn.
                        due = Some(now);
                        continue;
                    }
                    let login_delay = outcome.login_delay;
                    earliest = now + login_delay.unwrap_or_default();
                    let failure = outcome.failure.as_ref();
                    let wait = pace.after(failure, account.interval, login_delay, &mut jitter);
                    due = wait.map(|wait| now + wait);
                    if self.stop.failure().is_none() {
                        self.tell(&account.name, wait, failure.is_some());
                    }
                }
            }
        }
    }

    /// Waits until the account is due, if ever, and then for its turn.
    async fn turn(&self, due: Option<Instant>, host: &str) -> Turn {
        match due {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
        self.turns.take(host).await
    }

    fn tell(&self, account: &str, wait: Option<Duration>, failed: bool) {
        let event = |event| self.report.report(account, event);
        match wait {
            Some(time) => event(Event::Waiting { time, failed }),
            None => {
                let message = "it is left alone until the configuration is loaded again";
                let failure = Failure::new(Status::Configuration, message)
                    .hint("mend the setting, then send SIGHUP");
                event(Event::Warning { failure: &failure });
            }
        }
    }
}
