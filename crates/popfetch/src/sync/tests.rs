use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{env, io};

use base64ct::{Base64, Encoding};
use poplib::sasl::{Method, Policy as LoginPolicy};
use poplib::{Config, Secret, Timeouts, Tls};
use poplib_sandbox::{Mailbox, Sandbox};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::account::INTERVAL;
use crate::deliver::Destinations;
use crate::jobs::Limits;
use crate::plan::Policy;
use crate::report::Json;
use crate::settings::Count;

/// What was written, for whoever looks afterwards.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn events(&self) -> Vec<Value> {
        let octets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::str::from_utf8(&octets).unwrap().lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The accounts that an event of this name was about.
    fn accounts(&self, event: &str) -> Vec<String> {
        let mut accounts: Vec<String> = (self.events().iter())
            .filter(|line| line["event"] == event)
            .map(|line| line["account"].as_str().unwrap().to_owned())
            .collect();
        accounts.sort();
        accounts
    }
}

impl io::Write for Written {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Accounts on servers of their own, and what they share.
struct Rig {
    directory: TempDir,
    written: Written,
}

impl Rig {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            written: Written::default(),
        }
    }

    fn account(&self, sandbox: &Sandbox, user: &str, password: &str) -> Account {
        let tls = Tls::with_authorities(sandbox.ca_pem().as_bytes()).unwrap();
        let config = Config::new(sandbox.host())
            .with_port(sandbox.tls_addr().port())
            .with_tls(tls);
        Account {
            name: user.into(),
            maildrop: user.into(),
            config,
            user: user.into(),
            password: Source::Given(Secret::from(password)),
            destinations: Destinations::maildir(&self.directory.path().join(user)),
            policy: Policy::default(),
            interval: INTERVAL,
            filter: None,
            rsets_before_quit: false,
        }
    }

    fn sync(&self, accounts: Vec<Account>, limits: Limits) -> Option<Status> {
        let report = Arc::new(Json::new(self.written.clone()));
        let state = self.directory.path().join("state.db");
        let shared = Shared::open(&state, Mode::Fetch, limits, report).unwrap();
        sync(accounts, &shared).unwrap()
    }

    fn delivered(&self, user: &str) -> usize {
        std::fs::read_dir(self.directory.path().join(user).join("new")).map_or(0, Iterator::count)
    }
}

fn limits(jobs: u16, per_host: u16) -> Limits {
    Limits {
        jobs: jobs.try_into().ok().map(Count),
        per_host: per_host.try_into().ok().map(Count),
    }
}

/// A server whose users, user0 and so on, have two messages each.
fn server(users: usize) -> Sandbox {
    let messages = || Mailbox::messages(["Subject: one\n\n1\n", "Subject: two\n\n2\n"]);
    (0..users)
        .map(|user| format!("user{user:02}"))
        .fold(Sandbox::builder(), |builder, user| {
            builder.mailbox(&user, "secret", messages())
        })
        .start()
        .unwrap()
}

#[test]
fn of_fifty_accounts_a_wrong_password_and_a_stall_stop_no_other() {
    let (server, silent) = (server(49), server(0));
    silent.set_faults(["stall".parse().unwrap()]);
    let rig = Rig::new();
    let mut accounts: Vec<Account> = (0..49)
        .map(|user| rig.account(&server, &format!("user{user:02}"), "secret"))
        .collect();
    accounts[7].password = Source::Given(Secret::from("wrong"));
    let mut stalled = rig.account(&silent, "silent", "secret");
    stalled.config = (stalled.config).with_timeouts(Timeouts::each(Duration::from_secs(1)));
    // First, so that it holds its turn while the others go on.
    accounts.insert(0, stalled);

    assert_eq!(
        rig.sync(accounts, limits(16, 16)),
        Some(Status::LoginRefused)
    );
    assert_eq!(rig.written.accounts("failed"), ["silent", "user07"]);
    assert_eq!(rig.written.accounts("finished").len(), 48);
    for user in 0..49 {
        let expected = if user == 7 { 0 } else { 2 };
        assert_eq!(rig.delivered(&format!("user{user:02}")), expected);
    }
    let events = rig.written.events();
    let total = events.last().unwrap();
    assert_eq!(total["event"], "total");
    assert_eq!(total["accounts"], 50);
    assert_eq!(total["failed"], 2);
    assert_eq!(total["stored"], 96);
}

#[test]
fn one_account_has_no_total() {
    let server = server(1);
    let rig = Rig::new();
    let accounts = vec![rig.account(&server, "user00", "secret")];
    assert_eq!(rig.sync(accounts, limits(1, 1)), None);
    assert_eq!(rig.written.accounts("finished"), ["user00"]);
    assert!(rig.written.accounts("total").is_empty());
}

#[test]
fn an_account_that_is_given_twice_is_fetched_by_one_of_the_two() {
    let server = server(1);
    let rig = Rig::new();
    let accounts = vec![
        rig.account(&server, "user00", "secret"),
        rig.account(&server, "user00", "secret"),
    ];
    rig.sync(accounts, limits(2, 2));
    assert_eq!(rig.delivered("user00"), 2);
}

#[test]
fn a_password_that_nobody_can_be_asked_for_stops_no_other() {
    let server = server(2);
    let rig = Rig::new();
    let mut accounts = vec![
        rig.account(&server, "user00", "secret"),
        rig.account(&server, "user01", "secret"),
    ];
    accounts[0].password = Source::Environment("A_VARIABLE_THAT_IS_NOT_SET".into());
    let status = rig.sync(accounts, limits(2, 2));
    assert_eq!(status, Some(Status::Configuration));
    assert_eq!(rig.delivered("user01"), 2);
}

/// Panics when a session has been listed, and shows what it was told.
struct Panics;

impl Report for Panics {
    fn report(&self, _: &str, event: Event<'_>) {
        assert!(!matches!(event, Event::Planned(_)), "{event:?}");
    }
}

/// The test runs itself once more, as the process that panics.
#[test]
fn a13_a_panic_in_the_middle_of_a_session_shows_no_password() {
    const PANICS: &str = "POPFETCH_TEST_PANICS";
    const PASSWORD: &str = "s3nt1nel-p4ssw0rd";
    let builder = Sandbox::builder().mailbox("me", PASSWORD, Mailbox::empty());
    let (server, rig) = (builder.start().unwrap(), Rig::new());
    let mut account = rig.account(&server, "me", PASSWORD);
    if env::var_os(PANICS).is_some() {
        let mut plain = LoginPolicy::default();
        plain.only = Some(Method::Plain);
        account.config = account.config.with_login_policy(plain);
        let state = rig.directory.path().join("state.db");
        let shared = Shared::open(&state, Mode::Fetch, limits(1, 1), Arc::new(Panics));
        let status = sync(vec![account], &shared.unwrap()).unwrap();
        assert_eq!(status, Some(Status::InputOutput));
        return;
    }
    let test = "sync::tests::a13_a_panic_in_the_middle_of_a_session_shows_no_password";
    let output = Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(PANICS, "")
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{shown}");
    assert!(
        shown.contains("Planned {") && shown.contains("stack backtrace:"),
        "{shown}"
    );
    let response = Base64::encode_string(format!("\0me\0{PASSWORD}").as_bytes());
    for secret in [PASSWORD, &*response] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
}
