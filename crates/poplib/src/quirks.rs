//! What has been learned about a server the hard way.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a server turned out not to be able to do, although it should, or says so.
///
/// [`Session::open`](crate::blocking::Session::open) finds it out and remembers it in the
/// [`Config`](crate::Config) and its clones. To keep it for longer, store it, by its fields or as
/// text, and give it back with [`Config::with_quirks`](crate::Config::with_quirks).
///
/// As text it is the names of the fields that are true, with spaces between:
///
/// ```
/// use poplib::Quirks;
///
/// let mut quirks = Quirks::default();
/// quirks.without_capa = true;
/// assert_eq!(quirks.to_string(), "without_capa");
/// assert_eq!("without_capa".parse(), Ok(quirks));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// CAPA hangs or ends the connection, and is not sent (Q24).
    pub without_capa: bool,
    /// PIPELINING is advertised and breaks, and is not used (Q7).
    pub without_pipelining: bool,
}

impl Quirks {
    fn fields(&mut self) -> [(&'static str, &mut bool); 2] {
        let Self {
            without_capa,
            without_pipelining,
        } = self;
        [
            ("without_capa", without_capa),
            ("without_pipelining", without_pipelining),
        ]
    }
}

impl fmt::Display for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut quirks = *self;
        let held = quirks.fields().into_iter().filter(|(_, holds)| **holds);
        let names: Vec<_> = held.map(|(name, _)| name).collect();
        f.write_str(&names.join(" "))
    }
}

impl FromStr for Quirks {
    type Err = Infallible;

    /// Names that are not known are passed over: another version may have learned more.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let mut quirks = Self::default();
        for (name, holds) in quirks.fields() {
            *holds = text.split_whitespace().any(|word| word == name);
        }
        Ok(quirks)
    }
}

/// [`Quirks`] that all sessions of a configuration share.
#[derive(Clone, Default)]
pub(crate) struct Known {
    flags: Arc<Flags>,
}

#[derive(Default)]
struct Flags {
    without_capa: AtomicBool,
    without_pipelining: AtomicBool,
}

impl Known {
    pub(crate) fn new(quirks: Quirks) -> Self {
        let known = Self::default();
        known.remember(quirks);
        known
    }

    pub(crate) fn quirks(&self) -> Quirks {
        Quirks {
            without_capa: self.flags.without_capa.load(Ordering::Relaxed),
            without_pipelining: self.flags.without_pipelining.load(Ordering::Relaxed),
        }
    }

    /// Adds those of `quirks` that hold; nothing is unlearned.
    pub(crate) fn remember(&self, quirks: Quirks) {
        let Flags {
            without_capa,
            without_pipelining,
        } = &*self.flags;
        without_capa.fetch_or(quirks.without_capa, Ordering::Relaxed);
        without_pipelining.fetch_or(quirks.without_pipelining, Ordering::Relaxed);
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

    #[test]
    fn text_and_quirks_are_one() {
        for (without_capa, without_pipelining, text) in [
            (false, false, ""),
            (true, false, "without_capa"),
            (false, true, "without_pipelining"),
            (true, true, "without_capa without_pipelining"),
        ] {
            let quirks = Quirks {
                without_capa,
                without_pipelining,
            };
            assert_eq!(quirks.to_string(), text);
            assert_eq!(text.parse(), Ok(quirks));
            assert_eq!(format!("of_tomorrow  {text} ").parse(), Ok(quirks));
        }
    }
}
