//! The format of the file: it is made, recognised, and brought to this program's.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::file::{StateFile, cannot_open};
use super::{cause, unreadable};
use crate::state::StateError;

const SCHEMA: &str = include_str!("../schema.sql");
/// What makes the first format the second.
const FORMAT_2: &str = include_str!("format_2.sql");
/// The format this program writes. A file with a higher number is left alone.
pub(crate) const VERSION: i32 = 2;
/// Marks the file as ours in SQLite's header: "popf".
const APPLICATION: i32 = 0x706f_7066;
/// Copies are compared by so many octets.
const PIECE: usize = 64 * 1024;

/// Looks which format the file has, and changes nothing. A file without anything in it has none.
///
/// # Errors
/// When it is not ours, or was written by a newer program.
pub(super) fn look(connection: &Connection, path: &Path) -> Result<i32, StateError> {
    let wrong = |error| unreadable(path.into(), &error);
    let number = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    let version = number("user_version").map_err(wrong)?;
    let application: i32 = number("application_id").map_err(wrong)?;
    if application == APPLICATION {
        return match version {
            ..=VERSION => Ok(version),
            version => Err(StateError::Newer {
                path: path.into(),
                version,
            }),
        };
    }
    let tables = "SELECT count(*) FROM sqlite_schema";
    match connection.query_row(tables, [], |row| row.get(0)) {
        Ok(0) if (version, application) == (0, 0) => Ok(0),
        Ok(_) => Err(StateError::Unreadable {
            path: path.into(),
            reason: "it is another program's".into(),
        }),
        Err(error) => Err(wrong(error)),
    }
}

/// Makes what is missing in a file that is new or of an older format, all or nothing. Of several
/// processes one does it, and the others wait.
///
/// # Errors
/// When it cannot be written, or another process fetches one of its accounts by the old format.
pub(super) fn prepare(
    connection: &mut Connection,
    path: &Path,
    file: Option<&StateFile>,
) -> Result<(), StateError> {
    let wrong = |error| unreadable(path.into(), &error);
    let transaction =
        (connection.transaction_with_behavior(TransactionBehavior::Immediate)).map_err(wrong)?;
    let version = look(&transaction, path)?;
    let make = match version {
        VERSION => return Ok(()),
        0 => SCHEMA,
        _ => {
            if let Some(file) = file {
                nobody_fetches(&transaction, file)?;
                // Nobody can write before the transaction has ended: the copy is what it changes.
                back_up(file, version)?;
            }
            FORMAT_2
        }
    };
    write(transaction, make).map_err(wrong)
}

fn write(transaction: Transaction<'_>, make: &str) -> rusqlite::Result<()> {
    transaction.execute_batch(make)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Checks that no account is taken. An older program that begins to fetch later finds a format that
/// it cannot read.
fn nobody_fetches(connection: &Connection, file: &StateFile) -> Result<(), StateError> {
    let names = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("SELECT name FROM account")?;
        let names = statement.query_map([], |row| row.get(0))?;
        names.collect()
    };
    for account in names().map_err(|error| unreadable(file.path.clone(), &error))? {
        let locked = file.lock_file(&account).map(|lock| lock.try_lock());
        match locked.map_err(|source| cannot_open(&file.path, source))? {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Claimed { account }),
            Err(TryLockError::Error(source)) => return Err(cannot_open(&file.path, source)),
        }
    }
    Ok(())
}

/// Copies the file, of this format, beside itself, before it is changed. A copy that is there is
/// left as it is: where it is not the same, another one is made.
fn back_up(file: &StateFile, version: i32) -> Result<(), StateError> {
    let new = file.beside(&format!(".format-{version}.new"));
    let copied = copy(file, &new).and_then(|()| keep(file, &new, version));
    copied.map_err(|source| {
        let _ = fs::remove_file(&new);
        StateError::Backup {
            path: file.path.clone(),
            source,
        }
    })
}

/// Writes a durable copy under a name that means nothing yet.
fn copy(file: &StateFile, new: &Path) -> io::Result<()> {
    match fs::remove_file(new) {
        // A process that was killed left it.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let empty = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(new)?;
    // As text, whatever octets are in it.
    let name = ToSqlOutput::Borrowed(ValueRef::Text(new.as_os_str().as_bytes()));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(&file.real, flags)
        .and_then(|connection| connection.execute("VACUUM INTO ?", [name]))
        .map_err(|error| cause(&error))?;
    empty.sync_all()
}

/// Gives the copy its name, unless one like it has that already.
fn keep(file: &StateFile, new: &Path, version: i32) -> io::Result<()> {
    for number in 1.. {
        let end = match number {
            1 => format!(".format-{version}"),
            _ => format!(".format-{version}-{number}"),
        };
        let name = file.beside(&end);
        match fs::symlink_metadata(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(new, &name)?,
            Err(error) => return Err(error),
            Ok(metadata) if metadata.is_file() && are_equal(new, &name)? => fs::remove_file(new)?,
            Ok(_) => continue,
        }
        break;
    }
    file.sync_directory()
}

fn are_equal(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut some, mut same) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let read = one.read(&mut some)?;
        other.read_exact(&mut same[..read])?;
        if read == 0 || some[..read] != same[..read] {
            return Ok(read == 0);
        }
    }
}
