//! What has been learned about a server the hard way.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Evidence;
use crate::evidence::Point;

/// After the first break that counts, other sessions do without for so long: those that go on with
/// what the broken one was about.
const FIRST_PAUSE: Duration = Duration::from_secs(10 * 60);
/// What is proved is tried again after so long.
const PROOF_LASTS: Duration = Duration::from_secs(24 * 60 * 60);

/// What speaks against a server's being able to do what it should, or says it can.
///
/// Sessions find it out and keep it in their [`Config`](crate::Config) and its clones, by the rules of
/// [`Evidence`]: one break is a suspicion, two in a row with a working control each are proof, one
/// success clears it. A suspicion holds until a session without the thing has come as far; a break
/// that counts keeps the sessions of the next ten minutes from it, and proof those of a day.
///
/// To keep it for longer, store it, by its [`entries`](Self::entries) or as text, and give it back with
/// [`Config::with_quirks`](crate::Config::with_quirks): soon after a session broke, so that the next
/// program can do without what is suspected. After weeks give it back
/// [to be tried again](Evidence::tried_again).
///
/// ```
/// use poplib::Quirks;
///
/// let quirks: Quirks = "capa=2 pipelining=1?".parse()?;
/// assert!(quirks.capa.is_proof());
/// assert!(quirks.pipelining.is_suspicion());
/// assert_eq!(quirks.to_string(), "capa=2 pipelining=1?");
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// CAPA before login hangs or ends the connection ([Q24]).
    ///
    /// [Q24]: poplib_proto::rows#q24
    pub capa: Evidence,
    /// CAPA after login does, and the maildrop may be locked for a while then ([Q54]).
    ///
    /// [Q54]: poplib_proto::rows#q54
    pub capa_after_login: Evidence,
    /// PIPELINING is advertised and breaks ([Q7]).
    ///
    /// [Q7]: poplib_proto::rows#q7
    pub pipelining: Evidence,
}

/// What a server may not be able to bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Practice {
    Capa,
    CapaAfterLogin,
    Pipelining,
}

/// What sessions do without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Avoided {
    pub(crate) capa: bool,
    pub(crate) capa_after_login: bool,
    pub(crate) pipelining: bool,
}

impl Practice {
    const ALL: [Self; 3] = [Self::Capa, Self::CapaAfterLogin, Self::Pipelining];

    fn name(self) -> &'static str {
        match self {
            Self::Capa => "capa",
            Self::CapaAfterLogin => "capa-after-login",
            Self::Pipelining => "pipelining",
        }
    }
}

impl Quirks {
    /// What there is evidence of, each by its name.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, Evidence)> {
        (Practice::ALL.into_iter())
            .map(|practice| (practice.name(), self.of(practice)))
            .filter(|(_, evidence)| !evidence.is_nothing())
            .collect()
    }

    /// Takes one of the [`entries`](Self::entries). A name that is not known is passed over: another
    /// version may have learned more.
    pub fn set(&mut self, name: &str, evidence: Evidence) {
        let mut practices = Practice::ALL.into_iter();
        if let Some(practice) = practices.find(|practice| practice.name() == name) {
            *self.of_mut(practice) = evidence;
        }
    }

    fn of(&self, practice: Practice) -> Evidence {
        match practice {
            Practice::Capa => self.capa,
            Practice::CapaAfterLogin => self.capa_after_login,
            Practice::Pipelining => self.pipelining,
        }
    }

    fn of_mut(&mut self, practice: Practice) -> &mut Evidence {
        match practice {
            Practice::Capa => &mut self.capa,
            Practice::CapaAfterLogin => &mut self.capa_after_login,
            Practice::Pipelining => &mut self.pipelining,
        }
    }
}

impl fmt::Display for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<_> = self
            .entries()
            .into_iter()
            .map(|(name, evidence)| format!("{name}={evidence}"))
            .collect();
        f.write_str(&entries.join(" "))
    }
}

impl FromStr for Quirks {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let mut quirks = Self::default();
        for (name, evidence) in text
            .split_whitespace()
            .filter_map(|entry| entry.split_once('='))
        {
            quirks.set(name, evidence.parse()?);
        }
        Ok(quirks)
    }
}

/// [`Quirks`] that all sessions of a configuration share.
#[derive(Clone, Default)]
pub(crate) struct Known {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Whether there is evidence of anything. It is asked after each answer of a batch.
    is_anything: AtomicBool,
    learned: Mutex<Learned>,
}

#[derive(Default)]
struct Learned {
    quirks: Quirks,
    /// Up to when sessions do without, in the order of `Practice::ALL`.
    pauses: [Option<Instant>; Practice::ALL.len()],
}

impl Known {
    pub(crate) fn new(quirks: Quirks, now: Instant) -> Self {
        let known = Self::default();
        for practice in Practice::ALL {
            known.change(practice, now, |evidence| {
                *evidence = quirks.of(practice);
                evidence.is_proof()
            });
        }
        known
    }

    pub(crate) fn quirks(&self) -> Quirks {
        self.lock().quirks
    }

    /// What a session that begins now does without.
    pub(crate) fn avoided(&self, now: Instant) -> Avoided {
        let learned = self.lock();
        let is_avoided = |practice| {
            let pause = learned.pauses[practice as usize];
            learned.quirks.of(practice).is_suspicion() || pause.is_some_and(|until| now < until)
        };
        Avoided {
            capa: is_avoided(Practice::Capa),
            capa_after_login: is_avoided(Practice::CapaAfterLogin),
            pipelining: is_avoided(Practice::Pipelining),
        }
    }

    /// A session broke with it.
    pub(crate) fn broke(&self, practice: Practice, point: Point) {
        self.change(practice, Instant::now(), |evidence| {
            evidence.broke_at(point);
            false
        });
    }

    /// A session broke without it.
    pub(crate) fn broke_without(&self, practice: Practice, point: Point) {
        if self.is_anything() {
            self.change(practice, Instant::now(), |evidence| {
                evidence.broke_without_at(point);
                false
            });
        }
    }

    /// A session got so far, with it or without.
    pub(crate) fn got_past(&self, practice: Practice, point: Point, is_with: bool) {
        if self.is_anything() {
            self.change(practice, Instant::now(), |evidence| {
                if is_with {
                    evidence.worked_at(point);
                }
                !is_with && evidence.passed_without_at(point)
            });
        }
    }

    fn is_anything(&self) -> bool {
        self.shared.is_anything.load(Ordering::Relaxed)
    }

    /// Takes a step, which says whether sessions are to do without from now on.
    fn change(&self, practice: Practice, now: Instant, step: impl FnOnce(&mut Evidence) -> bool) {
        let mut learned = self.lock();
        let evidence = learned.quirks.of_mut(practice);
        let counts = step(evidence);
        let pause = match evidence.is_proof() {
            true => PROOF_LASTS,
            false => FIRST_PAUSE,
        };
        let is_over = evidence.is_nothing();
        if counts || is_over {
            learned.pauses[practice as usize] = counts.then(|| now + pause);
        }
        let is_anything = learned.quirks != Quirks::default();
        (self.shared.is_anything).store(is_anything, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Learned> {
        (self.shared.learned.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.quirks().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn text_and_quirks_are_one() {
        for text in ["", "capa=2", "capa-after-login=0? pipelining=1?@66"] {
            let quirks: Quirks = text.parse().unwrap();
            assert_eq!(quirks.to_string(), text);
            let more = format!("of_tomorrow=3  {text} without_capa pipelining");
            assert_eq!(more.parse(), Ok(quirks));
        }
    }

    /// A break and the control behind it, both at `now`.
    fn breaks(known: &Known, now: Instant) {
        broke(known, now);
        known.change(Practice::Pipelining, now, |evidence| {
            evidence.passed_without_at(Point::END)
        });
    }

    fn broke(known: &Known, now: Instant) {
        step(known, now, Evidence::broke);
    }

    fn step(known: &Known, now: Instant, step: fn(&mut Evidence)) {
        known.change(Practice::Pipelining, now, |evidence| {
            step(evidence);
            false
        });
    }

    fn is_avoided(known: &Known, now: Instant) -> bool {
        known.avoided(now).pipelining
    }

    #[test]
    fn e18_a_break_is_avoided_for_minutes_and_proof_for_a_day() {
        let known = Known::default();
        let begin = Instant::now();
        assert!(!is_avoided(&known, begin));
        breaks(&known, begin);
        assert!(is_avoided(&known, begin + FIRST_PAUSE - SECOND));
        let second = begin + FIRST_PAUSE;
        assert!(!is_avoided(&known, second));
        breaks(&known, second);
        assert!(is_avoided(&known, second + PROOF_LASTS - SECOND));
        let third = second + PROOF_LASTS;
        assert!(!is_avoided(&known, third), "proof expires");
        breaks(&known, third);
        assert!(is_avoided(&known, third + PROOF_LASTS - SECOND));
    }

    #[test]
    fn e18_a_suspicion_lasts_until_a_control_and_success_ends_everything() {
        let known = Known::default();
        let begin = Instant::now();
        broke(&known, begin);
        assert!(is_avoided(&known, begin + 10 * PROOF_LASTS));
        step(&known, begin, Evidence::broke_without);
        assert!(!is_avoided(&known, begin), "it was something else");
        breaks(&known, begin);
        breaks(&known, begin);
        step(&known, begin, Evidence::worked);
        assert!(!is_avoided(&known, begin));
        assert_eq!(known.quirks(), Quirks::default());
        assert!(!known.is_anything());
    }

    #[test]
    fn e18_what_is_given_back_holds_as_it_is() {
        let now = Instant::now();
        for (text, avoided) in [
            ("", false),
            ("pipelining=1", false),
            ("pipelining=0?", true),
            ("pipelining=1?", true),
            ("pipelining=2", true),
        ] {
            let known = Known::new(text.parse().unwrap(), now);
            assert_eq!(is_avoided(&known, now), avoided, "{text}");
        }
        let known = Known::new("pipelining=2".parse().unwrap(), now);
        assert!(!is_avoided(&known, now + PROOF_LASTS));
    }

    #[test]
    fn what_is_known_of_one_practice_says_nothing_of_another() {
        let known = Known::default();
        for practice in Practice::ALL {
            known.broke(practice, Point::Login);
            let avoided = known.avoided(Instant::now());
            let all = [avoided.capa, avoided.capa_after_login, avoided.pipelining];
            assert_eq!(
                all.iter().filter(|avoided| **avoided).count(),
                practice as usize + 1
            );
        }
    }
}
