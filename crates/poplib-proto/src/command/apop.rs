//! APOP (RFC 1939 §7).

use alloc::boxed::Box;

use super::AUTHORIZATION;
use crate::connection::{Connection, Shape, State, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::sasl::Timestamp;
use crate::secret::Secret;
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Reply, Status};

const VERB: Verb = Verb::new("APOP");

/// Logs in with a digest of the greeting's timestamp and a password.
#[derive(Clone, Debug)]
pub struct Apop {
    user: Box<[u8]>,
    digest: Secret,
}

impl Apop {
    /// As `user`, with the password's digest for the `timestamp` of this connection's greeting.
    #[must_use]
    pub fn new(user: &[u8], password: &Secret, timestamp: &Timestamp) -> Self {
        Self::with_digest(user, timestamp.digest(password))
    }

    /// As `user`, with a digest made already.
    #[must_use]
    pub fn with_digest(user: &[u8], digest: Secret) -> Self {
        Self {
            user: user.into(),
            digest,
        }
    }
}

impl Command for Apop {
    type Output = Reply;
    const SHAPE: Shape = Shape::Line;
    const DECISIVE: bool = true;
    const STATES: &'static [State] = AUTHORIZATION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        let line = CommandLine::new(VERB).argument(&self.user)?;
        Ok(line.secret_argument(self.digest.expose())?)
    }

    fn begin(&mut self, status: Status<'_>, _ticket: Ticket) -> Result<Reply, Malformed> {
        Ok(status.to_reply())
    }

    fn complete(&mut self, _output: &mut Reply, connection: &mut Connection) {
        connection.enter(State::Transaction);
    }
}
