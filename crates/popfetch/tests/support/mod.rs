//! A sandbox, a Maildir, and the command itself between them.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod tap;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use poplib_sandbox::{Builder, Fault, Mailbox, Sandbox};
use tempfile::TempDir;

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "open sesame";

/// How the command reaches the sandbox.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    ImplicitTls,
    Stls,
    Plaintext,
}

pub(crate) struct Rig {
    pub(crate) sandbox: Sandbox,
    directory: TempDir,
}

impl Rig {
    /// A sandbox whose one user has these messages.
    pub(crate) fn new(mailbox: Mailbox) -> Self {
        Self::built(mailbox, |builder| builder)
    }

    pub(crate) fn built(mailbox: Mailbox, build: impl FnOnce(Builder) -> Builder) -> Self {
        let builder = Sandbox::builder().mailbox(USER, PASSWORD, mailbox);
        let sandbox = build(builder).start().unwrap();
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("ca.pem"), sandbox.ca_pem()).unwrap();
        Self { sandbox, directory }
    }

    /// Five messages, and these misbehaviours.
    pub(crate) fn five(faults: &[&str]) -> Self {
        let rig = Self::new(Mailbox::messages(five()));
        rig.misbehave(faults);
        rig
    }

    pub(crate) fn misbehave(&self, faults: &[&str]) {
        self.sandbox
            .set_faults(faults.iter().map(|fault| fault.parse::<Fault>().unwrap()));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where the sandbox listens.
    pub(crate) fn address(&self, by: By) -> SocketAddr {
        match by {
            By::ImplicitTls => self.sandbox.tls_addr(),
            By::Stls | By::Plaintext => self.sandbox.plain_addr(),
        }
    }

    pub(crate) fn url(&self, by: By) -> String {
        self.url_at(by, self.address(by))
    }

    fn url_at(&self, by: By, address: SocketAddr) -> String {
        let scheme = match by {
            By::ImplicitTls => "pops",
            By::Stls | By::Plaintext => "pop",
        };
        let host = self.sandbox.host();
        format!("{scheme}://{USER}@{host}:{}", address.port())
    }

    /// `popfetch sync` into a Maildir with what it needs, as the sandbox's user.
    pub(crate) fn sync(&self, by: By) -> Command {
        let mut command = self.sync_to(by, &[]);
        command.arg("--maildir").arg(self.path("mail"));
        command
    }

    /// The same, with these options and no other target.
    pub(crate) fn sync_to(&self, by: By, options: &[&str]) -> Command {
        self.sync_at(by, self.address(by), options)
    }

    /// The same, by way of an address that leads to the sandbox.
    pub(crate) fn sync_at(&self, by: By, address: SocketAddr, options: &[&str]) -> Command {
        let mut command = self.bare(&["sync", "--server", &self.url_at(by, address)]);
        command.args(options);
        command.arg("--state").arg(self.path("state.db"));
        command.arg("--ca-file").arg(self.path("ca.pem"));
        command.env("POPFETCH_PASSWORD", PASSWORD);
        if matches!(by, By::Plaintext) {
            command.arg("--allow-plaintext");
        }
        command
    }

    /// `popfetch` with these arguments and what it needs to get at the sandbox by TLS, as its user.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.args(["--server", &self.url(By::ImplicitTls)]);
        command.arg("--ca-file").arg(self.path("ca.pem"));
        command.env("POPFETCH_PASSWORD", PASSWORD);
        command
    }

    /// `popfetch` with these arguments and the state that `sync` leaves.
    pub(crate) fn with_state(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.arg("--state").arg(self.path("state.db"));
        command
    }

    /// `popfetch` with these arguments, in a directory and an environment of its own.
    pub(crate) fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_popfetch"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear();
        command
            .env("HOME", self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs `sync` by TLS with these further options.
    pub(crate) fn run(&self, options: &[&str]) -> Ran {
        ran(self.sync(By::ImplicitTls).args(options))
    }

    /// The contents of the Maildir, sorted.
    pub(crate) fn delivered(&self) -> Vec<Vec<u8>> {
        delivered(&self.path("mail"))
    }

    /// The contents of an mbox, sorted; nothing if it is not there.
    pub(crate) fn in_mbox(&self, name: &str) -> Vec<Vec<u8>> {
        in_mbox(&fs::read(self.path(name)).unwrap_or_default())
    }

    /// Asserts that the Maildir has each of the five messages once and nothing else.
    #[track_caller]
    pub(crate) fn assert_five(&self) {
        assert_eq!(self.delivered(), sorted(five()));
        assert_eq!(names(&self.path("mail/tmp")), [""; 0]);
    }

    /// The states that messages are in.
    pub(crate) fn states(&self) -> Vec<String> {
        let state = rusqlite::Connection::open(self.path("state.db")).unwrap();
        let mut select = state.prepare("SELECT DISTINCT state FROM message").unwrap();
        let states = select.query_map([], |row| row.get(0)).unwrap();
        states.collect::<Result<_, _>>().unwrap()
    }

    /// Lets so many hours pass: everything in the state happened so much earlier.
    pub(crate) fn pass_hours(&self, hours: i64) {
        let state = rusqlite::Connection::open(self.path("state.db")).unwrap();
        let seconds = hours * 3_600;
        for pass in [
            "UPDATE message SET failing = failing - ?1, changed_at = changed_at - ?1,
             stored_at = stored_at - ?1, unseen_since = unseen_since - ?1",
            "UPDATE facts SET passed_at = passed_at - ?1, begun_at = begun_at - ?1",
            "UPDATE quirk SET since = since - ?1, value = iif(name = 'ignores-deletion',
             (substr(value, 1, instr(value, ' ') - 1) - ?1) || ' ' ||
             (substr(value, instr(value, ' ') + 1) - ?1), value)",
        ] {
            state.execute(pass, [seconds]).unwrap();
        }
    }

    pub(crate) fn left(&self) -> u64 {
        self.sandbox.messages_left(USER).unwrap()
    }
}

/// `sync` as somebody types it in the sandbox's directory, without a password.
pub(crate) fn typed<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual = [
        "sync",
        "--server",
        url,
        "--maildir",
        "mail",
        "--ca-file",
        "ca.pem",
    ];
    [&usual, more].concat()
}

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    /// `None` if a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(
            (self.status, self.signal),
            (Some(status), None),
            "(status, signal)\n{}\n{}",
            self.out,
            self.err
        );
        self
    }
}

pub(crate) fn ran(command: &mut Command) -> Ran {
    Ran::from(command.output().unwrap())
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            signal: output.status.signal(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Starts the command and leaves it running.
pub(crate) fn start(command: &mut Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for a command that was started.
pub(crate) fn finish(child: Child) -> Ran {
    Ran::from(child.wait_with_output().unwrap())
}

/// Five messages, of which some are easily damaged. Line ends as a Maildir has them.
pub(crate) fn five() -> Vec<Vec<u8>> {
    vec![
        b"Subject: one\n\nplain\n".to_vec(),
        b"Subject: two\n\n.\n..\n.dot\n\n\n".to_vec(),
        [
            b"Subject: three\n\n".to_vec(),
            b"0123456789abcdef\n".repeat(4_000),
        ]
        .concat(),
        b"Subject: four\n\n\xff\xfe 8-bit and \0 NUL\n".to_vec(),
        b"Subject: five\n\n".to_vec(),
    ]
}

pub(crate) fn sorted(mut messages: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    messages.sort();
    messages
}

pub(crate) fn delivered(maildir: &Path) -> Vec<Vec<u8>> {
    let contents = ["new", "cur"].map(|directory| {
        let directory = maildir.join(directory);
        let names = names(&directory);
        names
            .into_iter()
            .map(move |name| fs::read(directory.join(name)).unwrap())
    });
    sorted(contents.into_iter().flatten().collect())
}

/// The messages of an mbox, as a reader of mboxrd sees them, sorted.
pub(crate) fn in_mbox(mbox: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for line in mbox.split_inclusive(|&octet| octet == b'\n') {
        let depth = line.iter().take_while(|&&octet| octet == b'>').count();
        let is_quoted = line[depth..].starts_with(b"From ");
        match (is_quoted, depth) {
            (true, 0) => messages.push(Vec::new()),
            (true, _) => messages.last_mut().unwrap().extend_from_slice(&line[1..]),
            (false, _) => messages.last_mut().unwrap().extend_from_slice(line),
        }
    }
    for message in &mut messages {
        assert_eq!(message.pop(), Some(b'\n'), "the blank line");
    }
    sorted(messages)
}

/// The names in a directory; none if it is not there.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The first line that a command prints, and what it says on standard error when nobody reads the
/// rest.
pub(crate) fn head(command: &Command) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 3>&1; \"$@\" 2>&3 | head -1", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    ran(&mut shell).expect(0).out
}

/// What is different in each run, made the same: the sandbox's port and the time.
pub(crate) fn masked(rig: &Rig, text: &str) -> String {
    let port = rig.sandbox.tls_addr().port();
    let text = text.replace(&format!(":{port}"), ":PORT");
    let text = text.replace(&format!("port {port}"), "port PORT");
    let words = text.split_inclusive([' ', ',', '"', '\n']);
    words.map(mask_time).collect()
}

fn mask_time(word: &str) -> String {
    let shape: String = (word.chars())
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    if ["9999-99-99", "9999-99-99T99:99:99Z", "99:99"]
        .iter()
        .any(|time| shape.starts_with(time))
    {
        shape
    } else {
        word.into()
    }
}

/// Waits until something is so, and fails if it never is.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !is_so() {
        assert!(std::time::Instant::now() < end, "{what} never came about");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// Sends a signal, by its name without SIG.
#[track_caller]
pub(crate) fn kill(child: &Child, signal: &str) {
    let id = child.id().to_string();
    let status = Command::new("kill").args(["-s", signal, &id]).status();
    assert!(status.unwrap().success());
}
