//! A full disk at every call that writes, and an error at every call that makes durable.

use std::path::Path;

use nix::errno::Errno;

use crate::set_up::{Into, SetUp, numbers};
use crate::support::{By, Rig};
use crate::tracer::{self, Call, Fate, Traced};

/// What an ordinary run leaves out between two calls.
const SHARE: usize = 6;

fn writes(call: &Call) -> bool {
    let names = ["write", "writev", "pwrite64", "ftruncate", "fallocate"];
    call.makes_name || (names.contains(&call.name) && call.is_on_disk()) || syncs(call)
}

fn syncs(call: &Call) -> bool {
    ["fsync", "fdatasync", "syncfs"].contains(&call.name)
}

/// The disk is full from some call on, for every such call.
fn survives_a_full_disk(set_up: SetUp) {
    survives(set_up, writes, |from| Fate::Failing {
        from,
        to: usize::MAX,
        error: Errno::ENOSPC,
    });
}

/// An error that the kernel tells once, as it does.
fn survives_an_error_at_each_sync(set_up: SetUp) {
    survives(set_up, syncs, |from| Fate::Failing {
        from,
        to: from,
        error: Errno::EIO,
    });
}

fn survives(set_up: SetUp, counts: fn(&Call) -> bool, fate: impl Fn(usize) -> Fate) {
    let rig = set_up.rig();
    let undisturbed = tracer::run(&set_up.command(&rig), counts, Fate::Undisturbed);
    assert_eq!(undisturbed.status, Some(0), "{}", undisturbed.err);
    let calls = undisturbed.calls.len();
    let mut failed = 0;
    for from in numbers(calls, SHARE) {
        let rig = set_up.rig();
        let traced = tracer::run(&set_up.command(&rig), counts, fate(from));
        // Threads take turns as they like, so that there may be fewer calls this time.
        if let Some(call) = traced.calls.get(from - 1) {
            failed += 1;
            assert_is_told(&rig, &traced, call);
        }
        set_up.assert_recovers(
            &rig,
            &format!("{:?}: {:?}", fate(from), traced.calls.last()),
        );
    }
    println!("{set_up:?}: {calls} calls, of which {failed} failed");
    assert!(failed >= calls / SHARE / 2);
}

/// It ends with the status for what cannot be written, and says what that was.
fn assert_is_told(rig: &Rig, traced: &Traced, call: &Call) {
    let of = call.of.as_deref().unwrap_or(Path::new(""));
    let is_state = of.to_string_lossy().contains("/state.db");
    // SQLite can do without a checkpoint, and without the name of its journal made durable.
    let is_harmless = is_state || of == rig.path(".");
    match traced.status {
        Some(0) => assert!(is_harmless && rig.left() == 0, "{call:?}"),
        Some(73 | 74) => assert!(traced.err.contains("could not"), "{}", traced.err),
        status => panic!("{call:?}: {status:?}\n{}", traced.err),
    }
}

const MAILDIR: SetUp = SetUp {
    by: By::ImplicitTls,
    into: Into::Maildir,
    messages: 6,
};
const GROUP: SetUp = SetUp {
    messages: 12,
    ..MAILDIR
};
const MBOX: SetUp = SetUp {
    into: Into::Mbox,
    ..MAILDIR
};

#[test]
#[ignore = "needs a release build: hundreds of runs"]
fn a_disk_that_is_full_at_any_call_costs_a_maildir_nothing() {
    survives_a_full_disk(MAILDIR);
}

#[test]
#[ignore = "needs a release build: hundreds of runs"]
fn a_disk_that_is_full_at_any_call_costs_an_mbox_nothing() {
    survives_a_full_disk(MBOX);
}

#[test]
#[ignore = "needs a release build: hundreds of runs"]
fn an_error_at_any_sync_costs_a_maildir_nothing() {
    survives_an_error_at_each_sync(MAILDIR);
    survives_an_error_at_each_sync(GROUP);
}

#[test]
#[ignore = "needs a release build: hundreds of runs"]
fn an_error_at_any_sync_costs_an_mbox_nothing() {
    survives_an_error_at_each_sync(MBOX);
}

#[test]
fn fault_the_disk_is_full_in_message_3() {
    let set_up = SetUp {
        messages: 5,
        ..MAILDIR
    };
    fn in_tmp(call: &Call) -> bool {
        let of = call.of.as_deref().unwrap_or(Path::new(""));
        call.name == "write" && of.to_string_lossy().contains("/mail/tmp/")
    }
    let rig = set_up.rig();
    let undisturbed = tracer::run(&set_up.command(&rig), in_tmp, Fate::Undisturbed);
    let mut files: Vec<_> = undisturbed.calls.iter().map(|call| &call.of).collect();
    files.dedup();
    let third = undisturbed
        .calls
        .iter()
        .position(|call| call.of == *files[2]);
    let fate = Fate::Failing {
        from: third.unwrap() + 1,
        to: usize::MAX,
        error: Errno::ENOSPC,
    };
    let rig = set_up.rig();
    let full = tracer::run(&set_up.command(&rig), in_tmp, fate);
    assert_eq!(full.status, Some(74), "{}", full.err);
    assert!(full.err.contains("hint: make room"), "{}", full.err);
    assert_eq!((rig.delivered().len(), rig.left()), (2, 5));
    set_up.assert_recovers(&rig, "a full disk");
}
