//! The few things the delivery engine asks of a file system, behind a trait, so that a test can
//! take its power away at any of them.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// A file system as the delivery engine uses it. Every path but the argument of
/// [`create_directory`](FileSystem::create_directory) has a parent that exists.
pub(crate) trait FileSystem: Send + Sync {
    /// Makes a directory that only its owner may enter. One that is there already is an error of
    /// kind [`AlreadyExists`](io::ErrorKind::AlreadyExists).
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Whether `path` itself, not what it may link to, is a directory.
    fn is_directory(&self, path: &Path) -> io::Result<bool>;

    /// Whether anything goes by this name.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// The names in a directory.
    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// Makes a file that was not there before, readable by its owner only.
    fn create(&self, path: &Path) -> io::Result<Box<dyn OutputFile>>;

    fn remove(&self, path: &Path) -> io::Result<()>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the entries of a directory durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// A handle that makes everything written on the file system of `directory` from now on
    /// durable at once, if there is such a thing here.
    fn group(&self, directory: &Path) -> io::Result<Option<Box<dyn Group>>>;
}

/// A file being written.
pub(crate) trait OutputFile: Send {
    fn write_all(&mut self, octets: &[u8]) -> io::Result<()>;

    /// Makes the content durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// Durability for many files together.
pub(crate) trait Group: Send + Sync {
    /// Makes contents and directory entries durable, all that were written since the handle was
    /// opened. An error of any of them is reported.
    fn sync(&self) -> io::Result<()>;
}

/// The machine's own.
pub(crate) struct OsFileSystem;

impl FileSystem for OsFileSystem {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    fn is_directory(&self, path: &Path) -> io::Result<bool> {
        fs::symlink_metadata(path).map(|metadata| metadata.is_dir())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        match fs::symlink_metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(directory)?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn OutputFile>> {
        let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(nofollow)
            .open(path)?;
        Ok(Box::new(file))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn group(&self, directory: &Path) -> io::Result<Option<Box<dyn Group>>> {
        if !syncfs_reports_errors() {
            return Ok(None);
        }
        Ok(Some(Box::new(WholeFileSystem(File::open(directory)?))))
    }
}

impl OutputFile for File {
    fn write_all(&mut self, octets: &[u8]) -> io::Result<()> {
        Write::write_all(self, octets)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// A directory that was open before the files were written: write-back errors are reported to the
/// handles that were open when they happened.
struct WholeFileSystem(File);

impl Group for WholeFileSystem {
    #[cfg(target_os = "linux")]
    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.0)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// Linux says since 5.8 whether syncfs(2) could write everything. Before that, and elsewhere,
/// each file is to be asked.
fn syncfs_reports_errors() -> bool {
    cfg!(target_os = "linux")
        && kernel_version(rustix::system::uname().release().to_bytes()).is_some_and(|v| v >= (5, 8))
}

fn kernel_version(release: &[u8]) -> Option<(u32, u32)> {
    let mut numbers = std::str::from_utf8(release)
        .ok()?
        .split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn kernel_versions_are_numbers() {
        assert_eq!(kernel_version(b"6.1.0-13-amd64"), Some((6, 1)));
        assert_eq!(kernel_version(b"5.10"), Some((5, 10)));
        assert_eq!(kernel_version(b"unknown"), None);
    }

    #[test]
    fn a15_a_new_file_is_private_and_never_somebody_elses() {
        let directory = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (
            directory.path().join("new"),
            directory.path().join("elsewhere"),
        );
        OsFileSystem.create(&path).unwrap().write_all(b"x").unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let again = OsFileSystem.create(&path).err().unwrap();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        let link = directory.path().join("link");
        symlink(&elsewhere, &link).unwrap();
        assert!(OsFileSystem.create(&link).is_err());
        assert!(!elsewhere.exists());
    }

    #[test]
    fn a_group_is_made_durable_where_the_system_can() {
        let directory = tempfile::tempdir().unwrap();
        if let Some(group) = OsFileSystem.group(directory.path()).unwrap() {
            fs::write(directory.path().join("x"), "y").unwrap();
            group.sync().unwrap();
        }
    }
}
