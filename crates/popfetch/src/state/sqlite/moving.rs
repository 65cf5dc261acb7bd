//! An account that goes by another name.

use rusqlite::{Connection, OptionalExtension};

use super::SqliteStore;
use crate::clock::Timestamp;
use crate::key::KeyRef;
use crate::state::{AccountId, StateError};

/// What the user said of an account stands under this name among what was learned of its server: it
/// is another maildrop than the one that it resembles.
pub(super) const SEPARATE: &str = "separate";

impl SqliteStore {
    /// How many messages the state has of the account.
    pub(crate) fn messages(&self, account: AccountId) -> Result<u64, StateError> {
        self.ask(|connection| messages(connection, account))
    }

    /// Remembers that the account is another maildrop than the one that it resembles.
    pub(crate) fn separate(&self, account: AccountId, now: Timestamp) -> Result<(), StateError> {
        self.change(|connection| {
            let insert = "INSERT INTO quirk (account, name, value, since) VALUES (?, ?, '1', ?)
                ON CONFLICT DO NOTHING";
            connection.execute(insert, (account.0, SEPARATE, now.0))?;
            Ok(())
        })
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

/// See [`StateStore::resembling`](crate::state::StateStore::resembling). Users who were made at the
/// same time may have equal unique-ids and the same few messages on some servers; so the user must
/// be the same, and the sizes, too.
pub(super) fn resembling(
    connection: &Connection,
    account: AccountId,
    messages: &[(KeyRef<'_>, u64)],
) -> rusqlite::Result<Option<String>> {
    let is_begun = "SELECT EXISTS (SELECT 1 FROM message WHERE account = ?1)
        OR EXISTS (SELECT 1 FROM quirk WHERE account = ?1 AND name = ?2)";
    let is_begun: bool = connection.query_row(is_begun, (account.0, SEPARATE), |row| row.get(0))?;
    if is_begun || messages.is_empty() {
        return Ok(None);
    }
    let mut accounts = connection.prepare("SELECT id, name FROM account ORDER BY name")?;
    let accounts = accounts.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let accounts: Vec<(i64, String)> = accounts.collect::<rusqlite::Result<_>>()?;
    let user = |name: &str| name.split('@').next().unwrap_or_default().to_owned();
    let own = accounts.iter().find(|(id, _)| *id == account.0);
    let Some(own) = own.map(|(_, name)| user(name)) else {
        return Ok(None);
    };
    let mut is_known = connection.prepare(
        "SELECT EXISTS (SELECT 1 FROM message WHERE account = ? AND identity = ? AND occurrence = ?
         AND (listed = ?4 OR octets = ?4 OR coalesce(listed, octets) ISNULL))",
    )?;
    for (id, name) in accounts {
        if id == account.0 || user(&name) != own {
            continue;
        }
        let mut known = 0;
        for (key, octets) in messages {
            let octets = octets.cast_signed();
            let of = (id, key.identity.octets(), key.occurrence, octets);
            known += usize::from(is_known.query_row(of, |row| row.get::<_, bool>(0))?);
        }
        if 2 * known > messages.len() {
            return Ok(Some(name));
        }
    }
    Ok(None)
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
