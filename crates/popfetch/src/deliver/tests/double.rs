//! A file system and a store that write down what they do, and whose power can go at any step.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Timestamp;
use crate::fs::{FileSystem, Group, OsFileSystem, OutputFile, SharedFile};
use crate::state::{
    AccountId, Change, Claim, Facts, Row, SqliteStore, StateError, StateStore, Unfinished,
};

/// What happened, in order; and the step at which the power goes.
#[derive(Default)]
pub(super) struct Log {
    steps: Mutex<Vec<String>>,
    fails_at: Option<usize>,
    is_off: AtomicBool,
    /// A step that fails each time, and how.
    refused: Option<(String, io::ErrorKind)>,
}

impl Log {
    /// Loses power after so many steps.
    pub(super) fn failing_at(step: usize) -> Arc<Self> {
        Arc::new(Self {
            fails_at: Some(step),
            ..Self::default()
        })
    }

    /// Refuses this step.
    pub(super) fn refusing(step: String, how: io::ErrorKind) -> Arc<Self> {
        Arc::new(Self {
            refused: Some((step, how)),
            ..Self::default()
        })
    }

    fn step(&self, what: &str) -> io::Result<()> {
        match &self.refused {
            Some((refused, how)) if refused == what => return Err((*how).into()),
            _ => {}
        }
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if self.fails_at.is_some_and(|at| steps.len() >= at) {
            self.is_off.store(true, Ordering::Relaxed);
            return Err(io::Error::other("the power is gone"));
        }
        steps.push(what.into());
        Ok(())
    }

    fn has_power(&self) -> bool {
        !self.is_off.load(Ordering::Relaxed)
    }

    pub(super) fn steps(&self) -> Vec<String> {
        self.steps.lock().unwrap().clone()
    }
}

pub(super) fn name(path: &Path) -> String {
    path.file_name()
        .unwrap()
        .to_string_lossy()
        .chars()
        .take(8)
        .collect()
}

/// The machine's file system, with every change written down.
pub(super) struct Logged(pub(super) Arc<Log>);

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

    fn create(&self, path: &Path, mode: u32) -> io::Result<Box<dyn OutputFile>> {
        self.0.step("create")?;
        Ok(Box::new(LoggedFile(
            OsFileSystem.create(path, mode)?,
            Arc::clone(&self.0),
        )))
    }

    fn open_shared(&self, path: &Path, mode: Option<u32>) -> io::Result<Box<dyn SharedFile>> {
        Ok(Box::new(LoggedMbox(
            OsFileSystem.open_shared(path, mode)?,
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

struct LoggedMbox(Box<dyn SharedFile>, Arc<Log>);

impl SharedFile for LoggedMbox {
    fn try_lock(&self) -> io::Result<bool> {
        self.0.try_lock()
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        self.0.is_at(path)
    }

    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    /// When the power goes, half of it is written.
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        let had_power = self.1.has_power();
        let result = self.1.step("append");
        let written = match (&result, had_power) {
            (Ok(()), _) => octets,
            (Err(_), true) => &octets[..octets.len() / 2],
            (Err(_), false) => b"",
        };
        self.0.write_at(written, offset).and(result)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.1.step("truncate")?;
        self.0.truncate(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.1.step("sync mbox")
    }
}

struct LoggedGroup(Arc<Log>);

impl Group for LoggedGroup {
    fn sync(&self) -> io::Result<()> {
        self.0.step("sync everything")
    }
}

/// A store that writes down its transactions.
pub(super) struct LoggedStore(pub(super) SqliteStore, pub(super) Arc<Log>);

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

    fn partly_delivered(&self, account: AccountId) -> Result<Vec<Unfinished>, StateError> {
        self.0.partly_delivered(account)
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
