//! Why the command could not do what it was asked: what was attempted, what the other side said,
//! and what to do now. Each failure carries the exit status it ends with.

use std::fmt;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use crate::escape;

/// Exit statuses, as `sysexits.h` numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// The server that was examined can be used, with care.
    Care = 1,
    /// The command line makes no sense.
    Usage = 64,
    /// What was asked for is not there.
    NoInput = 66,
    /// The server cannot be reached, or is not who it should be.
    Unavailable = 69,
    /// An output file or directory cannot be made.
    CannotCreate = 73,
    /// Reading or writing failed half-way.
    InputOutput = 74,
    /// It may work later without anybody changing anything.
    Temporary = 75,
    /// The server does not keep to the protocol.
    Protocol = 76,
    /// The server refused the login.
    LoginRefused = 77,
    /// A file or setting that the user controls is wrong.
    Configuration = 78,
    /// Stopped by SIGINT, as a shell reports it.
    Interrupted = 130,
    /// Stopped by SIGTERM, as a shell reports it.
    Terminated = 143,
}

impl Status {
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// Its name for programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Care => "care",
            Self::Usage => "usage",
            Self::NoInput => "no_input",
            Self::Unavailable => "unavailable",
            Self::CannotCreate => "cannot_create",
            Self::InputOutput => "input_output",
            Self::Temporary => "temporary",
            Self::Protocol => "protocol",
            Self::LoginRefused => "login_refused",
            Self::Configuration => "configuration",
            Self::Interrupted | Self::Terminated => "stopped",
        }
    }

    /// Whether somebody asked for this end.
    pub(crate) fn is_stop(self) -> bool {
        matches!(self, Self::Interrupted | Self::Terminated)
    }

    /// Orders statuses, the worst last: the more somebody has to do about it, the worse. What may
    /// pass by itself comes first, then what the server's people and what the user must mend; a
    /// stop comes before everything, as others rely on hearing of it.
    pub(crate) fn severity(self) -> u8 {
        match self {
            Self::Care | Self::Temporary => 0,
            Self::Unavailable => 1,
            Self::Protocol => 2,
            Self::LoginRefused => 3,
            Self::InputOutput => 4,
            Self::CannotCreate => 5,
            Self::Configuration => 6,
            Self::Usage | Self::NoInput => 7,
            Self::Interrupted => 8,
            Self::Terminated => 9,
        }
    }
}

/// What to do about a full disk.
pub(crate) const MAKE_ROOM: &str =
    "make room and run it again; nothing was deleted that is not safely stored";

/// Whether it was for want of space.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

/// Something the user asked for did not happen.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    /// What was attempted and how it ended, as one sentence without a full stop.
    pub(crate) message: String,
    /// Lines that show more: those of a file that are at fault, where else to look.
    pub(crate) details: Option<Box<str>>,
    /// The server's own words, escaped.
    pub(crate) server: Option<String>,
    /// What the user can do.
    pub(crate) hint: Option<String>,
    /// How long the same is better not tried again, where anything is known about that.
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            details: None,
            server: None,
            hint: None,
            retry_after: None,
        }
    }

    /// What the server said when this happened; shown on a line of its own, escaped.
    #[must_use]
    pub(crate) fn server(mut self, words: &[u8]) -> Self {
        self.server = Some(escape::octets(words).to_string());
        self
    }

    /// Lines to show below the message, and below those that are there already.
    #[must_use]
    pub(crate) fn details(mut self, lines: &str) -> Self {
        let above = self.details.take().map(|above| format!("{above}\n"));
        self.details = Some((above.unwrap_or_default() + lines).into());
        self
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether it was for want of space.
    pub(crate) fn is_full(&self) -> bool {
        self.hint.as_deref() == Some(MAKE_ROOM)
    }

    #[must_use]
    pub(crate) fn retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", escape::text(&self.message))?;
        for line in self.details.iter().flat_map(|details| details.lines()) {
            write!(f, "\n  {}", escape::text(line))?;
        }
        if let Some(words) = &self.server {
            write!(f, "\n  server said: {words}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", escape::text(hint))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_as_attempt_answer_advice() {
        let failure = Failure::new(Status::LoginRefused, "could not log in as me")
            .server(b"-ERR [AUTH] \x1b[31mno")
            .hint("check the password");
        assert_eq!(
            failure.to_string(),
            "could not log in as me\n  server said: -ERR [AUTH] \\x1b[31mno\n  hint: check the password"
        );
        assert_eq!(failure.status.code(), 77);
    }
}
