//! How much memory the command needs for what is large. Measured on the command itself: the
//! kernel's record of the most that was resident at once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::process::Command;

use poplib_sandbox::{Generated, Mailbox};

use support::{By, Rig, finish, start};

const MIB: u64 = 1024 * 1024;

fn generated(messages: u64, octets: u64) -> Mailbox {
    Mailbox::generated(Generated {
        seed: 1,
        messages,
        octets: octets.into(),
    })
}

/// Runs a command to its successful end. The octets that were resident at most.
#[track_caller]
fn peak(command: &mut Command) -> u64 {
    let mut child = start(command);
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // The record only grows, so that it does not matter how often it is read. After the end
    // there is none.
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0) * 1024);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    finish(child).expect(0);
    assert!(peak > MIB, "nothing was measured");
    println!("peak: {} MiB", peak / MIB);
    peak
}

#[test]
#[ignore = "needs a release build: it moves gigabytes"]
fn a_message_of_2_gib_passes_through_48_mib() {
    let octets = 2 << 30;
    let rig = Rig::new(generated(1, octets));
    let peak = peak(&mut rig.sync(By::ImplicitTls));
    let stored: u64 = fs::read_dir(rig.path("mail/new"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    // Without a CR for each of its lines.
    assert!(stored > octets - octets / 50 && stored < octets, "{stored}");
    assert!(peak < 48 * MIB, "{} MiB", peak / MIB);
}

#[test]
#[ignore = "needs a release build: it moves gigabytes"]
fn a_listing_of_a_million_messages_fits_into_256_mib() {
    let rig = Rig::new(generated(1_000_000, 1_000));
    let peak = peak(rig.sync(By::ImplicitTls).arg("--dry-run").arg("--quiet"));
    assert!(peak < 256 * MIB, "{} MiB", peak / MIB);
}
