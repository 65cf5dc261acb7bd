//! How much memory the command needs for what is large, and how much else for what is many.
//! Measured on the command itself: the kernel's record of the most that was resident at once.
//!
//! Of what takes minutes an ordinary run takes a share; with `POPFETCH_LOAD=all` it is whole.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::process::Command;

use poplib_sandbox::{Generated, Mailbox};
use sha2::{Digest, Sha256};

use support::{By, PASSWORD, Rig, USER, finish, names, start};

const MIB: u64 = 1024 * 1024;

fn share(share: u64, whole: u64) -> u64 {
    match env::var("POPFETCH_LOAD") {
        Ok(all) if all == "all" => whole,
        _ => share,
    }
}

fn mail(messages: u64, octets: u64) -> Generated {
    Generated {
        seed: 1,
        messages,
        octets: octets.into(),
    }
}

fn generated(messages: u64, octets: u64) -> Mailbox {
    Mailbox::generated(mail(messages, octets))
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

/// The octets of something and their SHA-256, with line ends as a Maildir has them.
fn digest(mut content: impl BufRead) -> (u64, Vec<u8>) {
    let (mut octets, mut sum) = (0, Sha256::new());
    loop {
        let part = content.fill_buf().unwrap();
        if part.is_empty() {
            return (octets, sum.finalize().to_vec());
        }
        for piece in part.split_inclusive(|&octet| octet == b'\r') {
            let piece = piece.strip_suffix(b"\r").unwrap_or(piece);
            octets += piece.len() as u64;
            sum.update(piece);
        }
        let read = part.len();
        content.consume(read);
    }
}

#[test]
#[ignore = "needs a release build: it moves gigabytes"]
fn a_message_of_16_gib_passes_unchanged_through_32_mib() {
    let mail = mail(1, share(2 << 30, 16 << 30));
    let rig = Rig::new(Mailbox::generated(mail.clone()));
    let peak = peak(&mut rig.sync(By::ImplicitTls));
    let name = names(&rig.path("mail/new")).pop().unwrap();
    let file = File::open(rig.path("mail/new").join(name)).unwrap();
    let stored = file.metadata().unwrap().len();
    let sent = digest(mail.contents().next().unwrap());
    assert_eq!(digest(BufReader::with_capacity(1 << 20, file)), sent);
    assert_eq!(stored, sent.0);
    assert!(peak < 32 * MIB, "{} MiB", peak / MIB);
}

/// Asserts that an mbox has the messages in their order, and nothing else.
fn assert_mbox(mbox: File, mail: &Generated) {
    let mut mbox = BufReader::with_capacity(1 << 20, mbox);
    let (mut line, mut expected, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for (number, mut content) in (1..).zip(mail.contents()) {
        line.clear();
        mbox.read_until(b'\n', &mut line).unwrap();
        assert!(line.starts_with(b"From "), "message {number}");
        expected.clear();
        content.read_to_end(&mut expected).unwrap();
        expected.retain(|&octet| octet != b'\r');
        expected.push(b'\n');
        found.resize(expected.len(), 0);
        mbox.read_exact(&mut found).unwrap();
        assert!(found == expected, "message {number}");
    }
    assert_eq!(mbox.read_to_end(&mut found).unwrap(), 0);
}

#[test]
#[ignore = "needs a release build: a million messages"]
fn a_million_messages_are_fetched_once_in_memory_for_their_listing() {
    let mail = mail(share(20_000, 1_000_000), 400);
    let rig = Rig::new(Mailbox::generated(mail.clone()));
    let sync = || {
        rig.sync_to(
            By::ImplicitTls,
            &["--mbox", "mbox", "--keep", "forever", "--quiet"],
        )
    };
    let first = peak(&mut sync());
    assert_mbox(File::open(rig.path("mbox")).unwrap(), &mail);
    let second = peak(&mut sync());
    assert_mbox(File::open(rig.path("mbox")).unwrap(), &mail);
    let retrievals = rig.sandbox.retrievals(USER).unwrap();
    assert_eq!(retrievals.len() as u64, mail.messages);
    assert!(retrievals.values().all(|&times| times == 1));
    for peak in [first, second] {
        assert!(peak < 32 * MIB + 128 * mail.messages, "{} MiB", peak / MIB);
    }
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
    // For each job two threads of its disk and one that asks the state, and some to spare; those
    // that end while the next account has its turn are among them, but for what the kernel has
    // still to do with them.
    assert!((2..64 * 4).contains(&threads), "{threads} threads");
    assert!((2..64 * 8).contains(&handles), "{handles} files");
    assert!((MIB..128 * MIB).contains(&octets), "{} MiB", octets / MIB);
}
