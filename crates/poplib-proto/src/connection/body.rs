//! The bodies' side of a connection: what is content, and how much of it there may be.

use core::ops::Range;

use alloc::boxed::Box;

use super::answer::Part;
use super::{Connection, Ticket};
use crate::error::{Error, Misbehaviour, Misuse};
use crate::observe::Event;
use crate::wire::limits::Limits;
use crate::wire::unstuff::{Decoded, LineEnd, Unstuff};

/// What there is of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyStep {
    /// A piece, to be looked at with [`Connection::run`].
    Run,
    /// More must be read first.
    Read,
    /// The terminator came. The body is complete.
    End,
}

/// What is known of a body beforehand, which decides how long it may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Anything: [`Limits::message_octets`].
    #[default]
    Anything,
    /// A message, of which LIST told so many octets, if it did: also
    /// [`Limits::header_octets`], [`Limits::listed_factor`] and [`Limits::surplus_octets`].
    Message {
        /// Octets as LIST tells them.
        listed: Option<u64>,
    },
    /// A header alone: [`Limits::header_octets`].
    Header,
}

/// A body on its way.
#[derive(Debug)]
pub(super) struct Body {
    unstuff: Unstuff,
    /// Octets that may still come, and what it is if there are more.
    left: u64,
    excess: Misbehaviour,
    header: Option<Header>,
    /// Whether it is known what it is, so that what resembles an answer may be one.
    is_mail: bool,
}

/// A header whose end has not come.
#[derive(Debug)]
struct Header {
    /// Octets that may still come of it.
    left: u64,
    at: At,
}

/// What came just before, of what makes an empty line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    LineBegin,
    CrAtLineBegin,
    Line,
}

impl Body {
    pub(super) fn new(line_end: LineEnd, content: Content, limits: &Limits) -> Self {
        let largest = (limits.message_octets, Misbehaviour::MessageTooLong);
        let (left, excess) = match content {
            Content::Message {
                listed: Some(listed),
            } => {
                let times = listed.saturating_mul(limits.listed_factor);
                let most = times.saturating_add(limits.surplus_octets);
                match most < limits.message_octets {
                    true => (most, Misbehaviour::LongerThanListed { listed }),
                    false => largest,
                }
            }
            Content::Anything | Content::Message { listed: None } => largest,
            Content::Header => (limits.header_octets, Misbehaviour::HeaderTooLong),
        };
        let is_message = matches!(content, Content::Message { .. });
        Self {
            unstuff: Unstuff::new(line_end),
            left,
            excess,
            header: is_message.then_some(Header {
                left: limits.header_octets,
                at: At::LineBegin,
            }),
            is_mail: content != Content::Anything,
        }
    }

    /// The rest of a listing that is skipped.
    pub(super) fn skipped(line_end: LineEnd, after_line_end: bool) -> Self {
        Self {
            unstuff: Unstuff::resumed(line_end, after_line_end),
            left: u64::MAX,
            excess: Misbehaviour::AnswerTooLong,
            header: None,
            is_mail: false,
        }
    }

    /// Counts a run. Of two bounds the one that comes first is told, however the octets are cut.
    fn count(&mut self, run: &[u8]) -> Result<(), Misbehaviour> {
        let before = self.left;
        if let Some(header) = &mut self.header {
            let is_nearer = header.left <= before;
            match header.ends_in(run) {
                Ok(false) => {}
                Ok(true) => self.header = None,
                Err(how) if is_nearer => return Err(how),
                Err(_) => return Err(self.excess),
            }
        }
        let left = before.checked_sub(run.len() as u64);
        self.left = left.ok_or(self.excess)?;
        Ok(())
    }
}

impl Header {
    /// Counts what belongs to it, and tells whether an empty line ends it.
    fn ends_in(&mut self, run: &[u8]) -> Result<bool, Misbehaviour> {
        let end = self.end_in(run);
        let octets = end.unwrap_or(run.len()) as u64;
        let left = self.left.checked_sub(octets);
        self.left = left.ok_or(Misbehaviour::HeaderTooLong)?;
        Ok(end.is_some())
    }

    /// Behind the empty line.
    fn end_in(&mut self, run: &[u8]) -> Option<usize> {
        let mut position = 0;
        while let Some(octet) = run.get(position) {
            position += 1;
            self.at = match (self.at, octet) {
                (At::LineBegin | At::CrAtLineBegin, b'\n') => return Some(position),
                (At::LineBegin, b'\r') => At::CrAtLineBegin,
                (_, b'\n') => At::LineBegin,
                _ => {
                    let line_feed = memchr::memchr(b'\n', &run[position..]);
                    position = line_feed.map_or(run.len(), |at| position + at + 1);
                    line_feed.map_or(At::Line, |_| At::LineBegin)
                }
            };
        }
        None
    }
}

impl Connection {
    /// Moves on in the body that answers `ticket`, whose status was +OK.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] where the stream ended before the body; [`Error::Misbehaved`] where it is
    /// longer than the [`Limits`] allow; [`Error::PipelineBroken`] where the answer to another
    /// command begins in it ([Q39]); [`Error::Poisoned`]; and [`Misuse::AnswerGone`] where the rest of
    /// the body was skipped. After each of them what there was of it is not the whole message.
    ///
    /// [Q39]: crate::rows#q39
    pub fn advance_body(&mut self, ticket: Ticket) -> Result<BodyStep, Error> {
        self.check_poison()?;
        if self.ended_body == Some(ticket) {
            return Ok(BodyStep::End);
        }
        if !self.is_at(ticket) || !matches!(self.part, Part::Body(_)) {
            return Err(Misuse::AnswerGone.into());
        }
        match self.next_run() {
            Ok(Some(range)) if range.is_empty() => {
                self.ended_body = Some(ticket);
                Ok(BodyStep::End)
            }
            Ok(Some(range)) => {
                self.run = range;
                self.observe_line(Event::Content(self.run()));
                Ok(BodyStep::Run)
            }
            Ok(None) => Ok(BodyStep::Read),
            Err(error) => Err(self.give_up(error)),
        }
    }

    /// The piece of a body that the last [`advance_body`](Self::advance_body) found, until the
    /// next call of it or of [`space`](Self::space).
    #[must_use]
    pub fn run(&self) -> &[u8] {
        self.receive.slice(self.run.clone())
    }

    /// Whether what comes next is of a body. While an exchange other than the reader of that body
    /// waits for its own answer, the rest of the body is skipped.
    #[must_use]
    pub fn is_within_body(&self) -> bool {
        matches!(self.part, Part::Body(_))
    }

    /// The next run of the body at hand; an empty one is its end.
    pub(super) fn next_run(&mut self) -> Result<Option<Range<usize>>, Error> {
        let Part::Body(body) = &mut self.part else {
            return Ok(Some(0..0));
        };
        match body.unstuff.decode(self.receive.waiting()) {
            Decoded::Run { run, consumed } => {
                let length = run.len();
                if let Err(how) = body.count(run) {
                    return Err(Error::misbehaved(&self.front_verb(), how, b""));
                }
                // Only where another answer is awaited can one have been glued on.
                if body.is_mail && self.flight.len() > 1 && self.glued.is_in(run) {
                    let (verb, how) = (self.front_verb(), Misbehaviour::StatusWithin);
                    let error = Error::misbehaved(&verb, how, self.glued.words());
                    return Err(Error::PipelineBroken(Box::new(error)));
                }
                let taken = self.receive.take(consumed);
                Ok(Some(taken.end - length..taken.end))
            }
            Decoded::End { consumed } => {
                self.receive.take(consumed);
                self.finish_front();
                Ok(Some(0..0))
            }
            Decoded::More if self.ended => Err(self.closed()),
            Decoded::More => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Octets up to behind the empty line, whatever the pieces.
    fn header_of(message: &[u8]) -> Option<usize> {
        let end = |size: usize| {
            let mut header = Header {
                left: u64::MAX,
                at: At::LineBegin,
            };
            let mut before = 0;
            message.chunks(size).find_map(|piece| {
                let end = header.end_in(piece).map(|end| before + end);
                before += piece.len();
                end
            })
        };
        let whole = end(message.len().max(1));
        for size in 1..=message.len() {
            assert_eq!(end(size), whole, "in pieces of {size}");
        }
        whole
    }

    #[test]
    fn e19_a_header_ends_with_an_empty_line() {
        for (message, end) in [
            (&b"A: b\r\n\r\nbody\r\n\r\n"[..], Some(8)),
            (b"A: b\n\nbody", Some(6)),
            (b"\r\nbody", Some(2)),
            (b"\nbody", Some(1)),
            (b"A: b\r\n\nbody", Some(7)),
            (b"A: b\r\n c\r\n\td\r\n\r\n", Some(16)),
            (b"A\r\n\rb\r\n\r\n", Some(9)),
            (b"A\r\r\n\r\n", Some(6)),
            (b"A: b\r\n", None),
            (b"A: b\r\n \r\n", None),
            (b"", None),
        ] {
            assert_eq!(header_of(message), end, "{}", message.escape_ascii());
        }
    }

    #[test]
    fn e19_the_smallest_bound_counts() {
        let limits = Limits {
            message_octets: 1_000,
            listed_factor: 2,
            surplus_octets: 100,
            header_octets: 50,
            ..Limits::default()
        };
        let message = |listed| Content::Message { listed };
        for (content, most, excess) in [
            (Content::Anything, 1_000, Misbehaviour::MessageTooLong),
            (message(None), 1_000, Misbehaviour::MessageTooLong),
            (
                message(Some(0)),
                100,
                Misbehaviour::LongerThanListed { listed: 0 },
            ),
            (
                message(Some(87)),
                274,
                Misbehaviour::LongerThanListed { listed: 87 },
            ),
            (message(Some(450)), 1_000, Misbehaviour::MessageTooLong),
            (message(Some(u64::MAX)), 1_000, Misbehaviour::MessageTooLong),
            (Content::Header, 50, Misbehaviour::HeaderTooLong),
        ] {
            let body = Body::new(LineEnd::Crlf, content, &limits);
            assert_eq!((body.left, body.excess), (most, excess), "{content:?}");
        }
    }
}
