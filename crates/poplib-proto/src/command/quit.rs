//! QUIT (RFC 1939 §5, §6).

use super::ANY_STATE;
use crate::connection::{Connection, Shape, State, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Reply, Status};

const VERB: Verb = Verb::new("QUIT");

/// Ends the session. In the TRANSACTION state the server deletes what is marked, and only then
/// answers: where the answer is -ERR, some or none of it is gone.
#[derive(Clone, Debug, Default)]
pub struct Quit;

impl Command for Quit {
    type Output = Reply;
    const SHAPE: Shape = Shape::Line;
    const DECISIVE: bool = true;
    const STATES: &'static [State] = ANY_STATE;

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
        connection.enter(State::Update);
    }
}
