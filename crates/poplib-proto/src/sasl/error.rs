//! Why an exchange cannot go on, and whose fault it is.

use core::fmt;

/// Why a mechanism gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaslError {
    /// Our caller's credentials cannot be said in this mechanism.
    Unusable(Unusable),
    /// The server's part of the exchange is wrong.
    Misbehaved(SaslMisbehaviour),
}

/// A part of the credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The identity to act as.
    AuthorizationIdentity,
    /// The user name.
    User,
    /// The password.
    Password,
    /// The access token.
    Token,
    /// The trace of an anonymous login.
    Trace,
}

/// Why credentials do not fit a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unusable {
    /// The part is empty, and the mechanism demands one.
    Empty(Part),
    /// The part holds a character that the mechanism cannot carry.
    Forbidden(Part),
    /// The part is longer than the mechanism allows.
    TooLong(Part),
    /// There is an authorization identity, and the mechanism has no place for it.
    NoAuthorizationIdentity,
}

/// What is wrong with the server's part of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaslMisbehaviour {
    /// A challenge after the client's last word.
    UnexpectedChallenge,
    /// A challenge that the mechanism's grammar does not know; the text says what is amiss.
    Malformed(&'static str),
    /// An extension that the client must understand and does not (RFC 5802 §5.1, `m=`).
    MandatoryExtension,
    /// The nonce is not the client's with the server's own behind it (RFC 5802 §5.1).
    Nonce,
    /// Fewer iterations than [`Policy::iterations`](super::Policy::iterations) admits: what a
    /// listener records would be cheap to guess from.
    TooFewIterations(u32),
    /// More iterations than [`Policy::iterations`](super::Policy::iterations) admits: the client
    /// would be kept busy. `None` where the number is beyond 32 bits.
    TooManyIterations(Option<u32>),
    /// The server's signature is wrong: it does not know the password's verifier.
    Signature,
    /// The server reports success without having shown its signature (RFC 5802 §3).
    UnprovenSuccess,
    /// The server reports success after it had explained a failure, or before the client has
    /// said all that it must say.
    UnearnedSuccess,
}

impl SaslError {
    /// Whether another mechanism may be tried on the same server.
    ///
    /// Not where the server was caught in pretending: the next mechanism might hand it the
    /// password.
    #[must_use]
    pub fn allows_another(&self) -> bool {
        match self {
            Self::Unusable(_) => true,
            Self::Misbehaved(how) => match how {
                SaslMisbehaviour::UnexpectedChallenge
                | SaslMisbehaviour::Malformed(_)
                | SaslMisbehaviour::MandatoryExtension
                | SaslMisbehaviour::TooFewIterations(_)
                | SaslMisbehaviour::TooManyIterations(_) => true,
                SaslMisbehaviour::Nonce
                | SaslMisbehaviour::Signature
                | SaslMisbehaviour::UnprovenSuccess
                | SaslMisbehaviour::UnearnedSuccess => false,
            },
        }
    }
}

impl From<Unusable> for SaslError {
    fn from(unusable: Unusable) -> Self {
        Self::Unusable(unusable)
    }
}

impl From<SaslMisbehaviour> for SaslError {
    fn from(how: SaslMisbehaviour) -> Self {
        Self::Misbehaved(how)
    }
}

impl core::error::Error for SaslError {}
impl core::error::Error for Unusable {}
impl core::error::Error for SaslMisbehaviour {}

impl fmt::Display for SaslError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable(unusable) => unusable.fmt(f),
            Self::Misbehaved(how) => how.fmt(f),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AuthorizationIdentity => "authorization identity",
            Self::User => "user name",
            Self::Password => "password",
            Self::Token => "token",
            Self::Trace => "trace",
        })
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty(part) => write!(f, "the {part} is empty"),
            Self::Forbidden(part) => {
                write!(f, "the {part} holds a character that cannot be sent")
            }
            Self::TooLong(part) => write!(f, "the {part} is too long"),
            Self::NoAuthorizationIdentity => {
                f.write_str("the mechanism cannot carry an authorization identity")
            }
        }
    }
}

impl fmt::Display for SaslMisbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedChallenge => f.write_str("the server sent a challenge out of place"),
            Self::Malformed(what) => write!(f, "the server's challenge is malformed: {what}"),
            Self::MandatoryExtension => {
                f.write_str("the server demands an extension that is not known")
            }
            Self::Nonce => f.write_str("the server's nonce does not continue ours"),
            Self::TooFewIterations(count) => write!(
                f,
                "the server asks for {count} iterations only, which would be cheap to guess from"
            ),
            Self::TooManyIterations(Some(count)) => {
                write!(f, "the server asks for {count} iterations, over the limit")
            }
            Self::TooManyIterations(None) => {
                f.write_str("the server asks for more iterations than 32 bits can count")
            }
            Self::Signature => f.write_str(
                "the server's signature is wrong: it does not know the password it pretends to check",
            ),
            Self::UnprovenSuccess => {
                f.write_str("the server reports success without proving that it knows the password")
            }
            Self::UnearnedSuccess => {
                f.write_str("the server reports success that the exchange cannot have had")
            }
        }
    }
}
