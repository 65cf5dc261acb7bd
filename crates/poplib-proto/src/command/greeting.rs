//! The greeting (RFC 1939 §4), which no command asks for.

use crate::connection::{Connection, State, Ticket};
use crate::error::{Error, Misuse};
use crate::exchange::{Exchange, Step};
use crate::sasl::Timestamp;
use crate::wire::line::Verb;
use crate::wire::reply::Reply;

/// Waits for the server's greeting. The first exchange of every connection.
#[derive(Clone, Debug, Default)]
pub struct Greeting(());

/// The greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    reply: Reply,
}

impl Greeting {
    /// Nothing received yet.
    #[must_use]
    pub fn new() -> Self {
        Self(())
    }
}

impl Exchange for Greeting {
    type Output = Welcome;

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Welcome>, Error> {
        let Some(status) = connection.accepted(Ticket::GREETING, &Verb::GREETING)? else {
            return Ok(connection.wait());
        };
        let reply = status.to_reply();
        connection.enter(State::Authorization);
        Ok(Step::Done(Welcome { reply }))
    }
}

impl Welcome {
    /// The greeting in the server's words.
    #[must_use]
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// The timestamp that APOP digests (RFC 1939 §7).
    ///
    /// # Errors
    ///
    /// [`Misuse::NoTimestamp`] where there is none, or none that can be trusted ([Q18]).
    ///
    /// [Q18]: crate::rows#q18
    pub fn timestamp(&self) -> Result<Timestamp, Misuse> {
        let timestamp = Timestamp::in_greeting(self.reply.text());
        timestamp.ok().flatten().ok_or(Misuse::NoTimestamp)
    }
}
