//! When an account is visited next: its interval, a little earlier or later; after a failure,
//! what the failure asks for.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use crate::failure::{Failure, Status};
use crate::random::Random;

#[cfg(test)]
mod tests;

/// The first wait after something that may pass by itself. Each further one is twice as long,
const SOON: Duration = Duration::from_secs(30);
/// up to this, or the interval if that is longer.
const LATEST: Duration = Duration::from_secs(60 * 60);
/// The first wait after a refused login: whoever tries too often is locked out.
const AFTER_REFUSAL: Duration = Duration::from_secs(15 * 60);
/// The longest wait between two refused logins.
const LATEST_AFTER_REFUSAL: Duration = Duration::from_secs(6 * 60 * 60);

/// The rhythm of one account.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How often in a row the same kind of failure came.
    failures: u32,
    /// The kind: whether it was a refused login.
    refused: bool,
}

impl Pace {
    /// How long to wait after a visit that ended so; `None` is until the configuration changes.
    ///
    /// `login_delay` is what the server advertises (RFC 2449, section 6.5); it is counted from the
    /// end of the visit, which is later than what the server counts from.
    pub(super) fn after(
        &mut self,
        failure: Option<&Failure>,
        interval: Duration,
        login_delay: Option<Duration>,
        jitter: &mut Jitter,
    ) -> Option<Duration> {
        let wait = match failure.map(|failure| failure.status) {
            None => {
                self.failures = 0;
                interval
            }
            Some(Status::Configuration | Status::Usage) => return None,
            Some(Status::LoginRefused) => {
                let (first, last) = (AFTER_REFUSAL.max(interval), LATEST_AFTER_REFUSAL);
                doubled(first, self.count(true)).min(last.max(interval))
            }
            Some(_) => doubled(SOON.min(interval), self.count(false)).min(LATEST.max(interval)),
        };
        // Never earlier than the server wants, whatever the dice say.
        let least = failure.and_then(|failure| failure.retry_after);
        let least = least.max(login_delay).unwrap_or_default();
        Some(jitter.spread(wait).max(least))
    }

    /// How often this kind of failure came before, in a row.
    fn count(&mut self, refused: bool) -> u32 {
        if self.refused != refused {
            (self.refused, self.failures) = (refused, 0);
        }
        let before = self.failures;
        self.failures = before.saturating_add(1);
        before
    }
}

/// `time`, doubled so often.
fn doubled(time: Duration, times: u32) -> Duration {
    time.saturating_mul(2_u32.saturating_pow(times))
}

/// Keeps many accounts from being visited in step: a tenth earlier or later, at random.
#[derive(Debug)]
pub(super) struct Jitter(Random);

impl Jitter {
    /// Seeded by the system.
    pub(super) fn from_system() -> Self {
        Self(Random::new(RandomState::new().build_hasher().finish()))
    }

    fn spread(&mut self, time: Duration) -> Duration {
        let unit = (self.0.next() >> 11) as f64 / (1_u64 << 53) as f64;
        time.mul_f64(0.9 + 0.2 * unit)
    }
}
