//! The row of an account in `facts`, and its rows in `quirk`.

use rusqlite::{Connection, OptionalExtension, params};

use super::moving::SEPARATE;
use crate::clock::Timestamp;
use crate::state::AccountId;
use crate::state::facts::{Facts, Quirks};

pub(super) fn read(connection: &Connection, account: AccountId) -> rusqlite::Result<Facts> {
    let mut statement = connection
        .prepare_cached("SELECT begun_at, passed, passed_at FROM facts WHERE account = ?")?;
    let facts = statement.query_row([account.0], |row| {
        Ok(Facts {
            begun_at: row.get::<_, Option<i64>>(0)?.map(Timestamp),
            passed: row.get(1)?,
            passed_at: row.get::<_, Option<i64>>(2)?.map(Timestamp),
            quirks: Quirks::default(),
        })
    });
    let mut facts = facts.optional()?.unwrap_or_default();
    let mut statement =
        connection.prepare_cached("SELECT name, value, since FROM quirk WHERE account = ?")?;
    let mut rows = statement.query([account.0])?;
    while let Some(row) = rows.next()? {
        let since = Timestamp(row.get(2)?);
        let age = facts.passed_at.map_or(0, |now| now.seconds_since(since));
        let (name, value) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        facts.quirks.learn(name, value, age);
    }
    Ok(facts)
}

pub(super) fn write(
    connection: &Connection,
    account: AccountId,
    facts: &Facts,
) -> rusqlite::Result<()> {
    let Facts {
        begun_at,
        passed,
        passed_at,
        quirks,
    } = facts;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO facts (account, begun_at, passed, passed_at)
             VALUES (?, ?, ?, ?)",
        )?
        .execute(params![
            account.0,
            begun_at.map(|at| at.0),
            passed,
            passed_at.map(|at| at.0),
        ])?;
    let before = read(connection, account)?.quirks;
    if before != *quirks {
        write_quirks(connection, account, facts, before)?;
    }
    Ok(())
}

/// Replaces what is known of the server. What stays as it was keeps its date.
fn write_quirks(
    connection: &Connection,
    account: AccountId,
    facts: &Facts,
    before: Quirks,
) -> rusqlite::Result<()> {
    let now = facts.passed_at.map_or(0, |at| at.0);
    let entries = facts.quirks.entries();
    let before = before.entries();
    for (name, value) in entries.iter().filter(|entry| !before.contains(entry)) {
        connection.execute(
            "INSERT INTO quirk (account, name, value, since) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET value = ?3, since = ?4",
            params![account.0, name, value, now],
        )?;
    }
    let mut names = connection.prepare_cached("SELECT name FROM quirk WHERE account = ?")?;
    let known: Vec<String> =
        (names.query_map([account.0], |row| row.get(0))?).collect::<rusqlite::Result<_>>()?;
    for name in known
        .iter()
        .filter(|name| *name != SEPARATE && !entries.iter().any(|(kept, _)| kept == name))
    {
        connection.execute(
            "DELETE FROM quirk WHERE account = ? AND name = ?",
            params![account.0, name],
        )?;
    }
    Ok(())
}
