//! CAPA (RFC 2449 §5).

use super::ANY_STATE;
use crate::connection::{Connection, Shape, State, Subject, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::capability::Capabilities;
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::Status;

const VERB: Verb = Verb::new("CAPA");

/// Asks what the server can do in its present state. What was known before is forgotten at once,
/// and stays so where the server refuses ([Q6]).
///
/// [Q6]: crate::rows#q6
#[derive(Clone, Debug, Default)]
pub struct Capa;

impl Command for Capa {
    type Output = Capabilities;
    const SHAPE: Shape = Shape::Lines;
    const SUBJECT: Subject = Subject::Server;
    const STATES: &'static [State] = ANY_STATE;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, connection: &mut Connection) -> Result<CommandLine, Error> {
        connection.set_capabilities(None);
        Ok(CommandLine::new(VERB))
    }

    fn begin(&mut self, _status: Status<'_>, _ticket: Ticket) -> Result<Capabilities, Malformed> {
        Ok(Capabilities::default())
    }

    fn line(&mut self, output: &mut Capabilities, line: &[u8]) {
        output.push(line);
    }

    fn complete(&mut self, output: &mut Capabilities, connection: &mut Connection) {
        connection.set_capabilities(Some(output.clone()));
    }
}
