//! What was agreed in a handshake.

use std::{fmt, slice};

use poplib_proto::sasl::ChannelBinding;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConnection, HandshakeKind};

use super::binding;

/// What TLS has agreed on.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsFacts {
    version: String,
    cipher_suite: String,
    certificates: Vec<CertificateDer<'static>>,
    bindings: Vec<ChannelBinding>,
    resumed: bool,
}

impl TlsFacts {
    pub(crate) fn of(connection: &ClientConnection) -> Self {
        let name = |name: Option<String>| name.unwrap_or_else(|| "unknown".to_owned());
        let version = connection.protocol_version();
        let suite = connection.negotiated_cipher_suite();
        Self {
            // rustls writes TLSv1_3.
            version: name(version.and_then(|version| Some(version.as_str()?.replace('_', ".")))),
            cipher_suite: name(suite.and_then(|suite| suite.suite().as_str().map(str::to_owned))),
            certificates: connection
                .peer_certificates()
                .map(<[_]>::to_vec)
                .unwrap_or_default(),
            bindings: binding::of(connection),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }

    /// What SCRAM's -PLUS forms bind a login to, the preferred one first: `tls-exporter` (RFC 9266)
    /// under TLS 1.3, and `tls-server-end-point` (RFC 5929) where the certificate has it.
    #[must_use]
    pub fn bindings(&self) -> &[ChannelBinding] {
        &self.bindings
    }

    /// The protocol's version: `TLSv1.2` or `TLSv1.3`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The cipher suite: `TLS13_AES_256_GCM_SHA384`.
    #[must_use]
    pub fn cipher_suite(&self) -> &str {
        &self.cipher_suite
    }

    /// Whether the handshake resumed an earlier session of the same configuration.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The server's certificate, in DER form.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        self.certificates.first().map(AsRef::as_ref)
    }

    /// The server's certificate and those it sent with it, in DER form.
    #[must_use]
    pub fn peer_certificates(&self) -> PeerCertificates<'_> {
        PeerCertificates(self.certificates.iter())
    }
}

/// The [certificates](TlsFacts::peer_certificates) that a server sent.
#[derive(Clone, Debug)]
pub struct PeerCertificates<'a>(slice::Iter<'a, CertificateDer<'static>>);

impl<'a> Iterator for PeerCertificates<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.0.next().map(AsRef::as_ref)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for PeerCertificates<'_> {}

impl fmt::Debug for TlsFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsFacts")
            .field("version", &self.version)
            .field("cipher_suite", &self.cipher_suite)
            .field("certificates", &self.certificates.len())
            .finish()
    }
}
