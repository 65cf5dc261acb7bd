//! Handing over to a mail server: by LMTP (RFC 2033) to one that delivers it at once, or by SMTP
//! (RFC 5321) to one that passes it on.
//!
//! The two differ in a greeting and in how many answers come behind a message: one for each
//! recipient by LMTP, one by SMTP. There is one recipient here, so that this is the same.

mod address;
mod auth;
mod connection;
mod opening;
mod socket;
mod stuff;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use poplib::{Secret, Tls};

use self::connection::{Connection, Reply};
use self::stuff::Stuff;
use super::handover::{Courier, Handover, Refusal};
use super::letter::{self, Letter};
use crate::failure::{Failure, Status};
use crate::secret::Source;
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
    pub(super) fn kind(self) -> &'static str {
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

/// What all mail servers of an account have in common.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// What the user calls the account.
    pub(crate) account: String,
    /// Whom they deliver to.
    pub(crate) recipient: String,
    /// Whom to trust.
    pub(crate) tls: Tls,
    /// Where the password is, for those that somebody logs in to.
    pub(crate) password: Source,
}

/// A mail server that gets every message for one recipient.
pub(crate) struct MailServer {
    protocol: Protocol,
    address: Address,
    access: Access,
    /// Once somebody has told it.
    password: OnceLock<Secret>,
    target: Target,
    time_limit: Duration,
}

impl MailServer {
    /// # Errors
    /// [`Status::Usage`] when there can be no such recipient.
    pub(crate) fn new(
        protocol: Protocol,
        address: &Address,
        access: &Access,
        time_limit: Duration,
    ) -> Result<Self, Failure> {
        let recipient = &access.recipient;
        if !letter::can_be_in_an_envelope(recipient) {
            let message = format!("`{recipient}` can receive no mail");
            return Err(Failure::new(Status::Usage, message).hint("use --recipient ADDRESS"));
        }
        Ok(Self {
            protocol,
            address: address.clone(),
            access: access.clone(),
            password: OnceLock::new(),
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
        Ok(Box::new(self.open()?))
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
        let recipient = format!("RCPT TO:<{}>", self.server.access.recipient);
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
