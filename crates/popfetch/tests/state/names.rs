//! One state under several names, with real mounts.

use std::fs;
use std::os::unix::fs::symlink;

use poplib_sandbox::SessionRecord;

use crate::namespace::mounted;
use crate::support::{By, Ran, Rig, ran, start, wait_until};

/// A state in a directory of its own, and a `sync` that has taken its account and waits for the
/// server. What `ask` says meanwhile.
fn while_it_is_fetched(ask: impl FnOnce(&Rig) -> Ran) -> Ran {
    let rig = Rig::five(&[]);
    fs::create_dir(rig.path("states")).unwrap();
    fs::create_dir(rig.path("elsewhere")).unwrap();
    fs::write(rig.path("alone.db"), "").unwrap();
    symlink("states/state.db", rig.path("link.db")).unwrap();
    ran(&mut sync(&rig, "states/state.db")).expect(0);
    rig.misbehave(&["stall=RETR"]);
    rig.sandbox.deliver("alice", "Subject: six\n\n").unwrap();
    let sessions = rig.sandbox.sessions().len();
    let mut first = start(&mut sync(&rig, "states/state.db"));
    wait_until("RETR", || {
        let sessions = rig.sandbox.sessions().split_off(sessions);
        let lines = sessions.iter().flat_map(SessionRecord::lines);
        lines.into_iter().any(|line| line.starts_with("RETR"))
    });
    let second = ask(&rig);
    assert!(first.try_wait().unwrap().is_none());
    first.kill().unwrap();
    first.wait().unwrap();
    second
}

fn sync(rig: &Rig, state: &str) -> std::process::Command {
    let mut sync = rig.bare(&["sync", "--server", &rig.url(By::ImplicitTls)]);
    sync.args(["--ca-file", "ca.pem", "--maildir", "mail"]);
    sync.args(["--state", state]);
    sync.env("POPFETCH_PASSWORD", crate::support::PASSWORD);
    sync
}

#[test]
fn e20_an_account_is_taken_once_through_links_and_mounted_directories() {
    for (mount, state) in [
        (":", "states/../states/state.db"),
        (":", "link.db"),
        ("mount --bind states elsewhere", "elsewhere/state.db"),
        ("mount --bind . elsewhere", "elsewhere/link.db"),
    ] {
        let second = while_it_is_fetched(|rig| ran(&mut mounted(mount, &sync(rig, state))));
        let second = second.expect(75);
        assert!(
            second.err.contains("another popfetch is fetching alice@"),
            "{mount}, {state}: {}",
            second.err
        );
    }
}

#[test]
fn e20_a_file_that_is_mounted_alone_is_refused() {
    let second = while_it_is_fetched(|rig| {
        let mount = "mount --bind states/state.db alone.db";
        ran(&mut mounted(mount, &sync(rig, "alone.db")))
    });
    let second = second.expect(78);
    assert_eq!(
        second.err,
        "error: the state alone.db is mounted without its directory, which has files that belong \
         to it\n  hint: mount the directory that the file is in, not the file\n"
    );
}

#[test]
fn e20_what_refuses_a_second_name_says_how_to_find_it() {
    let rig = Rig::five(&[]);
    ran(&mut sync(&rig, "state.db")).expect(0);
    fs::hard_link(rig.path("state.db"), rig.path("second.db")).unwrap();
    let mut all = rig.bare(&["status", "--state", "second.db"]);
    for command in [&mut sync(&rig, "state.db"), &mut all] {
        let refused = ran(command).expect(78);
        assert!(refused.err.contains("has a second name"), "{}", refused.err);
        assert!(refused.err.contains("hint: find that name, `find / -xdev"));
    }
    assert_eq!(rig.delivered().len(), 5);
}
