//! Delivery into a Maildir: written under `tmp/`, renamed into `new/` when it is durable.
//!
//! No octet of a name comes from the server: names are made of digests and the time.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{cannot_read, cannot_write};
use crate::clock::Timestamp;
use crate::failure::{self, Failure, Status};
use crate::fs::{FileSystem, Group, OutputFile};
use crate::key::{Sum, hex};
use crate::state::Target;

#[cfg(test)]
mod tests;

/// How many files at most are made durable one by one; more of them go as a group.
pub(crate) const SINGLY: usize = 8;

/// A Maildir that messages are delivered to.
pub(crate) struct Maildir {
    root: PathBuf,
    target: Target,
    file_system: Arc<dyn FileSystem>,
    /// The permissions of files.
    mode: u32,
    /// Opened before anything is written, so that it learns of every error.
    group: Option<Box<dyn Group>>,
    /// Whether the directories have been made durable. An earlier run that made them may not have
    /// come so far.
    is_durable: AtomicBool,
}

impl Maildir {
    /// Opens the Maildir, or makes it where nothing is.
    ///
    /// # Errors
    /// [`Status::CannotCreate`] when a directory cannot be made or is not one.
    pub(crate) fn create(
        file_system: Arc<dyn FileSystem>,
        path: &Path,
        mode: u32,
    ) -> Result<Self, Failure> {
        for directory in ["", "tmp", "new", "cur"] {
            let path = path.join(directory);
            match file_system.create_directory(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(cannot_create(&path, &error));
                }
                _ => {}
            }
        }
        Self::open(file_system, path, mode)
    }

    /// Opens a Maildir that is there.
    ///
    /// # Errors
    /// [`Status::CannotCreate`] when it is not.
    pub(crate) fn open(
        file_system: Arc<dyn FileSystem>,
        path: &Path,
        mode: u32,
    ) -> Result<Self, Failure> {
        let root = std::path::absolute(path).map_err(|error| cannot_create(path, &error))?;
        for directory in ["tmp", "new", "cur"] {
            let path = root.join(directory);
            match file_system.is_directory(&path) {
                Ok(true) => {}
                // Whoever can put a link there decides where the mail goes.
                Ok(false) => {
                    let reason = io::Error::other("it is a link or a file, not a directory");
                    return Err(cannot_create(&path, &reason));
                }
                Err(error) => return Err(cannot_create(&path, &error)),
            }
        }
        let group = file_system
            .group(&root)
            .map_err(|error| cannot_create(&root, &error))?;
        let target = Target {
            kind: KIND.into(),
            location: root.as_os_str().as_bytes().into(),
        };
        Ok(Self {
            root,
            target,
            file_system,
            mode,
            group,
            is_durable: AtomicBool::new(false),
        })
    }

    /// Opens the Maildir that a copy of an earlier run was to go to.
    pub(crate) fn of_target(
        file_system: Arc<dyn FileSystem>,
        target: &Target,
    ) -> Result<Self, Failure> {
        let path = PathBuf::from(std::ffi::OsString::from_vec(target.location.clone()));
        Self::open(file_system, &path, 0o600)
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Whether its path still leads to it.
    ///
    /// # Errors
    /// [`Status::Temporary`] when it does not.
    pub(crate) fn look(&self) -> Result<(), Failure> {
        for directory in ["tmp", "new", "cur"] {
            let path = self.root.join(directory);
            match self.file_system.is_directory(&path) {
                Ok(true) => {}
                Ok(false) => return Err(away(&path, "it is no directory")),
                Err(error) => return Err(away(&path, &error.to_string())),
            }
        }
        Ok(())
    }

    /// Starts a message whose key has this digest.
    pub(crate) fn begin(&self, digest: &str) -> Result<Incoming, Failure> {
        let path = self.temporary(digest);
        let file = match self.file_system.create(&path, self.mode) {
            // An earlier run began it, and no row knows of it: nobody else has this name.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self
                .file_system
                .remove(&path)
                .and_then(|()| self.file_system.create(&path, self.mode)),
            result => result,
        };
        Ok(Incoming {
            file: file.map_err(|error| cannot_write(&path, &error))?,
            path,
        })
    }

    /// Ends a message. It is neither durable nor visible yet.
    pub(crate) fn finish(
        &self,
        mut incoming: Incoming,
        digest: &str,
        sum: &Sum,
        now: Timestamp,
    ) -> Result<Written, Failure> {
        if self.group.is_none() {
            let synced = incoming.file.sync();
            synced.map_err(|error| cannot_write(&incoming.path, &error))?;
        }
        // The sum makes the name another one where other content comes under the same key.
        let name = format!("{}.{digest}-{}.popfetch", now.0, hex(&sum[..8]));
        Ok(Written {
            temporary: incoming.path,
            place: name.into_bytes(),
            file: self.group.is_some().then_some(incoming.file),
        })
    }

    /// Takes back a message that was begun.
    pub(crate) fn abandon(&self, incoming: &Incoming) -> Result<(), Failure> {
        self.remove(&incoming.path)
    }

    fn remove(&self, path: &Path) -> Result<(), Failure> {
        self.file_system
            .remove(path)
            .map_err(|error| cannot_write(path, &error))
    }

    /// Makes the contents and the names under `tmp/` durable.
    pub(crate) fn make_durable(&self, batch: &mut [&mut Written]) -> Result<(), Failure> {
        let tmp = self.root.join("tmp");
        match &self.group {
            // Whoever closed some of them counted on this. They may be few: the batch has messages
            // that are here already.
            Some(group) if batch.iter().any(|written| written.file.is_none()) => group
                .sync()
                .map_err(|error| cannot_write(&self.root, &error)),
            _ => {
                for written in batch.iter_mut() {
                    if let Some(mut file) = written.file.take() {
                        file.sync()
                            .map_err(|error| cannot_write(&written.temporary, &error))?;
                    }
                }
                self.sync_directory(&tmp)?;
                self.make_place_durable()
            }
        }
    }

    /// Makes the directories themselves durable.
    fn make_place_durable(&self) -> Result<(), Failure> {
        if self.is_durable.load(Ordering::Relaxed) {
            return Ok(());
        }
        let above = self.root.parent().unwrap_or(&self.root);
        match self.file_system.sync_directory(above) {
            // In a directory that we may not read, whoever runs the machine made it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced.map_err(|error| cannot_write(above, &error))?,
        }
        self.sync_directory(&self.root)?;
        self.is_durable.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Renames into `new/`, durably.
    pub(crate) fn publish<'a>(
        &self,
        batch: impl Iterator<Item = &'a Written>,
    ) -> Result<(), Failure> {
        for written in batch {
            self.rename(&written.temporary, &written.place)?;
        }
        self.sync_names()
    }

    fn rename(&self, temporary: &Path, place: &[u8]) -> Result<(), Failure> {
        let path = self.new_path(place);
        self.file_system
            .rename(temporary, &path)
            .map_err(|error| cannot_write(&path, &error))
    }

    /// Makes what was renamed durable.
    fn sync_names(&self) -> Result<(), Failure> {
        self.sync_directory(&self.root.join("new"))?;
        self.sync_directory(&self.root.join("tmp"))
    }

    fn sync_directory(&self, path: &Path) -> Result<(), Failure> {
        self.file_system
            .sync_directory(path)
            .map_err(|error| cannot_write(path, &error))
    }

    /// Finishes what a crash interrupted: of each message the digest of its key and the place it
    /// was to have. The answers come in the same order and are durable.
    pub(crate) fn recover<'a>(
        &self,
        messages: impl Iterator<Item = (String, &'a [u8], Age)>,
    ) -> Result<Vec<Recovered>, Failure> {
        let mut delivered = None;
        let recovered = messages
            .map(|(digest, place, age)| {
                let temporary = self.temporary(&digest);
                let is_temporary = self.exists(&temporary)?;
                if !is_temporary && age == Age::Recent {
                    return Ok(Recovered::Delivered);
                }
                let names = match &delivered {
                    Some(names) => names,
                    None => delivered.insert(self.delivered()?),
                };
                // Mail programs append flags to the name: `:2,S`.
                let is_delivered = names
                    .range(place.to_vec()..)
                    .next()
                    .is_some_and(|name| name.starts_with(place));
                match (is_temporary, is_delivered) {
                    (true, false) => {
                        self.rename(&temporary, place)?;
                        Ok(Recovered::Finished)
                    }
                    // A loss of power may leave both names of a file that was being renamed.
                    (true, true) => {
                        self.remove(&temporary)?;
                        Ok(Recovered::Delivered)
                    }
                    (false, true) => Ok(Recovered::Delivered),
                    (false, false) => Ok(Recovered::Lost),
                }
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        self.sync_names()?;
        Ok(recovered)
    }

    fn exists(&self, path: &Path) -> Result<bool, Failure> {
        self.file_system
            .exists(path)
            .map_err(|error| cannot_read(path, &error))
    }

    /// The names in `new/` and `cur/`.
    fn delivered(&self) -> Result<BTreeSet<Vec<u8>>, Failure> {
        let mut names = BTreeSet::new();
        for directory in ["new", "cur"] {
            let path = self.root.join(directory);
            let found = self
                .file_system
                .names(&path)
                .map_err(|error| cannot_read(&path, &error))?;
            names.extend(found.into_iter().map(OsStringExt::into_vec));
        }
        Ok(names)
    }

    fn temporary(&self, digest: &str) -> PathBuf {
        self.root.join("tmp").join(format!("popfetch-{digest}"))
    }

    pub(crate) fn new_path(&self, place: &[u8]) -> PathBuf {
        self.root
            .join("new")
            .join(std::ffi::OsStr::from_bytes(place))
    }
}

/// The kind of [`Target`] this is.
pub(crate) const KIND: &str = "maildir";

/// A message on its way into `tmp/`.
pub(crate) struct Incoming {
    path: PathBuf,
    file: Box<dyn OutputFile>,
}

impl Incoming {
    /// Takes the next piece of the message, as it is to be.
    pub(crate) fn write(&mut self, octets: &[u8]) -> Result<(), Failure> {
        self.file
            .write_all(octets)
            .map_err(|error| cannot_write(&self.path, &error))
    }
}

/// A message that is whole under `tmp/`.
pub(crate) struct Written {
    temporary: PathBuf,
    /// The name it gets in `new/`.
    pub(crate) place: Vec<u8>,
    /// Still open while it may be made durable singly.
    file: Option<Box<dyn OutputFile>>,
}

impl Written {
    /// Closes the file, which is to be made durable as one of a group.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }
}

/// Whether mail programs may have swept a file out of `tmp/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Less than a day.
    Recent,
    /// More than that, or nobody knows, as the clock was set back.
    Doubtful,
}

impl Age {
    /// How long files under `tmp/` are left alone for certain, in seconds. Mail programs do so for
    /// 36 hours; but a file is older than its row, and their clock may have been ahead.
    const SWEPT_AFTER: i64 = 24 * 60 * 60;

    pub(crate) fn of(since: Timestamp, now: Timestamp) -> Self {
        match now.seconds_since(since) {
            0..Self::SWEPT_AFTER => Self::Recent,
            _ => Self::Doubtful,
        }
    }
}

/// What became of a message whose delivery a crash interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovered {
    /// It was still under `tmp/` and now is where it belongs.
    Finished,
    /// It had been delivered.
    Delivered,
    /// It is nowhere, and may have been swept away: it must be fetched again.
    Lost,
}

fn away(path: &Path, why: &str) -> Failure {
    let message = format!("could not look at {}: {why}", path.display());
    Failure::new(Status::Temporary, message).hint(
        "nothing is deleted on the server until it is there again; its disk may not be mounted",
    )
}

fn cannot_create(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(
        Status::CannotCreate,
        format!("could not use {} for a Maildir: {error}", path.display()),
    );
    match failure::is_full(error) {
        true => failure.hint(failure::MAKE_ROOM),
        false => failure
            .hint("choose another place with --maildir DIR, or make the directories above it"),
    }
}
