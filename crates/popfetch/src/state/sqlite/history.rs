//! Everything that is known of an account, for people who want to know why.

use rusqlite::{Connection, Row as SqlRow};

use super::{KNOWN, SqliteStore, known_row};
use crate::clock::Timestamp;
use crate::key::KeyRef;
use crate::state::{AccountId, Placed, Row, StateError, Target};

/// What is known of a message.
pub(crate) struct History<'a> {
    pub(crate) row: Row<'a>,
    pub(crate) stored_at: Option<Timestamp>,
    pub(crate) copies: &'a [Placed],
}

/// What was learned of the server of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Learned {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) since: Timestamp,
}

impl SqliteStore {
    /// Shows every message of the account to `visit`, ordered by key.
    pub(crate) fn histories(
        &self,
        account: AccountId,
        visit: &mut dyn FnMut(History<'_>),
    ) -> Result<(), StateError> {
        self.ask(|connection| histories(connection, account, visit))
    }

    /// What was learned of the server, ordered by name.
    pub(crate) fn learned(&self, account: AccountId) -> Result<Vec<Learned>, StateError> {
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, value, since FROM quirk WHERE account = ? ORDER BY name",
            )?;
            let learned = |row: &SqlRow<'_>| {
                Ok(Learned {
                    name: row.get(0)?,
                    value: row.get(1)?,
                    since: Timestamp(row.get(2)?),
                })
            };
            statement.query_map([account.0], learned)?.collect()
        })
    }

    /// Forgets what was learned under these names. Somebody who has the account must ask for it.
    pub(crate) fn unlearn(&self, account: AccountId, names: &[&str]) -> Result<(), StateError> {
        let delete = "DELETE FROM quirk WHERE account = ? AND name = ?";
        self.change(|connection| {
            for name in names {
                connection.execute(delete, (account.0, name))?;
            }
            Ok(())
        })
    }
}

fn histories(
    connection: &Connection,
    account: AccountId,
    visit: &mut dyn FnMut(History<'_>),
) -> rusqlite::Result<()> {
    let mut messages = connection.prepare_cached(&format!(
        "SELECT {KNOWN}, stored_at FROM message WHERE account = ?1 ORDER BY identity, occurrence"
    ))?;
    let stored_at = messages.column_count() - 1;
    let mut messages = messages.query([account.0])?;
    while let Some(row) = messages.next()? {
        let known = known_row(row)?;
        visit(History {
            row: known,
            stored_at: row.get::<_, Option<i64>>(stored_at)?.map(Timestamp),
            copies: &copies(connection, account, known.key)?,
        });
    }
    Ok(())
}

fn copies(
    connection: &Connection,
    account: AccountId,
    key: KeyRef<'_>,
) -> rusqlite::Result<Vec<Placed>> {
    let mut statement = connection.prepare_cached(
        "SELECT kind, location, place, delivered, batch FROM copy
         JOIN target ON target.id = copy.target
         WHERE account = ? AND identity = ? AND occurrence = ? ORDER BY kind, location",
    )?;
    let placed = |row: &SqlRow<'_>| {
        Ok(Placed {
            target: Target {
                kind: row.get(0)?,
                location: row.get(1)?,
            },
            place: row.get(2)?,
            delivered: row.get(3)?,
            batch: row.get::<_, i64>(4)?.unsigned_abs(),
        })
    };
    statement
        .query_map((account.0, key.identity.octets(), key.occurrence), placed)?
        .collect()
}
