//! `popfetch demo`: sample mail from a server inside this program, fetched the way `sync` does.

mod mailbox;
mod table;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use poplib::{Config, Secret, Tls};
use poplib_sandbox::Sandbox;

use crate::account::{Account, INTERVAL};
use crate::cli;
use crate::deliver::Destinations;
use crate::failure::{Failure, Status};
use crate::jobs::Limits;
use crate::plan::Policy;
use crate::report::{Event, Report};
use crate::secret::Source;
use crate::sync::sync;
use crate::visit::{Mode, Shared};

const USER: &str = "demo";
const PASSWORD: &str = "correct horse battery staple";

/// Starts the server, fetches, and tells what arrived.
pub(crate) fn run(
    options: &cli::Demo,
    common: &cli::Common,
    report: &Arc<dyn Report>,
) -> Result<Option<Status>, Failure> {
    let sandbox = Sandbox::builder()
        .mailbox(USER, PASSWORD, mailbox::sample())
        .start()
        .map_err(|error| cannot_start(&error))?;
    let arrivals = Arc::new(Arrivals {
        report: Arc::clone(report),
        files: Mutex::default(),
    });
    let observer: Arc<dyn Report> = Arc::clone(&arrivals) as _;
    let account = account(&sandbox, &options.maildir)?;
    let shared = Shared::open(
        &options.maildir.join("state.db"),
        Mode::Fetch,
        Limits::default(),
        observer,
    )?;
    let status = sync(vec![account], &shared)?;
    if status.is_none() && !common.json && !common.quiet {
        // Nobody is there to read it, if that fails.
        let _: io::Result<()> =
            table::print(&mut io::stdout(), &arrivals.files(), &options.maildir);
    }
    Ok(status)
}

/// An account on the server, whose certificate is verified like any other: by its authority.
fn account(sandbox: &Sandbox, maildir: &Path) -> Result<Account, Failure> {
    let tls = Tls::with_authorities(sandbox.ca_pem().as_bytes())
        .map_err(|error| cannot_start(&io::Error::other(error)))?;
    let config = Config::new(sandbox.host())
        .with_port(sandbox.tls_addr().port())
        .with_tls(tls);
    // Without the port, which is another one in each run.
    let maildrop = format!("{USER}@{}", sandbox.host());
    Ok(Account {
        name: maildrop.clone(),
        maildrop,
        config,
        user: USER.into(),
        password: Source::Given(Secret::from(PASSWORD)),
        destinations: Destinations::maildir(maildir),
        policy: Policy::default(),
        interval: INTERVAL,
        filter: None,
        rsets_before_quit: false,
    })
}

fn cannot_start(error: &io::Error) -> Failure {
    Failure::new(
        Status::Unavailable,
        format!("could not start the demo's server: {error}"),
    )
}

/// Passes events on, and remembers what was stored.
struct Arrivals {
    report: Arc<dyn Report>,
    files: Mutex<Vec<PathBuf>>,
}

impl Arrivals {
    fn files(&self) -> Vec<PathBuf> {
        self.files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Report for Arrivals {
    fn report(&self, account: &str, event: Event<'_>) {
        if let Event::Stored {
            file: Some(file), ..
        } = event
        {
            self.files
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(file.into());
        }
        self.report.report(account, event);
    }
}
