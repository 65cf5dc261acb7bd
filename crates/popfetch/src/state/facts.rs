//! What is known of an account as a whole.

use poplib::Evidence;

use crate::clock::Timestamp;
use crate::sizes::Sizes;

/// The most that passes between two sessions, in seconds: a day.
pub(crate) const LONGEST_PAUSE: i64 = 24 * 60 * 60;

/// After so long what is proved of a server is tried once more, in seconds: thirty days.
const PROOF_LASTS: i64 = 30 * LONGEST_PAUSE;

const TOP: &str = "top";
const TOP_UNTRUSTED: &str = "top-untrusted";
const SIZES: &str = "sizes";
const IGNORES_DELETION: &str = "ignores-deletion";
const STAT_SURPLUS: &str = "stat-surplus";

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

/// What a server turned out to do, and not to be able to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quirks {
    /// CAPA and PIPELINING (Q7, Q24).
    pub(crate) known: poplib::Quirks,
    /// TOP (Q23).
    pub(crate) top: Evidence,
    /// TOP was seen to show another header than RETR brought (Q52).
    pub(crate) top_untrusted: bool,
    /// What LIST's numbers mean (Q13).
    pub(crate) sizes: Sizes,
    /// Since when it confirms deletions and does not delete (Q43), and when one was tried last.
    pub(crate) ignores_deletion: Option<Ignored>,
    /// How many messages more STAT counts than LIST shows, visit after visit (Q13).
    pub(crate) stat_surplus: i64,
}

/// A server that answers DELE and QUIT with +OK and keeps the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ignored {
    pub(crate) since: Timestamp,
    /// When DELE was sent last.
    pub(crate) tried: Timestamp,
}

impl Ignored {
    /// What is known after a listing that shows so many messages that were deleted by what the
    /// server said, and lacks so many others.
    pub(crate) fn after(
        before: Option<Self>,
        kept: u64,
        obeyed: u64,
        now: Timestamp,
    ) -> Option<Self> {
        match (kept, obeyed) {
            (_, 1..) => None,
            (0, 0) => before,
            (1.., 0) => before.or(Some(Self {
                since: now,
                tried: now,
            })),
        }
    }

    /// Whether to send one DELE now, to see whether it is obeyed. Once a day is enough.
    pub(crate) fn try_again(&mut self, now: Timestamp) -> bool {
        let is_due = !(0..LONGEST_PAUSE).contains(&now.seconds_since(self.tried));
        if is_due {
            self.tried = now;
        }
        is_due
    }
}

impl Quirks {
    /// All of them, each by its name and as a text, as the state keeps and shows them.
    pub(crate) fn entries(self) -> Vec<(&'static str, String)> {
        let top = (!self.top.is_nothing()).then_some((TOP, self.top));
        let evidence = (self.known.entries().into_iter().chain(top))
            .map(|(name, evidence)| (name, evidence.to_string()));
        let untrusted = (self.top_untrusted).then(|| (TOP_UNTRUSTED, "1".to_owned()));
        let sizes = (self.sizes != Sizes::Unknown).then(|| (SIZES, self.sizes.to_string()));
        let ignores = (self.ignores_deletion)
            .map(|Ignored { since, tried }| (IGNORES_DELETION, format!("{} {}", since.0, tried.0)));
        let surplus =
            (self.stat_surplus != 0).then(|| (STAT_SURPLUS, self.stat_surplus.to_string()));
        evidence
            .chain(untrusted)
            .chain(sizes)
            .chain(ignores)
            .chain(surplus)
            .collect()
    }

    /// Takes one of [`entries`](Self::entries), which is so many seconds old. A name or a text that
    /// is not known teaches nothing, and what was proved long ago is to be tried again.
    pub(crate) fn learn(&mut self, name: &str, value: &str, age: i64) {
        let Ok(mut evidence) = value.parse::<Evidence>();
        if age >= PROOF_LASTS && evidence.is_proof() {
            evidence = evidence.tried_again();
        }
        match name {
            TOP => self.top = evidence,
            TOP_UNTRUSTED => self.top_untrusted = value == "1" && age < PROOF_LASTS,
            SIZES => self.sizes = value.parse().unwrap_or_default(),
            IGNORES_DELETION => {
                let times = value.split_once(' ');
                let times = times
                    .and_then(|(since, tried)| Some((since.parse().ok()?, tried.parse().ok()?)));
                self.ignores_deletion = times.map(|(since, tried)| Ignored {
                    since: Timestamp(since),
                    tried: Timestamp(tried),
                });
            }
            STAT_SURPLUS => self.stat_surplus = value.parse().unwrap_or(0),
            name => self.known.set(name, evidence),
        }
    }

    /// Whether messages wait because of it.
    pub(crate) fn holds_up(name: &str) -> bool {
        name == IGNORES_DELETION
    }

    /// What it means that this was learned of a server, as a sentence about it.
    pub(crate) fn meaning(name: &str, value: &str) -> String {
        let Ok(evidence) = value.parse::<Evidence>();
        let then = match evidence.is_proof() {
            true => "it is proved, and popfetch does without",
            false => "it may have been by chance: the next sessions show it",
        };
        match name {
            "capa" => format!("it hangs or hangs up when it is asked for CAPA; {then}"),
            "capa-after-login" => {
                format!("it hangs or hangs up when it is asked for CAPA after the login; {then}")
            }
            "pipelining" => {
                format!("sessions break when several commands are on their way; {then}")
            }
            TOP => format!("sessions break at TOP; {then}"),
            SIZES => match value.parse() {
                Ok(Sizes::MeanNothing) => "LIST's numbers are no evidence of a message's size",
                _ => "LIST's numbers follow from what is received by this rule",
            }
            .into(),
            IGNORES_DELETION => {
                "it confirms deletions and deletes nothing: one DELE is tried daily".into()
            }
            STAT_SURPLUS => "STAT counts so many messages more than LIST shows".into(),
            "separate" => "by your word it is another maildrop than the one it resembles".into(),
            _ => "another version of popfetch learned it".into(),
        }
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

    #[test]
    fn e18_what_was_proved_a_month_ago_is_tried_again() {
        for (value, age, is_avoided) in [
            ("2", PROOF_LASTS - 1, true),
            ("2", PROOF_LASTS, false),
            ("1", 0, false),
            // Nothing has been shown since, however long ago that was.
            ("0?", PROOF_LASTS, true),
        ] {
            for name in ["capa", "pipelining", TOP] {
                let mut quirks = Quirks::default();
                quirks.learn(name, value, age);
                let Quirks { known, top, .. } = quirks;
                let mut all = [known.capa, known.pipelining, top].into_iter();
                let seen = all.find(|evidence| !evidence.is_nothing()).unwrap();
                assert_eq!(seen.is_avoided_next(), is_avoided, "{name} {value} {age}");
                assert_eq!(quirks.entries()[0].0, name);
            }
        }
        let mut quirks = Quirks::default();
        quirks.learn("of-tomorrow", "2", 0);
        quirks.learn("capa", "nonsense", 0);
        assert_eq!(quirks, Quirks::default());
    }

    const DAY: i64 = LONGEST_PAUSE;
    const CENTURY: i64 = 36_525 * DAY;

    #[test]
    fn e12_a_server_that_ignores_deletions_is_asked_again_once_a_day() {
        let mut ignored = Ignored::after(None, 3, 0, Timestamp(DAY)).unwrap();
        assert!(!ignored.try_again(Timestamp(2 * DAY - 1)));
        assert!(ignored.try_again(Timestamp(2 * DAY)));
        assert!(!ignored.try_again(Timestamp(2 * DAY + 1)));
        let later = Timestamp(3 * DAY);
        assert_eq!(Ignored::after(Some(ignored), 1, 0, later), Some(ignored));
        assert_eq!(Ignored::after(Some(ignored), 0, 0, later), Some(ignored));
        // One that is obeyed is enough, though others are not yet (E34).
        assert_eq!(Ignored::after(Some(ignored), 2, 1, later), None);
        assert_eq!(Ignored::after(None, 0, 0, later), None);
    }

    #[test]
    fn quirks_are_the_same_after_they_were_kept_as_texts() {
        let quirks = Quirks {
            known: "capa=2 pipelining=1?@66".parse().unwrap(),
            top: "1".parse().unwrap(),
            top_untrusted: true,
            sizes: "octets up-to-multiple-of 1024".parse().unwrap(),
            ignores_deletion: Some(Ignored {
                since: Timestamp(-3),
                tried: Timestamp(7),
            }),
            stat_surplus: -1,
        };
        let mut again = Quirks::default();
        for (name, value) in quirks.entries() {
            again.learn(name, &value, 0);
        }
        assert_eq!(again, quirks);
        assert_eq!(Quirks::default().entries(), []);
        again.learn("unheard-of", "1", 0);
        again.learn(SIZES, "nonsense", 0);
        assert_eq!(again.sizes, Sizes::Unknown);
    }

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
