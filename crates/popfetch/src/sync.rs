//! `popfetch sync`: one account, once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::account::Account;
use crate::cli;
use crate::clock::{Clock, SystemClock};
use crate::deliver::Delivery;
use crate::deliver::maildir::Maildir;
use crate::failure::{Failure, Status};
use crate::fetch::{Fetcher, Outcome};
use crate::fs::{FileSystem, OsFileSystem};
use crate::report::{Event, Report};
use crate::secret;
use crate::state::{SqliteStore, StateStore};
use crate::stop::Stop;

/// Fetches what the options describe. The status to end with, if it is not success.
pub(crate) fn run(options: &cli::Sync, report: &Arc<dyn Report>) -> Result<(), Failure> {
    let account = Account::new(&options.settings)?;
    let state = match &options.files.state {
        Some(path) => path.clone(),
        None => default_state()?,
    };
    let mode = if options.dry_run {
        Mode::DryRun
    } else {
        Mode::Fetch
    };
    sync(&account, &state, mode, report)
}

/// Whether anything may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Fetch,
    DryRun,
}

/// Fetches an account once and tells how that ended.
///
/// # Errors
/// What kept it from being complete. It has been reported already.
pub(crate) fn sync(
    account: &Account,
    state: &Path,
    mode: Mode,
    report: &Arc<dyn Report>,
) -> Result<(), Failure> {
    let outcome = match mode {
        Mode::Fetch => fetch(account, state, report),
        Mode::DryRun => dry_run(account, state, report),
    };
    let Outcome {
        summary, failure, ..
    } = outcome.unwrap_or_else(Outcome::from);
    let event = |event| report.report(&account.name, event);
    if failure.is_none() || summary.stored > 0 || summary.deleted > 0 {
        event(Event::Finished(&summary));
    }
    failure
        .or_else(|| incomplete(summary.not_fetched))
        .map_or(Ok(()), Err)
}

/// The failure of a run in which everything else went well.
fn incomplete(not_fetched: usize) -> Option<Failure> {
    let plural = if not_fetched == 1 { "" } else { "s" };
    let message = format!("{not_fetched} message{plural} could not be fetched");
    (not_fetched > 0).then(|| Failure::new(Status::Temporary, message))
}

fn fetch(account: &Account, state: &Path, report: &Arc<dyn Report>) -> Result<Outcome, Failure> {
    let store = SqliteStore::open(state)?;
    let claim = store.claim(&account.name)?;
    let file_system: Arc<dyn FileSystem> = Arc::new(OsFileSystem);
    let delivery = Arc::new(Delivery {
        store: Arc::new(store),
        account: claim.account,
        account_name: account.name.clone(),
        maildir: Maildir::create(Arc::clone(&file_system), &account.maildir)?,
        file_system,
        clock: Arc::new(SystemClock),
        report: Arc::clone(report),
    });
    delivery.recover()?;
    let password = secret::password(&account.password, &account.user, account.host())?;
    run_async(async |stop| {
        let mut fetcher = Fetcher {
            account,
            report: &**report,
            stop,
        };
        fetcher.fetch(password, &delivery).await
    })
}

fn dry_run(account: &Account, state: &Path, report: &Arc<dyn Report>) -> Result<Outcome, Failure> {
    // Not even an empty state is left behind.
    let store = if state.exists() {
        SqliteStore::open(state)?
    } else {
        SqliteStore::in_memory()?
    };
    let password = secret::password(&account.password, &account.user, account.host())?;
    run_async(async |stop| {
        let mut fetcher = Fetcher {
            account,
            report: &**report,
            stop,
        };
        fetcher
            .dry_run(password, Arc::new(store), SystemClock.now())
            .await
    })
}

/// Runs on this thread, and listens for signals.
fn run_async<T>(work: impl AsyncFnOnce(Stop) -> T) -> Result<T, Failure> {
    let cannot = |error| {
        Failure::new(
            Status::InputOutput,
            format!("could not start waiting for events: {error}"),
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(cannot)?;
    runtime.block_on(async { Ok(work(Stop::listen().map_err(cannot)?).await) })
}

/// Where the state is unless the user says otherwise.
fn default_state() -> Result<PathBuf, Failure> {
    let directory = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    directory("XDG_STATE_HOME")
        .or_else(|| directory("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("popfetch/state.db"))
        .ok_or_else(|| {
            Failure::new(
                Status::Configuration,
                "there is no home directory to keep state in",
            )
            .hint("use --state FILE")
        })
}
