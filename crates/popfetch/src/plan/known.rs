//! What a row says of its message, without the store it comes from.

use std::sync::Arc;

use super::{Fetch, Removal};
use crate::clock::Timestamp;
use crate::evidence::{Same, Whole};
use crate::key::{Key, Sum};
use crate::likeness::{Essence, Likeness};
use crate::sizes::{Fit, Sample, Sizes};
use crate::state::{Doubt, Past, Row, State};

/// How long the server may take to delete what it said it would, in seconds (Q58).
const SLOW_DELETION: i64 = 10 * 60;
const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// A [`Row`] that outlives the store's cursor.
#[derive(Clone)]
pub(super) struct KnownRow {
    pub(super) key: Key,
    pub(super) state: State,
    pub(super) changed_at: Timestamp,
    pub(super) sum: Option<Sum>,
    pub(super) octets: Option<u64>,
    lines: Option<u64>,
    pub(super) listed: Option<u64>,
    pub(super) essence: Option<Essence>,
    doubt: Option<Doubt>,
    checks: u32,
    checked: Option<i64>,
    pub(super) excerpt: bool,
    pub(super) age: Option<i64>,
    pub(super) past: Option<Arc<Past>>,
    pub(super) unseen_since: Option<Timestamp>,
}

/// How LIST's number compares with the one that it told before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// It is the same, or none was told before.
    Same,
    /// It is another.
    Changed,
    /// There is none now, and there was one.
    Missing,
}

/// What becomes of the content of a stored message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belief {
    /// It is the whole message.
    Whole(Whole),
    /// It is believed to be from now on.
    Understood(Whole),
    /// Before it is deleted, it is fetched again.
    Unproven,
    /// It is doubted, and is fetched again now.
    Again,
    /// It is doubted, and is fetched again another time.
    Later,
}

impl KnownRow {
    pub(super) fn new(row: &Row<'_>) -> Self {
        Self {
            key: row.key.to_key(),
            state: row.state,
            changed_at: row.changed_at,
            sum: row.sum,
            octets: row.octets,
            lines: row.lines,
            listed: row.listed,
            essence: row.essence,
            doubt: row.doubt,
            checks: row.checks,
            checked: row.checked,
            excerpt: row.excerpt,
            age: row.age,
            past: Past::of(row).map(Arc::new),
            unseen_since: row.unseen_since,
        }
    }

    pub(super) fn number(&self, now: Option<u64>) -> Number {
        match (self.listed, now) {
            (Some(then), Some(now)) if then != now => Number::Changed,
            (Some(_), None) => Number::Missing,
            _ => Number::Same,
        }
    }

    /// Leave to delete it, as far as listing and state can give it. Rows of the first format have
    /// no number of LIST: there, the octets received stand for it.
    pub(super) fn removal(
        &self,
        position: u32,
        now: Option<u64>,
        whole: Option<Whole>,
    ) -> Option<Removal> {
        let whole = whole?;
        let same = Same::by_listing(self.listed.or(self.octets), now)?;
        Some(Removal {
            position,
            same,
            whole,
        })
    }

    /// The request to fetch it again and compare it with these contents.
    pub(super) fn compare(&self, position: u32, delivered: &Arc<[Sum]>) -> Fetch {
        Fetch {
            past: self.past.clone(),
            known: Arc::clone(delivered),
            // Once it was deleted, the unique-id may stand for any other one; and the whole message
            // may have come under another.
            is_new: self.state == State::Gone || self.is_doubted(),
            // What is compared with several may be equal to one that is doubted.
            is_believed: self.is_whole() && self.listed.is_some() && delivered.len() <= 1,
            ..Fetch::new(position)
        }
    }

    /// What a message under its key must have in common with it to be the same.
    pub(super) fn likeness(&self) -> Option<Likeness> {
        let essence = self.essence.filter(|_| !self.excerpt)?;
        Some(match self.is_whole() && self.has_unique_id() {
            true => Likeness::Header(essence),
            false => Likeness::Length(essence),
        })
    }

    pub(super) fn has_unique_id(&self) -> bool {
        self.key.as_ref().identity.unique_id().is_some()
    }

    fn is_whole(&self) -> bool {
        self.whole().is_some() && !self.excerpt
    }

    /// Whether nothing speaks against its content.
    pub(super) fn whole(&self) -> Option<Whole> {
        Whole::without(self.doubt)
    }

    /// Whether its content is believed, by what is known of LIST's numbers.
    pub(super) fn belief(&self, sizes: Sizes) -> Belief {
        let doubt = match (self.doubt, self.whole()) {
            (Some(Doubt::ByHeader), _) => return Belief::Unproven,
            (Some(doubt), _) => doubt,
            (None, Some(whole)) => return Belief::Whole(whole),
            (None, None) => return Belief::Unproven,
        };
        let fit = self.fit(sizes);
        // Without the other messages of its session only the size can clear it.
        let left = match doubt {
            Doubt::Short => doubt.after(fit),
            Doubt::Unjudged | Doubt::Shifted if fit == Fit::Exact => None,
            other => Some(other),
        };
        if let Some(whole) = Whole::without(left) {
            return Belief::Understood(whole);
        }
        let pause = match self.checks {
            0 if self.checked.is_none() => 0,
            0 | 1 => HOUR,
            _ => DAY,
        };
        match self.checked.is_none_or(|ago| ago >= pause) {
            true => Belief::Again,
            false => Belief::Later,
        }
    }

    fn fit(&self, sizes: Sizes) -> Fit {
        let fit = |octets, listed| sizes.fit(octets, self.lines.unwrap_or(0), listed);
        (self.octets.zip(self.listed)).map_or(Fit::Unknown, |(octets, listed)| fit(octets, listed))
    }

    /// What it tells of LIST's numbers.
    pub(super) fn sample(&self) -> Option<Sample> {
        let is_doubted = matches!(self.doubt, Some(Doubt::Short));
        let (octets, listed) = self.octets.zip(self.listed)?;
        (self.state.is_delivered() && !self.excerpt && (is_doubted || octets == listed)).then_some(
            Sample {
                octets,
                lines: self.lines.unwrap_or(0),
                listed,
                checks: self.checks,
            },
        )
    }

    pub(super) fn is_doubted(&self) -> bool {
        self.doubt.is_some()
    }

    /// Whether it was deleted so recently that the server may still be about to.
    pub(super) fn may_be_going(&self, now: Timestamp) -> bool {
        (0..SLOW_DELETION).contains(&now.seconds_since(self.changed_at))
    }
}
