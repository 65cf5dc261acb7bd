//! TLS: whom to trust, and what was agreed.

mod binding;
mod error;
mod facts;
mod pinned;

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
#[cfg(feature = "platform-verifier")]
use rustls_platform_verifier::Verifier;

pub use self::error::{TlsError, TlsErrorKind};
pub use self::facts::{PeerCertificates, TlsFacts};
use self::pinned::{Anyone, Pinned};

/// How much is read at once of a stream within TLS: several of its records, which have 16 KiB at
/// most (RFC 8446 §5.1). rustls by itself reads 4 KiB at a time.
pub(crate) const TLS_BUFFER: usize = 64 * 1024;

/// Whom to trust.
///
/// TLS 1.2 is the floor. Whatever the trust, the certificate must be for the configured host
/// (RFC 9525: DNS name or IP address in subjectAltName; never the common name), pinned and
/// unverified ones excepted.
#[derive(Clone)]
pub struct Tls {
    trust: Trust,
    /// No other, if one is named.
    version: Option<TlsVersion>,
    /// Made once, for all sessions of this value and its clones, so that they can resume each
    /// other.
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

/// A version of TLS that is spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    V1_2,
    /// TLS 1.3 (RFC 8446).
    V1_3,
}

#[derive(Clone)]
enum Trust {
    Platform,
    Authorities(Arc<[CertificateDer<'static>]>),
    Pinned([u8; 32]),
    Rustls,
    Anyone,
}

impl Tls {
    /// The platform's own trust: what its other programs believe. It takes the feature
    /// `platform-verifier`, which is on by default.
    #[cfg(feature = "platform-verifier")]
    #[must_use]
    pub fn platform() -> Self {
        Self::trusting(Trust::Platform)
    }

    /// These certificate authorities and no others. `pem` holds one or more certificates.
    ///
    /// # Errors
    ///
    /// [`TlsErrorKind::NoAuthority`] where it holds none, or one that cannot be read, and
    /// [`TlsErrorKind::NoCryptography`] where poplib was built without.
    pub fn with_authorities(pem: &[u8]) -> Result<Self, TlsError> {
        let authorities: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| TlsError::new(TlsErrorKind::NoAuthority, error))?;
        if authorities.is_empty() {
            let why = "no certificate in PEM form was found";
            return Err(TlsError::new(TlsErrorKind::NoAuthority, why));
        }
        let tls = Self::trusting(Trust::Authorities(authorities.into()));
        tls.unversioned_client_config()?;
        Ok(tls)
    }

    /// Exactly one certificate, by the SHA-256 of its DER form. Neither its name nor its dates
    /// nor its authority are looked at.
    #[must_use]
    pub fn pinned(sha256: [u8; 32]) -> Self {
        Self::trusting(Trust::Pinned(sha256))
    }

    /// A configuration of rustls, used as it is. It follows
    /// [rustls's versions](crate#rustls-and-its-versions).
    #[must_use]
    pub fn unversioned_with_rustls(config: Arc<ClientConfig>) -> Self {
        Self {
            trust: Trust::Rustls,
            version: None,
            config: Arc::new(OnceLock::from(config)),
        }
    }

    /// Anybody. **Whoever sits on the way can read and change everything, passwords included.**
    #[must_use]
    pub fn dangerously_unverified() -> Self {
        Self::trusting(Trust::Anyone)
    }

    /// The same trust, in this version of TLS and no other. What
    /// [`unversioned_with_rustls`](Self::unversioned_with_rustls) was given stays as it is.
    #[must_use]
    pub fn with_version(mut self, version: TlsVersion) -> Self {
        if !matches!(self.trust, Trust::Rustls) {
            self.version = Some(version);
            self.config = Arc::default();
        }
        self
    }

    fn trusting(trust: Trust) -> Self {
        Self {
            trust,
            version: None,
            config: Arc::default(),
        }
    }

    /// The configuration of rustls that this comes to, for connections that speak another protocol
    /// and are to trust the same. It is always the same one, so that its sessions can be resumed. It
    /// follows [rustls's versions](crate#rustls-and-its-versions).
    ///
    /// # Errors
    ///
    /// [`TlsErrorKind::Other`] where the platform's trust cannot be asked. Where poplib was built
    /// without what it takes, [`TlsErrorKind::NoCryptography`] or [`TlsErrorKind::NoTrust`].
    pub fn unversioned_client_config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let provider = Arc::new(provider()?);
        let verifier = self.verifier(&provider)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions())
            .map_err(TlsError::unversioned_from_rustls)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(config))))
    }

    fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        match self.version {
            None => rustls::DEFAULT_VERSIONS.to_vec(),
            Some(TlsVersion::V1_2) => vec![&version::TLS12],
            Some(TlsVersion::V1_3) => vec![&version::TLS13],
        }
    }

    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        let provider = Arc::clone(provider);
        Ok(match &self.trust {
            #[cfg(not(feature = "platform-verifier"))]
            Trust::Platform => return Err(TlsErrorKind::NoTrust.into()),
            #[cfg(feature = "platform-verifier")]
            Trust::Platform => {
                Arc::new(Verifier::new(provider).map_err(TlsError::unversioned_from_rustls)?)
            }
            Trust::Authorities(authorities) => {
                let mut roots = RootCertStore::empty();
                for authority in authorities.iter() {
                    roots
                        .add(authority.clone())
                        .map_err(|error| TlsError::new(TlsErrorKind::NoAuthority, error))?;
                }
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .map_err(|error| TlsError::new(TlsErrorKind::NoAuthority, error))?
            }
            Trust::Pinned(sha256) => Arc::new(Pinned::new(*sha256, provider)),
            Trust::Anyone | Trust::Rustls => Arc::new(Anyone::new(provider)),
        })
    }
}

/// The platform's own trust. Where poplib was built without it, nobody is trusted.
impl Default for Tls {
    fn default() -> Self {
        Self::trusting(Trust::Platform)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.trust {
            Trust::Platform => "Tls(platform)",
            Trust::Authorities(_) => "Tls(authorities)",
            Trust::Pinned(_) => "Tls(pinned)",
            Trust::Rustls => "Tls(rustls)",
            Trust::Anyone => "Tls(UNVERIFIED)",
        })
    }
}

/// The name that the certificate must be for.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    let host = host.strip_suffix('.').unwrap_or(host);
    ServerName::try_from(host.to_owned()).map_err(|_| TlsErrorKind::BadName(host.to_owned()).into())
}

/// The cryptography that this build has. ring comes first: a program in which another crate asks for
/// aws-lc-rs, too, goes on as before.
#[cfg(feature = "ring")]
fn provider() -> Result<CryptoProvider, TlsError> {
    Ok(rustls::crypto::ring::default_provider())
}

#[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
fn provider() -> Result<CryptoProvider, TlsError> {
    Ok(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
fn provider() -> Result<CryptoProvider, TlsError> {
    Err(TlsErrorKind::NoCryptography.into())
}

/// Octets that nobody can guess, from the system's generator.
pub(crate) fn entropy() -> Result<[u8; 32], TlsError> {
    let mut octets = [0; 32];
    getrandom::fill(&mut octets).map_err(|error| TlsError::new(TlsErrorKind::Other, error))?;
    Ok(octets)
}
