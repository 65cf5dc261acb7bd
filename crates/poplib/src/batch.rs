//! What batches are made of, for both clients.

use poplib_proto::command::{Dele, ListOne, Retr, Scan, Top, UidlOne};
use poplib_proto::{Command, Planned};

/// A message to be retrieved in a batch: its number, and its octets as far as they are known.
///
/// The octets bound how much may be on its way at once; a [`Scan`] of LIST has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The message number, from 1.
    pub number: u32,
    /// Octets as LIST tells them.
    pub octets: Option<u64>,
}

impl From<u32> for Wanted {
    fn from(number: u32) -> Self {
        let octets = None;
        Self { number, octets }
    }
}

impl From<Scan> for Wanted {
    fn from(scan: Scan) -> Self {
        Self {
            number: scan.number(),
            octets: scan.octets(),
        }
    }
}

impl From<&Scan> for Wanted {
    fn from(scan: &Scan) -> Self {
        Self::from(*scan)
    }
}

/// The commands of a batch, one for each message that the batch was given.
pub(crate) struct Commands<I: Iterator, C> {
    messages: I,
    /// Of TOP.
    lines: u32,
    plan: fn(I::Item, u32) -> Planned<C>,
}

impl<I: Iterator, C> Iterator for Commands<I, C> {
    type Item = Planned<C>;

    fn next(&mut self) -> Option<Planned<C>> {
        let message = self.messages.next()?;
        Some((self.plan)(message, self.lines))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.messages.size_hint()
    }
}

/// What is assumed of a message whose octets are not known: large enough that few are on their
/// way at once.
const UNKNOWN_OCTETS: u64 = 1024 * 1024;

/// What is assumed of an answer of one line, and of a header.
const LINE_OCTETS: u64 = 80;
const HEADER_OCTETS: u64 = 4096;

pub(crate) fn retr<I: Iterator<Item: Into<Wanted>>>(messages: I) -> Commands<I, Retr> {
    commands(messages, 0, |message, _| {
        let wanted: Wanted = message.into();
        let octets = wanted.octets.unwrap_or(UNKNOWN_OCTETS);
        let retr = Retr::new(wanted.number).listed(wanted.octets);
        plan(wanted.number, retr, octets)
    })
}

pub(crate) fn top<I: Iterator<Item = u32>>(numbers: I, lines: u32) -> Commands<I, Top> {
    commands(numbers, lines, |number, lines| {
        let octets = HEADER_OCTETS + LINE_OCTETS * u64::from(lines);
        plan(number, Top::new(number, lines), octets)
    })
}

pub(crate) fn dele<I: Iterator<Item = u32>>(numbers: I) -> Commands<I, Dele> {
    commands(numbers, 0, |number, _| {
        plan(number, Dele::new(number), LINE_OCTETS)
    })
}

pub(crate) fn list<I: Iterator<Item = u32>>(numbers: I) -> Commands<I, ListOne> {
    commands(numbers, 0, |number, _| {
        plan(number, ListOne::new(number), LINE_OCTETS)
    })
}

pub(crate) fn uidl<I: Iterator<Item = u32>>(numbers: I) -> Commands<I, UidlOne> {
    commands(numbers, 0, |number, _| {
        plan(number, UidlOne::new(number), LINE_OCTETS)
    })
}

fn commands<I: Iterator, C>(
    messages: I,
    lines: u32,
    plan: fn(I::Item, u32) -> Planned<C>,
) -> Commands<I, C> {
    Commands {
        messages,
        lines,
        plan,
    }
}

fn plan<C: Command>(number: u32, command: C, octets: u64) -> Planned<C> {
    Planned {
        number,
        command,
        octets,
    }
}
