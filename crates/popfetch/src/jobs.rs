//! How much happens at once: so many accounts in all, so many of them on one host, in one process
//! and on one thread.
//!
//! One thread is enough for the network: a session is a few round trips and some hundred
//! microseconds of TLS, and what takes long, the disk and the state, has threads of its own
//! ([`Queue`](crate::deliver::queue::Queue), and those of `fetch::blocking`), of which each
//! account has some only while it has its turn.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::LocalSet;

use crate::failure::{Failure, Status};
use crate::settings::Count;
use crate::stop::Stop;

#[cfg(test)]
mod tests;

/// How many accounts may have their turn at the same time.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "How much at once")]
pub(crate) struct Limits {
    /// Fetch so many accounts at the same time [default: 8]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<Count>,

    /// So many of them, at most, on the same host [default: 4]
    #[arg(long, value_name = "N")]
    pub(crate) per_host: Option<Count>,
}

impl Limits {
    /// These, and those where they leave something open.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            jobs: self.jobs.or(other.jobs),
            per_host: self.per_host.or(other.per_host),
        }
    }

    /// How many in all, and how many on the same host.
    pub(crate) fn numbers(self) -> (NonZeroU16, NonZeroU16) {
        let number = |given: Option<Count>, default| given.map_or(default, |Count(number)| number);
        (number(self.jobs, JOBS), number(self.per_host, PER_HOST))
    }

    /// How many threads may look up hosts and ask the state at once: each account does one of both
    /// at a time, and some may have left behind a look-up that they no longer wait for.
    fn threads(self) -> usize {
        usize::from(self.numbers().0.get()) + SPARE_THREADS
    }
}

const JOBS: NonZeroU16 = NonZeroU16::new(8).expect("it is not 0");
const PER_HOST: NonZeroU16 = NonZeroU16::new(4).expect("it is not 0");
const SPARE_THREADS: usize = 32;

/// Gives every account its turn, first come, first served.
pub(crate) struct Turns {
    all: Arc<Places>,
    per_host: usize,
    hosts: Mutex<HashMap<String, Arc<Places>>>,
}

/// So many may have their turn at once, and others wait.
struct Places {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A turn; it ends when this is dropped.
pub(crate) struct Turn {
    _places: [OwnedSemaphorePermit; 2],
    limits: [Arc<Places>; 2],
}

impl Turn {
    /// Whether somebody else would have a turn if this one ended.
    pub(crate) fn is_wanted(&self) -> bool {
        let waiting = |places: &Arc<Places>| places.waiting.load(Ordering::Relaxed) > 0;
        self.limits.iter().any(waiting)
    }
}

impl Places {
    fn new(places: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(places)),
            waiting: AtomicUsize::new(0),
        })
    }

    async fn take(&self) -> OwnedSemaphorePermit {
        let _waiting = Waiting::among(&self.waiting);
        let place = Arc::clone(&self.free).acquire_owned().await;
        place.expect("no semaphore here is ever closed")
    }
}

/// Counts one who waits, until this is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn among(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turns {
    pub(crate) fn new(limits: Limits) -> Self {
        let (jobs, per_host) = limits.numbers();
        Self {
            all: Places::new(jobs.get().into()),
            per_host: per_host.get().into(),
            hosts: Mutex::default(),
        }
    }

    /// Waits for a turn on this host.
    pub(crate) async fn take(&self, host: &str) -> Turn {
        // The host's limit comes first: whoever waits for his host keeps nobody else waiting.
        let limits = [self.host(host), Arc::clone(&self.all)];
        let places = [limits[0].take().await, limits[1].take().await];
        Turn {
            _places: places,
            limits,
        }
    }

    fn host(&self, host: &str) -> Arc<Places> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let places = hosts
            .entry(host.to_ascii_lowercase())
            .or_insert_with(|| Places::new(self.per_host));
        Arc::clone(places)
    }
}

/// Does the work on this thread, tasks that it spawns locally included, and listens for signals
/// meanwhile. What blocks has threads of its own, of a number that suits the limits.
///
/// # Errors
/// When the system gives no means to wait for events.
pub(crate) fn block_on<T>(limits: Limits, work: impl AsyncFnOnce(Stop) -> T) -> Result<T, Failure> {
    let cannot = |error| {
        Failure::new(
            Status::InputOutput,
            format!("could not start waiting for events: {error}"),
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(limits.threads())
        .build()
        .map_err(cannot)?;
    let result = LocalSet::new().block_on(&runtime, async {
        Ok(work(Stop::listen().map_err(cannot)?).await)
    });
    // A password command that hangs is not waited for; whatever concerns mail has ended.
    runtime.shutdown_background();
    result
}
