//! The messages of one session judged together: whether the server gave those that were asked for,
//! and all of each.

use std::ops::Range;

use crate::key::Sum;
use crate::sizes::{Fit, Sample, Sizes};
use crate::state::{Doubt, Received};

/// A message that arrived in this session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    /// Where it is in the listing.
    pub(crate) position: u32,
    pub(crate) sum: Sum,
    /// With the doubt that the message alone gives rise to.
    pub(crate) received: Received,
    pub(crate) standing: Standing,
}

/// What is known of a message that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is new, and the state has the doubt that the message alone gives rise to.
    New,
    /// It was delivered before, and its content was not judged or is doubted.
    Delivered,
    /// It was delivered before and believed, and is the same.
    Believed,
}

/// All messages of a session. Those that nothing speaks against take no room.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    odd: Vec<Arrived>,
    /// Where the others are, as they came.
    right: Vec<Range<u32>>,
    /// Some of those whose size is LIST's number.
    exact: Vec<Sample>,
    messages: usize,
    first: Option<(Sum, Option<u64>)>,
    /// Not all have one content, or not all have one size in LIST.
    has_contents: bool,
    has_sizes: bool,
}

/// What comes of a session's messages.
#[derive(Debug)]
pub(crate) struct Verdicts {
    /// Each message that something spoke against, or that was not judged before, and why it is
    /// doubted now, if it is. All others are believed.
    pub(crate) doubts: Vec<(Arrived, Option<Doubt>)>,
    /// The server gave other messages than those that were asked for. Nothing is deleted in this
    /// session.
    pub(crate) is_shifted: bool,
    /// What the messages taught of LIST's numbers, if that is something else than was known.
    pub(crate) sizes: Option<Sizes>,
}

/// So many messages must seem to be others. One that has another's size proves nothing.
const SEVERAL: usize = 3;
/// Answers move up by a few places. In a small maildrop all others are looked at.
const NEAR: u32 = 3;
const SMALL: u32 = 64;

/// So many messages whose size is LIST's number say enough.
const ENOUGH_EXACT: usize = 8;

/// What LIST said of the messages at each position.
pub(crate) trait Listed {
    fn messages(&self) -> usize;
    fn octets(&self, position: u32) -> Option<u64>;
}

impl Arrivals {
    pub(crate) fn push(&mut self, message: Arrived) {
        let Arrived {
            sum,
            received,
            standing,
            ..
        } = message;
        self.messages += 1;
        let (first, listed) = *self.first.get_or_insert((sum, received.listed));
        self.has_contents |= first != sum;
        self.has_sizes |= listed != received.listed;
        if received.doubt.is_some() || standing == Standing::Delivered {
            self.odd.push(message);
            return;
        }
        match self.right.last_mut() {
            Some(range) if range.end == message.position => range.end += 1,
            _ => self.right.push(message.position..message.position + 1),
        }
        if self.exact.len() < ENOUGH_EXACT {
            self.exact.extend(message.sample());
        }
    }

    /// Judges what arrived. `earlier` are messages of other sessions whose sizes are not understood
    /// yet.
    pub(crate) fn judge(&self, listed: &dyn Listed, known: Sizes, earlier: &[Sample]) -> Verdicts {
        let is_shifted = self.are_others(listed, known) || self.are_one();
        if is_shifted {
            let doubts = self.odd.iter().map(|&message| {
                let is_odd = message.received.doubt.is_some();
                (message, is_odd.then_some(Doubt::Shifted))
            });
            return Verdicts {
                doubts: doubts.collect(),
                is_shifted,
                sizes: None,
            };
        }
        let odd = self.odd.iter().filter_map(Arrived::sample);
        let now: Vec<Sample> = odd.chain(self.exact.iter().copied()).collect();
        let sizes = known.taught(&now).or_else(|| {
            let all = [&now, earlier].concat();
            (!earlier.is_empty()).then(|| known.taught(&all)).flatten()
        });
        let by = sizes.unwrap_or(known);
        let doubts = self.odd.iter().map(|&message| (message, message.doubt(by)));
        Verdicts {
            doubts: doubts.collect(),
            is_shifted,
            sizes,
        }
    }

    /// Judges nothing: the session broke, and may have gone wrong before. A message that something
    /// speaks against stays doubted.
    pub(crate) fn put_off(&self) -> Verdicts {
        let doubts = self
            .odd
            .iter()
            .map(|&message| (message, message.received.doubt));
        Verdicts {
            doubts: doubts.collect(),
            is_shifted: false,
            sizes: None,
        }
    }

    /// Whether the sizes say that messages came in the place of others: several miss their own line
    /// of LIST, and most of these fit the line of another to the octet. Those others did not come as
    /// they should, but for one at most: where each is the next one, the last is right.
    fn are_others(&self, listed: &dyn Listed, known: Sizes) -> bool {
        let misses: Vec<&Arrived> = self.odd.iter().filter(|one| one.misses(known)).collect();
        if misses.len() < SEVERAL {
            return false;
        }
        let all = u32::try_from(listed.messages()).unwrap_or(u32::MAX);
        let near = if all <= SMALL { all } else { NEAR };
        let mut right = self.right.clone();
        right.sort_unstable_by_key(|range| range.start);
        let came_right = |position: u32| {
            let behind = right.partition_point(|range| range.start <= position);
            behind > 0 && right[behind - 1].contains(&position)
        };
        let others = |message: &Arrived| {
            let from = message.position.saturating_sub(near);
            let to = message.position.saturating_add(near).min(all - 1);
            let octets = Some(message.received.octets);
            (from..=to).filter(move |&other| listed.octets(other) == octets)
        };
        let (mut fits, mut fit_right) = (0, 0);
        for message in &misses {
            let (mut fits_one, mut is_right) = (false, true);
            for other in others(message) {
                fits_one = true;
                is_right &= came_right(other);
            }
            fits += usize::from(fits_one);
            fit_right += usize::from(fits_one && is_right);
        }
        fits >= SEVERAL && 2 * fits >= misses.len() && fit_right <= 1
    }

    /// Whether all that came is one message, where LIST told of several sizes.
    fn are_one(&self) -> bool {
        self.messages >= SEVERAL && !self.has_contents && self.has_sizes
    }
}

impl Arrived {
    fn sample(&self) -> Option<Sample> {
        let Received {
            octets,
            lines,
            listed,
            ..
        } = self.received;
        Some(Sample {
            octets,
            lines,
            listed: listed?,
            checks: 0,
        })
    }

    /// Whether LIST told another size of it.
    fn misses(&self, known: Sizes) -> bool {
        self.sample().is_some_and(|sample| {
            let fit = known.fit(sample.octets, sample.lines, sample.listed);
            matches!(fit, Fit::Shorter | Fit::Longer)
        })
    }

    /// Why it is doubted once the server's sizes are understood as far as they can be.
    fn doubt(&self, sizes: Sizes) -> Option<Doubt> {
        if self.standing == Standing::Believed {
            return None;
        }
        let fit = (self.sample()).map_or(Fit::Unknown, |sample| {
            sizes.fit(sample.octets, sample.lines, sample.listed)
        });
        self.received.doubt?.after(fit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Listed for Vec<u64> {
        fn messages(&self) -> usize {
            self.len()
        }

        fn octets(&self, position: u32) -> Option<u64> {
            self.get(position as usize).copied()
        }
    }

    /// The doubts about messages of which LIST tells these octets and these come, with their content.
    fn doubts(listed: &[u64], came: &[(u64, u8)]) -> Vec<Option<Doubt>> {
        let listed = listed.to_vec();
        let mut arrivals = Arrivals::default();
        for (position, &(octets, content)) in (0..).zip(came) {
            let told = listed.octets(position);
            let doubt = told.and_then(|told| match octets.cmp(&told) {
                std::cmp::Ordering::Less => Some(Doubt::Short),
                std::cmp::Ordering::Equal => None,
                std::cmp::Ordering::Greater => Some(Doubt::Unjudged),
            });
            arrivals.push(Arrived {
                position,
                sum: [content; 32],
                received: Received {
                    doubt,
                    listed: told,
                    ..Received::of(octets)
                },
                standing: Standing::New,
            });
        }
        let verdicts = arrivals.judge(&listed, Sizes::Unknown, &[]);
        let mut doubts = vec![None; came.len()];
        for (message, doubt) in verdicts.doubts {
            doubts[message.position as usize] = doubt;
        }
        doubts
    }

    #[test]
    fn e05_messages_that_came_in_the_place_of_others_are_all_doubted() {
        let shifted = Some(Doubt::Shifted);
        let next = [(200, 2), (300, 3), (150, 4), (150, 4)];
        let expected = [shifted, shifted, shifted, None];
        assert_eq!(doubts(&[100, 200, 300, 150], &next), expected);
        // The one behind them was not asked for.
        let next = [(200, 2), (300, 3), (150, 4)];
        assert_eq!(doubts(&[100, 200, 300, 150], &next), [shifted; 3]);
        let first = [(100, 1), (100, 1), (100, 1)];
        assert_eq!(doubts(&[100, 200, 300], &first), [None, shifted, shifted]);
        let mixed = [(200, 2), (100, 1), (300, 3), (400, 5), (350, 4)];
        let expected = [shifted, shifted, None, shifted, shifted];
        assert_eq!(doubts(&[100, 200, 300, 350, 400], &mixed), expected);
    }

    #[test]
    fn e05_what_fits_others_that_came_as_they_should_proves_nothing() {
        let came = [(300, 1), (400, 2), (500, 3), (300, 4), (400, 5), (500, 6)];
        let longer = [None; 6];
        assert_eq!(doubts(&[100, 200, 250, 300, 400, 500], &came), longer);
    }

    #[test]
    fn e05_a_single_fit_proves_nothing() {
        // One message grew to the size of another, and one was cut to that of another.
        assert_eq!(
            doubts(
                &[100, 200, 300, 400],
                &[(200, 1), (200, 2), (100, 3), (400, 4)]
            ),
            [None, None, Some(Doubt::Short), None]
        );
        // Equal messages are no sign of anything.
        assert_eq!(doubts(&[100; 4], &[(100, 1); 4]), [None; 4]);
        // A rule explains what looks like another's size.
        let listed: Vec<u64> = (1..=9).map(|n| n * 1001 + 3).collect();
        let came: Vec<(u64, u8)> = (1..=9).map(|n| (n * 1001, n as u8)).collect();
        assert_eq!(doubts(&listed, &came), [None; 9]);
    }

    #[test]
    fn e04_eight_messages_that_a_rule_explains_are_believed_in_the_same_session() {
        let listed: Vec<u64> = (1..=9)
            .map(|n: u64| (n * 997).next_multiple_of(1024))
            .collect();
        let mut came: Vec<(u64, u8)> = (1..=9).map(|n| (n * 997, n as u8)).collect();
        assert_eq!(doubts(&listed, &came), [None; 9]);
        came.truncate(7);
        assert_eq!(doubts(&listed, &came), [Some(Doubt::Short); 7]);
    }
}
