//! Delivery into a Maildir: written under `tmp/`, renamed into `new/` when it is durable.
//!
//! No octet of a name comes from the server: names are made of digests and the time.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contents::is_among;
use super::marker::Marked;
use super::{cannot_read, cannot_write, names};
use crate::clock::Timestamp;
use crate::failure::{self, Failure, Status};
use crate::fs::{FileSystem, Group, OutputFile};
use crate::key::Sum;
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
    pub(super) marked: Marked,
}

impl Maildir {
    /// The target that a path is.
    pub(super) fn target_at(path: &Path) -> Result<Target, Failure> {
        let root = std::path::absolute(path).map_err(|error| cannot_create(path, &error))?;
        Ok(Target {
            kind: KIND.into(),
            location: root.into_os_string().into_vec(),
        })
    }

    /// Makes the directories of a Maildir that are not there.
    ///
    /// # Errors
    /// [`Status::CannotCreate`] when one cannot be made.
    pub(super) fn make(file_system: &dyn FileSystem, root: &Path) -> Result<(), Failure> {
        for directory in ["", "tmp", "new", "cur"] {
            let path = root.join(directory);
            match file_system.create_directory(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(cannot_create(&path, &error));
                }
                _ => {}
            }
        }
        Self::check(file_system, root)?;
        let above = root.parent().unwrap_or(root);
        match file_system.sync_directory(above) {
            // We may not read the directory above, so an administrator made this one in it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced.map_err(|error| cannot_write(above, &error))?,
        }
        (file_system.sync_directory(root)).map_err(|error| cannot_write(root, &error))
    }

    /// Whether the directories of a Maildir are there.
    fn check(file_system: &dyn FileSystem, root: &Path) -> Result<(), Failure> {
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
        Ok(())
    }

    /// Opens a Maildir that is there, and is known to be the one that it was.
    ///
    /// # Errors
    /// [`Status::CannotCreate`] when it is not.
    pub(crate) fn open(
        file_system: Arc<dyn FileSystem>,
        target: &Target,
        marked: Marked,
        mode: u32,
    ) -> Result<Self, Failure> {
        let root = PathBuf::from(OsString::from_vec(target.location.clone()));
        Self::check(&*file_system, &root)?;
        let group = file_system
            .group(&root)
            .map_err(|error| cannot_create(&root, &error))?;
        Ok(Self {
            root,
            target: target.clone(),
            file_system,
            mode,
            group,
            marked,
        })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Starts a message whose names have this in them.
    pub(crate) fn begin(&self, unique: &str) -> Result<Incoming, Failure> {
        let path = self.root.join("tmp").join(names::temporary(unique));
        let file = self.file_system.create(&path, self.mode);
        Ok(Incoming {
            file: file.map_err(|error| cannot_write(&path, &error))?,
            path,
        })
    }

    /// Ends a message. It is neither durable nor visible yet.
    pub(crate) fn finish(
        &self,
        mut incoming: Incoming,
        unique: &str,
        sum: &Sum,
        now: Timestamp,
    ) -> Result<Written, Failure> {
        if self.group.is_none() {
            let synced = incoming.file.sync();
            synced.map_err(|error| cannot_write(&incoming.path, &error))?;
        }
        Ok(Written {
            temporary: incoming.path,
            place: names::place(unique, sum, now),
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

    /// Takes back messages that are not in the state.
    pub(crate) fn discard<'a>(&self, batch: impl Iterator<Item = &'a Written>) {
        for written in batch {
            // What cannot be removed now is, when the account has its next turn.
            let _: Result<(), Failure> = self.remove(&written.temporary);
        }
    }

    /// Has the marker tell the next batch, and makes it durable with the contents and the names
    /// under `tmp/`.
    pub(crate) fn make_durable(&self, batch: &mut [&mut Written]) -> Result<(), Failure> {
        let marker = self.marked.begin(&*self.file_system)?;
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
                let synced = marker.map_or(Ok(()), |marker| marker.sync());
                synced.map_err(|error| cannot_write(&self.root, &error))
            }
        }
    }

    /// Renames into `new/`, durably. When that was changed then, by its own time.
    pub(crate) fn publish<'a>(
        &self,
        batch: impl Iterator<Item = &'a Written>,
    ) -> Result<Option<i64>, Failure> {
        for written in batch {
            self.rename(&written.temporary, &written.place)?;
        }
        // What a mail program changes behind this may not be durable.
        let changed = self.marked.changed(&*self.file_system)?;
        self.sync_names()?;
        Ok(changed)
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

    /// Finishes what a crash interrupted, in the order of the messages. The answers are durable.
    /// With them comes when it was changed then, by its own time.
    pub(crate) fn recover(
        &self,
        messages: &[Interrupted<'_>],
    ) -> Result<(Vec<Recovered>, Option<i64>), Failure> {
        let mut delivered = None;
        let recovered = messages
            .iter()
            .map(|Interrupted { place, age }| {
                let temporary = self.temporary(place)?;
                if temporary.is_none() && *age == Age::Recent {
                    return Ok(Recovered::Delivered);
                }
                let names = match &delivered {
                    Some(names) => names,
                    None => delivered.insert(self.delivered()?),
                };
                match (temporary, is_among(names, place)) {
                    (Some(temporary), false) => {
                        self.rename(&temporary, place)?;
                        Ok(Recovered::Finished)
                    }
                    // A loss of power may leave both names of a file that was being renamed.
                    (Some(temporary), true) => {
                        self.remove(&temporary)?;
                        Ok(Recovered::Delivered)
                    }
                    (None, true) => Ok(Recovered::Delivered),
                    (None, false) => Ok(Recovered::Lost),
                }
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        let changed = self.marked.changed(&*self.file_system)?;
        self.sync_names()?;
        Ok((recovered, changed))
    }

    /// Removes from `tmp/` what this says of names.
    pub(crate) fn sweep(&self, is_left_behind: impl Fn(&[u8]) -> bool) -> Result<(), Failure> {
        let tmp = self.root.join("tmp");
        for name in self.names(&tmp)? {
            if is_left_behind(name.as_bytes()) {
                self.remove(&tmp.join(name))?;
            }
        }
        Ok(())
    }

    /// The file under `tmp/` that was to have this place, if it is there.
    fn temporary(&self, place: &[u8]) -> Result<Option<PathBuf>, Failure> {
        let Some(name) = names::temporary_of(place) else {
            return Ok(None);
        };
        let path = self.root.join("tmp").join(name);
        let exists = self.file_system.exists(&path);
        let exists = exists.map_err(|error| cannot_read(&path, &error))?;
        Ok(exists.then_some(path))
    }

    /// The names in `new/` and `cur/`.
    fn delivered(&self) -> Result<BTreeSet<Vec<u8>>, Failure> {
        let mut names = BTreeSet::new();
        for directory in ["new", "cur"] {
            let found = self.names(&self.root.join(directory))?;
            names.extend(found.into_iter().map(OsStringExt::into_vec));
        }
        Ok(names)
    }

    fn names(&self, directory: &Path) -> Result<Vec<OsString>, Failure> {
        let names = self.file_system.names(directory);
        names.map_err(|error| cannot_read(directory, &error))
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

/// A message whose delivery a crash interrupted.
pub(crate) struct Interrupted<'a> {
    /// Where it was to be.
    pub(crate) place: &'a [u8],
    pub(crate) age: Age,
}

/// Whether mail programs may have swept a file out of `tmp/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Less than a day.
    Recent,
    /// More than that; or it is not known, because the clock or the Maildir was set back.
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
