//! Ctrl-C and SIGTERM: the first asks to stop, the second stops at once. Either way nothing is
//! lost: what is not stored yet stays on the server.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::failure::{Failure, Status};

/// How long the message in flight may take to become whole after the first signal.
const GRACE: Duration = Duration::from_secs(3);
/// A signal that comes so soon after the first is the same once more: timeout(1) sends it to the
/// command and then to its whole group.
const ECHO: Duration = Duration::from_millis(200);

/// Whether somebody asked to stop. Clones hear of it all.
#[derive(Clone)]
pub(crate) struct Stop {
    asked: watch::Receiver<Option<Status>>,
}

impl Stop {
    /// Listens for signals from now on, on the current runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        let signals = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        let (ask, asked) = watch::channel(None);
        tokio::spawn(watch_signals(signals, ask));
        Ok(Self { asked })
    }

    /// One that a test asks.
    #[cfg(test)]
    pub(crate) fn by_hand() -> (watch::Sender<Option<Status>>, Self) {
        let (ask, asked) = watch::channel(None);
        (ask, Self { asked })
    }

    /// The failure that a run ends with which was stopped, once somebody asked for that.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.asked.borrow().map(stopped)
    }

    /// Completes when somebody asks to stop.
    pub(crate) async fn asked(&mut self) -> Failure {
        let asked = self
            .asked
            .wait_for(Option::is_some)
            .await
            .map(|status| *status);
        match asked {
            Ok(Some(status)) => stopped(status),
            // Nobody is left who could ask.
            _ => std::future::pending().await,
        }
    }

    /// Completes when somebody asked to stop and the message in flight has had its time.
    pub(crate) async fn asked_urgently(&mut self) -> Failure {
        let failure = self.asked().await;
        sleep(GRACE).await;
        failure
    }

    /// Does something unless it is stopped before.
    pub(crate) async fn or<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            result = work => result,
            failure = self.asked() => Err(failure),
        }
    }
}

fn stopped(status: Status) -> Failure {
    let by = match status {
        Status::Terminated => "SIGTERM",
        _ => "Ctrl-C",
    };
    Failure::new(status, format!("stopped by {by}"))
        .hint("nothing is lost: run it again to fetch the rest")
}

async fn watch_signals(
    (mut interrupt, mut terminate): (Signal, Signal),
    ask: watch::Sender<Option<Status>>,
) {
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => Status::Interrupted,
            _ = terminate.recv() => Status::Terminated,
        }
    };
    ask.send_replace(Some(next().await));
    let first = Instant::now();
    loop {
        let status = next().await;
        if first.elapsed() > ECHO {
            std::process::exit(status.code().into());
        }
    }
}
