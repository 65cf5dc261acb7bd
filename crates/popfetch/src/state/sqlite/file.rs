//! Which file a store is, whatever it is called.
//!
//! SQLite keeps what is not yet in the file in two others beside it, and here the locks of the
//! accounts stand beside it, too. So a file may be reached through links and through directories
//! that are mounted in several places, which all lead to the same directory; but one that has names
//! in two directories, or is mounted without its directory, is refused: two processes would know
//! nothing of each other, and damage it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::key::hex;
use crate::state::StateError;

/// The file of a store.
pub(super) struct StateFile {
    /// As the user calls it.
    pub(super) path: PathBuf,
    /// The same without links.
    pub(super) real: PathBuf,
    /// Device and inode, by which it is known while it is open.
    identity: (u64, u64),
}

impl StateFile {
    /// The file, which is made if it is not there, with the directories above it, for its owner
    /// only. What is there is left as it is.
    ///
    /// # Errors
    /// When it cannot be made, or is not safe to use under this name.
    pub(super) fn make(path: &Path) -> Result<Self, StateError> {
        make_private(path).map_err(|source| cannot_open(path, source))?;
        Self::found(path)
    }

    /// The file, if it is there.
    ///
    /// # Errors
    /// When that cannot be told, or it is not safe to use under this name.
    pub(super) fn find(path: &Path) -> Result<Option<Self>, StateError> {
        match fs::metadata(path) {
            Ok(_) => Self::found(path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot_open(path, error)),
        }
    }

    fn found(path: &Path) -> Result<Self, StateError> {
        let wrong = |source| cannot_open(path, source);
        let real = fs::canonicalize(path).map_err(wrong)?;
        let metadata = fs::metadata(&real).map_err(wrong)?;
        if metadata.is_dir() {
            return Err(wrong(Errno::ISDIR.into()));
        }
        if metadata.nlink() > 1 {
            return Err(StateError::SecondName { path: path.into() });
        }
        if is_mounted(&real) {
            return Err(StateError::MountedAlone { path: path.into() });
        }
        Ok(Self {
            path: path.into(),
            real,
            identity: (metadata.dev(), metadata.ino()),
        })
    }

    /// A name beside it: its own, and this at the end.
    pub(super) fn beside(&self, end: &str) -> PathBuf {
        let mut name = self.real.clone().into_os_string();
        name.push(end);
        name.into()
    }

    /// Makes the names beside it durable.
    pub(super) fn sync_directory(&self) -> io::Result<()> {
        let parent = self.real.parent().unwrap_or(Path::new("/"));
        fs::File::open(parent)?.sync_all()
    }

    /// Checks that its name still leads to the file that was opened. Another one that took its
    /// place has locks of its own.
    pub(super) fn check(&self) -> Result<(), StateError> {
        match fs::metadata(&self.real) {
            Ok(metadata) if (metadata.dev(), metadata.ino()) == self.identity => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(cannot_open(&self.path, error))
            }
            _ => Err(StateError::Replaced {
                path: self.path.clone(),
            }),
        }
    }

    /// The file whose lock stands for the account. It is never removed: another process may be
    /// about to lock it.
    pub(super) fn lock_file(&self, account: &str) -> io::Result<fs::File> {
        let directory = self.beside(".locks");
        make_directory(&directory)?;
        let name = sha2::Digest::finalize(sha2::Digest::chain_update(
            <sha2::Sha256 as sha2::Digest>::new(),
            account,
        ));
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(directory.join(hex(&name[..16])))
    }
}

pub(super) fn cannot_open(path: &Path, source: io::Error) -> StateError {
    StateError::Open {
        path: path.into(),
        source,
    }
}

/// Makes the file and the directories above it. A file that is there is not even opened: to close
/// it again would take SQLite's locks away from the whole process.
fn make_private(path: &Path) -> io::Result<()> {
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        make_directory(parent)?;
    }
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        known => return known.map(drop),
    }
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)?;
    Ok(())
}

/// Makes a directory that may be there already, for its owner alone.
fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whether the file itself is what is mounted. Linux tells since 5.8.
#[cfg(target_os = "linux")]
fn is_mounted(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

    statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty())
        .is_ok_and(|facts| facts.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Elsewhere only directories are mounted.
#[cfg(not(target_os = "linux"))]
fn is_mounted(_: &Path) -> bool {
    false
}
