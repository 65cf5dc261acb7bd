use std::{fmt, io};

/// Why a server could not be started or looked at.
///
/// `Debug` prints the same text as `Display`, so that `unwrap()` in a test is readable.
#[non_exhaustive]
pub enum Error {
    /// The server is not installed.
    Missing {
        /// What was looked for.
        what: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// The server ended, or did not answer in time.
    NotReady {
        /// The server's name.
        server: &'static str,
        /// What was seen.
        why: String,
        /// What it wrote to its log until then.
        log: String,
    },
    /// A file, process or socket of the rig's own failed.
    Io {
        /// What was attempted.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// No certificate could be made.
    Certificate(rcgen::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { what, remedy } => write!(f, "{what} is missing\nhint: {remedy}"),
            Self::NotReady { server, why, log } => {
                write!(f, "{server} did not start: {why}\n--- its log:\n{log}")
            }
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
            Self::Certificate(source) => write!(f, "making a certificate: {source}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Certificate(source) => Some(source),
            Self::Missing { .. } | Self::NotReady { .. } => None,
        }
    }
}

impl From<rcgen::Error> for Error {
    fn from(source: rcgen::Error) -> Self {
        Self::Certificate(source)
    }
}

/// Says what was attempted when the system refuses.
pub(crate) trait Doing<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io {
            doing: doing(),
            source,
        })
    }
}
