//! UIDL (RFC 1939 §7).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::{fmt, slice};

use super::TRANSACTION;
use crate::connection::{Connection, Shape, State, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Printable, Status};
use crate::wire::words::leading_number;

const VERB: Verb = Verb::new("UIDL");

/// Asks for the unique-id of every message that is not marked as deleted.
#[derive(Clone, Debug, Default)]
pub struct Uidl;

/// Asks for the unique-id of one message.
#[derive(Clone, Debug)]
pub struct UidlOne {
    number: u32,
}

/// A message's number and unique-id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UniqueId<'a> {
    /// The message number.
    pub number: u32,
    /// The unique-id in the server's own octets. It is whatever the server says: empty, long,
    /// not ASCII, shared with another message ([Q14]). It is no file name.
    ///
    /// [Q14]: crate::rows#q14
    pub uid: &'a [u8],
}

/// What UIDL tells, in the server's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UniqueIds {
    entries: Vec<Entry>,
    /// The unique-ids, one behind the other: an allocation each would cost more than they do.
    octets: Vec<u8>,
    unreadable: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    number: u32,
    /// Octets of the unique-id, which is shorter than a line.
    length: u32,
}

impl<'a> UniqueId<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let (number, rest) = leading_number(text)?;
        let separated = rest.first().is_none_or(u8::is_ascii_whitespace);
        separated.then_some(Self {
            number,
            uid: rest.trim_ascii_start(),
        })
    }

    /// Whether the unique-id is as RFC 1939 §7 demands: 1 to 70 octets from 0x21 to 0x7E.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        (1..=70).contains(&self.uid.len()) && self.uid.iter().all(u8::is_ascii_graphic)
    }
}

impl UniqueIds {
    /// The unique-ids.
    #[must_use]
    pub fn iter(&self) -> UniqueIdsIter<'_> {
        UniqueIdsIter {
            entries: self.entries.iter(),
            octets: &self.octets,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Lines that began with no number, and are left out.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }
}

/// The [unique-ids](UniqueIds::iter) that UIDL tells.
#[derive(Clone, Debug)]
pub struct UniqueIdsIter<'a> {
    entries: slice::Iter<'a, Entry>,
    octets: &'a [u8],
}

impl<'a> Iterator for UniqueIdsIter<'a> {
    type Item = UniqueId<'a>;

    fn next(&mut self) -> Option<UniqueId<'a>> {
        let &Entry { number, length } = self.entries.next()?;
        let uid = self.octets.split_off(..length as usize);
        let uid = uid.unwrap_or_default();
        Some(UniqueId { number, uid })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl ExactSizeIterator for UniqueIdsIter<'_> {}

impl<'a> IntoIterator for &'a UniqueIds {
    type Item = UniqueId<'a>;
    type IntoIter = UniqueIdsIter<'a>;

    fn into_iter(self) -> UniqueIdsIter<'a> {
        self.iter()
    }
}

impl Command for Uidl {
    type Output = UniqueIds;
    const SHAPE: Shape = Shape::Lines;
    const STATES: &'static [State] = TRANSACTION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        Ok(CommandLine::new(VERB))
    }

    fn begin(&mut self, _status: Status<'_>, _ticket: Ticket) -> Result<UniqueIds, Malformed> {
        Ok(UniqueIds::default())
    }

    fn line(&mut self, output: &mut UniqueIds, line: &[u8]) {
        let parsed = UniqueId::parse(line);
        match parsed.and_then(|id| Some((id, u32::try_from(id.uid.len()).ok()?))) {
            Some((UniqueId { number, uid }, length)) => {
                output.octets.extend_from_slice(uid);
                output.entries.push(Entry { number, length });
            }
            None => output.unreadable += 1,
        }
    }

    fn complete(&mut self, output: &mut UniqueIds, _connection: &mut Connection) {
        output.entries.shrink_to_fit();
        output.octets.shrink_to_fit();
    }
}

impl UidlOne {
    /// The message with this number (from 1).
    #[must_use]
    pub fn new(number: u32) -> Self {
        Self { number }
    }
}

impl Command for UidlOne {
    type Output = Box<[u8]>;
    const SHAPE: Shape = Shape::Line;
    const STATES: &'static [State] = TRANSACTION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        Ok(CommandLine::new(VERB).number(self.number)?)
    }

    fn begin(&mut self, status: Status<'_>, _ticket: Ticket) -> Result<Box<[u8]>, Malformed> {
        match UniqueId::parse(status.text()) {
            Some(UniqueId { number, uid }) if !uid.is_empty() => {
                // Another number would be the answer to another command.
                let right = number == self.number;
                right.then(|| uid.into()).ok_or(Malformed)
            }
            // The number, and no unique-id behind it (Q14).
            Some(UniqueId { number, .. }) if number == self.number => Err(Malformed),
            // Some servers leave the number out.
            _ if status.text().is_empty() => Err(Malformed),
            _ => Ok(status.text().trim_ascii().into()),
        }
    }
}

impl fmt::Debug for UniqueId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, Printable(self.uid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p04_q14_unique_ids_are_kept_as_they_come() {
        let mut ids = UniqueIds::default();
        let long = [b"9 ".as_slice(), &[b'x'; 71]].concat();
        let lines: [&[u8]; 9] = [
            b"1 whqtswO00WBw418f9t5JxYwZ",
            b"2   spaced  ",
            b"2 spaced",
            b"4",
            b"0 zero",
            b"",
            b"five 5",
            b"6 \xc3\xa9\xff",
            &long,
        ];
        for line in lines {
            Uidl.line(&mut ids, line);
        }
        let kept: Vec<_> = ids.iter().map(|id| (id.number, id.uid)).collect();
        let expected: [(u32, &[u8]); 7] = [
            (1, b"whqtswO00WBw418f9t5JxYwZ"),
            (2, b"spaced"),
            (2, b"spaced"),
            (4, b""),
            (0, b"zero"),
            (6, b"\xc3\xa9\xff"),
            (9, &long[2..]),
        ];
        assert_eq!(kept, expected);
        assert_eq!(ids.len(), expected.len());
        assert!(!ids.is_empty() && UniqueIds::default().is_empty());
        assert_eq!(ids.unreadable(), 2);
        let conformant: Vec<_> = ids.iter().map(|id| id.is_conformant()).collect();
        assert_eq!(conformant, [true, true, true, false, true, false, false]);
    }

    #[test]
    fn one_unique_id_with_and_without_its_number() {
        let begin = |line: &[u8]| {
            let status = Status::parse(line).expect("a status line");
            UidlOne::new(2).begin(status, Ticket::GREETING)
        };
        assert_eq!(begin(b"+OK 2 abc").as_deref(), Ok(&b"abc"[..]));
        assert_eq!(begin(b"+OK abc").as_deref(), Ok(&b"abc"[..]));
        // A unique-id may be a number, but not that of the message.
        assert_eq!(begin(b"+OK 3").as_deref(), Ok(&b"3"[..]));
        for line in [&b"+OK"[..], b"+OK 2", b"+OK 3 abc"] {
            assert_eq!(begin(line), Err(Malformed));
        }
    }
}
