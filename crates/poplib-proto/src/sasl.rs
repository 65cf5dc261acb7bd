//! SASL mechanisms (RFC 4422), POP3's own two ways to log in, and the choice between them.
//!
//! A [`Mechanism`] turns challenges into responses. It knows no socket, no POP3 command line and
//! no base64: the AUTH command (RFC 5034) does that around it. One mechanism, one file.
//!
//! | mechanism | type | source | what the server gets |
//! |---|---|---|---|
//! | `SCRAM-SHA-512-PLUS`, `SCRAM-SHA-256-PLUS`, `SCRAM-SHA-1-PLUS` | [`Scram`] | RFC 5802, 7677, 5929, 9266, draft-melnikov-scram-sha-512 | a proof bound to this TLS connection |
//! | `SCRAM-SHA-512`, `SCRAM-SHA-256`, `SCRAM-SHA-1` | [`Scram`] | RFC 5802, 7677, draft-melnikov-scram-sha-512 | a proof, and must give one |
//! | `CRAM-MD5` | [`CramMd5`] | RFC 2195 | a digest |
//! | `DIGEST-MD5`, only where it is named | [`DigestMd5`] | RFC 2831, 6331 | a digest, and must give one |
//! | `PLAIN` | [`Plain`] | RFC 4616 | the password |
//! | `LOGIN` | [`Login`] | none | the password |
//! | `OAUTHBEARER` | [`OAuthBearer`] | RFC 7628 | a token |
//! | `XOAUTH2` | [`XOAuth2`] | Google's and Microsoft's documentation | a token |
//! | `EXTERNAL` | [`External`] | RFC 4422 appendix A | nothing: it knows already |
//! | `ANONYMOUS` | [`Anonymous`] | RFC 4505 | a trace |
//! | APOP | [`Timestamp`] | RFC 1939 §7 | a digest |
//! | USER and PASS | | RFC 1939 §7 | the password |
//!
//! [`choose`] makes the list of those that a server offers, the credentials fit and a [`Policy`]
//! admits, strongest first.
//!
//! ```
//! use poplib_proto::sasl::{Mechanism, Password, Plain};
//!
//! let mut plain = Plain::new(&Password::new("tim", "tanstaaftanstaaf"))?;
//! let response = plain.initial_response()?.expect("PLAIN begins");
//! assert_eq!(response.expose(), b"\0tim\0tanstaaftanstaaf");
//! // … the server says +OK
//! plain.finish()?;
//! # Ok::<(), poplib_proto::sasl::SaslError>(())
//! ```

mod anonymous;
mod apop;
mod choose;
mod cram_md5;
mod credentials;
mod digest_md5;
mod error;
mod external;
mod login;
mod mechanism;
mod method;
mod oauth;
mod oauthbearer;
mod plain;
mod policy;
mod saslprep;
mod scram;
mod xoauth2;

pub use anonymous::Anonymous;
pub use apop::{Timestamp, TimestampError};
pub use choose::{Candidate, Context, NoCandidate, Offer, Rejection, choose};
pub use cram_md5::CramMd5;
pub use credentials::{Bearer, Credentials, Password};
pub use digest_md5::DigestMd5;
pub use error::{Part, SaslError, SaslMisbehaviour, Unusable};
pub use external::External;
pub use login::Login;
pub use mechanism::{Failure, Mechanism};
pub use method::{Method, Strength, UnknownMethod};
pub use oauthbearer::OAuthBearer;
pub use plain::Plain;
pub use policy::Policy;
pub use scram::{BindingFlag, ChannelBinding, HashFunction, Nonce, Scram, Sha1, Sha256, Sha512};
pub use xoauth2::XOAuth2;
