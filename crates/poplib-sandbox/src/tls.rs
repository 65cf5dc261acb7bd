//! TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{
    HandshakeKind, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion, version,
};

use crate::certificate::{ClientCertificate, Identity};
use crate::digest;
use crate::sasl::Bindings;

/// The one place that names the cryptography.
fn crypto_provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// The versions of TLS that the server speaks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum TlsVersions {
    /// TLS 1.2 and 1.3.
    #[default]
    All,
    /// TLS 1.2 alone.
    Only12,
    /// TLS 1.3 alone.
    Only13,
}

impl TlsVersions {
    fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::All => vec![&version::TLS13, &version::TLS12],
            Self::Only12 => vec![&version::TLS12],
            Self::Only13 => vec![&version::TLS13],
        }
    }
}

/// What every connection needs to speak TLS.
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    end_point: Vec<u8>,
    clients: Vec<ClientCertificate>,
}

impl Tls {
    pub(crate) fn new(identity: &Identity, versions: TlsVersions) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let provider = Arc::new(crypto_provider());
        let asks = client_verifier(identity, &provider)?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions.supported())
            .and_then(|builder| {
                builder
                    .with_client_cert_verifier(asks)
                    .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
            })
            .map_err(invalid)?;
        Ok(Self {
            config: Arc::new(config),
            // RFC 5929 §4.1: hashed as the certificate's signature has it, here always by SHA-256.
            end_point: digest::sha256(&identity.certificate).to_vec(),
            clients: identity.clients.clone(),
        })
    }

    /// Does the handshake. The error's text says what the client did or said.
    pub(crate) fn accept(&self, tcp: Arc<TcpStream>) -> io::Result<(TlsStream, Handshake)> {
        let connection =
            ServerConnection::new(Arc::clone(&self.config)).map_err(io::Error::other)?;
        let mut stream = TlsStream { tcp, connection };
        while stream.connection.is_handshaking() {
            stream.connection.complete_io(&mut &*stream.tcp)?;
        }
        stream.flush()?;
        let handshake = Handshake {
            bindings: Bindings {
                tls_exporter: stream.exporter()?,
                tls_server_end_point: self.end_point.clone(),
            },
            client: self.client(&stream.connection),
            facts: stream.facts(),
        };
        Ok((stream, handshake))
    }

    /// Whose certificate the client has shown.
    fn client(&self, connection: &ServerConnection) -> Option<String> {
        let shown = connection.peer_certificates()?.first()?;
        let known = self.clients.iter().find(|client| client.der == *shown)?;
        Some(known.user.clone())
    }
}

/// Asks for a certificate of the CA where there are any, and does without one.
fn client_verifier(
    identity: &Identity,
    provider: &Arc<CryptoProvider>,
) -> io::Result<Arc<dyn ClientCertVerifier>> {
    if identity.clients.is_empty() {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    roots.add(identity.ca.clone()).map_err(io::Error::other)?;
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .allow_unauthenticated()
        .build()
        .map_err(io::Error::other)
}

/// What came out of a handshake.
pub(crate) struct Handshake {
    pub(crate) bindings: Bindings,
    /// Whom the client's certificate is for.
    pub(crate) client: Option<String>,
    pub(crate) facts: TlsFacts,
}

/// What was agreed on.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TlsFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: String,
    /// The cipher suite's name.
    pub cipher: String,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// The host that the client asked for (SNI).
    pub server_name: Option<String>,
}

pub(crate) struct TlsStream {
    tcp: Arc<TcpStream>,
    connection: ServerConnection,
}

impl TlsStream {
    /// Ends the client's reading in order.
    pub(crate) fn close_notify(&mut self) -> io::Result<()> {
        self.connection.send_close_notify();
        self.flush()
    }

    /// RFC 9266 §2.
    fn exporter(&self) -> io::Result<Vec<u8>> {
        self.connection
            .export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", Some(b""))
            .map_err(io::Error::other)
    }

    fn facts(&self) -> TlsFacts {
        let version = self
            .connection
            .protocol_version()
            .unwrap_or(ProtocolVersion::Unknown(0));
        let suite = self.connection.negotiated_cipher_suite();
        TlsFacts {
            version: format!("{version:?}").replace('_', "."),
            cipher: suite
                .map(|suite| format!("{:?}", suite.suite()))
                .unwrap_or_default(),
            resumed: self.connection.handshake_kind() == Some(HandshakeKind::Resumed),
            server_name: self.connection.server_name().map(str::to_owned),
        }
    }
}

impl Read for TlsStream {
    /// Zero is the end, whether the client announced it or not.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                result => return result,
            }
            if self.connection.read_tls(&mut &*self.tcp)? == 0 {
                return Ok(0);
            }
            let processed = self.connection.process_new_packets();
            self.flush()?;
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }
}

impl Write for TlsStream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.connection.writer().write(octets)?;
        self.flush()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            if self.connection.write_tls(&mut &*self.tcp)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }
}
