//! The few things the delivery engine asks of a file system, behind a trait, so that a test can
//! take its power away at any of them.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

/// A file system as the delivery engine uses it. Every path but the argument of
/// [`create_directory`](FileSystem::create_directory) has a parent that exists.
pub(crate) trait FileSystem: Send + Sync {
    /// Makes a directory that only its owner may enter. It is not durable yet.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Whether `path` itself, not what it may link to, is a directory.
    fn is_directory(&self, path: &Path) -> io::Result<bool>;

    /// Whether anything goes by this name.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// When a file or a directory was changed last, by its own time; nanoseconds since 1970.
    fn changed(&self, path: &Path) -> io::Result<i64>;

    /// The names in a directory.
    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// Makes a file that was not there before, with these permissions.
    fn create(&self, path: &Path, mode: u32) -> io::Result<Box<dyn OutputFile>>;

    /// Opens a regular file that other programs write to as well, and makes it with these
    /// permissions if it is not there and any are given.
    fn open_shared(&self, path: &Path, mode: Option<u32>) -> io::Result<Box<dyn SharedFile>>;

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

/// A file that several programs read and write, one at a time.
pub(crate) trait SharedFile: Send {
    /// Locks the whole file, as long as it is open, against everybody who asks by fcntl(2), unless
    /// somebody else has.
    fn try_lock(&self) -> io::Result<bool>;

    /// Whether `path` leads to this file and not to one that took its place.
    fn is_at(&self, path: &Path) -> io::Result<bool>;

    fn length(&self) -> io::Result<u64>;

    /// Reads as much as there is, up to the length of `buffer`. How much that was.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()>;

    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Makes the content and the length durable.
    fn sync(&self) -> io::Result<()>;
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

    fn changed(&self, path: &Path) -> io::Result<i64> {
        let metadata = fs::symlink_metadata(path)?;
        let seconds = metadata.mtime().saturating_mul(1_000_000_000);
        Ok(seconds.saturating_add(metadata.mtime_nsec()))
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(directory)?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    }

    fn create(&self, path: &Path, mode: u32) -> io::Result<Box<dyn OutputFile>> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .custom_flags(flags(OFlags::NOFOLLOW))
            .open(path)?;
        set_mode(&file, mode)?;
        Ok(Box::new(file))
    }

    fn open_shared(&self, path: &Path, mode: Option<u32>) -> io::Result<Box<dyn SharedFile>> {
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            // A pipe must not keep us waiting before we can tell that it is one.
            .custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK));
        let file = match (options.open(path), mode) {
            (Err(error), Some(mode)) if error.kind() == io::ErrorKind::NotFound => {
                let file = options.create_new(true).mode(mode).open(path)?;
                set_mode(&file, mode)?;
                file
            }
            (result, _) => result?,
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
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

fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// Permissions beyond the owner's are given where they were asked for, whatever the umask says.
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    if mode & 0o077 == 0 {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(mode))
}

impl OutputFile for File {
    fn write_all(&mut self, octets: &[u8]) -> io::Result<()> {
        Write::write_all(self, octets)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl SharedFile for File {
    fn try_lock(&self) -> io::Result<bool> {
        match rustix::fs::fcntl_lock(self, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        let here = self.metadata()?;
        match fs::symlink_metadata(path) {
            Ok(there) => Ok((there.dev(), there.ino()) == (here.dev(), here.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(octets, offset)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
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
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::process::{Command, Stdio};

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
        OsFileSystem
            .create(&path, 0o600)
            .unwrap()
            .write_all(b"x")
            .unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let again = OsFileSystem.create(&path, 0o600).err().unwrap();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        let link = directory.path().join("link");
        symlink(&elsewhere, &link).unwrap();
        assert!(OsFileSystem.create(&link, 0o600).is_err());
        assert!(OsFileSystem.open_shared(&link, Some(0o600)).is_err());
        assert!(!elsewhere.exists());
    }

    #[test]
    fn permissions_that_were_asked_for_are_given() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (directory.path().join("one"), directory.path().join("two"));
        OsFileSystem.create(&one, 0o666).unwrap();
        OsFileSystem.open_shared(&two, Some(0o666)).unwrap();
        for path in [one, two] {
            assert_eq!(
                fs::metadata(path).unwrap().permissions().mode() & 0o777,
                0o666
            );
        }
    }

    #[test]
    fn a_shared_file_is_one_that_is_there_and_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mbox");
        let missing = OsFileSystem.open_shared(&path, None).err().unwrap();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let file = OsFileSystem.open_shared(&path, Some(0o600)).unwrap();
        assert!(file.is_at(&path).unwrap());
        fs::rename(&path, directory.path().join("away")).unwrap();
        assert!(!file.is_at(&path).unwrap());
        fs::write(&path, "").unwrap();
        assert!(!file.is_at(&path).unwrap());
        assert!(OsFileSystem.open_shared(directory.path(), None).is_err());
    }

    #[test]
    fn what_cannot_be_asked_is_no_answer() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let below = file.join("below");
        assert!(OsFileSystem.exists(&file).unwrap());
        assert!(!OsFileSystem.exists(&directory.path().join("new")).unwrap());
        assert!(OsFileSystem.exists(&below).is_err());
        let shared = OsFileSystem.open_shared(&file, None).unwrap();
        assert!(shared.is_at(&below).is_err());
        // A link is told to be one, and not to be in the way.
        let link = directory.path().join("link");
        symlink(&file, &link).unwrap();
        let refused = OsFileSystem.open_shared(&link, Some(0o600)).err().unwrap();
        assert_eq!(refused.raw_os_error(), Some(Errno::LOOP.raw_os_error()));
    }

    #[test]
    fn a_lock_of_another_process_is_respected() {
        const HOLD: &str = "import fcntl, sys; file = open(sys.argv[1], 'r+'); \
            fcntl.lockf(file, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()";
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mbox");
        let file = OsFileSystem.open_shared(&path, Some(0o600)).unwrap();
        let mut holder = Command::new("python3")
            .args(["-c", HOLD])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut held = [0; 4];
        let mut output = holder.stdout.take().unwrap();
        output.read_exact(&mut held).unwrap();
        assert!(!file.try_lock().unwrap());
        drop(holder.stdin.take());
        assert!(holder.wait().unwrap().success());
        assert!(file.try_lock().unwrap());
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
