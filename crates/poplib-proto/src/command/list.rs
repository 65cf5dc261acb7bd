//! LIST (RFC 1939 §5).

use alloc::vec::Vec;
use core::fmt;

use super::TRANSACTION;
use crate::connection::{Connection, Shape, State, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::Status;
use crate::wire::words::{number, words};

const VERB: Verb = Verb::new("LIST");

/// Asks for the size of every message that is not marked as deleted.
#[derive(Clone, Debug, Default)]
pub struct List;

/// Asks for the size of one message.
#[derive(Clone, Debug)]
pub struct ListOne {
    number: u32,
}

/// A scan listing: a message's number and size.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scan {
    number: u32,
    /// `UNKNOWN` where there is none; so a million of them take 16 MB and not 24.
    octets: u64,
}

const UNKNOWN: u64 = u64::MAX;

/// What LIST tells, in the server's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    scans: Vec<Scan>,
    unreadable: usize,
}

impl Scan {
    fn parse(text: &[u8]) -> Option<Self> {
        let mut words = words(text);
        Some(Self {
            number: words.next().and_then(number)?,
            octets: words.next().and_then(number).unwrap_or(UNKNOWN),
        })
    }

    /// The message number, as the server wrote it. It should be from 1, and is 0 on some servers
    /// ([Q14]).
    ///
    /// [Q14]: crate::rows#q14
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The message's octets, as the server counts them: a hint, never the length of what RETR
    /// gives ([Q13]). `None` where the server wrote no number.
    ///
    /// [Q13]: crate::rows#q13
    #[must_use]
    pub fn octets(&self) -> Option<u64> {
        (self.octets != UNKNOWN).then_some(self.octets)
    }
}

impl Listing {
    /// The scan listings.
    #[must_use]
    pub fn scans(&self) -> &[Scan] {
        &self.scans
    }

    /// Lines that began with no number, and are left out.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }
}

impl Command for List {
    type Output = Listing;
    const SHAPE: Shape = Shape::Lines;
    const STATES: &'static [State] = TRANSACTION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        Ok(CommandLine::new(VERB))
    }

    fn begin(&mut self, _status: Status<'_>, _ticket: Ticket) -> Result<Listing, Malformed> {
        Ok(Listing::default())
    }

    fn line(&mut self, output: &mut Listing, line: &[u8]) {
        match Scan::parse(line) {
            Some(scan) => output.scans.push(scan),
            None => output.unreadable += 1,
        }
    }

    fn complete(&mut self, output: &mut Listing, _connection: &mut Connection) {
        output.scans.shrink_to_fit();
    }
}

impl ListOne {
    /// The message with this number (from 1).
    #[must_use]
    pub fn new(number: u32) -> Self {
        Self { number }
    }
}

impl Command for ListOne {
    type Output = Scan;
    const SHAPE: Shape = Shape::Line;
    const STATES: &'static [State] = TRANSACTION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        Ok(CommandLine::new(VERB).number(self.number)?)
    }

    fn begin(&mut self, status: Status<'_>, _ticket: Ticket) -> Result<Scan, Malformed> {
        // Another number would be the answer to another command.
        let scan = Scan::parse(status.text());
        scan.filter(|scan| scan.number == self.number)
            .ok_or(Malformed)
    }
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("number", &self.number)
            .field("octets", &self.octets())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Option<(u32, Option<u64>)> {
        Scan::parse(text.as_bytes()).map(|scan| (scan.number(), scan.octets()))
    }

    #[test]
    fn q13_sizes_that_are_no_numbers_are_unknown() {
        assert_eq!(scan("1 120"), Some((1, Some(120))));
        assert_eq!(scan("  1   120  extra"), Some((1, Some(120))));
        assert_eq!(scan("1 -120"), Some((1, None)));
        assert_eq!(scan("1"), Some((1, None)));
    }

    #[test]
    fn the_size_of_another_message_is_malformed() {
        let begin = |line: &[u8]| {
            let status = Status::parse(line).expect("a status line");
            ListOne::new(2).begin(status, Ticket::GREETING)
        };
        assert_eq!(begin(b"+OK 2 200").map(|scan| scan.octets()), Ok(Some(200)));
        for line in [&b"+OK"[..], b"+OK 1 200", b"+OK two 200"] {
            assert_eq!(begin(line), Err(Malformed));
        }
    }

    #[test]
    fn q14_what_can_be_kept_is_kept() {
        let mut listing = Listing::default();
        for line in ["0 1", "", "two 2", "7 7"] {
            List.line(&mut listing, line.as_bytes());
        }
        assert_eq!(listing.scans().len(), 2);
        assert_eq!(listing.unreadable(), 2);
    }
}
