//! The row of an account in `facts`.

use rusqlite::{Connection, OptionalExtension, params};

use crate::clock::Timestamp;
use crate::state::AccountId;
use crate::state::facts::{Facts, Quirks};

pub(super) fn read(connection: &Connection, account: AccountId) -> rusqlite::Result<Facts> {
    let mut statement = connection.prepare_cached(
        "SELECT begun_at, passed, passed_at, without_capa, broke_pipelining
         FROM facts WHERE account = ?",
    )?;
    let facts = statement.query_row([account.0], |row| {
        Ok(Facts {
            begun_at: row.get::<_, Option<i64>>(0)?.map(Timestamp),
            passed: row.get(1)?,
            passed_at: row.get::<_, Option<i64>>(2)?.map(Timestamp),
            quirks: Quirks {
                without_capa: row.get(3)?,
                broke_pipelining: row.get(4)?,
            },
        })
    });
    Ok(facts.optional()?.unwrap_or_default())
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
            "INSERT OR REPLACE INTO facts
             (account, begun_at, passed, passed_at, without_capa, broke_pipelining)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            account.0,
            begun_at.map(|at| at.0),
            passed,
            passed_at.map(|at| at.0),
            quirks.without_capa,
            quirks.broke_pipelining
        ])?;
    Ok(())
}
