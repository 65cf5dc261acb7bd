//! Watching a connection: what a wire trace is made of.

use crate::wire::line::CommandLine;

/// Sees what passes over a connection, without the secrets.
///
/// What it is shown may hold mail and the server's words as they came: the octets are not
/// escaped.
pub trait Observer: Send + Sync {
    /// Whether [`Event`]s beyond [`Event::Request`] are wanted now. Asked before each, so that
    /// nothing is spent on lines that nobody reads.
    fn wants_lines(&self) -> bool;

    /// Something passed.
    fn observe(&self, event: Event<'_>);
}

/// What passed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A command goes out. One per request.
    Request(Shown<'a>),
    /// A line goes out: a command, or a response within SASL.
    Sent(Shown<'a>),
    /// A line came in, without its line end. Challenges of SASL are not among them.
    Received(&'a [u8]),
    /// A challenge of SASL came in. Its content is withheld.
    Challenge,
    /// A piece of a message came in, unstuffed. It may begin and end within a line.
    Content(&'a [u8]),
}

/// A line to be sent, as far as it may be shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The part that is not secret.
    pub text: &'a [u8],
    /// Whether a secret follows.
    pub hidden: bool,
}

impl<'a> Shown<'a> {
    pub(crate) fn of(line: &'a CommandLine) -> Self {
        Self {
            text: line.shown(),
            hidden: line.has_secret(),
        }
    }
}
