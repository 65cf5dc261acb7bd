//! Real file systems that come and go, in a mount namespace of the test's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::support::{Ran, Rig, ran};

/// Set in the process that has the namespace.
const INSIDE: &str = "POPFETCH_TEST_MOUNTS_PRIVATELY";

/// Has the test run once more as a process that may mount what it likes: nobody else sees it, and it
/// is gone with the process.
#[track_caller]
pub(crate) fn privately(test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let this = thread::current();
    let name = this.name().expect("tests have threads with their names");
    let mut again = Command::new("unshare");
    again.args(["--mount", "--propagation", "private"]);
    again.arg(std::env::current_exe().unwrap());
    again
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1");
    let Ran {
        status, out, err, ..
    } = ran(&mut again);
    assert!(
        status == Some(0) && out.contains("test result: ok. 1 passed"),
        "these tests mount file systems, and need root and unshare for it\n{out}\n{err}"
    );
}

/// Runs a script of sh in the rig's directory.
#[track_caller]
pub(crate) fn sh(rig: &Rig, script: &str) {
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", script]).current_dir(rig.path(""));
    ran(&mut shell).expect(0);
}

/// A disk in memory that is mounted at `disk`, and may be taken away from there.
pub(crate) struct Volume<'a>(&'a Rig);

impl<'a> Volume<'a> {
    pub(crate) fn at_disk(rig: &'a Rig) -> Self {
        sh(
            rig,
            "mkdir disk volume; mount -t tmpfs popfetch-test volume",
        );
        let volume = Self(rig);
        volume.bring_back();
        volume
    }

    /// An empty mount point is left.
    pub(crate) fn take_away(&self) {
        sh(self.0, "umount --lazy disk");
    }

    pub(crate) fn bring_back(&self) {
        sh(self.0, "mount --bind volume disk");
    }
}

/// What is in a directory and below, by name, but for what popfetch keeps for itself.
pub(crate) fn tree(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

/// The marker in a directory.
pub(crate) fn marker(directory: &Path) -> PathBuf {
    let names = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut markers = names.filter(|path| path.to_str().unwrap().contains("popfetch-"));
    let marker = markers.next().expect("there is a marker");
    assert_eq!(markers.next(), None);
    marker
}

/// The user takes a target as it is. What it lacks is fetched again, or was put away.
#[track_caller]
pub(crate) fn accept(rig: &Rig, path: &str, more: &[&str]) {
    let path = rig.path(path).into_os_string().into_string().unwrap();
    let accept = ["state", "accept-target", &path];
    ran(&mut rig.with_state(&[&accept, more].concat())).expect(0);
}

/// Has the state forget what the first format did not know.
pub(crate) fn forget_markers(rig: &Rig) {
    let state = rusqlite::Connection::open(rig.path("state.db")).unwrap();
    let sql = "UPDATE marker SET token = NULL, batch = 0, seen = NULL, verdict = 'unmarked';
        UPDATE copy SET batch = 0;";
    state.execute_batch(sql).unwrap();
}
