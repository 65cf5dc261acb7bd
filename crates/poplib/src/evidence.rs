//! Whether a server cannot bear something: what was seen, and what it proves.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// So many breaks in a row are proof.
const PROOF: u8 = 2;

/// What was seen of one thing that a server may not be able to bear.
///
/// A connection that breaks proves nothing: networks break, too. So a break is a *suspicion*. The
/// next session does without the thing, and is the *control*: where it gets past the point at which
/// the other one broke, the break counts; where it breaks there as well, the thing had no part in it.
/// Two breaks in a row that count are *proof*. One success with the thing clears everything.
///
/// ```text
///            broke              passed_without
///   nothing ───────▶ suspicion ────────────────▶ 1 break ──broke, passed_without──▶ proof
///      ▲                 │ broke_without            │                                 │
///      ├─────────────────┘                          │              tried_again        │
///      │                                            ◀─────────────────────────────────┘
///      └──────────────────── worked ────────────────┘
/// ```
///
/// [`Config`](crate::Config) keeps it for what this library does by itself. Applications may keep it
/// for what they do, such as TOP, and store it as text:
///
/// ```
/// use poplib::Evidence;
///
/// let mut top = Evidence::default();
/// top.broke();
/// assert!(top.is_suspicion() && top.is_avoided_next());
/// let mut top: Evidence = top.to_string().parse()?; // the next day
/// top.passed_without();
/// assert_eq!(top.breaks(), 1);
/// assert!(!top.is_avoided_next());
/// top.worked();
/// assert!(top.is_nothing());
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    breaks: u8,
    is_suspicion: bool,
    /// How far the session had got that broke last.
    point: Point,
}

/// How far a session has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    /// The login is answered.
    #[default]
    Login,
    /// The maildrop is listed.
    Listing,
    /// So many commands of a batch are answered.
    Answers(u8),
}

impl Point {
    /// Who bears so many commands at once bears more.
    const MANY: u8 = 64;
    /// All commands of a batch.
    pub(crate) const END: Self = Self::Answers(u8::MAX);

    pub(crate) fn answers(count: u64) -> Self {
        Self::Answers(u8::try_from(count).unwrap_or(u8::MAX).min(Self::MANY))
    }

    /// Whether a session that broke here shows something about one that broke at `other`.
    fn is_before_the_end_of(self, other: Self) -> bool {
        let is_same_stage = std::mem::discriminant(&self) == std::mem::discriminant(&other);
        is_same_stage && self <= other
    }

    fn as_number(self) -> u8 {
        match self {
            Self::Login => 0,
            Self::Listing => 1,
            Self::Answers(count) => count.saturating_add(2),
        }
    }

    fn of_number(number: u8) -> Self {
        match number {
            0 => Self::Login,
            1 => Self::Listing,
            more => Self::Answers((more - 2).min(Self::MANY)),
        }
    }
}

impl Evidence {
    /// Whether nothing is held against it.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// Whether a session broke with it, and none without it has shown yet whether it is to blame.
    #[must_use]
    pub fn is_suspicion(self) -> bool {
        self.is_suspicion
    }

    /// How many sessions in a row broke with it, where the next one without it got past that point.
    #[must_use]
    pub fn breaks(self) -> u32 {
        self.breaks.into()
    }

    /// Whether the server is shown not to bear it.
    #[must_use]
    pub fn is_proof(self) -> bool {
        self.breaks >= PROOF
    }

    /// Whether the next session is to do without it.
    #[must_use]
    pub fn is_avoided_next(self) -> bool {
        self.is_suspicion || self.is_proof()
    }

    /// The same, but that the next session tries it once more: one success clears it then, and one
    /// break that counts makes it proof again. For what was stored weeks ago: servers are mended.
    #[must_use]
    pub fn tried_again(mut self) -> Self {
        self.breaks = self.breaks.min(PROOF - 1);
        self.is_suspicion = false;
        self
    }

    /// A session broke with it.
    pub fn broke(&mut self) {
        self.broke_at(Point::default());
    }

    /// A session without it got past the point where one with it broke.
    pub fn passed_without(&mut self) {
        self.passed_without_at(Point::END);
    }

    /// A session without it broke at the same point: it had no part in the break before.
    pub fn broke_without(&mut self) {
        self.broke_without_at(self.point);
    }

    /// A session with it got past the point where another one broke.
    pub fn worked(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn broke_at(&mut self, point: Point) {
        self.is_suspicion = true;
        self.point = point;
    }

    /// Whether the break counts now.
    pub(crate) fn passed_without_at(&mut self, point: Point) -> bool {
        let counts = self.is_suspicion && point >= self.point;
        if counts {
            self.is_suspicion = false;
            self.breaks = self.breaks.saturating_add(1);
        }
        counts
    }

    pub(crate) fn broke_without_at(&mut self, point: Point) {
        if self.is_suspicion && point.is_before_the_end_of(self.point) {
            self.is_suspicion = false;
            if self.breaks == 0 {
                self.worked();
            }
        }
    }

    pub(crate) fn worked_at(&mut self, point: Point) {
        if point >= self.point {
            self.worked();
        }
    }
}

impl fmt::Display for Evidence {
    /// The number of breaks; `?` behind it for a suspicion; and behind `@` how far the session had
    /// got, for this library to read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.breaks.fmt(f)?;
        if self.is_suspicion {
            f.write_str("?")?;
        }
        match self.point.as_number() {
            0 => Ok(()),
            point => write!(f, "@{point}"),
        }
    }
}

impl FromStr for Evidence {
    type Err = Infallible;

    /// What cannot be understood is nothing: another version may have written it.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(parse(text).unwrap_or_default())
    }
}

fn parse(text: &str) -> Option<Evidence> {
    let (seen, point) = text.split_once('@').unwrap_or((text, "0"));
    let is_suspicion = seen.ends_with('?');
    let breaks = seen.strip_suffix('?').unwrap_or(seen).parse().ok()?;
    let point = Point::of_number(point.parse().ok()?);
    Some(Evidence {
        breaks,
        is_suspicion,
        point,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(steps: &str) -> Evidence {
        let mut evidence = Evidence::default();
        for step in steps.split_whitespace() {
            match step {
                "broke" => evidence.broke(),
                "passed" => evidence.passed_without(),
                "broke-without" => evidence.broke_without(),
                "worked" => evidence.worked(),
                "again" => evidence = evidence.tried_again(),
                other => panic!("{other}"),
            }
        }
        evidence
    }

    #[test]
    fn e18_proof_takes_two_breaks_in_a_row_with_a_control_each() {
        for (steps, text, avoided, proved) in [
            ("", "0", false, false),
            ("broke", "0?", true, false),
            ("broke broke", "0?", true, false),
            ("broke passed", "1", false, false),
            ("broke passed passed", "1", false, false),
            ("passed", "0", false, false),
            ("broke broke-without", "0", false, false),
            ("broke passed broke", "1?", true, false),
            ("broke passed broke broke-without", "1", false, false),
            ("broke passed broke passed", "2", true, true),
            ("broke passed worked broke passed", "1", false, false),
            ("broke worked", "0", false, false),
            ("broke passed broke passed again", "1", false, false),
            ("broke passed broke passed again worked", "0", false, false),
            (
                "broke passed broke passed again broke passed",
                "2",
                true,
                true,
            ),
        ] {
            let evidence = after(steps);
            assert_eq!(evidence.to_string(), text, "{steps}");
            assert_eq!(evidence.is_avoided_next(), avoided, "{steps}");
            assert_eq!(evidence.is_proof(), proved, "{steps}");
        }
    }

    #[test]
    fn e18_only_who_gets_past_the_same_point_shows_anything() {
        let broke_at = |point| {
            let mut evidence = Evidence::default();
            evidence.broke_at(point);
            evidence
        };
        let points = [
            Point::Login,
            Point::Listing,
            Point::answers(3),
            Point::answers(64),
        ];
        for (index, &point) in points.iter().enumerate() {
            for (other_index, &other) in points.iter().enumerate() {
                let is_past = other_index >= index;
                let mut evidence = broke_at(point);
                evidence.passed_without_at(other);
                assert_eq!(evidence.breaks() == 1, is_past, "{point:?} {other:?}");
                let mut evidence = broke_at(point);
                evidence.worked_at(other);
                assert_eq!(evidence.is_nothing(), is_past, "{point:?} {other:?}");
            }
        }
        for (with, without, acquitted) in [
            (Point::Login, Point::Login, true),
            (Point::Listing, Point::Login, false),
            (Point::Listing, Point::Listing, true),
            (Point::answers(5), Point::Listing, false),
            (Point::answers(5), Point::answers(2), true),
            (Point::answers(5), Point::answers(6), false),
        ] {
            let mut evidence = broke_at(with);
            evidence.broke_without_at(without);
            assert_eq!(evidence.is_nothing(), acquitted, "{with:?} {without:?}");
        }
    }

    #[test]
    fn who_bears_many_commands_bears_more() {
        assert_eq!(Point::answers(64), Point::answers(1_000_000));
        assert!(Point::answers(63) < Point::answers(64));
        assert!(Point::answers(u64::MAX) < Point::END);
    }

    #[test]
    fn text_and_evidence_are_one() {
        for text in ["0", "1", "2", "0?", "1?@1", "2@4", "1@66", "255?@66"] {
            let evidence: Evidence = text.parse().unwrap();
            assert_eq!(evidence.to_string(), text);
        }
        for text in [
            "", "?", "x", "-1", "1@", "1?x", "256", "1@300", "@", "1@1@1",
        ] {
            assert_eq!(text.parse(), Ok(Evidence::default()), "{text}");
        }
    }
}
