//! The greeting (RFC 1939 §4), which no command asks for.

use crate::connection::{Connection, State, Ticket};
use crate::error::Error;
use crate::exchange::{Exchange, Step};
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
}
