//! USER (RFC 1939 §7).

use alloc::boxed::Box;

use super::AUTHORIZATION;
use crate::connection::{Connection, Shape, State, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Reply, Status};

const VERB: Verb = Verb::new("USER");

/// Names the maildrop; PASS must follow. The answer is the server's reply.
#[derive(Clone, Debug)]
pub struct User {
    name: Box<[u8]>,
}

impl User {
    /// With this name, in the octets it is sent as.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        Self { name: name.into() }
    }
}

impl Command for User {
    type Output = Reply;
    const SHAPE: Shape = Shape::Line;
    const STATES: &'static [State] = AUTHORIZATION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, connection: &mut Connection) -> Result<CommandLine, Error> {
        connection.require_confidentiality(&VERB)?;
        Ok(CommandLine::new(VERB).argument(&self.name)?)
    }

    fn begin(&mut self, status: Status<'_>, _ticket: Ticket) -> Result<Reply, Malformed> {
        Ok(status.to_reply())
    }
}
