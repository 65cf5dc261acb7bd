//! DELE (RFC 1939 §5).

use super::TRANSACTION;
use crate::connection::{Connection, Shape, State, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Reply, Status};

const VERB: Verb = Verb::new("DELE");

/// Marks a message as deleted. It goes when QUIT succeeds.
#[derive(Clone, Debug)]
pub struct Dele {
    number: u32,
}

impl Dele {
    /// The message with this number (from 1).
    #[must_use]
    pub fn new(number: u32) -> Self {
        Self { number }
    }
}

impl Command for Dele {
    type Output = Reply;
    const SHAPE: Shape = Shape::Line;
    const STATES: &'static [State] = TRANSACTION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        Ok(CommandLine::new(VERB).number(self.number)?)
    }

    fn begin(&mut self, status: Status<'_>, _ticket: Ticket) -> Result<Reply, Malformed> {
        Ok(status.to_reply())
    }
}
