//! How much memory the command needs for what is large, and how much else for what is many.
//! Measured on the command itself: the kernel's record of the most that was resident at once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::process::Command;

use poplib_sandbox::{Generated, Mailbox};

use support::{By, PASSWORD, Rig, finish, start};

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
    let process = format!("/proc/{}", child.id());
    let mut peak = 0;
    // The record only grows, so that it does not matter how often it is read. After the end
    // there is none.
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(status(&process, "VmHWM:") * 1024);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    finish(child).expect(0);
    assert!(peak > MIB, "nothing was measured");
    println!("peak: {} MiB", peak / MIB);
    peak
}

/// A number from what the kernel says of a process; 0 after its end.
fn status(process: &str, name: &str) -> u64 {
    let status = fs::read_to_string(format!("{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    number.unwrap_or(0)
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
fn a_listing_of_a_million_messages_takes_at_most_100_octets_each() {
    let peak = |messages| {
        let rig = Rig::new(generated(messages, 1_000));
        peak(rig.sync(By::ImplicitTls).arg("--dry-run").arg("--quiet"))
    };
    let (few, many) = (peak(1_000), peak(1_000_000));
    println!("peak: {} MiB, and {} MiB", few / MIB, many / MIB);
    assert!(many - few < 100 * 999_000, "{} MiB", many / MIB);
}

#[test]
#[ignore = "needs a release build: a thousand handshakes"]
fn a_thousand_accounts_take_what_their_jobs_take() {
    const ACCOUNTS: usize = 1_000;
    let users: Vec<String> = (0..ACCOUNTS).map(|user| format!("user{user}")).collect();
    let rig = Rig::built(Mailbox::empty(), |builder| {
        users.iter().fold(builder, |builder, user| {
            builder.mailbox(user, PASSWORD, generated(2, 10_000))
        })
    });
    let port = rig.sandbox.tls_addr().port();
    let accounts = (users.iter())
        .map(|user| format!("[account.{user}]\nserver = \"pops://{user}@localhost:{port}\"\n"));
    let config =
        "[defaults]\nca_file = \"~/ca.pem\"\nauth = \"plain\"\nmaildir = \"~/{account}\"\n";
    let config: String = [config.to_owned()].into_iter().chain(accounts).collect();
    fs::write(rig.path("config.toml"), config).unwrap();
    let mut command = rig.bare(&["sync", "--config", "config.toml", "--quiet"]);
    command
        .args(["--jobs", "64", "--per-host", "64"])
        .env("POPFETCH_PASSWORD", PASSWORD);

    let mut child = start(&mut command);
    let process = format!("/proc/{}", child.id());
    let (mut octets, mut threads, mut handles) = (0, 0, 0);
    while child.try_wait().unwrap().is_none() {
        octets = octets.max(status(&process, "VmHWM:") * 1024);
        threads = threads.max(status(&process, "Threads:"));
        let open = fs::read_dir(format!("{process}/fd"));
        handles = handles.max(open.map_or(0, Iterator::count));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    finish(child).expect(0);
    println!(
        "peak: {} MiB, {threads} threads, {handles} files",
        octets / MIB
    );
    for user in &users {
        assert_eq!(fs::read_dir(rig.path(user).join("new")).unwrap().count(), 2);
    }
    // For each job two threads of its disk and one that asks the state; and some that are about to
    // end, while the next account has its turn.
    assert!((2..64 * 4).contains(&threads), "{threads} threads");
    assert!((2..64 * 8).contains(&handles), "{handles} files");
    assert!((MIB..128 * MIB).contains(&octets), "{} MiB", octets / MIB);
}
