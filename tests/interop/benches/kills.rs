//! How often mail is lost or doubled when a fetcher is killed: popfetch, mpop, fetchmail and getmail,
//! each before its own maildrops of the same Dovecot, killed once at a random moment and then let run.
//!
//! `cargo bench -p interop --bench kills -- 60` kills each of them 60 times.

#![allow(clippy::unwrap_used, reason = "a failure ends the program")]

use std::{
    env, fs,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use interop::{Dovecot, Fetcher, Job, Mailbox, Maildir, Random, Server, User, compare};

const MESSAGES: usize = 50;
/// So long a run may take after the kill; mpop may never end.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let rounds = env::args()
        .filter_map(|argument| argument.parse().ok())
        .next();
    let rounds: usize = rounds.unwrap_or(60);
    let mailbox = Mailbox::ordinary(MESSAGES);
    let names = Fetcher::ALL
        .iter()
        .flat_map(|peer| (0..=rounds).map(|round| user(peer, round)));
    let users = names.map(|name| User::new(&name, "secret").with(&mailbox));
    let server = Dovecot {
        users: users.collect(),
        ..Dovecot::default()
    };
    let server = server.start().unwrap();
    println!("{rounds} kills each, {MESSAGES} messages\n");
    println!(
        "| program | rounds with loss | with copies | with messages cut off | left on the server |"
    );
    println!("|---|---|---|---|---|");
    for peer in &Fetcher::ALL {
        let mut tally = Tally::default();
        let begun = Instant::now();
        let undisturbed = round(peer, &server, &mailbox, rounds, None);
        assert!(
            undisturbed == Found::default(),
            "{}: {undisturbed:?}",
            peer.name
        );
        let time = begun.elapsed();
        let mut random = Random::new(7);
        for number in 0..rounds {
            let moment = Duration::from_micros(random.below(time.as_micros() as usize) as u64);
            tally.add(&round(peer, &server, &mailbox, number, Some(moment)));
        }
        let Tally {
            lost,
            doubled,
            cut_off,
            left,
        } = tally;
        println!(
            "| {} | {lost} | {doubled} | {cut_off} | {left} |",
            peer.name
        );
    }
}

fn user(peer: &Fetcher, round: usize) -> String {
    format!("{}{round}", peer.name)
}

/// What is wrong after a round: messages by their numbers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    lost: usize,
    doubled: usize,
    cut_off: usize,
    left: usize,
}

/// In how many rounds.
#[derive(Default)]
struct Tally {
    lost: usize,
    doubled: usize,
    cut_off: usize,
    left: usize,
}

impl Tally {
    fn add(&mut self, found: &Found) {
        self.lost += usize::from(found.lost > 0);
        self.doubled += usize::from(found.doubled > 0);
        self.cut_off += usize::from(found.cut_off > 0);
        self.left += usize::from(found.left > 0);
    }
}

/// Kills the program, if it is to be, and lets it run once more.
fn round(
    peer: &Fetcher,
    server: &Server,
    mailbox: &Mailbox,
    number: usize,
    moment: Option<Duration>,
) -> Found {
    let home = tempfile::tempdir().unwrap();
    let user = user(peer, number);
    for part in ["new", "cur", "tmp"] {
        fs::create_dir_all(home.path().join("Mail").join(part)).unwrap();
    }
    fs::write(home.path().join("ca.pem"), server.ca_pem()).unwrap();
    let job = Job {
        tls_port: server.tls_port(),
        user: &user,
        home: home.path(),
        keep: false,
        hours: 0,
        popfetch: env!("CARGO_BIN_EXE_popfetch-under-test"),
    };
    let start = || -> Child { peer.command(&job).unwrap().spawn().unwrap() };
    if let Some(moment) = moment {
        let mut child = start();
        thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let mut child = start();
    let end = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    child.wait().unwrap();
    let delivered = Maildir::at(home.path().join("Mail")).messages().unwrap();
    let left = server.maildir(&user).files().unwrap().len();
    compare(mailbox, &delivered, left)
}

/// Programs put fields of their own in front, so that a message is known by its Message-ID, and
/// whole if its end is there.
fn compare(mailbox: &Mailbox, delivered: &[Vec<u8>], left: usize) -> Found {
    let mut found = Found {
        left,
        ..Found::default()
    };
    for message in mailbox.messages() {
        let message = compare::in_a_maildir(&compare::on_the_wire(&message));
        let id = field(&message).unwrap();
        let body = memchr::memmem::find(&message, b"\n\n").unwrap();
        let copies: Vec<_> = delivered
            .iter()
            .filter(|copy| field(copy) == Some(id))
            .collect();
        let whole = copies
            .iter()
            .filter(|copy| copy.ends_with(&message[body..]))
            .count();
        found.cut_off += copies.len() - whole;
        found.doubled += usize::from(whole > 1);
        found.lost += usize::from(whole == 0);
    }
    // A message that is still there is not lost.
    found.lost = found.lost.saturating_sub(left);
    found
}

fn field(message: &[u8]) -> Option<&[u8]> {
    let lines = message.split(|&octet| octet == b'\n');
    lines
        .into_iter()
        .find(|line| line.starts_with(b"Message-ID:"))
}
