use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use super::*;
use crate::clock::Timestamp;
use crate::fs::{Group, OsFileSystem, OutputFile};
use crate::key::{Identity, KeyRef};
use crate::state::{Claim, Facts, Row, SqliteStore, State, StateError};

/// What happened, in order; and the step at which the power goes.
#[derive(Default)]
struct Log {
    steps: Mutex<Vec<String>>,
    fails_at: Option<usize>,
}

impl Log {
    fn step(&self, what: &str) -> io::Result<()> {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if self.fails_at.is_some_and(|at| steps.len() >= at) {
            return Err(io::Error::other("the power is gone"));
        }
        steps.push(what.into());
        Ok(())
    }

    fn steps(&self) -> Vec<String> {
        self.steps.lock().unwrap().clone()
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap()
        .to_string_lossy()
        .chars()
        .take(8)
        .collect()
}

/// The machine's file system, with every change written down.
struct Logged(Arc<Log>);

impl FileSystem for Logged {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        OsFileSystem.create_directory(path)
    }

    fn is_directory(&self, path: &Path) -> io::Result<bool> {
        OsFileSystem.is_directory(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        OsFileSystem.exists(path)
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        OsFileSystem.names(directory)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn OutputFile>> {
        self.0.step("create")?;
        Ok(Box::new(LoggedFile(
            OsFileSystem.create(path)?,
            Arc::clone(&self.0),
        )))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.step("remove")?;
        OsFileSystem.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.step("rename")?;
        OsFileSystem.rename(from, to)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.0.step(&format!("sync {}/", name(path)))
    }

    fn group(&self, _: &Path) -> io::Result<Option<Box<dyn Group>>> {
        Ok(Some(Box::new(LoggedGroup(Arc::clone(&self.0)))))
    }
}

struct LoggedFile(Box<dyn OutputFile>, Arc<Log>);

impl OutputFile for LoggedFile {
    fn write_all(&mut self, octets: &[u8]) -> io::Result<()> {
        self.0.write_all(octets)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.step("sync file")
    }
}

struct LoggedGroup(Arc<Log>);

impl Group for LoggedGroup {
    fn sync(&self) -> io::Result<()> {
        self.0.step("sync everything")
    }
}

/// A store that writes down its transactions.
struct LoggedStore(SqliteStore, Arc<Log>);

impl StateStore for LoggedStore {
    fn id(&self) -> &[u8] {
        self.0.id()
    }

    fn account(&self, name: &str) -> Result<Option<AccountId>, StateError> {
        self.0.account(name)
    }

    fn claim(&self, name: &str) -> Result<Claim, StateError> {
        self.0.claim(name)
    }

    fn facts(&self, account: AccountId) -> Result<Facts, StateError> {
        self.0.facts(account)
    }

    fn learn(&self, account: AccountId, facts: &Facts) -> Result<(), StateError> {
        self.0.learn(account, facts)
    }

    fn rows(&self, account: AccountId, visit: &mut dyn FnMut(Row<'_>)) -> Result<(), StateError> {
        self.0.rows(account, visit)
    }

    fn unfinished(&self, account: AccountId) -> Result<Vec<Unfinished>, StateError> {
        self.0.unfinished(account)
    }

    fn apply(
        &self,
        account: AccountId,
        now: Timestamp,
        changes: &mut dyn Iterator<Item = Change<'_>>,
    ) -> Result<(), StateError> {
        let changes: Vec<Change<'_>> = changes.collect();
        let kind = |change: &Change<'_>| {
            let text = format!("{change:?}");
            text.split([' ', '{']).next().unwrap().to_lowercase()
        };
        let kinds: Vec<String> = changes.iter().map(kind).collect();
        self.1
            .step(&format!("state {}", kinds.join(" ")))
            .map_err(|source| StateError::Open {
                path: "state".into(),
                source,
            })?;
        self.0.apply(account, now, &mut changes.into_iter())
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000)
    }
}

struct Silent;

impl Report for Silent {
    fn report(&self, _: &str, _: Event<'_>) {}
}

fn delivery(directory: &TempDir, log: &Arc<Log>) -> (Delivery, Claim) {
    let store = SqliteStore::open(&directory.path().join("state.db")).unwrap();
    let claim = store.claim("me").unwrap();
    let file_system: Arc<dyn FileSystem> = Arc::new(Logged(Arc::clone(log)));
    let maildir =
        Maildir::create(Arc::clone(&file_system), &directory.path().join("mail")).unwrap();
    let delivery = Delivery {
        store: Arc::new(LoggedStore(store, Arc::clone(log))),
        account: claim.account,
        account_name: "me".into(),
        maildrop: "me".into(),
        maildir,
        file_system,
        clock: Arc::new(Still),
        report: Arc::new(Silent),
    };
    (delivery, claim)
}

fn ticket(position: u32, known: &[Sum]) -> Ticket {
    let mut identity = Vec::new();
    Identity::push_unique_id(&mut identity, &position.to_be_bytes());
    let key = KeyRef {
        identity: Identity::from_octets(&identity),
        occurrence: 1,
    }
    .to_key();
    Ticket {
        position,
        number: position + 1,
        key,
        known: known.into(),
        excerpt: false,
    }
}

fn content(position: u32) -> Vec<u8> {
    format!("message {position}\r\n").into_bytes()
}

/// Writes so many messages and commits them.
fn deliver(delivery: &Delivery, messages: u32) -> Result<Stored, Failure> {
    let mut batch = Batch::default();
    for position in 0..messages {
        let ticket = ticket(position, &[]);
        let mut incoming = delivery.begin(&ticket)?;
        incoming.write(&mut content(position))?;
        delivery.finish(&mut batch, ticket, incoming)?;
    }
    let mut stored = Stored::default();
    delivery.commit(batch, &mut stored)?;
    Ok(stored)
}

fn states(delivery: &Delivery) -> Vec<State> {
    let mut states = Vec::new();
    delivery
        .store
        .rows(delivery.account, &mut |row| states.push(row.state))
        .unwrap();
    states
}

fn files(directory: &TempDir) -> Vec<String> {
    let new = std::fs::read_dir(directory.path().join("mail/new")).unwrap();
    let mut files: Vec<String> = new
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    files.sort();
    files
}

#[test]
fn nothing_is_visible_before_it_is_durable_and_recorded() {
    let directory = TempDir::new().unwrap();
    let log = Arc::default();
    let (delivery, _claim) = delivery(&directory, &log);
    assert_eq!(deliver(&delivery, 2).unwrap().positions, [0, 1]);
    assert_eq!(
        log.steps(),
        [
            "create",
            "create",
            "sync file",
            "sync file",
            "sync tmp/",
            "state storing storing",
            "rename",
            "rename",
            "sync new/",
            "sync tmp/",
            "state stored stored"
        ]
    );
}

#[test]
fn many_are_made_durable_as_a_group() {
    let directory = TempDir::new().unwrap();
    let log = Arc::default();
    let (delivery, _claim) = delivery(&directory, &log);
    deliver(&delivery, 100).unwrap();
    let steps = log.steps();
    assert_eq!(steps[100], "sync everything");
    assert!(steps[101].starts_with("state storing"));
    assert!(!steps.contains(&"sync file".into()));
}

#[test]
fn what_was_delivered_before_is_not_delivered_again() {
    let directory = TempDir::new().unwrap();
    let log = Arc::default();
    let (delivery, _claim) = delivery(&directory, &log);
    let mut batch = Batch::default();
    let incoming = delivery.begin(&ticket(0, &[])).unwrap();
    delivery
        .finish(&mut batch, ticket(0, &[]), incoming)
        .unwrap();
    let sum = batch.written[0].sum;
    delivery.commit(batch, &mut Stored::default()).unwrap();

    let mut batch = Batch::default();
    let incoming = delivery.begin(&ticket(0, &[sum])).unwrap();
    delivery
        .finish(&mut batch, ticket(0, &[sum]), incoming)
        .unwrap();
    let mut stored = Stored::default();
    delivery.commit(batch, &mut stored).unwrap();
    assert_eq!((stored.positions, stored.recognised), (vec![0], 1));
    assert_eq!(files(&directory).len(), 1);
}

/// The power goes at every step in turn; afterwards each message is there once.
#[test]
fn a_crash_at_any_step_neither_loses_nor_duplicates() {
    const MESSAGES: u32 = 3;
    let expected: Vec<String> = (0..MESSAGES)
        .map(|position| format!("message {position}\n"))
        .collect();
    let mut at = 0;
    loop {
        let directory = TempDir::new().unwrap();
        let log = Arc::new(Log {
            fails_at: Some(at),
            ..Log::default()
        });
        let complete = deliver(&delivery(&directory, &log).0, MESSAGES).is_ok();

        let (restarted, _claim) = delivery(&directory, &Arc::default());
        restarted.recover().unwrap();
        let stored = states(&restarted);
        assert!(
            stored.iter().all(|&state| state == State::Stored),
            "step {at}: {stored:?}"
        );
        // Those without a row are fetched again, and those with one are not.
        assert!(
            stored.is_empty() || stored.len() == MESSAGES as usize,
            "step {at}"
        );
        if stored.is_empty() {
            assert_eq!(files(&directory), [""; 0], "step {at}");
            deliver(&restarted, MESSAGES).unwrap();
        }
        assert_eq!(files(&directory), expected, "step {at}");
        if complete {
            break;
        }
        at += 1;
    }
    assert_eq!(at, 14);
}

#[test]
fn recovery_waits_for_a_maildir_that_is_away() {
    let directory = TempDir::new().unwrap();
    // Stops before the renaming.
    let log = Arc::new(Log {
        fails_at: Some(4),
        ..Log::default()
    });
    deliver(&delivery(&directory, &log).0, 1).err().unwrap();
    let (here, away) = (directory.path().join("mail"), directory.path().join("away"));
    std::fs::rename(&here, &away).unwrap();

    let elsewhere = TempDir::new().unwrap();
    let other = |directory: &TempDir| {
        let store = SqliteStore::open(&directory.path().join("state.db")).unwrap();
        let claim = store.claim("me").unwrap();
        let file_system: Arc<dyn FileSystem> = Arc::new(OsFileSystem);
        let maildir = Maildir::create(Arc::clone(&file_system), elsewhere.path()).unwrap();
        Delivery {
            account: claim.account,
            store: Arc::new(store),
            account_name: "me".into(),
            maildrop: "me".into(),
            maildir,
            file_system,
            clock: Arc::new(Still),
            report: Arc::new(Silent),
        }
    };
    let delivery = other(&directory);
    delivery.recover().unwrap();
    assert_eq!(states(&delivery), [State::Storing]);
    std::fs::rename(&away, &here).unwrap();
    delivery.recover().unwrap();
    assert_eq!(states(&delivery), [State::Stored]);
    assert_eq!(files(&directory), ["message 0\n"]);
}
