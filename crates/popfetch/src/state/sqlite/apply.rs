//! Each change as one statement, in the order of [`Change`]'s variants.

use rusqlite::{CachedStatement, Connection, ToSql, params};

use super::group::Trouble;
use super::{AccountId, marker};
use crate::clock::Timestamp;
use crate::key::{Key, KeyRef};
use crate::likeness::Essence;
use crate::state::{Change, Doubt, Mark, NEVER, Placement, Received, Target};

pub(super) enum Error {
    Store(Trouble),
    /// The message was not where this change starts from.
    Transition(Key, String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Self::Store(trouble)
    }
}

/// Applies the changes up to the first that cannot be.
pub(super) fn apply(
    connection: &Connection,
    account: AccountId,
    now: Timestamp,
    changes: &mut dyn Iterator<Item = Change<'_>>,
    marks: &[Mark<'_>],
) -> Result<(), Error> {
    let mut targets = Targets::default();
    for &mark in marks {
        marker::mark(connection, account, mark, &mut targets)?;
    }
    for change in changes {
        let mut step = Step {
            connection,
            account,
            now,
            key: change.key(),
            targets: &mut targets,
        };
        if !step.apply(change)? {
            return Err(Error::Transition(change.key().to_key(), describe(change)));
        }
    }
    Ok(())
}

/// One change to one row.
struct Step<'a> {
    connection: &'a Connection,
    account: AccountId,
    now: Timestamp,
    key: KeyRef<'a>,
    targets: &'a mut Targets,
}

impl Step<'_> {
    /// Whether the row was in a state that allows the change.
    fn apply(&mut self, change: Change<'_>) -> Result<bool, Error> {
        match change {
            Change::Found { .. } => {
                self.execute(FOUND, [])?;
                Ok(true)
            }
            Change::Storing {
                sum,
                header,
                received,
                excerpt,
                copies,
                ..
            } => {
                let Received {
                    octets,
                    lines,
                    listed,
                    essence,
                    doubt,
                } = received;
                let (octets, lines, listed) = (signed(octets), signed(lines), listed.map(signed));
                let essence = essence.as_ref().map(Essence::octets);
                let doubt = doubt.map(Doubt::name);
                let values: [&dyn ToSql; 8] = [
                    &sum, &header, &octets, &excerpt, &lines, &listed, &essence, &doubt,
                ];
                // Most messages are new, and have no copies that could be known.
                if !self.execute(STORING, values)? {
                    self.execute(STORING_AGAIN, values)?;
                    self.execute(DISPLACE, [])?;
                }
                self.place(copies)?;
                Ok(true)
            }
            Change::Reached { target, .. } => {
                self.execute(REACHED, [&target.kind, &target.location])
            }
            Change::Lacking { target, .. } => {
                let target: [&dyn ToSql; 2] = [&target.kind, &target.location];
                let never = NEVER.cast_signed();
                self.execute(LACKING_FOR_NOW, [target[0], target[1], &never])?;
                self.execute(LACKING, target)?;
                self.execute(HELD_ELSEWHERE, [])?;
                self.execute(LACKED, [])?;
                Ok(true)
            }
            Change::Stored { .. } => self.execute(STORED, []),
            Change::Returned { .. } => self.execute(RETURNED, []),
            Change::Recognised { .. } | Change::Kept { .. } if self.is_lacking()? => Ok(true),
            Change::Recognised { sum, received, .. } => {
                let (octets, lines) = (signed(received.octets), signed(received.lines));
                let listed = received.listed.map(signed);
                let essence = received.essence.as_ref().map(Essence::octets);
                self.execute(RECOGNISED, [&sum, &listed, &octets, &lines, &essence])
            }
            Change::Judged { doubt, .. } => self.execute(JUDGED, [&doubt.map(Doubt::name)]),
            Change::Listed { octets, .. } => self.execute(LISTED, [&signed(octets)]),
            Change::Kept { .. } => self.execute(KEPT, []),
            Change::Deleting { .. } => self.execute(DELETING, []),
            Change::Undeleted { .. } => self.execute(UNDELETED, []),
            Change::Gone { .. } => self.execute(GONE, []),
            Change::Failed {
                reason, failing, ..
            } => self.execute(FAILED, [&reason, &failing.0]),
            Change::Delayed {
                reason, failing, ..
            } => self.execute(DELAYED, [&reason, &failing.map(|since| since.0)]),
            Change::Quarantined { reason, .. } => self.execute(QUARANTINED, [&reason]),
            Change::Retry { .. } => self.execute(RETRY, []),
            Change::Skipped { .. } => self.execute(SKIPPED, []),
            Change::Rejected { .. } => self.execute(REJECTED, []),
            Change::Renamed { to, .. } => {
                // It may have been found under its new key before, or come in part; or another
                // message was deleted that had this.
                let delete = "DELETE FROM message WHERE account = ? AND identity = ?
                     AND occurrence = ? AND (state IN ('pending', 'gone') OR doubt NOTNULL)";
                self.connection.prepare_cached(delete)?.execute(params![
                    self.account.0,
                    to.identity.octets(),
                    to.occurrence
                ])?;
                self.execute(RENAMED, [&to.identity.octets(), &to.occurrence])
            }
            Change::Seen { .. } => self.execute(SEEN, []),
            Change::Unseen { .. } => self.execute(UNSEEN, []),
            Change::Forget { .. } => self.execute(FORGET, []),
        }
    }

    /// Runs a statement whose first four parameters are the key and the time. Whether it found a
    /// row.
    fn execute<const N: usize>(&self, sql: &str, more: [&dyn ToSql; N]) -> Result<bool, Error> {
        let mut statement = self.connection.prepare_cached(sql)?;
        self.bind(&mut statement)?;
        for (position, value) in (5..).zip(more) {
            statement.raw_bind_parameter(position, value)?;
        }
        Ok(statement.raw_execute()? > 0)
    }

    fn bind(&self, statement: &mut CachedStatement<'_>) -> Result<(), Error> {
        statement.raw_bind_parameter(1, self.account.0)?;
        statement.raw_bind_parameter(2, self.key.identity.octets())?;
        statement.raw_bind_parameter(3, self.key.occurrence)?;
        // Not every statement records when it happened.
        if statement.parameter_count() >= 4 {
            statement.raw_bind_parameter(4, self.now.0)?;
        }
        Ok(())
    }

    /// Whether a target lacks this message, which the server had deleted by its own words and shows
    /// still. It waits to be fetched again then.
    fn is_lacking(&self) -> Result<bool, Error> {
        let never = NEVER.cast_signed();
        let is_lacking = self.execute(GONE_AND_LACKED, [&never])?;
        if is_lacking {
            self.execute(LACKED_COPIES, [&never])?;
            self.execute(OTHER_COPIES, [])?;
        }
        Ok(is_lacking)
    }

    /// Remembers the places of the message's copies, of which none is known.
    fn place(&mut self, copies: &[Placement<'_>]) -> Result<(), Error> {
        for Placement {
            target,
            place,
            delivered,
            batch,
        } in copies
        {
            let number = self.targets.number(self.connection, target)?;
            self.connection.prepare_cached(PLACE)?.execute(params![
                self.account.0,
                self.key.identity.octets(),
                self.key.occurrence,
                number,
                place,
                delivered,
                batch.cast_signed(),
            ])?;
        }
        Ok(())
    }
}

/// SQLite's integers are signed; no message comes near 2^63 octets.
fn signed(octets: u64) -> i64 {
    i64::try_from(octets).unwrap_or(i64::MAX)
}

/// The numbers of targets, each asked for once.
#[derive(Default)]
pub(super) struct Targets(Vec<(Target, i64)>);

impl Targets {
    /// The target's number, which it gets when it is met first.
    pub(super) fn number(
        &mut self,
        connection: &Connection,
        target: &Target,
    ) -> rusqlite::Result<i64> {
        if let Some((_, number)) = self.0.iter().find(|(known, _)| known == target) {
            return Ok(*number);
        }
        let Target { kind, location } = target;
        let meet = "INSERT INTO target (kind, location) VALUES (?, ?) ON CONFLICT DO NOTHING";
        connection
            .prepare_cached(meet)?
            .execute(params![kind, location])?;
        let select = "SELECT id FROM target WHERE kind = ? AND location = ?";
        let number = connection
            .prepare_cached(select)?
            .query_row(params![kind, location], |row| row.get(0))?;
        self.0.push((target.clone(), number));
        Ok(number)
    }
}

const FOUND: &str = "INSERT INTO message (account, identity, occurrence, state, changed_at)
    VALUES (?1, ?2, ?3, 'pending', ?4) ON CONFLICT DO NOTHING";
const STORING: &str = "INSERT INTO message
    (account, identity, occurrence, state, changed_at, sha256, header, octets, excerpt, lines,
    listed, essence, doubt)
    VALUES (?1, ?2, ?3, 'storing', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING";
const STORING_AGAIN: &str = "UPDATE message
    SET state = 'storing', changed_at = ?4, sha256 = ?5, header = ?6, octets = ?7, excerpt = ?8,
    lines = ?9, listed = ?10, essence = ?11, doubt = ?12, checks = 0,
    checked = iif(doubt NOTNULL, (SELECT passed FROM facts WHERE facts.account = ?1), NULL),
    stored_at = NULL, stored_after = NULL, unseen_since = NULL
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3";
const DISPLACE: &str = "DELETE FROM copy WHERE account = ?1 AND identity = ?2 AND occurrence = ?3";
const PLACE: &str = "INSERT INTO copy
    (account, identity, occurrence, target, place, delivered, batch)
    VALUES (?, ?, ?, ?, ?, ?, ?)";
const REACHED: &str = "UPDATE copy SET delivered = 1, batch = coalesce(
    (SELECT batch FROM marker WHERE marker.account = ?1 AND marker.target = copy.target), batch)
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3
    AND target = (SELECT id FROM target WHERE kind = ?5 AND location = ?6)
    AND EXISTS (SELECT 1 FROM message WHERE message.account = ?1 AND message.identity = ?2
    AND message.occurrence = ?3 AND state = 'storing')";
// What is unfinished is looked for once more, and not believed to have been moved away. What the
// server has deleted, by its own words, it may show still.
const LACKING_FOR_NOW: &str = "UPDATE copy SET batch = ?7, delivered = 0
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3
    AND target = (SELECT id FROM target WHERE kind = ?5 AND location = ?6)
    AND EXISTS (SELECT 1 FROM message WHERE message.account = ?1 AND message.identity = ?2
    AND message.occurrence = ?3 AND (state = 'storing' OR state = 'gone'))";
const LACKING: &str = "DELETE FROM copy
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3
    AND target = (SELECT id FROM target WHERE kind = ?5 AND location = ?6)
    AND NOT EXISTS (SELECT 1 FROM message WHERE message.account = ?1 AND message.identity = ?2
    AND message.occurrence = ?3 AND (state = 'storing' OR state = 'gone'))";
const HELD_ELSEWHERE: &str = "UPDATE copy SET delivered = 1
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3
    AND EXISTS (SELECT 1 FROM message WHERE message.account = ?1 AND message.identity = ?2
    AND message.occurrence = ?3 AND (state = 'stored' OR state = 'deleting'))";
const LACKED: &str = "UPDATE message SET state = 'pending', changed_at = ?4
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3
    AND (state = 'stored' OR state = 'deleting')";
const GONE_AND_LACKED: &str = "UPDATE message SET state = 'pending', changed_at = ?4
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3 AND state = 'gone'
    AND EXISTS (SELECT 1 FROM copy WHERE copy.account = ?1 AND copy.identity = ?2
    AND copy.occurrence = ?3 AND batch = ?5)";
const LACKED_COPIES: &str = "DELETE FROM copy
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3 AND batch = ?5";
const OTHER_COPIES: &str = "UPDATE copy SET delivered = 1
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3";
const STORED: &str = "UPDATE message SET state = 'stored', changed_at = ?4, stored_at = ?4,
    stored_after = (SELECT passed FROM facts WHERE facts.account = ?1),
    attempts = 0, reason = NULL, failing = NULL
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3 AND state = 'storing'";
const RETURNED: &str = "UPDATE message SET state = 'pending', changed_at = ?4
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3 AND state = 'storing'";
const RECOGNISED: &str = "UPDATE message
    SET state = 'stored', changed_at = ?4, sha256 = ?5, excerpt = 0, attempts = 0,
    reason = NULL, failing = NULL, stored_at = coalesce(stored_at, ?4), listed = ?6,
    octets = ?7, lines = ?8, essence = ?9,
    checks = checks + (doubt IS NOT NULL),
    checked = (SELECT passed FROM facts WHERE facts.account = ?1),
    stored_after = (SELECT passed FROM facts WHERE facts.account = ?1), unseen_since = NULL
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3
    AND state IN ('stored', 'deleting', 'gone', 'pending')";
const JUDGED: &str = "UPDATE message SET doubt = ?5
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3
    AND state IN ('stored', 'deleting')";
const LISTED: &str = "UPDATE message SET listed = ?5
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3";
const KEPT: &str = "UPDATE message SET state = 'stored', changed_at = ?4, unseen_since = NULL
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3 AND state = 'gone'";
const DELETING: &str = "UPDATE message SET state = 'deleting', changed_at = ?4
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3
    AND state IN ('stored', 'deleting') AND NOT excerpt AND doubt IS NULL";
const UNDELETED: &str = "UPDATE message SET state = 'stored', changed_at = ?4
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3
    AND state IN ('stored', 'deleting')";
const GONE: &str = "UPDATE message
    SET state = 'gone', changed_at = ?4
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3
    AND state IN ('deleting', 'rejected')";
const FAILED: &str = "INSERT INTO message
    (account, identity, occurrence, state, changed_at, attempts, reason, failing)
    VALUES (?1, ?2, ?3, 'pending', ?4, 1, ?5, ?6)
    ON CONFLICT DO UPDATE SET attempts = attempts + 1, reason = ?5, failing = ?6";
const DELAYED: &str = "INSERT INTO message
    (account, identity, occurrence, state, changed_at, reason, failing)
    VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?6)
    ON CONFLICT DO UPDATE SET reason = ?5, failing = ?6";
// A message that had been delivered once keeps the state that says so.
const QUARANTINED: &str = "INSERT INTO message
    (account, identity, occurrence, state, changed_at, attempts, reason, failing)
    VALUES (?1, ?2, ?3, 'quarantined', ?4, 1, ?5, ?4)
    ON CONFLICT DO UPDATE SET attempts = attempts + 1, reason = ?5,
    failing = coalesce(failing, ?4), state = iif(state = 'pending', 'quarantined', state)";
const RETRY: &str = "UPDATE message
    SET state = iif(state = 'quarantined', 'pending', state), attempts = 0, reason = NULL,
    failing = NULL
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3
    AND (attempts > 0 OR reason IS NOT NULL)";
const SKIPPED: &str = "INSERT INTO message (account, identity, occurrence, state, changed_at)
    VALUES (?1, ?2, ?3, 'skipped', ?4)
    ON CONFLICT DO UPDATE SET state = 'skipped', changed_at = ?4, attempts = 0, reason = NULL,
    failing = NULL
    WHERE state IN ('pending', 'quarantined', 'skipped', 'rejected', 'gone')";
const REJECTED: &str = "INSERT INTO message (account, identity, occurrence, state, changed_at)
    VALUES (?1, ?2, ?3, 'rejected', ?4)
    ON CONFLICT DO UPDATE SET state = 'rejected', changed_at = ?4, sha256 = NULL,
    unseen_since = NULL
    WHERE state IN ('pending', 'rejected', 'gone')";
const RENAMED: &str = "UPDATE message
    SET identity = ?5, occurrence = ?6, unseen_since = NULL
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3";
const SEEN: &str = "UPDATE message SET unseen_since = NULL
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3";
const UNSEEN: &str = "UPDATE message SET unseen_since = coalesce(unseen_since, ?4)
    WHERE account = ?1 AND identity = ?2 AND occurrence = ?3";
const FORGET: &str = "DELETE FROM message WHERE account = ?1 AND identity = ?2 AND occurrence = ?3";

fn describe(change: Change<'_>) -> String {
    let verb = match change {
        Change::Found { .. } => "found",
        Change::Storing { .. } => "storing",
        Change::Reached { .. } => "delivered to a target",
        Change::Lacking { .. } => "lacking",
        Change::Stored { .. } => "stored",
        Change::Returned { .. } => "pending",
        Change::Recognised { .. } => "recognised",
        Change::Judged { doubt: None, .. } => "believed",
        Change::Judged { .. } => "doubted",
        Change::Listed { .. } => "listed",
        Change::Kept { .. } => "kept by the server",
        Change::Deleting { .. } => "deleting",
        Change::Undeleted { .. } => "not deleted",
        Change::Gone { .. } => "gone",
        Change::Failed { .. } => "failed",
        Change::Delayed { .. } => "delayed",
        Change::Quarantined { .. } => "quarantined",
        Change::Retry { .. } => "tried again",
        Change::Skipped { .. } => "skipped",
        Change::Rejected { .. } => "rejected",
        Change::Renamed { .. } => "renamed",
        Change::Seen { .. } => "seen",
        Change::Unseen { .. } => "unseen",
        Change::Forget { .. } => "forgotten",
    };
    format!("it cannot become {verb}")
}
