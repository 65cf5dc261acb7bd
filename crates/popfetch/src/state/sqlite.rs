//! The state in one SQLite file, shared by processes that fetch different accounts.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row as SqlRow};

use super::{
    AccountId, Change, Claim, Copied, Doubt, Facts, Mark, Marker, Placed, Row, State, StateError,
    StateStore, StateSurvey, Survey, Target, Token, Unfinished,
};
use crate::clock::Timestamp;
use crate::key::{Identity, KeyRef, Sum};
use crate::likeness::Essence;
use file::{StateFile, cannot_open};
pub(crate) use format::VERSION as FORMAT;
use group::{Shared, Trouble};
pub(crate) use history::{History, Learned};
use mapping::Journal;
pub(crate) use transfer::{Cell, NotTaken, Record};

mod apply;
mod facts;
mod file;
mod format;
mod group;
mod history;
mod mapping;
mod marker;
mod moving;
mod soundness;
mod survey;
#[cfg(test)]
mod tests;
mod transfer;

/// What [`known_row`] reads, of the account `?1`.
const KNOWN: &str = "identity, occurrence, state, changed_at, sha256, header, octets, excerpt,
    (SELECT passed FROM facts WHERE facts.account = ?1) - stored_after,
    attempts, reason, unseen_since, lines, listed, essence, doubt, checks,
    (SELECT passed FROM facts WHERE facts.account = ?1) - checked, failing";
/// How long to wait for another process's transaction.
const BUSY: Duration = Duration::from_secs(30);

/// A [`StateStore`] in a SQLite file.
pub(crate) struct SqliteStore {
    path: PathBuf,
    /// Unless it is kept in memory.
    file: Option<StateFile>,
    id: Vec<u8>,
    connection: Shared,
}

impl SqliteStore {
    /// Opens the file, or makes it, readable by its owner only. A file of an older format is
    /// copied, and brought to this program's.
    ///
    /// # Errors
    /// When it cannot be made, is not ours, is damaged or was written by a newer program.
    pub(crate) fn open(path: &Path) -> Result<Self, StateError> {
        let file = StateFile::make(path)?;
        let wrong = |error| unreadable(path.into(), &error);
        let mut connection = Connection::open(&file.real).map_err(wrong)?;
        connection.busy_timeout(BUSY).map_err(wrong)?;
        let journal = Journal::at(&file.real);
        journal.begin(&connection, &file.real).map_err(wrong)?;
        // What is not ours, or newer, stays as it is.
        format::look(&connection, path)?;
        set_up(&connection, journal).map_err(wrong)?;
        format::prepare(&mut connection, path, Some(&file))?;
        Self::opened(path, Some(file), connection)
    }

    /// Opens the file if it is there, to be read only. A file of an older format is brought to
    /// this program's first.
    ///
    /// # Errors
    /// When it is not ours, is damaged or was written by a newer program.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, StateError> {
        let Some(file) = StateFile::find(path)? else {
            return Ok(None);
        };
        if Journal::at(&file.real) == Journal::Rollback {
            // What a crash left in its journal must be put back before anything can be read.
            return Self::open(path).map(Some);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&file.real, flags)
            .and_then(|connection| connection.busy_timeout(BUSY).map(|()| connection))
            .map_err(|error| unreadable(path.into(), &error))?;
        if format::look(&connection, path)? < format::VERSION {
            drop(connection);
            return Self::open(path).map(Some);
        }
        Self::opened(path, Some(file), connection).map(Some)
    }

    /// A store that is forgotten when it is dropped, for runs that must leave no trace.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(crate) fn in_memory() -> Result<Self, StateError> {
        let path = Path::new(":memory:");
        let mut connection =
            Connection::open_in_memory().map_err(|error| unreadable(path.into(), &error))?;
        format::prepare(&mut connection, path, None)?;
        Self::opened(path, None, connection)
    }

    fn opened(
        path: &Path,
        file: Option<StateFile>,
        connection: Connection,
    ) -> Result<Self, StateError> {
        let id = connection.query_row("SELECT id FROM store", [], |row| row.get(0));
        Ok(Self {
            path: path.into(),
            file,
            id: id.map_err(|error| unreadable(path.into(), &error))?,
            connection: Shared::new(connection),
        })
    }

    /// The account's number, which it gets when it is met first.
    pub(crate) fn meet(&self, name: &str) -> Result<AccountId, StateError> {
        let insert =
            // A program of the first format that went on after the second had come gives no uid.
            "INSERT INTO account (name, uid) VALUES (?, randomblob(16))
             ON CONFLICT DO UPDATE SET uid = excluded.uid WHERE uid IS NULL";
        self.change(|connection| connection.execute(insert, [name]))?;
        self.account(name)?.ok_or_else(|| StateError::Store {
            path: self.path.clone(),
            reason: "the account vanished".into(),
            is_full: false,
        })
    }

    /// Keeps other processes from fetching an account that this one may not know, as long as what
    /// is given lives.
    ///
    /// # Errors
    /// [`StateError::Claimed`] when another process has it.
    pub(crate) fn hold(&self, name: &str) -> Result<impl Send + Sync + use<>, StateError> {
        // Nobody else has what is kept in memory.
        (self.file.as_ref())
            .map(|file| lock(file, name))
            .transpose()
    }

    fn ask<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StateError> {
        let answer = self.connection.read(work);
        answer.map_err(|error| self.failed(error.into()))
    }

    fn change<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StateError> {
        let changed = self.connection.write(|connection| Ok(work(connection)?));
        changed.map_err(|trouble| self.failed(trouble))
    }

    fn failed(&self, trouble: Trouble) -> StateError {
        let Trouble { reason, is_full } = trouble;
        StateError::Store {
            path: self.path.clone(),
            reason,
            is_full,
        }
    }

    /// Messages and copies that this condition holds for.
    fn copies(&self, account: AccountId, condition: &str) -> Result<Vec<Unfinished>, StateError> {
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT identity, occurrence, changed_at, sha256, kind, location, place, delivered,
                 batch, essence
                 FROM message JOIN copy USING (account, identity, occurrence)
                 JOIN target ON target.id = copy.target
                 WHERE account = ? AND {condition} ORDER BY identity, occurrence"
            ))?;
            let mut rows = statement.query([account.0])?;
            let mut unfinished: Vec<Unfinished> = Vec::new();
            while let Some(row) = rows.next()? {
                let key = key(row)?.to_key();
                let copy = Placed {
                    target: Target {
                        kind: row.get(4)?,
                        location: row.get(5)?,
                    },
                    place: row.get(6)?,
                    delivered: row.get(7)?,
                    batch: row.get::<_, i64>(8)?.unsigned_abs(),
                };
                match unfinished.last_mut() {
                    Some(last) if last.key == key => last.copies.push(copy),
                    _ => unfinished.push(Unfinished {
                        key,
                        since: Timestamp(row.get(2)?),
                        sum: row.get(3)?,
                        essence: row.get::<_, Option<Sum>>(9)?.map(Essence::from_octets),
                        copies: vec![copy],
                    }),
                }
            }
            Ok(unfinished)
        })
    }
}

impl StateStore for SqliteStore {
    fn id(&self) -> &[u8] {
        &self.id
    }

    fn token(&self) -> Result<Token, StateError> {
        let select = "SELECT randomblob(16)";
        self.ask(|connection| connection.query_row(select, [], |row| row.get(0)))
    }

    fn account(&self, name: &str) -> Result<Option<AccountId>, StateError> {
        let select = "SELECT id FROM account WHERE name = ?";
        let id = self.ask(|connection| {
            connection
                .query_row(select, [name], |row| row.get(0))
                .optional()
        })?;
        Ok(id.map(AccountId))
    }

    fn claim(&self, name: &str) -> Result<Claim, StateError> {
        let lock = self.hold(name)?;
        Ok(Claim {
            account: self.meet(name)?,
            _lock: Box::new(lock),
        })
    }

    fn uid(&self, account: AccountId) -> Result<Vec<u8>, StateError> {
        let select = "SELECT uid FROM account WHERE id = ?";
        self.ask(|connection| connection.query_row(select, [account.0], |row| row.get(0)))
    }

    fn facts(&self, account: AccountId) -> Result<Facts, StateError> {
        self.ask(|connection| facts::read(connection, account))
    }

    fn learn(&self, account: AccountId, facts: &Facts) -> Result<(), StateError> {
        self.change(|connection| facts::write(connection, account, facts))
    }

    fn rows(&self, account: AccountId, visit: &mut dyn FnMut(Row<'_>)) -> Result<(), StateError> {
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {KNOWN} FROM message WHERE account = ?1 ORDER BY identity, occurrence"
            ))?;
            let mut rows = statement.query([account.0])?;
            while let Some(row) = rows.next()? {
                visit(known_row(row)?);
            }
            Ok(())
        })
    }

    fn unfinished(&self, account: AccountId) -> Result<Vec<Unfinished>, StateError> {
        self.copies(account, "state = 'storing'")
    }

    fn partly_delivered(&self, account: AccountId) -> Result<Vec<Unfinished>, StateError> {
        self.copies(
            account,
            "state IN ('pending', 'quarantined') AND delivered = 1",
        )
    }

    fn resembling(
        &self,
        account: AccountId,
        messages: &[(KeyRef<'_>, u64)],
    ) -> Result<Option<String>, StateError> {
        self.ask(|connection| moving::resembling(connection, account, messages))
    }

    fn apply_marked(
        &self,
        account: AccountId,
        now: Timestamp,
        changes: &mut dyn Iterator<Item = Change<'_>>,
        marks: &[Mark<'_>],
    ) -> Result<(), StateError> {
        self.connection
            .write(|connection| apply::apply(connection, account, now, changes, marks))
            .map_err(|error| match error {
                apply::Error::Store(trouble) => self.failed(trouble),
                apply::Error::Transition(key, change) => StateError::Transition { key, change },
            })
    }

    fn markers(&self, account: AccountId) -> Result<Vec<Marker>, StateError> {
        self.ask(|connection| marker::read(connection, account))
    }

    fn mark(&self, account: AccountId, marker: &Marker) -> Result<(), StateError> {
        self.change(|connection| marker::write(connection, account, marker))
    }

    fn relocate(&self, account: AccountId, from: &Target, to: &Target) -> Result<(), StateError> {
        self.change(|connection| marker::relocate(connection, account, from, to))
    }

    fn copies_in(
        &self,
        account: AccountId,
        target: &Target,
        visit: &mut dyn FnMut(Copied<'_>),
    ) -> Result<(), StateError> {
        self.ask(|connection| marker::copies_in(connection, account, target, visit))
    }

    fn depending_on(
        &self,
        account: AccountId,
        target: &Target,
        visit: &mut dyn FnMut(KeyRef<'_>),
    ) -> Result<(), StateError> {
        self.ask(|connection| marker::depending_on(connection, account, target, visit))
    }
}

impl StateSurvey for SqliteStore {
    fn survey(&self) -> Result<Vec<Survey>, StateError> {
        self.ask(survey::survey)
    }
}

/// Takes the lock that stands for the account.
fn lock(file: &StateFile, account: &str) -> Result<File, StateError> {
    file.check()?;
    let open = |source| cannot_open(&file.path, source);
    let lock = file.lock_file(account).map_err(open)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StateError::Claimed {
            account: account.into(),
        }),
        Err(TryLockError::Error(source)) => Err(open(source)),
    }
}

fn set_up(connection: &Connection, journal: Journal) -> rusqlite::Result<()> {
    journal.set(connection)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What it takes to undo a part of a transaction; not worth a file.
    connection.pragma_update(None, "temp_store", "memory")
}

/// Why a store could not be opened. What is there may be sound where the disk is full or fails.
fn unreadable(path: PathBuf, error: &rusqlite::Error) -> StateError {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DiskFull, ReadOnly, SystemIoFailure};
    match error.sqlite_error_code() {
        Some(DatabaseBusy) => StateError::Busy { path },
        Some(CannotOpen | DiskFull | ReadOnly | SystemIoFailure) => StateError::Open {
            path,
            source: cause(error),
        },
        _ => StateError::Unreadable {
            path,
            reason: error.to_string(),
        },
    }
}

fn cause(error: &rusqlite::Error) -> io::Error {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly};
    let kind = match error.sqlite_error_code() {
        Some(DiskFull) => io::ErrorKind::StorageFull,
        Some(CannotOpen | ReadOnly) => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error.to_string())
}

/// The two leading columns of every query.
fn key<'a>(row: &'a SqlRow<'_>) -> rusqlite::Result<KeyRef<'a>> {
    let identity = row.get_ref(0)?.as_blob()?;
    Ok(KeyRef {
        identity: Identity::from_octets(identity),
        occurrence: row.get(1)?,
    })
}

fn known_row<'a>(row: &'a SqlRow<'_>) -> rusqlite::Result<Row<'a>> {
    Ok(Row {
        key: key(row)?,
        state: state(row, 2)?,
        changed_at: Timestamp(row.get(3)?),
        sum: row.get::<_, Option<Sum>>(4)?,
        header: row.get::<_, Option<Sum>>(5)?,
        octets: row.get::<_, Option<i64>>(6)?.map(i64::unsigned_abs),
        excerpt: row.get(7)?,
        age: row.get(8)?,
        attempts: row.get(9)?,
        reason: row.get_ref(10)?.as_str_or_null()?,
        unseen_since: row.get::<_, Option<i64>>(11)?.map(Timestamp),
        lines: row.get::<_, Option<i64>>(12)?.map(i64::unsigned_abs),
        listed: row.get::<_, Option<i64>>(13)?.map(i64::unsigned_abs),
        essence: row.get::<_, Option<Sum>>(14)?.map(Essence::from_octets),
        doubt: doubt(row, 15)?,
        checks: row.get(16)?,
        checked: row.get(17)?,
        failing: row.get::<_, Option<i64>>(18)?.map(Timestamp),
    })
}

/// A doubt that this program does not know is one all the same.
fn doubt(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Option<Doubt>> {
    let name = row.get_ref(column)?.as_str_or_null()?;
    Ok(name.map(|name| Doubt::of_name(name).unwrap_or(Doubt::Unjudged)))
}

fn state(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<State> {
    Ok(match row.get_ref(column)?.as_str()? {
        "pending" => State::Pending,
        "storing" => State::Storing,
        "stored" => State::Stored,
        "deleting" => State::Deleting,
        "gone" => State::Gone,
        "skipped" => State::Skipped,
        "rejected" => State::Rejected,
        _ => State::Quarantined,
    })
}
