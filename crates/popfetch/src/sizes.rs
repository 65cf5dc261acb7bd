//! What LIST's numbers mean on a server. Some count line ends as one octet, round up, add a
//! constant, or tell what a file takes on their disk (Q13, Q59). One rule that explains LIST's
//! number by what was received, for enough messages of different size, is that server's arithmetic.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// A message whose size LIST told, as it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) octets: u64,
    /// Line ends.
    pub(crate) lines: u64,
    pub(crate) listed: u64,
    /// How often it was fetched again and was equal.
    pub(crate) checks: u32,
}

/// What is known of LIST's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// Nothing. A message that comes shorter than listed may have been cut.
    #[default]
    Unknown,
    /// They follow this rule.
    Follow(Rule),
    /// They follow none, and are no evidence.
    MeanNothing,
}

/// How a server gets from a message to LIST's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// It counts a line end as one octet.
    lines_as_one: bool,
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// It adds so many octets.
    Plus(i64),
    /// It rounds up to a multiple.
    RoundedUp(u64),
    /// It multiplies by a fraction, and rounds somehow.
    Times { by: u64, over: u64 },
    /// It counts lines that it does not send, of so many octets at most (Q59).
    UpTo(u64),
}

/// How a message's size fits LIST's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// To the octet: nothing is missing.
    Exact,
    /// As far as the server's rule can tell.
    Good,
    /// The number is no evidence.
    Unknown,
    /// More came than LIST told.
    Longer,
    /// Less came than LIST told.
    Shorter,
}

/// So much must speak for a rule: eight messages of different size, or fewer that were fetched
/// again and stayed the same.
const ENOUGH: u32 = 8;
/// So many messages of different size whose number is the size itself show that LIST is exact.
const EXACT: usize = 3;
/// The most that lines can take which a server counts and does not send.
const MOST_UNSENT: u64 = 160;
const ROUNDED_TO: [u64; 8] = [1024, 512, 1000, 2048, 4096, 8192, 16_384, 65_536];

impl Sizes {
    /// How a message of this size fits the number that LIST told of it.
    pub(crate) fn fit(self, octets: u64, lines: u64, listed: u64) -> Fit {
        if octets == listed {
            return Fit::Exact;
        }
        let is_shorter = match self {
            Self::MeanNothing => return Fit::Unknown,
            Self::Unknown => octets < listed,
            Self::Follow(rule) => match rule.explains(octets, lines, listed) {
                true if rule.is_exact() => return Fit::Exact,
                true => return Fit::Good,
                false => rule.base(octets, lines) < listed,
            },
        };
        if is_shorter {
            Fit::Shorter
        } else {
            Fit::Longer
        }
    }

    /// What LIST's numbers are as long as nothing else is known is no rule.
    fn of(rule: Rule) -> Self {
        let as_they_are = Rule {
            lines_as_one: false,
            then: Then::Plus(0),
        };
        match rule == as_they_are {
            true => Self::Unknown,
            false => Self::Follow(rule),
        }
    }

    /// What these messages teach, if it is something else than is known.
    pub(crate) fn taught(self, samples: &[Sample]) -> Option<Self> {
        let is_odd = samples.iter().any(|sample| {
            let fit = self.fit(sample.octets, sample.lines, sample.listed);
            matches!(fit, Fit::Shorter | Fit::Longer)
        });
        if !is_odd {
            return None;
        }
        let (rule, explained) = Rule::strong(samples)?;
        let learned = if 2 * explained.len() >= samples.len() {
            // What most messages follow is the server's way to count. The others were cut.
            says_enough(&explained).then(|| Self::of(rule))?
        } else if let Some(rule) = Rule::weak(samples) {
            Self::Follow(rule)
        } else {
            mean_nothing(samples).then_some(Self::MeanNothing)?
        };
        (learned != self).then_some(learned)
    }
}

/// Whether these messages say enough for a rule that explains them.
fn says_enough(samples: &[Sample]) -> bool {
    let mut most: BTreeMap<u64, u32> = BTreeMap::new();
    for sample in samples {
        let weight = 1 + 2 * sample.checks.min(2);
        let said = most.entry(sample.octets).or_default();
        *said = weight.max(*said);
    }
    most.len() >= 2 && most.values().sum::<u32>() >= ENOUGH
}

impl Rule {
    /// The rule that explains most of these messages, and those that it explains. Hardly a message
    /// fits it by accident.
    fn strong(samples: &[Sample]) -> Option<(Self, Vec<Sample>)> {
        let mut best: Option<(Self, Vec<Sample>)> = None;
        for lines_as_one in [false, true] {
            let with = |then| Self { lines_as_one, then };
            let offsets: BTreeSet<i64> = (samples.iter())
                .filter_map(|sample| {
                    let base = with(Then::Plus(0)).base(sample.octets, sample.lines);
                    i64::try_from(i128::from(sample.listed) - i128::from(base)).ok()
                })
                .collect();
            let rules = offsets.into_iter().map(Then::Plus);
            for rule in rules.chain(ROUNDED_TO.map(Then::RoundedUp)).map(with) {
                let is_explained = |one: &&Sample| rule.explains(one.octets, one.lines, one.listed);
                let explained: Vec<Sample> = samples.iter().filter(is_explained).copied().collect();
                if (best.as_ref()).is_none_or(|(_, most)| explained.len() > most.len()) {
                    best = Some((rule, explained));
                }
            }
        }
        best
    }

    /// Rules that need many messages, and must explain all of them.
    fn weak(samples: &[Sample]) -> Option<Self> {
        let different: BTreeSet<u64> = samples.iter().map(|sample| sample.octets).collect();
        if different.len() < ENOUGH as usize {
            return None;
        }
        let longest = samples.iter().max_by_key(|sample| sample.octets)?;
        let unsent = samples
            .iter()
            .filter_map(|sample| sample.listed.checked_sub(sample.octets));
        let mut unsent: Vec<u64> = unsent.collect();
        unsent.sort_unstable();
        // What lacks more than twice as much as most of them was cut.
        let typical = unsent.get(unsent.len() / 2).copied().unwrap_or(0);
        let most = typical.saturating_mul(2).min(MOST_UNSENT);
        let ratio = Then::Times {
            by: longest.listed,
            over: longest.octets.max(1),
        };
        [Then::UpTo(most), ratio]
            .map(|then| Self {
                lines_as_one: false,
                then,
            })
            .into_iter()
            .find(|rule| rule.explains_all(samples))
    }

    fn explains_all(self, samples: &[Sample]) -> bool {
        samples
            .iter()
            .all(|sample| self.explains(sample.octets, sample.lines, sample.listed))
    }

    fn base(self, octets: u64, lines: u64) -> u64 {
        match self.lines_as_one {
            true => octets.saturating_sub(lines),
            false => octets,
        }
    }

    fn is_exact(self) -> bool {
        matches!(self.then, Then::Plus(_))
    }

    fn explains(self, octets: u64, lines: u64, listed: u64) -> bool {
        let base = self.base(octets, lines);
        match self.then {
            Then::Plus(plus) => base.checked_add_signed(plus) == Some(listed),
            Then::RoundedUp(to) => base.next_multiple_of(to) == listed,
            Then::Times { by, over } => {
                let exact = u128::from(base) * u128::from(by) / u128::from(over.max(1));
                u128::from(listed).abs_diff(exact) <= 1
            }
            Then::UpTo(most) => (base..=base.saturating_add(most)).contains(&listed),
        }
    }
}

/// Whether messages of different size were fetched again, an hour later, and were the same, while
/// no rule explains LIST's numbers and none of them is exact. A proxy that cuts everything to one
/// length does not look so: it gives one size for many numbers.
fn mean_nothing(samples: &[Sample]) -> bool {
    let sizes = |is_meant: fn(&Sample) -> bool| {
        let meant = samples.iter().filter(|&sample| is_meant(sample));
        meant
            .map(|sample| sample.octets)
            .collect::<BTreeSet<_>>()
            .len()
    };
    sizes(|sample| sample.octets == sample.listed) < EXACT
        && sizes(|sample| sample.octets != sample.listed && sample.checks >= 2) >= ENOUGH as usize
}

/// As the state keeps it and shows it: `lines as one, + 3`.
impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = match self {
            Self::Unknown => return f.write_str("unknown"),
            Self::MeanNothing => return f.write_str("no evidence"),
            Self::Follow(rule) => rule,
        };
        let what = if rule.lines_as_one {
            "line ends as one octet"
        } else {
            "octets"
        };
        match rule.then {
            Then::Plus(plus) => write!(f, "{what} {plus:+}"),
            Then::RoundedUp(to) => write!(f, "{what} up-to-multiple-of {to}"),
            Then::Times { by, over } => write!(f, "{what} times {by}/{over}"),
            Then::UpTo(most) => write!(f, "{what} and-unsent-up-to {most}"),
        }
    }
}

/// What a text is that says no rule.
#[derive(Debug)]
pub(crate) struct NoRule;

impl FromStr for Sizes {
    type Err = NoRule;

    fn from_str(text: &str) -> Result<Self, NoRule> {
        let (lines_as_one, rest) = match text {
            "unknown" => return Ok(Self::Unknown),
            "no evidence" => return Ok(Self::MeanNothing),
            _ => match text.strip_prefix("line ends as one octet ") {
                Some(rest) => (true, rest),
                None => (false, text.strip_prefix("octets ").ok_or(NoRule)?),
            },
        };
        let number = |text: &str| text.parse::<u64>().map_err(|_| NoRule);
        let then = match rest.split_once(' ') {
            None => Then::Plus(rest.parse().map_err(|_| NoRule)?),
            Some(("up-to-multiple-of", to)) => Then::RoundedUp(number(to)?.max(1)),
            Some(("and-unsent-up-to", most)) => Then::UpTo(number(most)?),
            Some(("times", fraction)) => {
                let (by, over) = fraction.split_once('/').ok_or(NoRule)?;
                Then::Times {
                    by: number(by)?,
                    over: number(over)?.max(1),
                }
            }
            Some(_) => return Err(NoRule),
        };
        Ok(Self::Follow(Rule { lines_as_one, then }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten messages of different size, and LIST's numbers.
    fn samples(listed: impl Fn(u64, u64, u64) -> u64) -> Vec<Sample> {
        (1..=10)
            .map(|n| {
                let (octets, lines) = (n * 731 + 13, n * 17 + n % 3);
                Sample {
                    octets,
                    lines,
                    listed: listed(octets, lines, n),
                    checks: 0,
                }
            })
            .collect()
    }

    fn taught(samples: &[Sample]) -> String {
        (Sizes::Unknown.taught(samples)).map_or_else(String::new, |sizes| sizes.to_string())
    }

    #[test]
    fn e04_eight_messages_teach_an_honest_servers_arithmetic_at_once() {
        for (expected, all) in [
            ("", samples(|octets, _, _| octets)),
            (
                "line ends as one octet +0",
                samples(|octets, lines, _| octets - lines),
            ),
            ("octets +3", samples(|octets, _, _| octets + 3)),
            ("octets -17", samples(|octets, _, _| octets - 17)),
            (
                "octets up-to-multiple-of 1024",
                samples(|octets, _, _| octets.next_multiple_of(1024)),
            ),
            (
                "line ends as one octet up-to-multiple-of 512",
                samples(|octets, lines, _| (octets - lines).next_multiple_of(512)),
            ),
            (
                "octets times 9765/7323",
                samples(|octets, _, _| octets * 4 / 3 + 1),
            ),
            (
                "octets and-unsent-up-to 78",
                samples(|octets, _, n| octets + 5 * n + 9),
            ),
        ] {
            assert_eq!(taught(&all), expected);
            let Ok(sizes) = expected.parse::<Sizes>() else {
                continue;
            };
            assert_eq!(sizes.to_string(), expected);
            for Sample {
                octets,
                lines,
                listed,
                ..
            } in all.iter().copied()
            {
                let fit = sizes.fit(octets, lines, listed);
                assert!(matches!(fit, Fit::Exact | Fit::Good), "{expected}: {fit:?}");
                if octets < 4096 {
                    continue;
                }
                // A message of which more is missing than a rule leaves open does not fit.
                assert_eq!(
                    sizes.fit(octets / 3, lines / 3, listed),
                    Fit::Shorter,
                    "{expected}"
                );
            }
        }
    }

    #[test]
    fn e04_few_messages_teach_nothing_until_they_were_fetched_again() {
        let mut few = samples(|octets, _, _| octets.next_multiple_of(1024));
        few.truncate(7);
        assert_eq!(taught(&few), "");
        few.truncate(3);
        few.iter_mut().for_each(|sample| sample.checks = 1);
        assert_eq!(taught(&few), "octets up-to-multiple-of 1024");
        few.truncate(1);
        few[0].checks = 9;
        assert_eq!(taught(&few), "");
    }

    #[test]
    fn e04_a_proxy_that_cuts_everything_teaches_nothing() {
        let mut cut = samples(|octets, _, _| octets);
        for sample in &mut cut {
            (sample.octets, sample.lines, sample.checks) = (300, 6, 9);
        }
        assert_eq!(taught(&cut), "");
        // Short messages come whole, and show that LIST is exact.
        for n in 0..4 {
            cut.push(Sample {
                octets: 200 + n,
                lines: 5,
                listed: 200 + n,
                checks: 0,
            });
        }
        assert_eq!(taught(&cut), "");
    }

    #[test]
    fn e04_messages_that_were_cut_do_not_hide_how_the_server_counts() {
        for expected in ["octets +3", "octets up-to-multiple-of 1024"] {
            let sizes: Sizes = expected.parse().unwrap();
            let mut all = match expected {
                "octets +3" => samples(|octets, _, _| octets + 3),
                _ => samples(|octets, _, _| octets.next_multiple_of(1024)),
            };
            all.iter_mut().for_each(|sample| sample.checks = 2);
            for sample in all.iter_mut().rev().take(4) {
                (sample.octets, sample.lines) = (133, 9);
            }
            assert_eq!(taught(&all), expected);
            let fits = all
                .iter()
                .map(|one| sizes.fit(one.octets, one.lines, one.listed));
            assert_eq!(fits.filter(|fit| *fit == Fit::Shorter).count(), 4);
        }
    }

    #[test]
    fn e04_one_message_that_was_cut_is_no_line_that_was_not_sent() {
        for (plus, expected) in [(0, ""), (3, "octets +3")] {
            for cut in [1, 2, 200] {
                let mut all = samples(|octets, _, _| octets + plus);
                all[4].octets -= cut;
                assert_eq!(taught(&all), expected, "{cut}");
                // What was known before stays known.
                let known: Sizes = expected.parse().unwrap_or_default();
                assert_eq!(known.taught(&all), None);
                assert_eq!(
                    known.fit(all[4].octets, all[4].lines, all[4].listed),
                    Fit::Shorter
                );
            }
        }
    }

    #[test]
    fn sizes_without_a_rule_mean_nothing_after_two_equal_fetches() {
        let mut odd = samples(|octets, _, n| octets * (3 + n % 4) / 2 + 700);
        assert_eq!(taught(&odd), "");
        odd.iter_mut().for_each(|sample| sample.checks = 2);
        assert_eq!(taught(&odd), "no evidence");
        // Messages that fit to the octet say that the others were cut.
        for n in 0..3 {
            odd.push(Sample {
                octets: 200 + n,
                lines: 5,
                listed: 200 + n,
                checks: 0,
            });
        }
        assert_eq!(taught(&odd), "");
    }

    #[test]
    fn what_is_known_stays_until_messages_teach_something_else() {
        let all = samples(|octets, _, _| octets + 3);
        let known = Sizes::Unknown.taught(&all).unwrap();
        assert_eq!(known.taught(&all), None);
        let other = samples(|octets, _, _| octets.next_multiple_of(1024));
        assert_eq!(
            known.taught(&other).unwrap().to_string(),
            "octets up-to-multiple-of 1024"
        );
    }
}
