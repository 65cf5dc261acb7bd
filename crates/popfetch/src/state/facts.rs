//! What is known of an account as a whole.

use crate::clock::Timestamp;

/// The most that passes between two sessions, in seconds: a day.
pub(crate) const LONGEST_PAUSE: i64 = 24 * 60 * 60;

const WITHOUT_CAPA: &str = "without-capa";
const BROKE_PIPELINING: &str = "broke-pipelining";

/// What is known of an account as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// When its maildrop was listed for the first time.
    pub(crate) begun_at: Option<Timestamp>,
    /// How much time has passed for this account, in seconds.
    pub(crate) passed: i64,
    /// Up to when that was counted.
    pub(crate) passed_at: Option<Timestamp>,
    /// What its server cannot bear.
    pub(crate) quirks: Quirks,
}

/// What a server turned out not to be able to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quirks {
    /// CAPA hangs or ends the connection (Q24).
    pub(crate) without_capa: bool,
    /// In how many runs, one behind the other, a session broke under PIPELINING (Q7). Once may be
    /// the network's fault.
    pub(crate) broke_pipelining: u32,
}

impl Quirks {
    /// All of them, each by its name and as a text, as the state keeps and shows them.
    pub(crate) fn entries(self) -> Vec<(&'static str, String)> {
        let capa = (self.without_capa).then(|| (WITHOUT_CAPA, "1".to_owned()));
        let pipelining = (self.broke_pipelining > 0)
            .then(|| (BROKE_PIPELINING, self.broke_pipelining.to_string()));
        capa.into_iter().chain(pipelining).collect()
    }

    /// Takes one of [`entries`](Self::entries). A name or a text that is not known teaches nothing.
    pub(crate) fn learn(&mut self, name: &str, value: &str) {
        match name {
            WITHOUT_CAPA => self.without_capa = value == "1",
            BROKE_PIPELINING => self.broke_pipelining = value.parse().unwrap_or(0),
            _ => {}
        }
    }

    /// Whether to do without PIPELINING.
    pub(crate) fn without_pipelining(self) -> bool {
        self.broke_pipelining >= 2
    }
}

impl Facts {
    /// A session begins at `now`.
    ///
    /// An account has a time of its own, by which messages grow old enough to be deleted. It goes
    /// from session to session, a day at most and never back. So a clock that jumps, whether into
    /// the future or back from the past, makes no message older than a day, however far it jumps.
    pub(crate) fn pass(&mut self, now: Timestamp) {
        if let Some(before) = self.passed_at {
            let pause = now.seconds_since(before).clamp(0, LONGEST_PAUSE);
            self.passed = self.passed.saturating_add(pause);
        }
        self.passed_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = LONGEST_PAUSE;
    const CENTURY: i64 = 36_525 * DAY;

    #[test]
    fn a_clock_that_jumps_passes_a_day_at_most() {
        let mut facts = Facts::default();
        for (now, passed) in [
            (CENTURY, 0),
            (CENTURY + 60, 60),
            (CENTURY + 60, 60),
            // Forward and back again.
            (2 * CENTURY, DAY + 60),
            (CENTURY + 120, DAY + 60),
            (CENTURY + 180, DAY + 120),
            (i64::MAX, 2 * DAY + 120),
            (i64::MIN, 2 * DAY + 120),
        ] {
            facts.pass(Timestamp(now));
            assert_eq!(facts.passed, passed, "{now}");
        }
    }
}
