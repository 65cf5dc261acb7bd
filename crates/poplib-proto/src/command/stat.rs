//! STAT (RFC 1939 §5).

use super::TRANSACTION;
use crate::connection::{Connection, Shape, State, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::Status;
use crate::wire::words::{number, words};

const VERB: Verb = Verb::new("STAT");

/// Asks how many messages the maildrop holds, and how many octets.
#[derive(Clone, Debug, Default)]
pub struct Stat;

/// What STAT tells. Messages marked as deleted do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maildrop {
    /// Messages.
    pub messages: u32,
    /// Their octets together, as the server counts them: a hint, and unknown where the server
    /// wrote no number ([Q13]).
    ///
    /// [Q13]: crate::rows#q13
    pub octets: Option<u64>,
}

impl Command for Stat {
    type Output = Maildrop;
    const SHAPE: Shape = Shape::Line;
    const STATES: &'static [State] = TRANSACTION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        Ok(CommandLine::new(VERB))
    }

    fn begin(&mut self, status: Status<'_>, _ticket: Ticket) -> Result<Maildrop, Malformed> {
        let mut words = words(status.text());
        let messages = words.next().and_then(number).ok_or(Malformed)?;
        let octets = words.next().and_then(number);
        Ok(Maildrop { messages, octets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(line: &str) -> Result<Maildrop, Malformed> {
        let status = Status::parse(line.as_bytes()).expect("a status line");
        Stat.begin(status, Ticket::GREETING)
    }

    #[test]
    fn q13_odd_octets_are_unknown() {
        let maildrop = |messages, octets| Ok(Maildrop { messages, octets });
        assert_eq!(begin("+OK 2 320"), maildrop(2, Some(320)));
        assert_eq!(begin("+OK  2   320 more text"), maildrop(2, Some(320)));
        assert_eq!(begin("+OK 2 -320"), maildrop(2, None));
        assert_eq!(begin("+OK 2"), maildrop(2, None));
        assert_eq!(
            begin("+OK 0 18446744073709551615"),
            maildrop(0, Some(u64::MAX))
        );
    }

    #[test]
    fn no_count_is_malformed() {
        for line in ["+OK", "+OK maildrop has 2", "+OK -1 3", "+OK 4294967296 1"] {
            assert_eq!(begin(line), Err(Malformed), "{line}");
        }
    }
}
