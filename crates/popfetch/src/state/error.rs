use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::failure::{Failure, MAKE_ROOM, Status, is_full};
use crate::key::Key;

/// Why the state could not be read or written.
#[derive(Debug)]
pub(crate) enum StateError {
    /// A file or directory of the store could not be made or opened.
    Open { path: PathBuf, source: io::Error },
    /// It is not a state file of ours, or it is damaged.
    Unreadable { path: PathBuf, reason: String },
    /// A newer popfetch wrote it.
    Newer { path: PathBuf, version: i32 },
    /// Another process fetches this account.
    Claimed { account: String },
    /// The message is not where this change starts from: somebody else changed it.
    Transition { key: Key, change: String },
    /// The store could not do it, perhaps for want of space.
    Store {
        path: PathBuf,
        reason: String,
        is_full: bool,
    },
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { path, source } => {
                write!(f, "could not open the state {}: {source}", path.display())
            }
            Self::Unreadable { path, reason } => {
                write!(f, "could not read the state {}: {reason}", path.display())
            }
            Self::Newer { path, version } => write!(
                f,
                "the state {} has the format {version} of a newer popfetch",
                path.display()
            ),
            Self::Claimed { account } => {
                write!(f, "another popfetch is fetching {account} right now")
            }
            Self::Transition { key, change } => {
                write!(
                    f,
                    "the state of {} changed underneath: {change}",
                    key.as_ref().identity
                )
            }
            Self::Store { path, reason, .. } => {
                write!(f, "could not write the state {}: {reason}", path.display())
            }
        }
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        let message = error.to_string();
        match error {
            StateError::Open { source, .. } => {
                let (status, hint) = match source.kind() {
                    _ if is_full(&source) => (Status::InputOutput, MAKE_ROOM),
                    io::ErrorKind::Other => {
                        (Status::InputOutput, "its disk may be full, or failing")
                    }
                    _ => (
                        Status::CannotCreate,
                        "choose another place with --state FILE",
                    ),
                };
                Self::new(status, message).hint(hint)
            }
            StateError::Unreadable { path, .. } => {
                Self::new(Status::InputOutput, message).hint(format!(
                    "restore {} from a backup; without it, every message left on the server is \
                     fetched again",
                    path.display()
                ))
            }
            StateError::Newer { .. } => Self::new(Status::Configuration, message)
                .hint("use the newer popfetch, or another --state FILE"),
            StateError::Claimed { .. } => {
                Self::new(Status::Temporary, message).hint("wait until it has ended")
            }
            StateError::Store { is_full: true, .. } => {
                Self::new(Status::InputOutput, message).hint(MAKE_ROOM)
            }
            StateError::Transition { .. } | StateError::Store { .. } => {
                Self::new(Status::InputOutput, message)
            }
        }
    }
}
