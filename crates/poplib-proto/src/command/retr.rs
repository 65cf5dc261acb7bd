//! RETR (RFC 1939 §5).

use super::TRANSACTION;
use crate::connection::{Connection, Content, Shape, State, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Reply, Status};

const VERB: Verb = Verb::new("RETR");

/// Retrieves a message.
#[derive(Clone, Debug)]
pub struct Retr {
    number: u32,
    listed: Option<u64>,
}

/// The beginning of a body. The body itself is read with
/// [`Connection::advance_body`](crate::Connection::advance_body) and this ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyStart {
    /// The place of the answer.
    pub ticket: Ticket,
    /// The status line. It often names octets, which are a hint and no length.
    pub reply: Reply,
}

impl Retr {
    /// The message with this number (from 1).
    #[must_use]
    pub fn new(number: u32) -> Self {
        let listed = None;
        Self { number, listed }
    }

    /// The same, where LIST told so many octets of the message, if it did: a bound for what comes
    /// ([`Limits::surplus_octets`](crate::Limits::surplus_octets)).
    #[must_use]
    pub fn listed(mut self, octets: Option<u64>) -> Self {
        self.listed = octets;
        self
    }

    /// What LIST told of it, as far as that was said.
    #[must_use]
    pub fn octets_listed(&self) -> Option<u64> {
        self.listed
    }
}

impl Command for Retr {
    type Output = BodyStart;
    const SHAPE: Shape = Shape::Body;
    const STATES: &'static [State] = TRANSACTION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn content(&self) -> Content {
        let listed = self.listed;
        Content::Message { listed }
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        Ok(CommandLine::new(VERB).number(self.number)?)
    }

    fn begin(&mut self, status: Status<'_>, ticket: Ticket) -> Result<BodyStart, Malformed> {
        let reply = status.to_reply();
        Ok(BodyStart { ticket, reply })
    }
}
