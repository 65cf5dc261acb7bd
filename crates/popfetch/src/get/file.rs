//! A file that is there whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Status};

/// A file being written, which vanishes again unless it is [kept](Self::keep).
pub(super) struct NewFile {
    pub(super) file: File,
    /// What is to be removed if it is not kept.
    written: PathBuf,
    /// The name it gets at the end, where it replaces another file.
    replaces: Option<PathBuf>,
    kept: bool,
}

impl NewFile {
    /// Makes a file for its owner only. One of this name is an error unless it may be replaced;
    /// then it stays as it is until the new one is whole.
    pub(super) fn create(path: &Path, replace: bool) -> io::Result<Self> {
        let (written, replaces) = if replace {
            let mut name = path.as_os_str().to_owned();
            name.push(OsString::from(format!(".{}.part", std::process::id())));
            (name.into(), Some(path.into()))
        } else {
            (path.into(), None)
        };
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&written)?;
        Ok(Self {
            file,
            written,
            replaces,
            kept: false,
        })
    }

    /// The file is whole.
    pub(super) fn keep(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        if let Some(path) = &self.replaces {
            fs::rename(&self.written, path)?;
        }
        self.kept = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is left behind; the failure that led here is told.
            let _: io::Result<()> = fs::remove_file(&self.written);
        }
    }
}

pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let message = format!("could not write {}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::new(Status::CannotCreate, message)
            .hint("use another name, or --force to replace it"),
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
            Failure::new(Status::CannotCreate, message)
        }
        _ => Failure::new(Status::InputOutput, message),
    }
}
