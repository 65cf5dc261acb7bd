//! How long each part of a session may take.

use std::fmt;
use std::time::{Duration, Instant};

use poplib_proto::wire::line::Verb;

use crate::Error;

/// A deadline for every phase, each for the phase as a whole and not for each read.
///
/// What the processor does itself is not interrupted, only waits are. It is short but for SCRAM's
/// iterations, which [`Policy::iterations`](crate::sasl::Policy::iterations) bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the name to a connection, resolution and every address together; and, by itself,
    /// the handshake with a proxy.
    pub connect: Duration,
    /// From the connection to the greeting.
    pub greeting: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// From a command to the end of its answer; for RETR and TOP to the status line.
    pub command: Duration,
    /// How long to wait for each [`PROGRESS_OCTETS`](Self::PROGRESS_OCTETS) of a body, or for its
    /// end. However long a message takes, a server cannot hold us with an octet a minute. Time
    /// that the caller takes between reads does not count.
    pub progress: Duration,
    /// The whole session, from the beginning of `connect`. `None`: as long as it takes.
    pub session: Option<Duration>,
}

impl Timeouts {
    /// What counts as progress of a body.
    pub const PROGRESS_OCTETS: u64 = 1024;

    /// The same time for every phase; none for the session.
    #[must_use]
    pub fn each(time: Duration) -> Self {
        Self {
            connect: time,
            greeting: time,
            tls: time,
            command: time,
            progress: time,
            session: None,
        }
    }

    /// The end of a session that began at `begun`. A time too long to be added has none.
    pub(crate) fn session_end(&self, begun: Instant) -> Option<Instant> {
        self.session.and_then(|time| begun.checked_add(time))
    }

    fn of(&self, phase: &Phase) -> Option<Duration> {
        match phase {
            Phase::Connect | Phase::Proxy => Some(self.connect),
            Phase::Greeting => Some(self.greeting),
            Phase::Tls => Some(self.tls),
            Phase::Command(_) | Phase::Batch => Some(self.command),
            Phase::Body => Some(self.progress),
            Phase::Session => self.session,
        }
    }
}

impl Default for Timeouts {
    /// 30 seconds to connect and for TLS, 60 for the greeting, 120 for a command, 60 for
    /// progress.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            greeting: Duration::from_secs(60),
            tls: Duration::from_secs(30),
            command: Duration::from_secs(120),
            progress: Duration::from_secs(60),
            session: None,
        }
    }
}

/// A part of a session that has a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Name resolution and the TCP connection.
    Connect,
    /// The handshake with a proxy, which connects meanwhile.
    Proxy,
    /// The wait for the greeting.
    Greeting,
    /// The TLS handshake.
    Tls,
    /// A command and its answer.
    Command(Verb),
    /// The next answer of a batch.
    Batch,
    /// The body of a message.
    Body,
    /// All of it.
    Session,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("connecting"),
            Self::Proxy => f.write_str("the handshake with the proxy"),
            Self::Greeting => f.write_str("waiting for the greeting"),
            Self::Tls => f.write_str("the TLS handshake"),
            Self::Command(verb) => write!(f, "{verb}"),
            Self::Batch => f.write_str("the next answer of a batch"),
            Self::Body => f.write_str("reading a message"),
            Self::Session => f.write_str("the whole session"),
        }
    }
}

/// The moment at which a phase, or the session around it, has taken too long.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    at: Option<Instant>,
    phase: Phase,
}

impl Deadline {
    /// That of `phase`, which begins now, or of the session if that is earlier.
    pub(crate) fn new(phase: Phase, timeouts: &Timeouts, session_end: Option<Instant>) -> Self {
        let time = timeouts.of(&phase);
        Self::within(phase, time, session_end)
    }

    fn within(phase: Phase, time: Option<Duration>, session_end: Option<Instant>) -> Self {
        // A time too long to be added is no deadline.
        let end = time.and_then(|time| Instant::now().checked_add(time));
        match (end, session_end) {
            (Some(end), Some(session)) if session < end => Self {
                at: Some(session),
                phase: Phase::Session,
            },
            (None, Some(session)) => Self {
                at: Some(session),
                phase: Phase::Session,
            },
            (at, _) => Self { at, phase },
        }
    }

    /// That of a connection whose session began at `begun`.
    pub(crate) fn of_connecting(timeouts: &Timeouts, begun: Instant) -> Self {
        Self::new(Phase::Connect, timeouts, timeouts.session_end(begun))
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn at(&self) -> Option<Instant> {
        self.at
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The time left, `None` for no end.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] where nothing is left.
    pub(crate) fn remaining(&self) -> Result<Option<Duration>, Error> {
        let Some(at) = self.at else {
            return Ok(None);
        };
        match at.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(self.passed()),
        }
    }

    pub(crate) fn passed(&self) -> Error {
        Error::Timeout(self.phase.clone())
    }
}

/// The progress of a body. Only the time spent in waiting for the server counts: who takes long
/// over what has come is not to blame the server for it.
#[derive(Debug)]
pub(crate) struct Progress {
    /// How long to wait for [`PROGRESS_OCTETS`](Timeouts::PROGRESS_OCTETS).
    period: Duration,
    session_end: Option<Instant>,
    /// Of the period, what is used up.
    waited: Duration,
    octets: u64,
}

impl Progress {
    pub(crate) fn new(timeouts: &Timeouts, session_end: Option<Instant>) -> Self {
        Self {
            period: timeouts.progress,
            session_end,
            waited: Duration::ZERO,
            octets: 0,
        }
    }

    /// That of a wait which begins now.
    pub(crate) fn deadline(&self) -> Deadline {
        let left = self.period.saturating_sub(self.waited);
        Deadline::within(Phase::Body, Some(left), self.session_end)
    }

    /// Counts the time until the result is dropped, whatever becomes of the wait.
    pub(crate) fn wait(&mut self) -> Wait<'_> {
        Wait {
            since: Instant::now(),
            progress: self,
        }
    }

    /// Counts a wait that began at `since` and ends now.
    pub(crate) fn add(&mut self, since: Instant) {
        self.waited += since.elapsed();
    }

    /// Counts what has come.
    pub(crate) fn count(&mut self, octets: usize) {
        self.octets += octets as u64;
        if self.octets >= Timeouts::PROGRESS_OCTETS {
            self.waited = Duration::ZERO;
            self.octets = 0;
        }
    }
}

/// A wait for octets of a body.
pub(crate) struct Wait<'a> {
    since: Instant,
    progress: &'a mut Progress,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.progress.add(self.since);
    }
}
