//! UTF8 (RFC 6856 §2).

use super::AUTHORIZATION;
use crate::connection::{Connection, Shape, State, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Reply, Status};

const VERB: Verb = Verb::new("UTF8");

/// Asks the server to send and take UTF-8. After it STLS is not possible (RFC 6856 §2.1).
#[derive(Clone, Debug, Default)]
pub struct Utf8;

impl Command for Utf8 {
    type Output = Reply;
    const SHAPE: Shape = Shape::Line;
    const DECISIVE: bool = true;
    const STATES: &'static [State] = AUTHORIZATION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        Ok(CommandLine::new(VERB))
    }

    fn begin(&mut self, status: Status<'_>, _ticket: Ticket) -> Result<Reply, Malformed> {
        Ok(status.to_reply())
    }

    fn complete(&mut self, _output: &mut Reply, connection: &mut Connection) {
        connection.set_utf8();
    }
}
