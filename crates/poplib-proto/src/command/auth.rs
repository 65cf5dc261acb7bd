//! AUTH (RFC 5034).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64, Encoding};

use super::AUTHORIZATION;
use crate::connection::{Connection, Shape, State, Subject, Ticket};
use crate::error::{Error, Misbehaviour, Misuse, Refused, SaslFailed};
use crate::exchange::{Command, Exchange, Malformed, Step};
use crate::sasl::{Mechanism, SaslError, SaslMisbehaviour};
use crate::secret::Secret;
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Indicator, Reply, Status};

const VERB: Verb = Verb::new("AUTH");

/// Logs in with a SASL mechanism.
///
/// Base64, the initial response, and the way out belong to it and not to the mechanism:
///
/// - The initial response goes with the command while the line stays within 255 octets, and
///   waits for the first `+` otherwise (RFC 5034 §4, [Q1]). An empty one is `=`.
/// - Where the mechanism gives up, the exchange is cancelled with `*`, and the connection can
///   be used for another try.
/// - The server's success counts only where the mechanism agrees (RFC 5802 §3).
///
/// [Q1]: crate::rows#q1
pub struct Auth {
    mechanism: Box<dyn Mechanism>,
    stage: Stage,
}

enum Stage {
    Unsent,
    /// In the midst of challenges. `initial`: a response too long for the command's line.
    Sent {
        ticket: Ticket,
        initial: Option<Secret>,
    },
    /// `*` was sent, for this reason.
    Cancelled {
        ticket: Ticket,
        cause: SaslError,
    },
    Over,
}

impl Auth {
    /// With a mechanism that has not begun.
    #[must_use]
    pub fn new(mechanism: Box<dyn Mechanism>) -> Self {
        Self {
            mechanism,
            stage: Stage::Unsent,
        }
    }

    /// The mechanism.
    #[must_use]
    pub fn mechanism(&self) -> &dyn Mechanism {
        &*self.mechanism
    }

    fn submit(&mut self, connection: &mut Connection) -> Result<Stage, Error> {
        connection.require(&VERB, AUTHORIZATION)?;
        if self.mechanism.reveals_secret() {
            connection.require_confidentiality(&VERB)?;
        }
        let initial = self
            .mechanism
            .initial_response()
            .map_err(|cause| self.failed(cause))?;
        let command = || CommandLine::new(VERB).argument(self.mechanism.name().as_bytes());
        let mut line = command()?;
        let mut held_back = None;
        if let Some(initial) = initial {
            let mut encoded = encode(&initial);
            if encoded.expose().is_empty() {
                encoded = Secret::from("=");
            }
            line = line.secret_argument(encoded.expose())?;
            if line.check_length(connection.limits()).is_err() {
                line = command()?;
                held_back = Some(initial);
            }
        }
        Ok(Stage::Sent {
            ticket: connection.submit(&line, Shape::Sasl, true)?,
            initial: held_back,
        })
    }

    /// Answers a challenge, or cancels.
    fn answer(
        &mut self,
        challenge: &[u8],
        initial: Option<Secret>,
        ticket: Ticket,
        connection: &mut Connection,
    ) -> Result<Stage, Error> {
        let response = match initial {
            // The server asks for what was held back; what it says besides does not matter (Q3).
            Some(initial) => Ok(initial),
            None => match decode(challenge) {
                Some(challenge) => self.mechanism.respond(&challenge),
                None if self.mechanism.ignores_challenge() => self.mechanism.respond(&[]),
                None => Err(SaslMisbehaviour::Malformed("it is not base64").into()),
            },
        };
        let line = CommandLine::continuation(VERB);
        match response {
            Ok(response) => {
                connection.respond(&line.secret(encode(&response).expose())?)?;
                let initial = None;
                Ok(Stage::Sent { ticket, initial })
            }
            Err(cause) => {
                connection.respond(&line.secret(b"*")?)?;
                Ok(Stage::Cancelled { ticket, cause })
            }
        }
    }

    fn refused(&self, reply: Reply) -> Error {
        Error::Refused(Refused {
            verb: VERB,
            reply,
            explanation: self.mechanism.failure().cloned().map(Box::new),
        })
    }

    fn failed(&self, cause: SaslError) -> Error {
        Error::Sasl(SaslFailed {
            mechanism: self.mechanism.name().into(),
            cause,
        })
    }

    fn succeeded(&mut self, reply: Reply, connection: &mut Connection) -> Result<Reply, Error> {
        match self.mechanism.finish() {
            Ok(()) => {
                connection.enter(State::Transaction);
                Ok(reply)
            }
            // A server that only pretends to have checked the password is none to go on with.
            Err(cause) => Err(connection.give_up(self.failed(cause))),
        }
    }
}

impl Exchange for Auth {
    type Output = Reply;

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Reply>, Error> {
        if let Stage::Unsent = self.stage {
            self.stage = self.submit(connection)?;
        }
        loop {
            let (Stage::Sent { ticket, .. } | Stage::Cancelled { ticket, .. }) = self.stage else {
                return Err(Misuse::AnswerGone.into());
            };
            let Some(status) = connection.status(ticket)? else {
                return Ok(connection.wait());
            };
            let indicator = status.indicator();
            let reply = status.to_reply();
            match (indicator, core::mem::replace(&mut self.stage, Stage::Over)) {
                (Indicator::Challenge, Stage::Sent { initial, .. }) => {
                    self.stage = self.answer(reply.text(), initial, ticket, connection)?;
                }
                (Indicator::Ok, Stage::Sent { .. }) => {
                    return self.succeeded(reply, connection).map(Step::Done);
                }
                (Indicator::Err, Stage::Sent { .. }) => return Err(self.refused(reply)),
                (Indicator::Err, Stage::Cancelled { cause, .. }) => {
                    return Err(connection.give_up(self.failed(cause)));
                }
                (Indicator::Ok | Indicator::Challenge, _) => {
                    let how = Misbehaviour::UnexpectedChallenge;
                    let error = Error::misbehaved(&VERB, how, b"");
                    return Err(connection.give_up(error));
                }
                (Indicator::Err, Stage::Unsent | Stage::Over) => {
                    return Err(Misuse::AnswerGone.into());
                }
            }
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Auth({})", self.mechanism.name())
    }
}

fn encode(octets: &Secret) -> Secret {
    Secret::from(Base64::encode_string(octets.expose()))
}

fn decode(challenge: &[u8]) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(challenge.trim_ascii()).ok()?;
    Base64::decode_vec(text).ok()
}

/// Asks which mechanisms AUTH knows, as servers from before RFC 5034 tell (RFC 1734 has no such
/// list; many have it all the same). CAPA tells it better.
#[derive(Clone, Debug, Default)]
pub struct AuthList;

impl Command for AuthList {
    type Output = Vec<String>;
    const SHAPE: Shape = Shape::Lines;
    const SUBJECT: Subject = Subject::Server;
    const STATES: &'static [State] = AUTHORIZATION;

    fn verb(&self) -> Verb {
        VERB
    }

    fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
        Ok(CommandLine::new(VERB))
    }

    fn begin(&mut self, _status: Status<'_>, _ticket: Ticket) -> Result<Vec<String>, Malformed> {
        Ok(Vec::new())
    }

    fn line(&mut self, output: &mut Vec<String>, line: &[u8]) {
        output.push(String::from_utf8_lossy(line.trim_ascii()).into_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q03_challenges_are_base64_or_none() {
        assert_eq!(decode(b""), Some(Vec::new()));
        assert_eq!(decode(b" aGk= "), Some(b"hi".to_vec()));
        for odd in [&b"go ahead"[..], b"=", b"aGk", b"\xff"] {
            assert_eq!(decode(odd), None);
        }
    }
}
