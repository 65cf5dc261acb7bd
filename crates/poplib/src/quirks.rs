//! What has been learned about a server the hard way.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a server turned out not to be able to do, although it should, or says so.
///
/// [`Session::open`](crate::blocking::Session::open) finds it out and remembers it in the
/// [`Config`](crate::Config) and its clones. To keep it for longer, store it and give it back
/// with [`Config::with_quirks`](crate::Config::with_quirks).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// CAPA hangs or ends the connection, and is not sent (Q24).
    pub without_capa: bool,
    /// PIPELINING is advertised and breaks, and is not used (Q7).
    pub without_pipelining: bool,
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
