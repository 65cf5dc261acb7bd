//! Handing over to a mail server: by LMTP (RFC 2033) to one that delivers it at once, or by SMTP
//! (RFC 5321) to one that passes it on.
//!
//! The two differ in a greeting and in how many answers come behind a message: one for each
//! recipient by LMTP, one by SMTP. There is one recipient here, so that this is the same.

mod address;
mod connection;
mod stuff;
#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use self::connection::{Connection, Reply};
use self::stuff::Stuff;
use super::handover::{Courier, Handover, Refusal};
use super::letter::{self, Letter};
use crate::failure::{Failure, Status};
use crate::settings::LineEnd;
use crate::state::Target;

pub(crate) use address::Address;

/// What is spoken to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Lmtp,
    Smtp,
}

impl Protocol {
    /// The kind of [`Target`] this is, and the name of the option.
    fn kind(self) -> &'static str {
        match self {
            Self::Lmtp => "lmtp",
            Self::Smtp => "smtp",
        }
    }

    fn hello(self) -> &'static str {
        match self {
            Self::Lmtp => "LHLO",
            Self::Smtp => "EHLO",
        }
    }
}

/// A mail server that gets every message for one recipient.
pub(crate) struct MailServer {
    protocol: Protocol,
    address: Address,
    recipient: String,
    target: Target,
    time_limit: Duration,
}

impl MailServer {
    /// # Errors
    /// [`Status::Usage`] when there can be no such recipient.
    pub(crate) fn new(
        protocol: Protocol,
        address: &Address,
        recipient: &str,
        time_limit: Duration,
    ) -> Result<Self, Failure> {
        if !letter::can_be_in_an_envelope(recipient) {
            let message = format!("`{recipient}` can receive no mail");
            return Err(Failure::new(Status::Usage, message).hint("use --recipient ADDRESS"));
        }
        Ok(Self {
            protocol,
            address: address.clone(),
            recipient: recipient.into(),
            target: Target {
                kind: protocol.kind().into(),
                location: format!("{address} {recipient}").into_bytes(),
            },
            time_limit,
        })
    }

    fn failed(&self, attempt: &str, error: &io::Error) -> Failure {
        let message = format!("could not {attempt} {}: {error}", self.address);
        Failure::new(Status::Temporary, message)
            .hint("what it did not take stays on the server and is fetched again")
    }
}

impl Handover for MailServer {
    fn target(&self) -> &Target {
        &self.target
    }

    fn begin(&self) -> Result<Box<dyn Courier + '_>, Failure> {
        let connected = || -> io::Result<Session<'_>> {
            let mut connection = Connection::open(&self.address, self.time_limit)?;
            connection.reply()?.expect(2)?;
            let hello = format!("{} {}", self.protocol.hello(), super::host_name());
            let extensions = connection.command(&hello)?.expect(2)?;
            Ok(Session {
                server: self,
                takes_8bit: extensions.has("8BITMIME"),
                takes_size: extensions.has("SIZE"),
                connection,
            })
        };
        let session = connected().map_err(|error| self.failed("connect to", &error))?;
        Ok(Box::new(session))
    }
}

/// A conversation in which messages are handed over.
struct Session<'a> {
    server: &'a MailServer,
    connection: Connection,
    takes_8bit: bool,
    takes_size: bool,
}

impl Courier for Session<'_> {
    fn hand_over(&mut self, letter: &Letter<'_>) -> Result<(), Refusal> {
        let refused = (self.transaction(letter)).map_err(|error| {
            Refusal::Everything(self.server.failed("hand a message over to", &error))
        })?;
        match refused {
            None => Ok(()),
            Some(reply) => Err(self.refusal(&reply)),
        }
    }
}

impl Session<'_> {
    /// Hands over the message; the answer that refuses it, if one does.
    fn transaction(&mut self, letter: &Letter<'_>) -> io::Result<Option<Reply>> {
        let mut envelope = format!("MAIL FROM:<{}>", letter.sender()?.unwrap_or_default());
        if self.takes_8bit {
            envelope.push_str(" BODY=8BITMIME");
        }
        if self.takes_size {
            envelope.push_str(&format!(" SIZE={}", letter.octets));
        }
        let recipient = format!("RCPT TO:<{}>", self.server.recipient);
        for (command, class) in [(envelope.as_str(), 2), (&recipient, 2), ("DATA", 3)] {
            let reply = self.connection.command(command)?;
            if reply.class() != class {
                if !reply.is_the_end() {
                    self.connection.command("RSET")?.expect(2)?;
                }
                return Ok(Some(reply));
            }
        }
        let (mut stuff, connection) = (Stuff::default(), &mut self.connection);
        letter.write(LineEnd::CrLf, |octets| {
            stuff.push(octets, |octets| connection.write(octets))
        })?;
        connection.write(stuff.end())?;
        let reply = connection.reply()?;
        Ok((reply.class() != 2).then_some(reply))
    }

    fn refusal(&self, reply: &Reply) -> Refusal {
        let address = &self.server.address;
        let message = format!("{address} did not take the message: {}", reply.text());
        match reply.class() {
            5 => Refusal::Message(Failure::new(Status::InputOutput, message)),
            _ if reply.is_the_end() => {
                Refusal::Everything(Failure::new(Status::Temporary, message))
            }
            _ => Refusal::ForNow(Failure::new(Status::Temporary, message)),
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // Nothing depends on the answer.
        let _: io::Result<()> = self.connection.send("QUIT");
    }
}
