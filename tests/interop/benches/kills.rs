//! How often mail is lost or doubled when a fetcher is killed: popfetch, mpop, fetchmail and getmail,
//! each before its own maildrops of the same Dovecot, killed once at a random moment and then let run.
//!
//! `cargo bench -p interop --bench kills -- 60` kills each of them 60 times.

#![allow(clippy::unwrap_used, reason = "a failure ends the program")]

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use interop::{Dovecot, Mailbox, Maildir, Random, Server, User, compare, prepared};

const MESSAGES: usize = 50;
/// So long a run may take after the kill; mpop may never end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program, and how it fetches all of `user`'s mail into `home/Mail` and deletes it.
struct Peer {
    name: &'static str,
    command: fn(server: &Server, user: &str, home: &Path) -> Command,
}

const PEERS: [Peer; 4] = [
    Peer {
        name: "popfetch",
        command: popfetch,
    },
    Peer {
        name: "mpop",
        command: mpop,
    },
    Peer {
        name: "fetchmail",
        command: fetchmail,
    },
    Peer {
        name: "getmail",
        command: getmail,
    },
];

fn main() {
    let rounds = env::args()
        .filter_map(|argument| argument.parse().ok())
        .next();
    let rounds: usize = rounds.unwrap_or(60);
    let mailbox = Mailbox::ordinary(MESSAGES);
    let names = PEERS
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
    for peer in &PEERS {
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

fn user(peer: &Peer, round: usize) -> String {
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
    peer: &Peer,
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
    write(home.path(), "ca.pem", server.ca_pem());
    let start = || -> Child {
        let mut command = (peer.command)(server, &user, home.path());
        command.current_dir(home.path()).env_clear();
        command
            .env("HOME", home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8");
        command.env("POPFETCH_PASSWORD", "secret");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().unwrap()
    };
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

/// A file that nobody else can read.
fn write(home: &Path, name: &str, text: &str) {
    let path = home.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Delivers a message from its standard input as a Maildir wants it.
fn script(home: &Path) -> String {
    let text = "#!/bin/sh\nname=$(mktemp -u XXXXXXXXXXXX)\n\
                cat > Mail/tmp/$name && mv Mail/tmp/$name Mail/new/$name\n";
    write(
        home,
        "deliver",
        &text.replace("Mail/", &format!("{}/Mail/", home.display())),
    );
    let path = home.join("deliver");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.display().to_string()
}

fn popfetch(server: &Server, user: &str, _: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_popfetch-under-test"));
    let url = format!("pops://{user}@localhost:{}", server.tls_port());
    command.args([
        "sync",
        "--server",
        &url,
        "--ca-file",
        "ca.pem",
        "--keep",
        "none",
    ]);
    command.args(["--maildir", "Mail", "--state", "state.db"]);
    command
}

fn mpop(server: &Server, user: &str, home: &Path) -> Command {
    let dir = home.display();
    let settings = format!(
        "account a\nhost localhost\nport {}\ntls on\ntls_starttls off\ntls_trust_file {dir}/ca.pem\n\
         user {user}\npassword \"secret\"\nkeep off\ndelivery maildir {dir}/Mail\n",
        server.tls_port()
    );
    write(home, ".mpoprc", &settings);
    let mut command = Command::new("/usr/bin/mpop");
    command.args(["-q", "a"]);
    command
}

fn fetchmail(server: &Server, user: &str, home: &Path) -> Command {
    let dir = home.display();
    let settings = format!(
        "set invisible\npoll localhost protocol POP3 port {} uidl\n\
         user \"{user}\" there with password \"secret\" is \"root\" here\n\
         fetchall nokeep ssl sslcertfile {dir}/ca.pem mda \"{}\"\n",
        server.tls_port(),
        script(home)
    );
    write(home, ".fetchmailrc", &settings);
    let mut command = Command::new("/usr/bin/fetchmail");
    command.args(["--silent", "--nosyslog"]);
    command
}

fn getmail(server: &Server, user: &str, home: &Path) -> Command {
    let dir = home.display();
    // As root it delivers by commands only.
    let settings = format!(
        "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {}\n\
         username = {user}\npassword = secret\nca_certs = {dir}/ca.pem\n\n\
         [destination]\ntype = MDA_external\npath = {}\nallow_root_commands = true\n\n\
         [options]\ndelete = true\n",
        server.tls_port(),
        script(home)
    );
    fs::create_dir_all(home.join(".config/getmail")).unwrap();
    write(home, ".config/getmail/getmailrc", &settings);
    let mut command = Command::new(prepared("getmail").unwrap().join("bin/getmail"));
    command.arg("--quiet");
    command
}
