//! TOP (RFC 1939 §7).

use super::{BodyStart, TRANSACTION};
use crate::connection::{Connection, Content, Shape, State, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::Status;

const VERB: Verb = Verb::new("TOP");

/// Retrieves a message's header, the empty line and the first lines of its body.
///
/// Servers are often wrong about it ([Q23]): look at what it gives, and fetch with RETR.
///
/// [Q23]: crate::rows#q23
#[derive(Clone, Debug)]
pub struct Top {
    number: u32,
    lines: u32,
}

impl Top {
    /// The message with this number (from 1), and this many lines of its body.
    #[must_use]
    pub fn new(number: u32, lines: u32) -> Self {
        Self { number, lines }
    }
}

impl Command for Top {
    type Output = BodyStart;
    const SHAPE: Shape = Shape::Body;
    const STATES: &'static [State] = TRANSACTION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn content(&self) -> Content {
        match self.lines {
            0 => Content::Header,
            _ => Content::Message { listed: None },
        }
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        let line = CommandLine::new(VERB).number(self.number)?;
        Ok(line.number(self.lines)?)
    }

    fn begin(&mut self, status: Status<'_>, ticket: Ticket) -> Result<BodyStart, Malformed> {
        let reply = status.to_reply();
        Ok(BodyStart { ticket, reply })
    }
}
