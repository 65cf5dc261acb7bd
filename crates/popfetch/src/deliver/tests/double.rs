//! A file system and a store that write down what they do, and whose power can go at any step.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Timestamp;
use crate::fs::{FileSystem, Group, OsFileSystem, OutputFile, SharedFile};
use crate::key::KeyRef;
use crate::state::{
    AccountId, Change, Claim, Copied, Facts, Mark, Marker, Row, SqliteStore, StateError,
    StateStore, Target, Token, Unfinished,
};

/// What happened, in order, since the targets were opened; and the step at which the power goes.
#[derive(Default)]
pub(super) struct Log {
    is_begun: AtomicBool,
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

    /// One that has what happens while targets are opened, too.
    pub(super) fn from_the_beginning() -> Arc<Self> {
        let log = Self::default();
        log.begin();
        Arc::new(log)
    }

    /// The targets are open.
    pub(super) fn begin(&self) {
        self.is_begun.store(true, Ordering::Relaxed);
    }

    fn step(&self, what: &str) -> io::Result<()> {
        if !self.is_begun.load(Ordering::Relaxed) {
            return Ok(());
        }
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

    fn changed(&self, path: &Path) -> io::Result<i64> {
        OsFileSystem.changed(path)
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
        Ok(Box::new(LoggedMbox {
            file: OsFileSystem.open_shared(path, mode)?,
            log: Arc::clone(&self.0),
            is_marker: name(path) == "popfetch" || name(path) == ".mbox.po",
        }))
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

/// An mbox, or a marker.
struct LoggedMbox {
    file: Box<dyn SharedFile>,
    log: Arc<Log>,
    is_marker: bool,
}

impl LoggedMbox {
    fn step(&self, mbox: &str, marker: &str) -> io::Result<()> {
        self.log.step(if self.is_marker { marker } else { mbox })
    }
}

impl SharedFile for LoggedMbox {
    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        self.file.is_at(path)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    /// When the power goes, half of it is written.
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        let had_power = self.log.has_power();
        let result = self.step("append", "mark");
        let written = match (&result, had_power) {
            (Ok(()), _) => octets,
            (Err(_), true) => &octets[..octets.len() / 2],
            (Err(_), false) => b"",
        };
        self.file.write_at(written, offset).and(result)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.step("truncate", "truncate a marker")?;
        self.file.truncate(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.step("sync mbox", "sync marker")
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

    fn token(&self) -> Result<Token, StateError> {
        self.0.token()
    }

    fn uid(&self, account: AccountId) -> Result<Vec<u8>, StateError> {
        self.0.uid(account)
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

    fn apply_marked(
        &self,
        account: AccountId,
        now: Timestamp,
        changes: &mut dyn Iterator<Item = Change<'_>>,
        marks: &[Mark<'_>],
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
        (self.0).apply_marked(account, now, &mut changes.into_iter(), marks)
    }

    fn markers(&self, account: AccountId) -> Result<Vec<Marker>, StateError> {
        self.0.markers(account)
    }

    fn mark(&self, account: AccountId, marker: &Marker) -> Result<(), StateError> {
        self.0.mark(account, marker)
    }

    fn relocate(&self, account: AccountId, from: &Target, to: &Target) -> Result<(), StateError> {
        self.0.relocate(account, from, to)
    }

    fn copies_in(
        &self,
        account: AccountId,
        target: &Target,
        visit: &mut dyn FnMut(Copied<'_>),
    ) -> Result<(), StateError> {
        self.0.copies_in(account, target, visit)
    }

    fn depending_on(
        &self,
        account: AccountId,
        target: &Target,
        visit: &mut dyn FnMut(KeyRef<'_>),
    ) -> Result<(), StateError> {
        self.0.depending_on(account, target, visit)
    }
}
