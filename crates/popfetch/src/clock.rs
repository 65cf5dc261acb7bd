//! What time it is, behind a trait, so that a test can make it jump.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use mail_parser::DateTime;

/// Seconds since 1970, UTC. Negative before that, which only a broken clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(crate) i64);

impl Timestamp {
    /// How long ago `earlier` was, in seconds; negative if the clock was set back since.
    pub(crate) fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Date and time by RFC 3339, for programs.
    pub(crate) fn to_rfc3339(self) -> String {
        DateTime::from_timestamp(self.0).to_rfc3339()
    }
}

/// Date and time, for people.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::from_timestamp(self.0);
        write!(f, "{} UTC", to_the_minute(&time))
    }
}

/// Date and time, for people, by the clock that says it.
pub(crate) fn to_the_minute(time: &DateTime) -> String {
    let DateTime {
        year,
        month,
        day,
        hour,
        minute,
        ..
    } = time;
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_with_its_zone() {
        let leap_day = Timestamp(1_709_210_096);
        assert_eq!(leap_day.to_string(), "2024-02-29 12:34 UTC");
        assert_eq!(leap_day.to_rfc3339(), "2024-02-29T12:34:56Z");
        assert_eq!(Timestamp(-1).to_rfc3339(), "1969-12-31T23:59:59Z");
    }
}
