//! An account that goes by another name.

use rusqlite::{Connection, OptionalExtension};

use super::SqliteStore;
use crate::state::{AccountId, StateError};

impl SqliteStore {
    /// How many messages the state has of the account.
    pub(crate) fn messages(&self, account: AccountId) -> Result<u64, StateError> {
        self.ask(|connection| messages(connection, account))
    }

    /// Gives the account of this name another, in the place of an account of that name of which no
    /// message is known. Whether that could be. Somebody who holds both names must ask for it.
    pub(crate) fn move_account(
        &self,
        account: AccountId,
        from: &str,
        to: &str,
    ) -> Result<bool, StateError> {
        self.change(|connection| {
            let taken = connection
                .query_row("SELECT id FROM account WHERE name = ?", [to], |row| {
                    row.get(0).map(AccountId)
                })
                .optional()?;
            if let Some(taken) = taken.filter(|taken| *taken != account) {
                if messages(connection, taken)? > 0 {
                    return Ok(false);
                }
                remove(connection, taken)?;
            }
            let rename = "UPDATE account SET name = ? WHERE id = ? AND name = ?";
            Ok(connection.execute(rename, (to, account.0, from))? == 1)
        })
    }
}

/// Removes an account of which no message is known.
pub(super) fn remove(connection: &Connection, account: AccountId) -> rusqlite::Result<()> {
    for delete in [
        "DELETE FROM facts WHERE account = ?",
        "DELETE FROM quirk WHERE account = ?",
        "DELETE FROM marker WHERE account = ?",
        "DELETE FROM account WHERE id = ?",
    ] {
        connection.execute(delete, [account.0])?;
    }
    Ok(())
}

pub(super) fn messages(connection: &Connection, account: AccountId) -> rusqlite::Result<u64> {
    let count = "SELECT count(*) FROM message WHERE account = ?";
    connection
        .prepare_cached(count)?
        .query_row([account.0], |row| row.get(0))
}
