//! PASS (RFC 1939 §7).

use super::AUTHORIZATION;
use crate::connection::{Connection, Shape, State, Ticket};
use crate::error::{Error, Misuse};
use crate::exchange::{Command, Malformed};
use crate::secret::Secret;
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Reply, Status};

/// The password for the user that USER named. On +OK the session is in the TRANSACTION state.
#[derive(Clone, Debug)]
pub struct Pass {
    password: Secret,
}

impl Pass {
    /// The keyword.
    pub const VERB: Verb = Verb::new("PASS");

    /// With this password.
    #[must_use]
    pub fn new(password: Secret) -> Self {
        Self { password }
    }

    /// Whether it could be sent: asked before USER, which without it is of no use.
    pub(super) fn check(&self, connection: &Connection) -> Result<(), Misuse> {
        connection.require_confidentiality(&Self::VERB)?;
        self.command_line()?.check_length(connection.limits())
    }

    fn command_line(&self) -> Result<CommandLine, Misuse> {
        CommandLine::new(Self::VERB).secret_argument(self.password.expose())
    }
}

impl Command for Pass {
    type Output = Reply;
    const SHAPE: Shape = Shape::Line;
    const DECISIVE: bool = true;
    const STATES: &'static [State] = AUTHORIZATION;

    fn verb(&self) -> Verb {
        Self::VERB
    }

    fn encode(&mut self, connection: &mut Connection) -> Result<CommandLine, Error> {
        connection.require_confidentiality(&Self::VERB)?;
        Ok(self.command_line()?)
    }

    fn begin(&mut self, status: Status<'_>, _ticket: Ticket) -> Result<Reply, Malformed> {
        Ok(status.to_reply())
    }

    fn complete(&mut self, _output: &mut Reply, connection: &mut Connection) {
        connection.enter(State::Transaction);
    }
}
