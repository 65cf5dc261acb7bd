//! The rows of an account in `marker`, and what is asked of the copies in one target.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use super::apply::Targets;
use super::{key, state};
use crate::clock::Timestamp;
use crate::key::KeyRef;
use crate::state::{AccountId, Copied, Mark, Marker, Target, Verdict};

pub(super) fn read(connection: &Connection, account: AccountId) -> rusqlite::Result<Vec<Marker>> {
    let mut statement = connection.prepare_cached(
        "SELECT kind, location, token, batch, seen, verdict, since
         FROM marker JOIN target ON target.id = marker.target
         WHERE account = ? ORDER BY kind, location",
    )?;
    let markers = statement.query_map([account.0], known)?;
    markers.collect()
}

fn known(row: &SqlRow<'_>) -> rusqlite::Result<Marker> {
    let verdict = row.get_ref(5)?.as_str_or_null()?;
    Ok(Marker {
        target: Target {
            kind: row.get(0)?,
            location: row.get(1)?,
        },
        token: row.get(2)?,
        batch: row.get::<_, i64>(3)?.unsigned_abs(),
        seen: row.get(4)?,
        verdict: verdict.map(Verdict::of_name),
        since: row.get::<_, Option<i64>>(6)?.map(Timestamp),
    })
}

pub(super) fn write(
    connection: &Connection,
    account: AccountId,
    marker: &Marker,
) -> rusqlite::Result<()> {
    let number = Targets::default().number(connection, &marker.target)?;
    connection.execute(
        "INSERT OR REPLACE INTO marker (account, target, token, batch, seen, verdict, since)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            account.0,
            number,
            marker.token,
            marker.batch.cast_signed(),
            marker.seen,
            marker.verdict.map(Verdict::name),
            marker.since.map(|since| since.0),
        ],
    )?;
    Ok(())
}

/// Records what goes with a batch.
pub(super) fn mark(
    connection: &Connection,
    account: AccountId,
    mark: Mark<'_>,
    targets: &mut Targets,
) -> rusqlite::Result<()> {
    let (sql, target, value) = match mark {
        Mark::Begun { target, batch } => (BEGUN, target, Some(batch.cast_signed())),
        Mark::Settled { target, seen } => (SETTLED, target, seen),
    };
    let number = targets.number(connection, target)?;
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute(params![account.0, number, value])?;
    Ok(())
}

const BEGUN: &str = "UPDATE marker SET batch = ?3 WHERE account = ?1 AND target = ?2";
const SETTLED: &str = "UPDATE marker SET seen = ?3 WHERE account = ?1 AND target = ?2";

pub(super) fn relocate(
    connection: &Connection,
    account: AccountId,
    from: &Target,
    to: &Target,
) -> rusqlite::Result<()> {
    let Some(from) = number(connection, from)? else {
        return Ok(());
    };
    let to = Targets::default().number(connection, to)?;
    for table in ["marker", "copy"] {
        let sql =
            format!("UPDATE OR REPLACE {table} SET target = ?3 WHERE account = ?1 AND target = ?2");
        connection.execute(&sql, [account.0, from, to])?;
    }
    Ok(())
}

pub(super) fn copies_in(
    connection: &Connection,
    account: AccountId,
    target: &Target,
    visit: &mut dyn FnMut(Copied<'_>),
) -> rusqlite::Result<()> {
    let Some(number) = number(connection, target)? else {
        return Ok(());
    };
    let mut statement = connection.prepare_cached(
        "SELECT identity, occurrence, state, stored_at, place, batch
         FROM copy JOIN message USING (account, identity, occurrence)
         WHERE account = ? AND target = ?
         AND (delivered = 1 OR NOT (state = 'pending' OR state = 'quarantined'))",
    )?;
    let mut rows = statement.query([account.0, number])?;
    while let Some(row) = rows.next()? {
        visit(Copied {
            key: key(row)?,
            state: state(row, 2)?,
            stored_at: row.get::<_, Option<i64>>(3)?.map(Timestamp),
            place: row.get_ref(4)?.as_blob()?,
            batch: row.get::<_, i64>(5)?.unsigned_abs(),
        });
    }
    Ok(())
}

pub(super) fn depending_on(
    connection: &Connection,
    account: AccountId,
    target: &Target,
    visit: &mut dyn FnMut(KeyRef<'_>),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT identity, occurrence FROM message
         WHERE account = ?1 AND (state = 'stored' OR state = 'deleting')
         AND (EXISTS (SELECT 1 FROM copy WHERE copy.account = ?1 AND target = ?2
                      AND copy.identity = message.identity
                      AND copy.occurrence = message.occurrence)
              OR NOT EXISTS (SELECT 1 FROM copy WHERE copy.account = ?1
                             AND copy.identity = message.identity
                             AND copy.occurrence = message.occurrence))",
    )?;
    let mut rows = statement.query(params![account.0, number(connection, target)?])?;
    while let Some(row) = rows.next()? {
        visit(key(row)?);
    }
    Ok(())
}

/// The target's number, if the store has met it.
fn number(connection: &Connection, target: &Target) -> rusqlite::Result<Option<i64>> {
    let select = "SELECT id FROM target WHERE kind = ? AND location = ?";
    let mut statement = connection.prepare_cached(select)?;
    let Target { kind, location } = target;
    (statement.query_row(params![kind, location], |row| row.get(0))).optional()
}
