//! Why TLS did not come about, or broke.

use std::error::Error as StdError;
use std::fmt;
use std::fmt::Write;
use std::sync::Arc;

use rustls::{CertificateError, InvalidMessage};

/// Why TLS did not come about, or broke later.
///
/// Its [source](StdError::source) is the error of rustls, where there is one: in other words and with
/// details that the [kind](Self::kind) leaves out. Who looks into it follows
/// [rustls's versions](crate#rustls-and-its-versions).
#[derive(Clone, Debug)]
pub struct TlsError {
    kind: TlsErrorKind,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What is wrong with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// No authority that is trusted has signed the certificate; a self-signed one is such.
    UnknownIssuer,
    /// The certificate names an authority that is trusted, and another key has signed it: one of
    /// the same name, that of a server that was set up anew, or a forgery.
    BadSignature,
    /// The certificate is for another name than the configured host.
    WrongName {
        /// The configured host.
        expected: String,
        /// What the certificate is for, as far as that is known.
        presented: Vec<String>,
    },
    /// The certificate has expired, or is not valid yet.
    OutOfDate,
    /// The pinned certificate is another one.
    PinMismatch {
        /// The SHA-256 of the certificate that the server showed.
        actual: [u8; 32],
    },
    /// The certificate is not acceptable for another reason, which the source tells.
    BadCertificate,
    /// What answers does not speak TLS on this port.
    NotTls,
    /// The two sides share no version of TLS from 1.2 on, or nothing else that it needs.
    NothingInCommon,
    /// The certificates given as authorities cannot be used.
    NoAuthority,
    /// The configured host is neither a name nor an address that a certificate could be for.
    BadName(String),
    /// poplib was built without the cryptography that TLS needs: neither with the feature `ring` nor with
    /// `aws-lc-rs`.
    NoCryptography,
    /// poplib was built without the feature `platform-verifier`, and nobody else was named to be
    /// trusted.
    NoTrust,
    /// TLS failed in another way, or in the middle of the session.
    Other,
}

/// What the pinning verifier tells through rustls.
#[derive(Debug)]
pub(super) struct PinMismatch {
    pub(super) actual: [u8; 32],
}

impl TlsError {
    /// An error with what began it.
    #[must_use]
    pub fn new(kind: TlsErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = Some(source.into().into());
        Self { kind, source }
    }

    /// What an error of rustls means. It follows [rustls's versions](crate#rustls-and-its-versions).
    #[must_use]
    pub fn unversioned_from_rustls(error: rustls::Error) -> Self {
        Self::new(TlsErrorKind::of(&error), error)
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &TlsErrorKind {
        &self.kind
    }
}

impl TlsErrorKind {
    fn of(error: &rustls::Error) -> Self {
        use rustls::Error as E;
        match error {
            E::InvalidCertificate(error) => Self::of_certificate(error),
            E::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => Self::NotTls,
            E::PeerIncompatible(_) | E::AlertReceived(_) => Self::NothingInCommon,
            _ => Self::Other,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        use CertificateError as E;
        match error {
            E::UnknownIssuer => Self::UnknownIssuer,
            E::BadSignature => Self::BadSignature,
            E::NotValidForNameContext {
                expected,
                presented,
            } => Self::WrongName {
                expected: expected.to_str().into_owned(),
                presented: presented.clone(),
            },
            E::NotValidForName => Self::WrongName {
                expected: String::new(),
                presented: Vec::new(),
            },
            E::Expired
            | E::ExpiredContext { .. }
            | E::NotValidYet
            | E::NotValidYetContext { .. } => Self::OutOfDate,
            E::Other(error) => match error.0.downcast_ref::<PinMismatch>() {
                Some(mismatch) => Self::PinMismatch {
                    actual: mismatch.actual,
                },
                None => Self::BadCertificate,
            },
            _ => Self::BadCertificate,
        }
    }
}

impl From<TlsErrorKind> for TlsError {
    fn from(kind: TlsErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl StdError for TlsError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl StdError for PinMismatch {}

impl fmt::Display for PinMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate is not the pinned one")
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl fmt::Display for TlsErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer => {
                f.write_str("the server's certificate is signed by no authority that is trusted")
            }
            Self::BadSignature => f.write_str(
                "the server's certificate names an authority that is trusted, \
                 but that one has not signed it",
            ),
            Self::WrongName {
                expected,
                presented,
            } => {
                write!(f, "the server's certificate is not for {expected}")?;
                if !presented.is_empty() {
                    write!(f, " but for {}", presented.join(", "))?;
                }
                Ok(())
            }
            Self::OutOfDate => f.write_str("the server's certificate is out of date"),
            Self::PinMismatch { actual } => {
                let hex = actual.iter().fold(String::new(), |mut hex, octet| {
                    let _ = write!(hex, "{octet:02x}");
                    hex
                });
                write!(
                    f,
                    "the server's certificate is not the pinned one but sha256:{hex}"
                )
            }
            Self::BadCertificate => f.write_str("the server's certificate is not acceptable"),
            Self::NotTls => f.write_str("the server does not speak TLS on this port"),
            Self::NothingInCommon => f.write_str("TLS could not be agreed on"),
            Self::NoAuthority => f.write_str("the certificate authorities cannot be used"),
            Self::BadName(host) => {
                write!(
                    f,
                    "\"{}\" cannot be the name in a certificate",
                    host.escape_debug()
                )
            }
            Self::NoCryptography => f.write_str(
                "this program was built without TLS: give poplib the feature ring or aws-lc-rs, \
                 or a configuration of rustls",
            ),
            Self::NoTrust => f.write_str(
                "this program does not know whom to trust: give poplib the feature \
                 platform-verifier, or certificate authorities",
            ),
            Self::Other => f.write_str("TLS failed"),
        }
    }
}
