//! `popfetch sync`: accounts, once each.

use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;

use crate::account::Account;
use crate::cli;
use crate::config;
use crate::failure::{Failure, Status};
use crate::fetch::Outcome;
use crate::jobs::{self, Turns};
use crate::report::{Event, Outlet, Report, Summary, Total};
use crate::secret::{self, Source};
use crate::stop::Stop;
use crate::visit::{Mode, Shared};

#[cfg(test)]
mod tests;

/// Fetches what the options describe. The status to end with, if it is not success; what went
/// wrong has been reported then.
pub(crate) fn run(
    options: &cli::Sync,
    report: &Arc<dyn Report>,
    outlet: &Outlet,
) -> Result<Option<Status>, Failure> {
    let mode = if options.dry_run {
        Mode::DryRun
    } else {
        Mode::Fetch
    };
    visit(options, mode, report, outlet)
}

/// `popfetch mark-seen`: leaves alone, from now on, what is on the server.
pub(crate) fn mark_seen(
    options: &cli::Sync,
    report: &Arc<dyn Report>,
    outlet: &Outlet,
) -> Result<Option<Status>, Failure> {
    let mode = if options.dry_run {
        Mode::DryMarkSeen
    } else {
        Mode::MarkSeen
    };
    visit(options, mode, report, outlet)
}

fn visit(
    options: &cli::Sync,
    mode: Mode,
    report: &Arc<dyn Report>,
    outlet: &Outlet,
) -> Result<Option<Status>, Failure> {
    let configuration = config::read(&options.files)?;
    let accounts = configuration.accounts(&options.settings, &options.accounts)?;
    if accounts.iter().any(Account::uses_standard_output) {
        outlet.leave_standard_output();
    }
    let state = configuration.state(&options.files)?;
    let limits = configuration.limits(options.limits);
    let shared = Shared::open(&state, mode, limits, Arc::clone(report))?;
    sync(accounts, &shared)
}

/// Fetches accounts once each, side by side. The worst status, if it is not success.
///
/// # Errors
/// What kept it from beginning.
pub(crate) fn sync(mut accounts: Vec<Account>, shared: &Shared) -> Result<Option<Status>, Failure> {
    let mut round = Round::new(accounts.len());
    // One after the other, and before anything else is on the screen.
    accounts.retain_mut(|account| match ask_password(account) {
        Ok(()) => true,
        Err(failure) => {
            let event = Event::Failed { failure: &failure };
            shared.report.report(&account.name, event);
            round.add(&failure.into());
            false
        }
    });
    jobs::block_on(shared.limits, async |stop| {
        let accounts = accounts.into_iter().map(Arc::new);
        visit_all(accounts, shared, &stop, &mut round).await;
        round.tell(&*shared.report, &stop)
    })
}

/// Asks the person at the terminal, if that is where the password is to come from.
fn ask_password(account: &mut Account) -> Result<(), Failure> {
    if let Source::Ask = account.password {
        let password = secret::password(&account.password, account.whose())?;
        account.password = Source::Given(password);
    }
    Ok(())
}

/// Visits every account when it has its turn. None waits for another that stalls or fails.
async fn visit_all(
    accounts: impl Iterator<Item = Arc<Account>>,
    shared: &Shared,
    stop: &Stop,
    round: &mut Round,
) {
    let turns = Arc::new(Turns::new(shared.limits));
    let mut visits = JoinSet::new();
    for account in accounts {
        let (shared, turns, mut stop) = (shared.clone(), Arc::clone(&turns), stop.clone());
        visits.spawn_local(async move {
            let mut summary = Summary::default();
            loop {
                let turn = stop.or(async { Ok(turns.take(account.host()).await) });
                let mut outcome = match turn.await {
                    Ok(turn) => shared.visit(&account, &stop, &turn).await,
                    Err(stopped) => Outcome::from(stopped),
                };
                outcome.summary += summary;
                if !outcome.gave_way || outcome.failure.is_some() {
                    return outcome;
                }
                summary = outcome.summary;
            }
        });
    }
    while let Some(ended) = visits.join_next().await {
        round.add(&ended.unwrap_or_else(|_| {
            let failure = Failure::new(Status::InputOutput, "a task of popfetch panicked");
            shared
                .report
                .report("", Event::Failed { failure: &failure });
            failure.into()
        }));
    }
}

/// What has come of all accounts so far.
struct Round {
    begun: Instant,
    total: Total,
    worst: Option<Status>,
}

impl Round {
    fn new(accounts: usize) -> Self {
        Self {
            begun: Instant::now(),
            total: Total {
                accounts,
                ..Total::default()
            },
            worst: None,
        }
    }

    fn add(&mut self, outcome: &Outcome) {
        self.total.summary += outcome.summary;
        if let Some(failure) = &outcome.failure {
            match failure.status.is_stop() {
                true => self.total.stopped += 1,
                false => self.total.failed += 1,
            }
            self.worst = (self.worst.into_iter())
                .chain([failure.status])
                .max_by_key(|status| status.severity());
        }
    }

    /// Tells how everything ended. The status to exit with, if it is not success.
    fn tell(mut self, report: &dyn Report, stop: &Stop) -> Option<Status> {
        self.total.summary.time = self.begun.elapsed();
        if self.total.accounts > 1 {
            report.report("", Event::Total(&self.total));
        }
        if self.total.stopped > 0
            && let Some(failure) = stop.failure()
        {
            report.report("", Event::Failed { failure: &failure });
        }
        self.worst
    }
}
