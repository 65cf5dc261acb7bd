//! What can go wrong, and whose fault it is.

mod chain;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::fmt;

use crate::proxy::ProxyError;
use crate::sasl::{Failure, NoCandidate, SaslError};
use crate::wire::code::ResponseCode;
use crate::wire::line::Verb;
use crate::wire::reply::{Printable, Reply};

pub use self::chain::Chain;

/// Why an exchange did not succeed.
///
/// Its text does not repeat that of its [source](core::error::Error::source); [`Chain`] shows both.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Our caller asked for what cannot be sent. Nothing was sent.
    Misuse(Misuse),
    /// The server answered -ERR. The connection goes on.
    Refused(Refused),
    /// The server broke the protocol.
    Misbehaved(Misbehaved),
    /// A SASL mechanism gave up (RFC 5034). Where it caught the server pretending, the connection
    /// is given up too.
    Sasl(SaslFailed),
    /// Nothing that the server offers may be used to log in. Nothing was tried.
    NoWay(NoCandidate),
    /// A proxy on the way did not connect us.
    Proxy(ProxyError),
    /// The connection ended before the answer did.
    Closed(Closed),
    /// The connection broke while several commands were on their way. The server may be one that
    /// advertises PIPELINING and cannot do it ([Q7]): without pipelining the same may succeed.
    ///
    /// [Q7]: crate::rows#q7
    PipelineBroken(Box<Error>),
    /// The connection was given up after an earlier error, and nothing is believed from it.
    Poisoned(Box<Error>),
}

/// Who must act for the error to go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The code that called this crate.
    Caller,
    /// The server, or what it was told: a refusal, a broken answer.
    Server,
    /// What lies between.
    Network,
}

/// A mistake of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// An argument holds CR, LF or NUL, and would have made more than one line.
    ForbiddenOctet {
        /// The command.
        verb: Verb,
        /// The octet.
        octet: u8,
    },
    /// The command line is longer than the limit (RFC 2449 §4).
    LineTooLong {
        /// The command.
        verb: Verb,
        /// Its octets with CRLF.
        octets: usize,
        /// The limit.
        limit: usize,
    },
    /// A user name, a password or a token would cross the network in clear.
    PlaintextCredentials {
        /// The command.
        verb: Verb,
    },
    /// The command does not belong to the session's state (RFC 1939 §3).
    WrongState {
        /// The command.
        verb: Verb,
        /// The state.
        state: crate::State,
    },
    /// STLS on a connection that TLS protects already (RFC 2595 §4), or after UTF8 (RFC 6856 §2.1).
    StlsNotPossible(&'static str),
    /// A call was cancelled before its answer came, and without the answer the session's state
    /// is not known.
    Abandoned {
        /// The command.
        verb: Verb,
    },
    /// An answer was asked for that has been read, or skipped in favour of a later one: calls
    /// are resumed in the order in which they were submitted, and not beyond their end.
    AnswerGone,
    /// APOP, but the greeting has no timestamp that could be trusted (RFC 1939 §7).
    NoTimestamp,
    /// A limit under which no server could answer, see [`Limits::check`](crate::Limits::check).
    LimitTooSmall {
        /// Its name.
        name: &'static str,
        /// The least that it can be.
        least: u64,
    },
}

/// An answer of -ERR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The command refused.
    pub verb: Verb,
    /// The server's words.
    pub reply: Reply,
    /// What a SASL mechanism was told about it before, such as the status and scope of OAuth
    /// (RFC 7628 §3.2.2).
    pub explanation: Option<Box<Failure>>,
}

/// A SASL exchange that its mechanism gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaslFailed {
    /// The mechanism's name.
    pub mechanism: Box<str>,
    /// Why.
    pub cause: SaslError,
}

/// An answer that no server may give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misbehaved {
    /// The command it answered.
    pub verb: Verb,
    /// What is wrong with it.
    pub how: Misbehaviour,
    /// The line, or the beginning of it, in the server's own octets.
    pub line: Box<[u8]>,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// A first line that begins with neither `+OK` nor `-ERR`.
    NoStatus,
    /// A greeting of another protocol ([Q29]).
    ///
    /// [Q29]: crate::rows#q29
    OtherProtocol(OtherProtocol),
    /// A line over [`Limits::response_line`](crate::Limits::response_line).
    LineTooLong,
    /// An answer over [`Limits::listing_octets`](crate::Limits::listing_octets) or one of the
    /// limits beside it.
    AnswerTooLong,
    /// Octets that answer nothing.
    Unsolicited,
    /// Octets behind the +OK to STLS, before TLS: an attack, or a server that must not be
    /// trusted with one (CVE-2021-22947).
    InjectedBeforeTls,
    /// A challenge where none belongs.
    UnexpectedChallenge,
    /// A reply whose framing is right and whose content is not.
    MalformedReply,
    /// A message, or another body, over [`Limits::message_octets`](crate::Limits::message_octets).
    MessageTooLong,
    /// A message that is longer than LIST told by more than
    /// [`Limits::surplus_octets`](crate::Limits::surplus_octets) and
    /// [`Limits::listed_factor`](crate::Limits::listed_factor) allow.
    LongerThanListed {
        /// Octets as LIST told them.
        listed: u64,
    },
    /// A header over [`Limits::header_octets`](crate::Limits::header_octets).
    HeaderTooLong,
    /// A status line in the middle of a listing, or of a message behind which other answers are
    /// awaited: the server broke it off and goes on with another answer ([Q39]).
    ///
    /// [Q39]: crate::rows#q39
    StatusWithin,
}

/// Who seems to answer instead of a POP3 server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherProtocol {
    /// `* OK …`
    Imap,
    /// `220 …`: SMTP, or FTP.
    Smtp,
    /// A TLS record.
    Tls,
    /// `HTTP/…`
    Http,
    /// `SSH-…`
    Ssh,
}

/// The end of the connection in the middle of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// What was waited for.
    pub verb: Verb,
    /// Octets of an incomplete answer that had arrived, at most one line's worth.
    pub partial: Box<[u8]>,
}

impl Error {
    pub(crate) fn misbehaved(verb: &Verb, how: Misbehaviour, line: &[u8]) -> Self {
        const SHOWN: usize = 512;
        Self::Misbehaved(Misbehaved {
            verb: verb.clone(),
            how,
            line: line[..line.len().min(SHOWN)].into(),
        })
    }

    /// Who must act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Misuse(_) => Fault::Caller,
            Self::Refused(_) | Self::Misbehaved(_) => Fault::Server,
            Self::Sasl(failed) => match failed.cause {
                SaslError::Misbehaved(_) => Fault::Server,
                _ => Fault::Caller,
            },
            Self::NoWay(_) => Fault::Caller,
            Self::Proxy(_) | Self::Closed(_) => Fault::Network,
            Self::PipelineBroken(cause) | Self::Poisoned(cause) => cause.fault(),
        }
    }

    /// The server's -ERR, if that is what happened.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            _ => None,
        }
    }

    /// The response code of the server's -ERR (RFC 2449 §8).
    #[must_use]
    pub fn code(&self) -> Option<&ResponseCode> {
        self.refusal()?.reply.code()
    }

    /// Whether the same attempt may succeed later, unchanged, as far as the server has said.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Misuse(_) | Self::Misbehaved(_) | Self::Sasl(_) | Self::NoWay(_) => false,
            Self::Refused(refused) => refused.reply.code().is_some_and(ResponseCode::is_retryable),
            Self::Proxy(ProxyError::Refused(_)) | Self::Closed(_) | Self::PipelineBroken(_) => true,
            Self::Proxy(_) => false,
            Self::Poisoned(cause) => cause.is_retryable(),
        }
    }

    /// Whether the connection can go on after it. After any other error nothing is believed from
    /// the connection any more.
    pub(crate) fn leaves_framing_intact(&self) -> bool {
        match self {
            Self::Misuse(_) | Self::Refused(_) | Self::NoWay(_) => true,
            Self::Sasl(failed) => failed.cause.allows_another(),
            Self::Misbehaved(misbehaved) => misbehaved.how == Misbehaviour::MalformedReply,
            Self::Proxy(_) | Self::Closed(_) | Self::PipelineBroken(_) | Self::Poisoned(_) => false,
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Sasl(failed) => Some(&failed.cause),
            Self::PipelineBroken(cause) | Self::Poisoned(cause) => Some(&**cause),
            // Said in full, together with what it holds.
            Self::Misuse(_)
            | Self::Refused(_)
            | Self::Misbehaved(_)
            | Self::NoWay(_)
            | Self::Proxy(_)
            | Self::Closed(_) => None,
        }
    }
}

impl core::error::Error for Misuse {}

impl From<ProxyError> for Error {
    fn from(error: ProxyError) -> Self {
        Self::Proxy(error)
    }
}

impl From<NoCandidate> for Error {
    fn from(no_candidate: NoCandidate) -> Self {
        Self::NoWay(no_candidate)
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Refused(refused) => refused.fmt(f),
            Self::Sasl(SaslFailed { mechanism, .. }) => write!(f, "AUTH {mechanism} was given up"),
            Self::NoWay(no_candidate) => no_candidate.fmt(f),
            Self::Misbehaved(misbehaved) => misbehaved.fmt(f),
            Self::Proxy(error) => error.fmt(f),
            Self::Closed(Closed { verb, partial }) if partial.is_empty() => {
                write!(f, "{verb}: the connection was closed before the answer")?;
                if matches!(verb.as_str(), "PASS" | "APOP" | "AUTH") {
                    f.write_str(", as some servers do at a wrong password")?;
                }
                Ok(())
            }
            Self::Closed(Closed { verb, partial }) => {
                let partial = Printable(partial);
                write!(
                    f,
                    "{verb}: the connection was closed in the middle of the answer, after \"{partial}\""
                )
            }
            Self::PipelineBroken(_) => {
                f.write_str("the connection broke while several commands were on their way")
            }
            Self::Poisoned(_) => f.write_str("the connection was given up after an earlier error"),
        }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForbiddenOctet { verb, octet } => write!(
                f,
                "{verb}: an argument holds the octet 0x{octet:02x}; CR, LF and NUL cannot be sent"
            ),
            Self::LineTooLong {
                verb,
                octets,
                limit,
            } => write!(
                f,
                "{verb}: the command would be {octets} octets long, over the limit of {limit} (RFC 2449 §4)"
            ),
            Self::PlaintextCredentials { verb } => write!(
                f,
                "{verb}: credentials are not sent over a connection without TLS unless that is allowed explicitly"
            ),
            Self::WrongState { verb, state } => {
                write!(f, "{verb} is not a command of the {state} state")
            }
            Self::StlsNotPossible(why) => write!(f, "STLS: {why}"),
            Self::Abandoned { verb } => write!(
                f,
                "{verb} was cancelled before its answer came, and the session's state is not known"
            ),
            Self::AnswerGone => {
                f.write_str("the answer that was asked for has been read or skipped already")
            }
            Self::LimitTooSmall { name, least } => write!(
                f,
                "no server could keep to the limit {name}: {least} is the least that it can be"
            ),
            Self::NoTimestamp => f.write_str(
                "APOP: the server's greeting has no timestamp of the form RFC 1939 demands",
            ),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, reply, .. } = self;
        write!(f, "{verb} was refused: the server said \"{reply}\"")?;
        if let Some(explanation) = &self.explanation {
            let text = Printable(explanation.text.as_bytes());
            write!(f, ", and explained: {text}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Misbehaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, how, line } = self;
        write!(f, "{verb}: {how}")?;
        if !line.is_empty() {
            write!(f, ": \"{}\"", Printable(line))?;
        }
        Ok(())
    }
}

impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStatus => f.write_str("the server's answer is neither +OK nor -ERR"),
            Self::OtherProtocol(other) => {
                write!(f, "the server does not speak POP3 here but {other}")
            }
            Self::LineTooLong => f.write_str("the server sent a line over the limit"),
            Self::AnswerTooLong => f.write_str("the server sent an answer over the limit"),
            Self::Unsolicited => f.write_str("the server sent what nothing had asked for"),
            Self::InjectedBeforeTls => f.write_str(
                "data arrived behind the +OK and before TLS; somebody may be tampering with the connection",
            ),
            Self::UnexpectedChallenge => f.write_str("the server sent a challenge out of place"),
            Self::MalformedReply => f.write_str("the server's answer cannot be understood"),
            Self::MessageTooLong => f.write_str("the server sent a message over the limit"),
            Self::LongerThanListed { listed } => write!(
                f,
                "the server sent far more than the {listed} octets that it listed"
            ),
            Self::HeaderTooLong => f.write_str("the server sent a header over the limit"),
            Self::StatusWithin => {
                f.write_str("the server broke off in the middle of its answer and began another")
            }
        }
    }
}

impl fmt::Display for OtherProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Imap => "IMAP",
            Self::Smtp => "SMTP or FTP",
            Self::Tls => "TLS",
            Self::Http => "HTTP",
            Self::Ssh => "SSH",
        })
    }
}
