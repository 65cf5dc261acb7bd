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
    /// The file has a name elsewhere, where SQLite would keep other files with it.
    SecondName { path: PathBuf },
    /// The file is mounted without the directory that it is in.
    MountedAlone { path: PathBuf },
    /// Another file has the name of the one that is in use.
    Replaced { path: PathBuf },
    /// Another process kept it from being opened.
    Busy { path: PathBuf },
    /// It could not be copied before it was brought to this program's format.
    Backup { path: PathBuf, source: io::Error },
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
            Self::SecondName { path } => write!(
                f,
                "the state {} has a second name (a hard link): a popfetch that opens it by that \
                 one and this one would know nothing of each other, and damage it",
                path.display()
            ),
            Self::MountedAlone { path } => write!(
                f,
                "the state {} is mounted without its directory, which has files that belong to it",
                path.display()
            ),
            Self::Replaced { path } => write!(
                f,
                "the state {} was moved away or replaced while it was in use",
                path.display()
            ),
            Self::Busy { path } => {
                write!(f, "another process is writing the state {}", path.display())
            }
            Self::Backup { path, source } => write!(
                f,
                "could not copy the state {} before bringing it to a new format: {source}",
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
            StateError::SecondName { path } => {
                Self::new(Status::Configuration, message).hint(format!(
                    "find that name, `find / -xdev -samefile {}`, and remove it",
                    path.display()
                ))
            }
            StateError::MountedAlone { .. } => Self::new(Status::Configuration, message)
                .hint("mount the directory that the file is in, not the file"),
            StateError::Replaced { .. } => Self::new(Status::InputOutput, message)
                .hint("start popfetch again; it then uses the file that is there"),
            StateError::Backup { source, .. } => {
                let hint = match is_full(&source) {
                    true => "make room and run it again; the state is as it was",
                    false => "the state is as it was; its directory must take a copy of it",
                };
                Self::new(Status::InputOutput, message).hint(hint)
            }
            StateError::Claimed { .. } | StateError::Busy { .. } => {
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
