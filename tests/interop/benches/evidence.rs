//! What popfetch, mpop, fetchmail and getmail do where silence could be taken for proof: a disk that
//! is not mounted after a crash, bodies that are short, unique-ids that change, DELE that is ignored.
//! Each row is some runs of each program, two hours apart by its clock, with a server that does
//! something else wrong in each.
//!
//! `cargo bench -p interop --bench evidence` prints the table; with a row's name, that row.

#![allow(clippy::unwrap_used, reason = "a failure ends the program")]

use std::{
    env, fs,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use interop::{Fetcher, Job, Maildir, RawClient, compare};
use poplib_sandbox::{Fault, Mailbox, Sandbox};

const USER: &str = "alice";
const MESSAGES: usize = 10;
/// The message at which a crash comes.
const CRASH: usize = 5;
/// Between two runs.
const HOURS: usize = 2;
/// So long a run may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What happens between two runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    Nothing,
    /// The first message is deleted by another client, and a new one arrives, which gets the
    /// unique-id of that one where they are not numbers.
    Exchange,
}

struct Scenario {
    row: &'static str,
    what: &'static str,
    keep: bool,
    /// What is wrong with the server in each run.
    runs: &'static [&'static [&'static str]],
    after_the_first: Between,
}

const fn scenario(
    row: &'static str,
    what: &'static str,
    runs: &'static [&'static [&'static str]],
) -> Scenario {
    Scenario {
        row,
        what,
        keep: false,
        runs,
        after_the_first: Between::Nothing,
    }
}

const fn kept(
    row: &'static str,
    what: &'static str,
    runs: &'static [&'static [&'static str]],
) -> Scenario {
    Scenario {
        keep: true,
        ..scenario(row, what, runs)
    }
}

const fn exchanged(
    row: &'static str,
    what: &'static str,
    runs: &'static [&'static [&'static str]],
) -> Scenario {
    Scenario {
        after_the_first: Between::Exchange,
        ..kept(row, what, runs)
    }
}

const SCENARIOS: &[Scenario] = &[
    scenario("none", "an honest server", &[&[], &[], &[]]),
    kept("none", "an honest server, mail kept", &[&[], &[], &[]]),
    scenario(
        "E4",
        "one body cut short, one empty, one an error text, in the first run",
        &[
            &["short-body=3:155", "short-body=4:0", "error-body=5"],
            &[],
            &[],
        ],
    ),
    scenario(
        "E6",
        "QUIT lost, then `Status:` lines, not counted by LIST",
        &[&["close-on=QUIT"], &["status-line"], &["status-line"]],
    ),
    scenario(
        "E6",
        "QUIT lost, then `Status:` lines, counted",
        &[
            &["close-on=QUIT"],
            &["counted-status-line"],
            &["counted-status-line"],
        ],
    ),
    scenario(
        "E6",
        "QUIT lost, a scanner's stamp on top, another each time",
        &[
            &["scan-stamp", "close-on=QUIT"],
            &["scan-stamp"],
            &["scan-stamp"],
        ],
    ),
    exchanged(
        "E8",
        "mail kept, the unique-id of a deleted message used again",
        &[&[], &[], &[]],
    ),
    exchanged(
        "E8",
        "mail kept, message numbers as unique-ids",
        &[&["numeric-uidl"], &["numeric-uidl"], &["numeric-uidl"]],
    ),
    kept(
        "E9",
        "mail kept, a line of UIDL missing in the second run",
        &[&[], &["uidl-gap=3"], &[]],
    ),
    kept(
        "E9",
        "mail kept, 5 of 10 unique-ids change",
        &[&[], &["changed-uidl=5"], &["changed-uidl=5"]],
    ),
    scenario(
        "E12",
        "DELE answered with +OK and ignored",
        &[&["ignore-dele"], &["ignore-dele"], &["ignore-dele"]],
    ),
    scenario(
        "E15",
        "the connection breaks in message 5, always",
        &[
            &["cut-in-body-of=id5:700"],
            &["cut-in-body-of=id5:700"],
            &["cut-in-body-of=id5:700"],
        ],
    ),
];

fn main() {
    let arguments: Vec<_> = env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let wanted = |row: &str| arguments.is_empty() || arguments.iter().any(|it| it == row);
    let names = Fetcher::ALL.map(|fetcher| fetcher.name);
    println!("| row | what happens | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(names.len()));
    if wanted("E1") {
        let found = Fetcher::ALL.map(|fetcher| disk_away(&fetcher));
        let what = "killed at message 5, then a run without the Maildir's disk, then two with it";
        println!("| E1 | {what} | {} |", found.join(" | "));
    }
    for scenario in SCENARIOS {
        if wanted(scenario.row) {
            let found = Fetcher::ALL.map(|fetcher| played(scenario, &fetcher));
            let Scenario { row, what, .. } = scenario;
            println!("| {row} | {what} | {} |", found.join(" | "));
        }
    }
}

/// Each run of a scenario, and what has come of the mail.
fn played(scenario: &Scenario, fetcher: &Fetcher) -> String {
    let world = World::new(fetcher, scenario.keep);
    let mut statuses = Vec::new();
    let mut mail: Vec<_> = (1..=MESSAGES).map(message).collect();
    for (index, faults) in scenario.runs.iter().enumerate() {
        if index == 1 && scenario.after_the_first == Between::Exchange {
            world.sandbox.remove(USER, 1).unwrap();
            let new = message(MESSAGES + 1);
            world.sandbox.deliver(USER, new.clone()).unwrap();
            mail.push(new);
        }
        let faults = faults.iter().map(|fault| fault.parse::<Fault>().unwrap());
        world.sandbox.set_faults(faults);
        statuses.push(world.run(index));
    }
    world.told(&mail, &statuses)
}

/// Killed in the middle of naming what it has fetched; run without the disk, whose mount point is
/// an empty directory then; run twice more when it is back.
fn disk_away(fetcher: &Fetcher) -> String {
    let world = World::new(fetcher, false);
    let home = world.home.path();
    let (mail, away) = (home.join("Mail"), home.join("away"));
    let mut statuses = vec![world.killed_at_a_name()];
    fs::rename(&mail, &away).unwrap();
    fs::create_dir(&mail).unwrap();
    statuses.push(world.run(1));
    // What was written under the mount point is hidden from now on.
    fs::rename(&mail, home.join("hidden")).unwrap();
    fs::rename(&away, &mail).unwrap();
    statuses.extend([2, 3].map(|index| world.run(index)));
    let mail: Vec<_> = (1..=MESSAGES).map(message).collect();
    world.told(&mail, &statuses)
}

/// A server, and a program before it.
struct World<'a> {
    fetcher: &'a Fetcher,
    keep: bool,
    sandbox: Sandbox,
    home: tempfile::TempDir,
}

impl<'a> World<'a> {
    fn new(fetcher: &'a Fetcher, keep: bool) -> Self {
        // The first unique-id is also that of what is delivered later.
        let unique_ids = (1..=MESSAGES)
            .chain([1])
            .map(|number| format!("id{number}"));
        let mailbox = Mailbox::messages((1..=MESSAGES).map(message)).unique_ids(unique_ids);
        let builder = Sandbox::builder().mailbox(USER, "secret", mailbox);
        let sandbox = builder.start().unwrap();
        let home = tempfile::tempdir().unwrap();
        for part in ["new", "cur", "tmp"] {
            fs::create_dir_all(home.path().join("Mail").join(part)).unwrap();
        }
        fs::write(home.path().join("ca.pem"), sandbox.ca_pem()).unwrap();
        Self {
            fetcher,
            keep,
            sandbox,
            home,
        }
    }

    fn run(&self, index: usize) -> String {
        status(self.command(index).spawn().unwrap())
    }

    fn command(&self, index: usize) -> Command {
        let job = Job {
            tls_port: self.sandbox.tls_addr().port(),
            user: USER,
            home: self.home.path(),
            keep: self.keep,
            hours: index * HOURS,
            popfetch: env!("CARGO_BIN_EXE_popfetch-under-test"),
        };
        self.fetcher.command(&job).unwrap()
    }

    /// A run that is killed when the fifth message is to get its name in the Maildir.
    fn killed_at_a_name(&self) -> String {
        let home = self.home.path();
        let mut command = self.command(0);
        if home.join("deliver").exists() {
            // It delivers by a command, which sees to it.
            fs::write(home.join("crash-at"), CRASH.to_string()).unwrap();
            let killed = status(command.process_group(0).spawn().unwrap());
            fs::remove_file(home.join("crash-at")).unwrap();
            return killed;
        }
        let calls = "inject=rename,renameat,renameat2,link,linkat:signal=SIGKILL:when=";
        let mut traced = Command::new("/usr/bin/strace");
        traced
            .args(["-f", "-qq", "-o", "/dev/null", "-e"])
            .arg(format!("{calls}{CRASH}"))
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(home)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for (name, value) in command.get_envs() {
            traced.env(name, value.unwrap_or_default());
        }
        status(traced.spawn().unwrap())
    }

    /// What has become of the mail, and how the runs ended.
    fn told(&self, mail: &[Vec<u8>], statuses: &[String]) -> String {
        let delivered = Maildir::at(self.home.path().join("Mail"));
        let delivered = delivered.messages().unwrap();
        let server = Server::of(&self.sandbox);
        let (mut lost, mut unfetched, mut doubled, mut most) = (0, 0, 0, 0);
        let mut whole = 0;
        for message in mail {
            let copies = delivered
                .iter()
                .filter(|copy| is_whole(copy, message))
                .count();
            whole += copies;
            doubled += usize::from(copies > 1);
            most = most.max(copies);
            match (copies, server.has(message)) {
                (0, true) => unfetched += 1,
                (0, false) => lost += 1,
                _ => {}
            }
        }
        let mut told = Vec::new();
        let mut tell = |count: usize, what: &str| {
            if count > 0 {
                told.push(format!("{count} {what}"));
            }
        };
        tell(lost, "**lost**");
        tell(unfetched, "not fetched");
        match most {
            0..=2 => tell(doubled, "twice"),
            _ => tell(doubled, &format!("up to {most} times")),
        }
        tell(delivered.len() - whole, "not whole");
        if !self.keep {
            tell(server.0.len(), "left there");
        }
        if told.is_empty() {
            told.push("each once".to_owned());
        }
        format!("{}; {}", told.join(", "), statuses.join(" "))
    }
}

/// What a client would find that fetches everything now.
struct Server(Vec<Vec<u8>>);

impl Server {
    fn of(sandbox: &Sandbox) -> Self {
        sandbox.set_faults([]);
        let port = sandbox.plain_addr().port();
        let messages = RawClient::maildrop(port, USER, "secret").unwrap();
        let messages = messages.into_iter().map(Result::unwrap);
        Self(messages.map(|it| compare::in_a_maildir(&it)).collect())
    }

    fn has(&self, message: &[u8]) -> bool {
        self.0.iter().any(|there| is_whole(there, message))
    }
}

/// Whether a file is a message, perhaps with fields in front that programs and servers add.
fn is_whole(file: &[u8], message: &[u8]) -> bool {
    let body = memchr::memmem::find(message, b"\n\n").unwrap();
    file.ends_with(&message[body + 1..])
}

/// A message of two kilobytes, like no other.
fn message(number: usize) -> Vec<u8> {
    let mut message = format!(
        "Message-ID: <{number}@example.org>\nFrom: Sender <sender@example.org>\n\
         To: alice@example.org\nSubject: Number {number}\n\
         Date: Thu, 18 Jan 2001 15:03:{number:02} +0000\n\n"
    );
    for line in 0..30 + number {
        message += &format!("This is line {line} of the message with the number {number}.\n");
    }
    message.into_bytes()
}

/// How a run ended.
fn status(mut child: Child) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status
                .code()
                .map_or("killed".to_owned(), |code| code.to_string());
        }
        if Instant::now() > end {
            child.kill().unwrap();
            child.wait().unwrap();
            return "endless".to_owned();
        }
        thread::sleep(Duration::from_millis(5));
    }
}
