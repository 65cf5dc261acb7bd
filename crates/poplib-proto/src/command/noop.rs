//! NOOP (RFC 1939 §5).

use super::TRANSACTION;
use crate::connection::{Connection, Shape, State, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Reply, Status};

const VERB: Verb = Verb::new("NOOP");

/// Does nothing but keep the session alive.
#[derive(Clone, Debug, Default)]
pub struct Noop;

impl Command for Noop {
    type Output = Reply;
    const SHAPE: Shape = Shape::Line;
    const STATES: &'static [State] = TRANSACTION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        Ok(CommandLine::new(VERB))
    }

    fn begin(&mut self, status: Status<'_>, _ticket: Ticket) -> Result<Reply, Malformed> {
        Ok(status.to_reply())
    }
}
