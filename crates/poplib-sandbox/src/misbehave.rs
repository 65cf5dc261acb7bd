//! Everything the server can do wrong, by name.
//!
//! To add a misbehaviour, add a line to the list below and an arm to the hook that it belongs in:
//!
//! | where it shows | hook |
//! |---|---|
//! | every octet that is sent | [`wire`] |
//! | how a connection begins, TLS included | [`beginning`] |
//! | the answers to commands in general | [`answers`] |
//! | login | [`login`] |
//! | STAT, LIST, UIDL | [`listing`] |
//! | the bodies of RETR and TOP | [`bodies`] |

mod answers;
mod argument;
mod beginning;
mod bodies;
mod fault;
mod listing;
mod login;
mod wire;

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::AtomicU64;

pub use argument::{InBody, Phase, Text};
pub use fault::{Fault, Sessions, UnknownFault};
pub(crate) use wire::WireFaults;

use argument::Argument;

macro_rules! misbehaviours {
    ($($(#[doc = $description:literal])+ $variant:ident $(($argument:ty))? $name:literal $($syntax:literal)?;)*) => {
        /// Something the server does wrong on request.
        ///
        /// Each has a name, with an argument where one is shown: `cut-after=1000`.
        #[derive(Clone, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum Misbehaviour {
            $($(#[doc = $description])+ $variant $(($argument))?,)*
        }

        impl Misbehaviour {
            /// All of them, for a help text.
            pub const CATALOGUE: &[Entry] = &[$(Entry {
                name: $name,
                argument: concat!($($syntax)?),
                description: concat!($($description),+),
            },)*];
        }

        impl FromStr for Misbehaviour {
            type Err = UnknownFault;

            fn from_str(text: &str) -> Result<Self, UnknownFault> {
                let (name, argument) = match text.split_once('=') {
                    Some((name, argument)) => (name, Some(argument)),
                    None => (text, None),
                };
                match name {
                    $($name => misbehaviours!(@parse $variant $(($argument))?, argument, text),)*
                    _ => Err(UnknownFault::name(text)),
                }
            }
        }

        impl fmt::Display for Misbehaviour {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(misbehaviours!(@pattern $variant $(($argument))?, argument) =>
                        misbehaviours!(@display $name $(($argument))?, argument, f),)*
                }
            }
        }
    };
    (@parse $variant:ident ($argument:ty), $given:expr, $text:expr) => {
        <$argument>::parse($given)
            .map(Misbehaviour::$variant)
            .ok_or_else(|| UnknownFault::argument($text))
    };
    (@parse $variant:ident, $given:expr, $text:expr) => {
        match $given {
            None => Ok(Misbehaviour::$variant),
            Some(_) => Err(UnknownFault::argument($text)),
        }
    };
    (@pattern $variant:ident ($argument:ty), $name:ident) => { Misbehaviour::$variant($name) };
    (@pattern $variant:ident, $name:ident) => { Misbehaviour::$variant };
    (@display $text:literal ($argument:ty), $name:ident, $f:ident) => { write!($f, "{}={}", $text, $name) };
    (@display $text:literal, $name:ident, $f:ident) => { $f.write_str($text) };
}

misbehaviours! {
    // Every octet that is sent.
    /// Sends one octet at a time.
    OneByteWrites "one-byte-writes";
    /// Waits so many milliseconds before each octet.
    Drip(u64) "drip" "MILLIS";
    /// Ends lines with LF alone (Q8).
    LfOnly "lf-only";
    /// Closes the connection after so many octets in all.
    CutAfter(u64) "cut-after" "BYTES";
    /// Resets the connection after so many octets in all.
    ResetAfter(u64) "reset-after" "BYTES";
    /// Falls silent after so many octets in all, and reads no more.
    StallAfter(u64) "stall-after" "BYTES";

    // How a connection begins.
    /// Falls silent in a phase: greeting (if none is named), tls, or a command in lower case.
    Stall(Phase) "stall" "PHASE";
    /// Appends a text to the +OK of STLS, in the same segment.
    InjectBeforeTls(Text) "inject-before-tls" "TEXT";
    /// Sends a text after the +OK of STLS in a segment of its own.
    InjectBeforeTlsSplit(Text) "inject-before-tls-split" "TEXT";

    // Answers in general.
    /// Refuses CAPA (Q5).
    NoCapa "no-capa";
    /// Refuses every RETR of message N.
    ErrOnRetr(u64) "err-on-retr" "N";

    // Bodies.
    /// Closes the connection after so many octets of the body of message N.
    CutInBody(InBody) "cut-in-body" "N:BYTES";
    /// Falls silent after so many octets of the body of message N.
    StallInBody(InBody) "stall-in-body" "N:BYTES";
}

/// What a help text says of a misbehaviour.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// How it is asked for.
    pub name: &'static str,
    /// What follows the name and `=`; empty if nothing does.
    pub argument: &'static str,
    description: &'static str,
}

impl Entry {
    /// One line.
    pub fn description(&self) -> &'static str {
        self.description.trim_start()
    }
}

/// The misbehaviours of one session, with what they have to remember.
#[derive(Debug, Default)]
pub(crate) struct Misbehaviours {
    active: Vec<Misbehaviour>,
    retrievals: AtomicU64,
}

impl Misbehaviours {
    /// Those of `faults` that concern the session of this number.
    pub(crate) fn of_session(faults: &[Fault], session: u64) -> Self {
        let concerned = faults
            .iter()
            .filter(|fault| fault.sessions.contains(session));
        Self {
            active: concerned.map(|fault| fault.misbehaviour.clone()).collect(),
            retrievals: AtomicU64::new(0),
        }
    }

    fn has(&self, misbehaviour: &Misbehaviour) -> bool {
        self.active.contains(misbehaviour)
    }
}
