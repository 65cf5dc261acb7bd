//! RPOP (RFC 1081, withdrawn by RFC 1725).

use alloc::boxed::Box;

use super::AUTHORIZATION;
use crate::connection::{Connection, Shape, State, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Reply, Status};

const VERB: Verb = Verb::new("RPOP");

/// Logs in by the caller's trusted address, as the r-commands did. No secret is sent.
#[derive(Clone, Debug)]
pub struct Rpop {
    user: Box<[u8]>,
}

impl Rpop {
    /// With this user, in the octets it is sent as.
    #[must_use]
    pub fn new(user: &[u8]) -> Self {
        Self { user: user.into() }
    }
}

impl Command for Rpop {
    type Output = Reply;
    const SHAPE: Shape = Shape::Line;
    const DECISIVE: bool = true;
    const STATES: &'static [State] = AUTHORIZATION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, connection: &mut Connection) -> Result<CommandLine, Error> {
        connection.require_confidentiality(&VERB)?;
        Ok(CommandLine::new(VERB).argument(&self.user)?)
    }

    fn begin(&mut self, status: Status<'_>, _ticket: Ticket) -> Result<Reply, Malformed> {
        Ok(status.to_reply())
    }

    fn complete(&mut self, _output: &mut Reply, connection: &mut Connection) {
        connection.enter(State::Transaction);
    }
}
