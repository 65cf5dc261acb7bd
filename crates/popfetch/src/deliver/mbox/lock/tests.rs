use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::*;
use crate::fs::{Group, OsFileSystem, OutputFile};

const NO_PATIENCE: Duration = Duration::ZERO;

fn lock(path: &Path) -> Option<Locked> {
    Locked::wait(&OsFileSystem, path, Some(0o600), NO_PATIENCE).unwrap()
}

fn dotlock(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

/// Makes a file older than a lock file may become whose owner nobody can ask.
fn make_old(path: &Path) {
    let old = SystemTime::now() - LEFT_OVER - Duration::from_secs(60);
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(old).unwrap();
}

/// A file system where somebody is in the way of the first who opens an mbox.
struct Contended {
    /// Somebody else has the kernel's lock.
    is_locked: bool,
    /// Somebody puts another file in its place.
    is_replaced: bool,
    is_over: AtomicBool,
}

impl Contended {
    fn new(is_locked: bool, is_replaced: bool) -> Self {
        Self {
            is_locked,
            is_replaced,
            is_over: AtomicBool::new(false),
        }
    }
}

impl FileSystem for Contended {
    fn open_shared(&self, path: &Path, mode: Option<u32>) -> io::Result<Box<dyn SharedFile>> {
        let file = OsFileSystem.open_shared(path, mode)?;
        if self.is_over.swap(true, Ordering::Relaxed) {
            return Ok(file);
        }
        Ok(Box::new(ContendedFile {
            file,
            is_locked: self.is_locked,
            is_replaced: self.is_replaced,
        }))
    }

    fn create_directory(&self, _: &Path) -> io::Result<()> {
        unreachable!()
    }

    fn is_directory(&self, _: &Path) -> io::Result<bool> {
        unreachable!()
    }

    fn changed(&self, _: &Path) -> io::Result<i64> {
        unreachable!()
    }

    fn exists(&self, _: &Path) -> io::Result<bool> {
        unreachable!()
    }

    fn names(&self, _: &Path) -> io::Result<Vec<OsString>> {
        unreachable!()
    }

    fn create(&self, _: &Path, _: u32) -> io::Result<Box<dyn OutputFile>> {
        unreachable!()
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        unreachable!()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        unreachable!()
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        unreachable!()
    }

    fn group(&self, _: &Path) -> io::Result<Option<Box<dyn Group>>> {
        unreachable!()
    }
}

struct ContendedFile {
    file: Box<dyn SharedFile>,
    is_locked: bool,
    is_replaced: bool,
}

impl SharedFile for ContendedFile {
    fn try_lock(&self) -> io::Result<bool> {
        Ok(!self.is_locked && self.file.try_lock()?)
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        Ok(!self.is_replaced && self.file.is_at(path)?)
    }

    fn length(&self) -> io::Result<u64> {
        unreachable!()
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        unreachable!()
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        unreachable!()
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        unreachable!()
    }

    fn sync(&self) -> io::Result<()> {
        unreachable!()
    }
}

#[test]
fn one_at_a_time_and_nothing_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mbox");
    let locked = lock(&path).unwrap();
    assert!(dotlock(&path).exists());
    assert!(lock(&path).is_none());
    drop(locked);
    assert!(!dotlock(&path).exists());
    assert!(lock(&path).is_some());
}

#[test]
fn a_lock_file_says_whose_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mbox");
    let _locked = lock(&path).unwrap();
    let owner = fs::read_to_string(dotlock(&path)).unwrap();
    assert_eq!(owner, format!("{}:{}", process::id(), host_name()));
    let mode = fs::metadata(dotlock(&path)).unwrap().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn a_lock_of_a_process_that_lives_is_respected() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mbox");
    for owner in [
        format!("{}:{}", process::id(), host_name()),
        // On another machine, or of a program that does not say.
        "1:elsewhere.example".into(),
        String::new(),
        // Nobody can ask about these.
        format!("somebody:{}", host_name()),
        format!("0:{}", host_name()),
        format!("-1:{}", host_name()),
    ] {
        fs::write(dotlock(&path), &owner).unwrap();
        assert!(lock(&path).is_none(), "{owner:?}");
    }
}

#[test]
fn a_lock_that_was_left_over_is_taken_away() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mbox");
    let mut child = process::Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    fs::write(dotlock(&path), format!("{pid}:{}", host_name())).unwrap();
    drop(lock(&path).unwrap());

    for owner in [
        "1:elsewhere.example".into(),
        format!("somebody:{}", host_name()),
        format!("-1:{}", host_name()),
    ] {
        fs::write(dotlock(&path), &owner).unwrap();
        make_old(&dotlock(&path));
        assert!(lock(&path).is_some(), "{owner}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_lock_that_may_not_be_opened_is_left_over_when_it_is_old() {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mbox");
    // Not even the superuser can open it.
    std::os::unix::fs::symlink(dotlock(&path), dotlock(&path)).unwrap();
    assert!(lock(&path).is_none());
    let long_ago = Timespec {
        tv_sec: 1,
        tv_nsec: 0,
    };
    let times = Timestamps {
        last_access: long_ago,
        last_modification: long_ago,
    };
    utimensat(CWD, dotlock(&path), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    assert!(lock(&path).is_some());
}

#[test]
fn a_lock_made_in_the_meantime_is_put_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mbox");
    fs::write(dotlock(&path), "new").unwrap();
    take_away(&dotlock(&path), (0, 0)).unwrap();
    assert_eq!(fs::read(dotlock(&path)).unwrap(), b"new");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_lock_that_was_left_over_is_taken_away_and_not_the_one_that_took_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = dotlock(&directory.path().join("mbox"));
    fs::write(&path, "old").unwrap();
    make_old(&path);
    let old = File::open(&path).unwrap();
    let left_over = left_over(&path).unwrap().unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "new").unwrap();
    take_away(&path, left_over).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    // Until here nobody could get its number.
    drop(old);
}

#[test]
fn a_lock_that_is_given_up_in_the_meantime_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = dotlock(&directory.path().join("mbox"));
    assert_eq!(left_over(&path).unwrap(), None);
    take_away(&path, (0, 0)).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_lock_that_cannot_be_taken_away_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = dotlock(&directory.path().join("mbox"));
    fs::write(&path, "").unwrap();
    fs::create_dir(path.with_extension(format!("lock.{}", process::id()))).unwrap();
    assert!(take_away(&path, (0, 0)).is_err());
}

#[test]
fn an_mbox_is_locked_once_nobody_is_in_the_way() {
    for (is_locked, is_replaced) in [(true, false), (false, true)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mbox");
        let wait = |file_system, patience| {
            let locked = Locked::wait(file_system, &path, Some(0o600), patience);
            locked.unwrap().is_some()
        };
        let contended = Contended::new(is_locked, is_replaced);
        assert!(!wait(&contended, NO_PATIENCE));
        assert!(!dotlock(&path).exists());
        assert!(wait(&contended, NO_PATIENCE));

        let contended = Contended::new(is_locked, is_replaced);
        assert!(wait(&contended, Duration::from_secs(60)));
    }
}

#[test]
fn an_mbox_that_cannot_be_locked_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let wait = |path: PathBuf| {
        let locked = Locked::wait(&OsFileSystem, &path, Some(0o600), NO_PATIENCE);
        locked.err().unwrap().kind()
    };
    assert_eq!(
        wait(directory.join("missing/mbox")),
        io::ErrorKind::NotFound
    );
    // Too long a name for the file beside it, and not for itself.
    let long = directory.join("x".repeat(252));
    assert_eq!(wait(long), io::ErrorKind::InvalidFilename);
    assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
}

#[test]
fn where_nobody_may_make_a_file_the_lock_of_the_kernel_must_do() {
    for (kind, is_fine) in [
        (io::ErrorKind::PermissionDenied, true),
        (io::ErrorKind::ReadOnlyFilesystem, true),
        (io::ErrorKind::StorageFull, false),
    ] {
        assert_eq!(is_denied(&kind.into()), is_fine, "{kind}");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mbox");
    fs::write(&path, "").unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o555)).unwrap();
    // The superuser may all the same.
    let may = File::create(directory.path().join("file")).is_ok();
    assert!(may || lock(&path).is_some());
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
}
