//! What came of earlier attempts to fetch a message, and when it has been tried often enough.

use super::Row;
use crate::clock::Timestamp;

/// A message is given up after so many attempts that count,
const ATTEMPTS: u32 = 3;
/// the first of which was so long ago, in seconds: what is broken for an hour was not restarted
/// just then.
const PATIENCE: i64 = 60 * 60;

/// How attempts to fetch a message failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// How many of them count.
    pub(crate) attempts: u32,
    /// When the first of these was; where none counts, since when it cannot be delivered.
    pub(crate) failing: Option<Timestamp>,
    /// How the last one ended.
    pub(crate) reason: Box<str>,
}

impl Past {
    /// That of a row, if anything went wrong.
    pub(crate) fn of(row: &Row<'_>) -> Option<Self> {
        let failed = row.attempts > 0 || row.reason.is_some();
        failed.then(|| Self {
            attempts: row.attempts,
            failing: row.failing,
            reason: row.reason.unwrap_or_default().into(),
        })
    }

    /// Where a message is in the queue: those of which nothing is known come first, and what
    /// failed most often comes last.
    pub(crate) fn rank(past: Option<&Self>) -> Option<u32> {
        past.map(|past| past.attempts)
    }

    /// Whether one more attempt that fails and counts is one too many.
    pub(crate) fn is_last(&self, now: Timestamp) -> bool {
        Self {
            attempts: self.attempts.saturating_add(1),
            ..self.clone()
        }
        .is_given_up(now)
    }

    /// Whether there were enough attempts. Those of the first format of the state have no time.
    pub(crate) fn is_given_up(&self, now: Timestamp) -> bool {
        let is_old = |since: Timestamp| now.seconds_since(since) >= PATIENCE;
        self.attempts >= ATTEMPTS && self.failing.is_none_or(is_old)
    }

    /// For how many seconds it has been tried.
    pub(crate) fn age(&self, now: Timestamp) -> i64 {
        self.failing.map_or(0, |since| now.seconds_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    #[test]
    fn e16_a_message_is_given_up_after_three_attempts_and_an_hour() {
        for (attempts, age, is_last) in [
            (0, PATIENCE, false),
            (1, PATIENCE, false),
            (2, 0, false),
            (2, PATIENCE - 1, false),
            (2, PATIENCE, true),
            (9, PATIENCE - 1, false),
            (9, PATIENCE, true),
        ] {
            let past = Past {
                attempts,
                failing: Some(Timestamp(NOW.0 - age)),
                reason: "".into(),
            };
            assert_eq!(past.is_last(NOW), is_last, "{attempts} attempts, {age} s");
        }
    }
}
