//! Server processes that never outlive the test.

use std::{
    ffi::OsStr,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use crate::{Error, error::Doing};

/// Runs beside the server and waits for the end of its standard input, which comes when the test
/// closes the pipe *and* when the test process dies in whatever way. Then it stops the server's
/// whole process group and removes its directory.
const SUPERVISOR: &str = include_str!("supervisor.sh");

/// A directory and a server that lives in it. Both are gone after the drop.
pub(crate) struct Supervised {
    dir: PathBuf,
    supervisor: Child,
    pipe: Option<ChildStdin>,
}

impl Supervised {
    /// Starts `command` in a process group of its own; `dir` belongs to the supervisor from now on.
    pub(crate) fn start(
        dir: tempfile::TempDir,
        command: &[impl AsRef<OsStr>],
    ) -> Result<Self, Error> {
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "supervisor"])
            .arg(dir.path())
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An interrupt typed at the terminal must reach the test, not what cleans up after it.
            .process_group(0)
            .spawn()
            .doing(|| "starting the supervisor".to_owned())?;
        Ok(Self {
            pipe: supervisor.stdin.take(),
            supervisor,
            dir: dir.keep(),
        })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the server has not ended by itself.
    pub(crate) fn is_running(&self) -> bool {
        !self.dir.join("exit").exists()
    }

    /// What the server wrote to standard output and error.
    pub(crate) fn output(&self) -> String {
        read_lossy(&self.dir.join("output"))
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // Failure here would mean that there is no such child, so nothing is left to stop.
        let _ = self.supervisor.wait();
    }
}

/// A log that may not exist yet is empty.
pub(crate) fn read_lossy(path: &Path) -> String {
    fs::read(path).map_or_else(
        |_| String::new(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group_members(pid: &str) -> usize {
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| fs::read_to_string(entry.unwrap().path().join("stat")).ok())
            // After the parenthesised name: state, parent, process group.
            .filter(|stat| stat.rsplit(')').next().unwrap().split(' ').nth(3) == Some(pid))
            .count()
    }

    fn wait_until(what: &str, condition: impl Fn() -> bool) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !condition() {
            assert!(std::time::Instant::now() < deadline, "{what}");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    #[test]
    fn the_whole_group_and_the_directory_go_with_the_value() {
        // A child that ignores SIGTERM, and one that leaves its parent's process tree.
        let script = "trap '' TERM; sleep 1000 & (sleep 1000 &) ; touch \"$0/up\"; wait";
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        let server = Supervised::start(
            dir,
            &[
                OsStr::new("sh"),
                OsStr::new("-c"),
                script.as_ref(),
                path.as_ref(),
            ],
        )
        .unwrap();
        wait_until("the server starts", || path.join("up").exists());
        let pid = read_lossy(&path.join("pid")).trim().to_owned();
        assert!(group_members(&pid) >= 3);

        drop(server);

        assert_eq!(group_members(&pid), 0);
        assert!(!path.exists());
    }

    #[test]
    fn a_server_that_ends_is_noticed() {
        let server = Supervised::start(tempfile::tempdir().unwrap(), &["false"]).unwrap();
        wait_until("the end is noticed", || !server.is_running());
    }
}
