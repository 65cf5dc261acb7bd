//! What time it is, behind a trait, so that a test can make it jump.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970, UTC. Negative before that, which only a broken clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(crate) i64);

impl Timestamp {
    /// How long ago `earlier` was, in seconds; negative if the clock was set back since.
    pub(crate) fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Where the delivery engine asks for the time of day.
pub(crate) trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds)
            }
        };
        Timestamp(seconds)
    }
}
