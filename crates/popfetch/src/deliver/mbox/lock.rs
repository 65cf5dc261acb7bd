//! The locks of an mbox. Programs agree on two, and both are taken: a file beside it whose name
//! ends in `.lock`, and a lock of the kernel by fcntl(2).

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::deliver::host_name;
use crate::fs::{FileSystem, SharedFile};

/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(50);
/// A lock file whose owner nobody can ask is left over when it is so old, by the convention of
/// mail programs.
const LEFT_OVER: Duration = Duration::from_secs(5 * 60);

/// An mbox that nobody else writes to or reads until this is dropped.
pub(crate) struct Locked {
    // In the order in which they are given up: the kernel's lock goes with the open file.
    pub(crate) file: Box<dyn SharedFile>,
    _dotlock: Option<Dotlock>,
    _turn: Turn,
}

impl Locked {
    /// Takes every lock of the mbox at `path`; see [`FileSystem::open_shared`] for `mode`. `None`
    /// when somebody else had it for the whole time.
    pub(crate) fn wait(
        file_system: &dyn FileSystem,
        path: &Path,
        mode: Option<u32>,
        patience: Duration,
    ) -> io::Result<Option<Self>> {
        let end = Instant::now() + patience;
        loop {
            if let Some(locked) = Self::attempt(file_system, path, mode)? {
                return Ok(Some(locked));
            }
            if Instant::now() >= end {
                return Ok(None);
            }
            thread::sleep(PAUSE);
        }
    }

    fn attempt(
        file_system: &dyn FileSystem,
        path: &Path,
        mode: Option<u32>,
    ) -> io::Result<Option<Self>> {
        let Some(turn) = Turn::take(path) else {
            return Ok(None);
        };
        let dotlock = match Dotlock::take(path) {
            Ok(None) => return Ok(None),
            Ok(dotlock) => dotlock,
            // Where only the mail system may make files beside the mbox, the kernel's must do.
            Err(error) if is_denied(&error) => None,
            Err(error) => return Err(error),
        };
        let file = file_system.open_shared(path, mode)?;
        // Whoever had the lock before may have put another file in its place.
        if !file.try_lock()? || !file.is_at(path)? {
            return Ok(None);
        }
        Ok(Some(Self {
            file,
            _dotlock: dotlock,
            _turn: turn,
        }))
    }
}

fn is_denied(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// The turn among this process's own threads. The kernel's lock does not tell them apart, and is
/// lost when any of them closes the file.
struct Turn(PathBuf);

static TAKEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

impl Turn {
    fn take(path: &Path) -> Option<Self> {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(path.into()).then(|| Self(path.into()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.0);
    }
}

/// The file whose existence is a lock. It says who made it: `PID:HOST`.
struct Dotlock(PathBuf);

impl Dotlock {
    /// `None` when somebody has it.
    fn take(mbox: &Path) -> io::Result<Option<Self>> {
        let mut path = mbox.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        match Self::make(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let Some(left_over) = left_over(&path)? else {
                    return Ok(None);
                };
                take_away(&path, left_over)?;
                match Self::make(&path) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
                    result => result.map(Some),
                }
            }
            result => result.map(Some),
        }
    }

    fn make(path: &Path) -> io::Result<Self> {
        let owner = format!("{}:{}", process::id(), host_name());
        // Whoever is killed must not leave one behind that does not say whose it is: it would keep
        // everybody out for minutes.
        match make_at_once(path, &owner) {
            Ok(()) => return Ok(Self(path.into())),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // Not every file system has files without a name.
            Err(_) => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(path)?;
        let dotlock = Self(path.into());
        file.write_all(owner.as_bytes())?;
        Ok(dotlock)
    }
}

/// For everybody to see whose it is.
const MODE: u32 = 0o644;

/// Makes a file that has its content before it has its name.
#[cfg(target_os = "linux")]
fn make_at_once(path: &Path, content: &str) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, OFlags, linkat};

    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    let mut file = OpenOptions::new()
        .write(true)
        .mode(MODE)
        .custom_flags(OFlags::TMPFILE.bits().cast_signed())
        .open(directory.unwrap_or(Path::new(".")))?;
    file.write_all(content.as_bytes())?;
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, unnamed, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn make_at_once(_: &Path, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Drop for Dotlock {
    fn drop(&mut self) {
        // Whoever finds it left behind finds its owner gone, too.
        let _: io::Result<()> = fs::remove_file(&self.0);
    }
}

/// A lock file whose owner is gone: which file it is.
fn left_over(path: &Path) -> io::Result<Option<Identity>> {
    let mut owner = Vec::new();
    let metadata = match File::open(path) {
        Ok(file) => {
            let metadata = file.metadata()?;
            file.take(512).read_to_end(&mut owner)?;
            metadata
        }
        // Its owner has given it up just now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // Its owner does not let us look.
        Err(_) => fs::symlink_metadata(path)?,
    };
    let owner = String::from_utf8_lossy(&owner);
    let is_left_over = match process_here(owner.trim_end()) {
        Some(process) => is_gone(process),
        // A clock that was set back makes it no older than it is.
        None => (metadata.modified()?.elapsed()).is_ok_and(|age| age > LEFT_OVER),
    };
    Ok(is_left_over.then(|| identity(&metadata)))
}

/// The process that a lock file names, if it is one of this machine, which can be asked about it.
fn process_here(owner: &str) -> Option<Pid> {
    let (pid, machine) = owner.split_once(':')?;
    let pid = pid.parse().ok().filter(|&pid| pid > 0)?;
    Pid::from_raw(pid).filter(|_| machine == host_name())
}

/// Whether there is no such process. Another user's may not be sent a signal, but is there.
fn is_gone(process: Pid) -> bool {
    test_kill_process(process) == Err(Errno::SRCH)
}

type Identity = (u64, u64);

fn identity(metadata: &fs::Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// Removes the lock file that was left over, but no other that may stand there by now.
fn take_away(path: &Path, left_over: Identity) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}", process::id()));
    let aside = PathBuf::from(aside);
    match fs::rename(path, &aside) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        result => result?,
    }
    if identity(&fs::symlink_metadata(&aside)?) != left_over {
        // It is new, and its owner is to find it where it was.
        fs::hard_link(&aside, path)?;
    }
    fs::remove_file(&aside)
}
