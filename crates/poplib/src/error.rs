//! What can go wrong between a program and its mail.

use std::{fmt, io};

use poplib_proto::{Fault, Misuse, ResponseCode};

use crate::Config;
use crate::host::HostError;
use crate::timeouts::Phase;
use crate::tls::{TlsError, TlsErrorKind};

/// Why something did not succeed: what was attempted, what the server said, and whose fault it
/// is.
///
/// Its text does not repeat that of its [source](std::error::Error::source), which goes down to the
/// error of the system or of rustls; [`Chain`](crate::Chain) shows all of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The protocol: a refusal, a broken answer, a closed connection, a call that cannot be made.
    Protocol(poplib_proto::Error),
    /// What is configured as the host, of the server or of the proxy, can be none. Nothing was
    /// attempted.
    Host {
        /// What is configured.
        host: String,
        /// Why it is no host.
        source: HostError,
    },
    /// The tokio client was used where there is no runtime of tokio. Nothing was attempted.
    NoRuntime,
    /// The host's name has no address.
    Resolve {
        /// The host.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// No address of the host took the connection.
    Connect {
        /// Host and port.
        address: String,
        /// What the last address said.
        source: io::Error,
    },
    /// Reading or writing failed.
    Io {
        /// During what.
        phase: Phase,
        /// How.
        source: io::Error,
    },
    /// A deadline passed.
    Timeout(Phase),
    /// TLS did not come about. No credential has been sent.
    Tls(TlsError),
    /// TLS with the proxy did not come about. Neither its login nor anything for the server has been
    /// sent.
    ProxyTls(TlsError),
    /// TLS broke in the middle of the session: what came was not what the server sent, or the server
    /// gave TLS up.
    TlsBroken {
        /// During what.
        phase: Phase,
        /// How; an alert of the server's in its words.
        source: TlsError,
    },
    /// TLS was demanded and the server refused STLS. Nothing was sent in clear beyond that.
    StlsRefused(poplib_proto::Error),
}

impl Error {
    /// No address of the first host on the way took the connection.
    pub(crate) fn not_connected(config: &Config, source: io::Error) -> Self {
        let (host, port) = config.first_hop();
        let address = format!("{host}:{port}");
        Self::Connect { address, source }
    }

    /// What a failure of TLS means where it was the proxy's.
    pub(crate) fn of_proxy(self) -> Self {
        match self {
            Self::Tls(error) => Self::ProxyTls(error),
            other => other,
        }
    }

    /// What a failure of STLS means where TLS is demanded.
    pub(crate) fn demanded_stls(self) -> Self {
        match self {
            Self::Protocol(error @ poplib_proto::Error::Refused(_)) => Self::StlsRefused(error),
            other => other,
        }
    }

    /// Whether the server hung up, never answered, or answered so that it may have lost the order
    /// of a flight: what it was asked is beyond it.
    pub(crate) fn is_silence(&self) -> bool {
        use poplib_proto::Error::{Closed, PipelineBroken};
        match self {
            // The time was the caller's, and is over.
            Self::Timeout(phase) => *phase != Phase::Session,
            Self::Io { .. }
            | Self::TlsBroken { .. }
            | Self::Protocol(Closed(_) | PipelineBroken(_)) => true,
            _ => false,
        }
    }

    /// Who must act for it to go away.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Protocol(error) => error.fault(),
            Self::Host { .. } | Self::NoRuntime => Fault::Caller,
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Io { .. }
            | Self::TlsBroken { .. }
            | Self::Timeout(_) => Fault::Network,
            Self::Tls(error) | Self::ProxyTls(error) if is_callers(error) => Fault::Caller,
            Self::Tls(_) | Self::StlsRefused(_) => Fault::Server,
            Self::ProxyTls(_) => Fault::Network,
        }
    }

    /// Whether the same attempt may succeed later, unchanged.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Protocol(error) => error.is_retryable(),
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Io { .. }
            | Self::TlsBroken { .. }
            | Self::Timeout(_) => true,
            Self::Host { .. } | Self::NoRuntime => false,
            Self::Tls(_) | Self::ProxyTls(_) | Self::StlsRefused(_) => false,
        }
    }

    /// The response code of a refusal (RFC 2449 §8).
    #[must_use]
    pub fn code(&self) -> Option<&ResponseCode> {
        self.protocol()?.code()
    }

    /// The error of TLS with the server, if it is one.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsError> {
        match self {
            Self::Tls(error) | Self::TlsBroken { source: error, .. } => Some(error),
            _ => None,
        }
    }

    /// The protocol's error, if it is one.
    #[must_use]
    pub fn protocol(&self) -> Option<&poplib_proto::Error> {
        match self {
            Self::Protocol(error) | Self::StlsRefused(error) => Some(error),
            _ => None,
        }
    }
}

/// Whether the configuration is at fault.
fn is_callers(error: &TlsError) -> bool {
    matches!(
        error.kind(),
        TlsErrorKind::NoAuthority
            | TlsErrorKind::BadName(_)
            | TlsErrorKind::NoCryptography
            | TlsErrorKind::NoTrust
    )
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::StlsRefused(error) => Some(error),
            // Their texts are this error's.
            Self::Protocol(error) => error.source(),
            Self::Tls(error) => error.source(),
            Self::Resolve { source, .. }
            | Self::Connect { source, .. }
            | Self::Io { source, .. } => Some(source),
            Self::ProxyTls(error) | Self::TlsBroken { source: error, .. } => Some(error),
            Self::Host { source, .. } => Some(source),
            Self::Timeout(_) | Self::NoRuntime => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::Host { host, .. } => write!(f, "\"{}\" is no host", host.escape_debug()),
            Self::NoRuntime => f.write_str(
                "the tokio client was used outside a runtime of tokio; poplib::blocking needs none",
            ),
            Self::Resolve { host, .. } => write!(f, "the name {host} could not be resolved"),
            Self::Connect { address, .. } => write!(f, "connecting to {address} failed"),
            Self::Io { phase, .. } | Self::TlsBroken { phase, .. } => write!(f, "{phase} failed"),
            Self::Timeout(phase) => write!(f, "{phase} took too long"),
            Self::Tls(error) => error.fmt(f),
            Self::ProxyTls(_) => f.write_str("TLS with the proxy did not come about"),
            Self::StlsRefused(_) => f.write_str("TLS is required, and did not begin"),
        }
    }
}

impl From<poplib_proto::Error> for Error {
    fn from(error: poplib_proto::Error) -> Self {
        Self::Protocol(error)
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::Protocol(misuse.into())
    }
}

impl From<TlsError> for Error {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Timeout(_) => io::ErrorKind::TimedOut,
            Error::Io { source, .. } | Error::Connect { source, .. } => source.kind(),
            Error::Protocol(error) => kind_of(error),
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// What began it counts, as it does for whose fault it is.
fn kind_of(error: &poplib_proto::Error) -> io::ErrorKind {
    use poplib_proto::Error::{Closed, PipelineBroken, Poisoned};
    match error {
        Closed(_) => io::ErrorKind::UnexpectedEof,
        PipelineBroken(cause) | Poisoned(cause) => kind_of(cause),
        _ => io::ErrorKind::Other,
    }
}

/// A message that did not get to where it was to be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum CopyError {
    /// The message did not come whole from the server.
    Read(Error),
    /// The sink did not take it. The session can go on: what is left of the message is skipped.
    Write(io::Error),
}

impl std::error::Error for CopyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Its text is this error's.
            Self::Read(error) => error.source(),
            Self::Write(source) => Some(source),
        }
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Write(_) => f.write_str("writing the message failed"),
        }
    }
}

impl From<Error> for CopyError {
    fn from(error: Error) -> Self {
        Self::Read(error)
    }
}

/// For callers who do not mind which of the two it was.
impl From<CopyError> for io::Error {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Read(error) => error.into(),
            CopyError::Write(error) => error,
        }
    }
}

/// A login that did not succeed.
///
/// Where the connection is still good, the client comes back for another try.
#[non_exhaustive]
pub struct LoginError<C> {
    /// Why.
    pub error: Error,
    /// The client, unless the connection is gone.
    pub client: Option<C>,
}

impl<C> fmt::Debug for LoginError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginError")
            .field("error", &self.error)
            .field("client", &self.client.as_ref().map(|_| "…"))
            .finish()
    }
}

impl<C> fmt::Display for LoginError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<C> std::error::Error for LoginError<C> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl<C> From<LoginError<C>> for Error {
    fn from(error: LoginError<C>) -> Self {
        error.error
    }
}
