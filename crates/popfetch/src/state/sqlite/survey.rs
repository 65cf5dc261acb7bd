//! What is shown of the state without any server.

use rusqlite::Connection;

use super::state;
use crate::clock::Timestamp;
use crate::state::{AccountId, Survey, Tally};

/// One row for each account and state, and one for an account without messages.
const SURVEY: &str = "
    SELECT account.id, account.name, message.state, count(message.state),
           coalesce(sum(message.octets), 0), max(message.stored_at),
           coalesce(sum(message.state = 'pending' AND message.reason IS NOT NULL), 0)
    FROM account LEFT JOIN message ON message.account = account.id
    GROUP BY account.name, message.state ORDER BY account.name, message.state";

pub(super) fn survey(connection: &Connection) -> rusqlite::Result<Vec<Survey>> {
    let mut statement = connection.prepare_cached(SURVEY)?;
    let mut rows = statement.query([])?;
    let mut surveys: Vec<Survey> = Vec::new();
    while let Some(row) = rows.next()? {
        let account = AccountId(row.get(0)?);
        if surveys.last().is_none_or(|last| last.account != account) {
            surveys.push(Survey {
                account,
                name: row.get(1)?,
                states: Vec::new(),
                failing: 0,
                last_stored: None,
            });
        }
        let messages = row.get(3)?;
        if let Some(last) = surveys.last_mut().filter(|_| messages > 0) {
            let stored = row.get::<_, Option<i64>>(5)?.map(Timestamp);
            last.states.push(Tally {
                state: state(row, 2)?,
                messages,
                octets: row.get(4)?,
            });
            last.failing += row.get::<_, u64>(6)?;
            last.last_stored = last.last_stored.max(stored);
        }
    }
    Ok(surveys)
}
