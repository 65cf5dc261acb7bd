//! What every mechanism does.

use alloc::string::String;

use super::SaslError;
use crate::Secret;

/// The client's side of one SASL exchange (RFC 4422 §3).
///
/// A value serves one exchange: [`initial_response`](Self::initial_response) once, then
/// [`respond`](Self::respond) for each challenge, then [`finish`](Self::finish) if the server
/// reports success. Challenges and responses are plain octets, without base64.
///
/// An error means that the exchange must be cancelled (`*` in POP3, RFC 5034 §4).
///
/// Mechanisms of your own are welcome beside those of this module:
///
/// ```
/// use poplib_proto::Secret;
/// use poplib_proto::sasl::{Mechanism, SaslError, SaslMisbehaviour};
///
/// struct Ticket(Secret);
///
/// impl Mechanism for Ticket {
///     fn name(&self) -> &str {
///         "X-TICKET"
///     }
///     fn initial_response(&mut self) -> Result<Option<Secret>, SaslError> {
///         Ok(Some(self.0.clone()))
///     }
///     fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, SaslError> {
///         Err(SaslMisbehaviour::UnexpectedChallenge.into())
///     }
///     fn finish(&mut self) -> Result<(), SaslError> {
///         Ok(())
///     }
/// }
/// ```
pub trait Mechanism: Send {
    /// The registered name, in capitals: `SCRAM-SHA-256-PLUS`.
    fn name(&self) -> &str;

    /// What the client says first; `None` where the server does.
    ///
    /// `Some` of no octets is a response, an empty one (`=` in POP3).
    ///
    /// # Errors
    /// [`SaslError::Unusable`] where the credentials cannot be said in this mechanism.
    fn initial_response(&mut self) -> Result<Option<Secret>, SaslError>;

    /// The answer to a challenge.
    ///
    /// A profile that can send data with its success, as POP3's cannot (RFC 5034 §4), gives that
    /// data here too, drops the answer and goes on with [`finish`](Self::finish).
    ///
    /// # Errors
    /// [`SaslError::Misbehaved`] where no honest answer is possible.
    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, SaslError>;

    /// Whether the server's success may be believed.
    ///
    /// # Errors
    /// [`SaslError::Misbehaved`] where the mechanism demands a proof of the server that has not
    /// come. The client must then leave, although the server calls it logged in.
    fn finish(&mut self) -> Result<(), SaslError>;

    /// Whether who reads the exchange learns what opens the maildrop. Without TLS such a mechanism
    /// is not used unless that is allowed.
    fn reveals_secret(&self) -> bool {
        true
    }

    /// Whether the server holds all it needs to judge the credentials.
    ///
    /// A refusal before speaks of the mechanism, and another one may do; a refusal after speaks
    /// of the credentials.
    fn credentials_sent(&self) -> bool {
        true
    }

    /// Whether the next challenge is not read, so that even text which is not base64 may stand
    /// in its place (Q3).
    fn ignores_challenge(&self) -> bool {
        false
    }

    /// What a challenge explained about the refusal that follows it (RFC 7628 §3.2.2,
    /// RFC 5802 §7).
    fn failure(&self) -> Option<&Failure> {
        None
    }
}

/// The server's explanation of a refusal, given in the mechanism's own language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What went wrong, in the server's word: OAuth's `status` (`invalid_token`, `401`) or
    /// SCRAM's `server-error-value` (`invalid-proof`, `unknown-user`).
    pub status: Option<String>,
    /// The scope that a token needs (RFC 7628 §3.2.2).
    pub scope: Option<String>,
    /// Where the authorization server describes itself (RFC 7628 §3.2.2).
    pub openid_configuration: Option<String>,
    /// The whole challenge; what is not UTF-8 in it is replaced by U+FFFD.
    pub text: String,
}
