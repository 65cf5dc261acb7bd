//! Whether a file is sound: as SQLite sees it, and as this program left it.

use rusqlite::Connection;

use super::SqliteStore;
use crate::state::StateError;

/// What must not be there, by a query that finds it, and what that would mean. The query gives
/// the account's name, or nothing where it is about none.
pub(super) const NEVER: &[(&str, &str)] = &[
    (
        "SELECT name FROM account WHERE length(uid) IS NOT 16",
        "an account has no uid",
    ),
    (
        "SELECT max(name) AS name FROM account GROUP BY uid HAVING count(*) > 1",
        "two accounts have the same uid",
    ),
    (
        "SELECT name FROM message JOIN account ON account.id = account
         WHERE occurrence < 1 OR NOT CASE substr(identity, 1, 1)
         WHEN x'55' THEN 1 WHEN x'48' THEN length(identity) = 33
         WHEN x'43' THEN length(identity) = 33 ELSE 0 END",
        "a message has an identity that none can have",
    ),
    (
        "SELECT name FROM message JOIN account ON account.id = account
         WHERE (sha256 NOTNULL AND length(sha256) <> 32) OR
         (header NOTNULL AND length(header) <> 32) OR (essence NOTNULL AND length(essence) <> 32)",
        "a digest of a message has another length than digests have",
    ),
    (
        "SELECT name FROM message JOIN account ON account.id = account
         WHERE sha256 ISNULL AND (state = 'storing' OR state = 'stored' OR state = 'deleting')",
        "a message is stored, and nobody knows what was stored",
    ),
    (
        "SELECT name FROM message JOIN account ON account.id = account
         WHERE state = 'storing' AND NOT EXISTS (SELECT 1 FROM copy
         WHERE (copy.account, copy.identity, copy.occurrence)
         = (message.account, message.identity, message.occurrence))",
        "a message is on its way into no target",
    ),
    (
        "SELECT name FROM message JOIN account ON account.id = account
         WHERE state = 'deleting' AND excerpt",
        "a message is being deleted of which only the header is stored",
    ),
    (
        "SELECT name FROM message JOIN account ON account.id = account
         WHERE octets < 0 OR lines < 0 OR listed < 0 OR attempts < 0 OR checks < 0
         OR excerpt NOT IN (0, 1)",
        "a number of a message is none that it can have",
    ),
    (
        "SELECT name FROM copy JOIN account ON account.id = account
         WHERE delivered NOT IN (0, 1) OR batch < 0",
        "a number of a copy is none that it can have",
    ),
    (
        "SELECT name FROM facts JOIN account ON account.id = account WHERE passed < 0",
        "less than no time has passed for an account",
    ),
    (
        "SELECT '' AS name FROM (SELECT count(*) AS stores FROM store) WHERE stores <> 1",
        "the file is not one store",
    ),
];

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// The account that it is about, if it is about one.
    pub(crate) account: String,
    pub(crate) what: String,
}

impl SqliteStore {
    /// Everything that is wrong with the file, as far as it can be read.
    pub(crate) fn complaints(&self) -> Result<Vec<Complaint>, StateError> {
        self.ask(|connection| {
            let mut complaints = damages(connection)?;
            // In a file that is damaged, what stands in it means nothing.
            if complaints.is_empty() {
                for (query, what) in NEVER {
                    complaints.extend(found(connection, query, what)?);
                }
            }
            Ok(complaints)
        })
    }
}

/// What SQLite finds.
fn damages(connection: &Connection) -> rusqlite::Result<Vec<Complaint>> {
    let mut integrity = connection.prepare("PRAGMA integrity_check")?;
    let said = integrity.query_map([], |row| row.get::<_, String>(0))?;
    let mut said: Vec<String> = said.collect::<rusqlite::Result<_>>()?;
    said.retain(|line| line != "ok");
    let mut keys = connection.prepare("PRAGMA foreign_key_check")?;
    let orphan = |table: String, parent: String| format!("a row of {table} has no {parent}");
    let orphans = keys.query_map([], |row| Ok(orphan(row.get(0)?, row.get(2)?)))?;
    let mut orphans: Vec<String> = orphans.collect::<rusqlite::Result<_>>()?;
    orphans.dedup();
    said.extend(orphans);
    let complaint = |what| Complaint {
        account: String::new(),
        what,
    };
    Ok(said.into_iter().map(complaint).collect())
}

/// One complaint for each account.
fn found(connection: &Connection, query: &str, what: &str) -> rusqlite::Result<Vec<Complaint>> {
    let query = format!("SELECT name, count(*) FROM ({query}) GROUP BY name ORDER BY name");
    let mut statement = connection.prepare(&query)?;
    let complaint = |account, times: u64| Complaint {
        account,
        what: match times {
            1 => what.into(),
            _ => format!("{what} ({times} times)"),
        },
    };
    let found = statement.query_map([], |row| Ok(complaint(row.get(0)?, row.get(1)?)))?;
    found.collect()
}
