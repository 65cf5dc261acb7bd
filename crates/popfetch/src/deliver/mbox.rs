//! Delivery into an mbox: appended under its locks, a batch at a time.
//!
//! 1. The locks are taken, and each message gets its extent behind what is there.
//! 2. The state names every extent and the SHA-256 of the octets that belong there.
//! 3. They are written, and made durable once for all.
//! 4. The locks are given up, and the state says that the messages are stored.
//!
//! After a crash, an extent that holds its octets was delivered. What was written of others is
//! cut off under the locks, unless another program has appended to it since; those messages are
//! fetched again. So no message is lost, and one is there twice only if a mail program moved it
//! between the crash and the next run.

pub(crate) mod format;
mod lock;
mod quote;
mod recovery;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use self::lock::Locked;
use super::letter::Letter;
use super::marker::Marked;
use crate::clock::Timestamp;
use crate::failure::{self, Failure, Status};
use crate::fs::{FileSystem, SharedFile};
use crate::key::{Sum, hex};
use crate::settings::LineEnd;
use crate::state::Target;

/// The kind of [`Target`] this is.
pub(crate) const KIND: &str = "mbox";
/// How long another program may have the locks.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many octets are written at once.
const BUFFER: usize = 128 * 1024;

/// An mbox that messages are delivered to.
pub(crate) struct Mbox {
    path: PathBuf,
    directory: PathBuf,
    target: Target,
    file_system: Arc<dyn FileSystem>,
    /// The permissions of a new one.
    mode: u32,
    line_end: LineEnd,
    patience: Duration,
    pub(super) marked: Marked,
}

impl Mbox {
    /// The target that a path is; the mbox need not be there yet.
    ///
    /// # Errors
    /// [`Status::CannotCreate`] when it can be none.
    pub(super) fn target_at(path: &Path) -> Result<Target, Failure> {
        let cannot = |error: io::Error| cannot_use(path, &error);
        let absolute = std::path::absolute(path).map_err(cannot)?;
        let (Some(directory), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(cannot(io::ErrorKind::IsADirectory.into()));
        };
        // The same mbox by another way is the same target.
        let path = fs::canonicalize(directory).map_err(cannot)?.join(name);
        match fs::symlink_metadata(&path) {
            // Whoever can put a link there decides where the mail goes.
            Ok(metadata) if !metadata.is_file() => {
                let reason = "it is a link or a directory, not a regular file";
                return Err(cannot(io::Error::other(reason)));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(error)),
            _ => {}
        }
        Ok(Target {
            kind: KIND.into(),
            location: path.into_os_string().into_vec(),
        })
    }

    /// The mbox that is this target, and is known to be the one that it was.
    pub(crate) fn open(
        file_system: Arc<dyn FileSystem>,
        target: &Target,
        marked: Marked,
        mode: u32,
        line_end: LineEnd,
    ) -> Self {
        let path = PathBuf::from(OsString::from_vec(target.location.clone()));
        Self {
            directory: path.parent().unwrap_or(&path).into(),
            path,
            target: target.clone(),
            file_system,
            mode,
            line_end,
            patience: PATIENCE,
            marked,
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the locks, has the marker tell durably that these messages are coming, and decides where
    /// they are to be. Where there is none, another target's message keeps the place in the
    /// order.
    ///
    /// # Errors
    /// [`Status::Temporary`] when another process keeps it locked, or it is not the mbox that the
    /// state knows.
    pub(crate) fn prepare<'a>(
        &'a self,
        letters: impl Iterator<Item = Option<Letter<'a>>>,
        now: Timestamp,
    ) -> Result<Append<'a>, Failure> {
        let letters: Vec<Option<Letter<'a>>> = letters.collect();
        let locked = self.lock(Some(self.mode))?;
        if letters.iter().any(Option::is_some) {
            // The file is open by now: it is on the disk that shows the marker.
            self.marked.begin_durably(&*self.file_system)?;
            let is_it = locked.file.is_at(&self.path);
            if !is_it.map_err(|error| self.cannot_write(&error))? {
                return Err(self.marked.away("another file took its place"));
            }
        }
        let prepared = || -> io::Result<(u64, Vec<Option<Entry<'a>>>)> {
            let start = locked.file.length()?;
            let mut gap = gap(&*locked.file, start)?;
            let mut end = start;
            let mut entries = Vec::new();
            for letter in letters {
                let Some(letter) = letter else {
                    entries.push(None);
                    continue;
                };
                let separator = format::separator(&letter, now)?;
                let mut extent = Measure::at(end);
                self.encode(&letter, gap, &separator, |octets| {
                    extent.count(octets);
                    Ok(())
                })?;
                let extent = extent.finish(separator);
                end += extent.length;
                entries.push(Some(Entry {
                    letter,
                    gap,
                    place: extent.to_place(),
                    separator: extent.separator,
                    end,
                }));
                gap = b"";
            }
            Ok((start, entries))
        };
        let (start, entries) = prepared().map_err(|error| self.cannot_write(&error))?;
        Ok(Append {
            mbox: self,
            locked,
            start,
            entries,
        })
    }

    fn encode(
        &self,
        letter: &Letter<'_>,
        gap: &[u8],
        separator: &str,
        mut out: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        out(gap)?;
        format::write(letter, separator, self.line_end, out)
    }

    fn lock(&self, mode: Option<u32>) -> Result<Locked, Failure> {
        Locked::wait(&*self.file_system, &self.path, mode, self.patience)
            .map_err(|error| self.cannot_write(&error))?
            .ok_or_else(|| {
                Failure::new(
                    Status::Temporary,
                    format!("another program keeps {} locked", self.path.display()),
                )
                .hint("run it again when that has ended")
            })
    }

    /// Makes the name of this file durable, which is the mbox if the disk is still there.
    fn sync_name(&self, file: &dyn SharedFile) -> io::Result<()> {
        self.file_system.sync_directory(&self.directory)?;
        match file.is_at(&self.path)? {
            true => Ok(()),
            false => Err(io::Error::other("another file took its place")),
        }
    }

    fn cannot_write(&self, error: &io::Error) -> Failure {
        super::cannot_write(&self.path, error)
    }
}

fn cannot_use(path: &Path, error: &io::Error) -> Failure {
    let message = format!("could not use {} for an mbox: {error}", path.display());
    Failure::new(Status::CannotCreate, message)
        .hint("choose another place with --mbox FILE, or make the directory above it")
}

/// What is missing to a blank line at the end of a file of this length.
fn gap(file: &dyn SharedFile, length: u64) -> io::Result<&'static [u8]> {
    let mut end = [0; 4];
    let end = &mut end[..usize::try_from(length).map_or(4, |length| length.min(4))];
    let read = file.read_at(end, length - end.len() as u64)?;
    let end = &end[..read];
    Ok(
        if end.is_empty() || end.ends_with(b"\n\n") || end.ends_with(b"\n\r\n") {
            b""
        } else if end.ends_with(b"\n") {
            b"\n"
        } else {
            b"\n\n"
        },
    )
}

/// Messages that are about to be appended. The mbox is locked.
pub(crate) struct Append<'a> {
    mbox: &'a Mbox,
    locked: Locked,
    /// How long the mbox is without them.
    start: u64,
    entries: Vec<Option<Entry<'a>>>,
}

struct Entry<'a> {
    letter: Letter<'a>,
    gap: &'static [u8],
    separator: String,
    place: Vec<u8>,
    /// How long the mbox is with it.
    end: u64,
}

/// What came of appending.
pub(crate) struct Appended {
    /// How many of the messages are there now, from the first on; those that were not to be are.
    pub(crate) messages: usize,
    /// When the mbox was changed then, by its own time.
    pub(crate) changed: Option<i64>,
    /// There was no room for the others.
    pub(crate) full: Option<Failure>,
}

impl Append<'_> {
    /// Whether no message is to be appended.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.iter().flatten().next().is_none()
    }

    /// Where each message is to be, as the state remembers it.
    pub(crate) fn places(&self) -> impl Iterator<Item = Option<&[u8]>> {
        (self.entries.iter()).map(|entry| entry.as_ref().map(|entry| entry.place.as_slice()))
    }

    /// Writes the messages, makes them durable, and gives up the locks.
    ///
    /// # Errors
    /// They could not all be written; the mbox is as it was before, if that can be.
    pub(crate) fn run(self) -> Result<Appended, Failure> {
        let appended = self.try_to_run();
        if appended.is_err() {
            // If not even this is possible, recovery does it.
            let _: io::Result<()> = self.locked.file.truncate(self.start);
        }
        appended.map_err(|error| self.mbox.cannot_write(&error))
    }

    fn try_to_run(&self) -> io::Result<Appended> {
        let file = &*self.locked.file;
        let (messages, full) = match self.write() {
            Ok(()) => (self.entries.len(), None),
            Err(error) if failure::is_full(&error) => {
                let messages = self.fitting(file.length()?);
                let there = self.entries[..messages].iter().flatten().last();
                file.truncate(there.map_or(self.start, |entry| entry.end))?;
                (messages, Some(self.mbox.cannot_write(&error)))
            }
            Err(error) => return Err(error),
        };
        let changed = self.mbox.file_system.changed(&self.mbox.path)?;
        file.sync()?;
        if self.start == 0 {
            // It may be new.
            self.mbox.sync_name(file)?;
        }
        Ok(Appended {
            messages,
            changed: Some(changed),
            full,
        })
    }

    /// How many of the messages are whole in a file of this length.
    fn fitting(&self, length: u64) -> usize {
        let cut =
            |entry: &Option<Entry<'_>>| entry.as_ref().is_some_and(|entry| entry.end > length);
        (self.entries.iter().position(cut)).unwrap_or(self.entries.len())
    }

    fn write(&self) -> io::Result<()> {
        let file = &*self.locked.file;
        let (mut offset, mut buffer) = (self.start, Vec::with_capacity(BUFFER));
        let mut flush = |buffer: &mut Vec<u8>| -> io::Result<()> {
            file.write_at(buffer, offset)?;
            offset += buffer.len() as u64;
            buffer.clear();
            Ok(())
        };
        for entry in self.entries.iter().flatten() {
            let out = |octets: &[u8]| -> io::Result<()> {
                buffer.extend_from_slice(octets);
                if buffer.len() >= BUFFER {
                    flush(&mut buffer)?;
                }
                Ok(())
            };
            self.mbox
                .encode(&entry.letter, entry.gap, &entry.separator, out)?;
        }
        flush(&mut buffer)
    }
}

/// Where a message is in an mbox, and what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    offset: u64,
    length: u64,
    sum: Sum,
    /// Its first line, by which it is told from another program's message in the same place.
    separator: String,
}

impl Extent {
    /// `OFFSET LENGTH SHA256 SEPARATOR`
    fn to_place(&self) -> Vec<u8> {
        let Self {
            offset,
            length,
            sum,
            separator,
        } = self;
        format!("{offset} {length} {} {separator}", hex(sum)).into_bytes()
    }
}

/// Finds out an extent.
struct Measure {
    offset: u64,
    length: u64,
    sha: Sha256,
}

impl Measure {
    fn at(offset: u64) -> Self {
        Self {
            offset,
            length: 0,
            sha: Sha256::new(),
        }
    }

    fn count(&mut self, octets: &[u8]) {
        self.length += octets.len() as u64;
        self.sha.update(octets);
    }

    fn finish(self, separator: String) -> Extent {
        Extent {
            offset: self.offset,
            length: self.length,
            sum: self.sha.finalize().into(),
            separator,
        }
    }
}
