//! What a TLS client pays for its crypto provider: full handshakes a second, and GB/s decrypted.
//!
//! Client and server talk through memory, and only the client's calls are timed, so neither the
//! kernel nor the server's half of the work is in the figures. Build it once for each provider:
//! exactly one of the features `ring` and `aws-lc-rs` must be on.

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as provider;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use rustls::crypto::ring as provider;
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, NamedGroup, RootCertStore, ServerConfig,
    ServerConnection, SupportedCipherSuite,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How long each figure is measured.
const MEASURED: Duration = Duration::from_secs(3);
/// Decrypted between two looks at the clock; the server writes it outside the measured time.
const BURST: usize = 64 * 1024;

fn main() -> Result<()> {
    for group in provider::ALL_KX_GROUPS {
        if matches!(
            group.name(),
            NamedGroup::X25519 | NamedGroup::X25519MLKEM768
        ) {
            let pair = Pair::new(*group, provider::ALL_CIPHER_SUITES)?;
            println!("handshake {:?}: {:.0} /s", group.name(), handshakes(&pair)?);
        }
    }
    for suite in provider::ALL_CIPHER_SUITES {
        if matches!(
            suite.suite(),
            CipherSuite::TLS13_AES_128_GCM_SHA256
                | CipherSuite::TLS13_AES_256_GCM_SHA384
                | CipherSuite::TLS13_CHACHA20_POLY1305_SHA256
        ) {
            let pair = Pair::new(provider::kx_group::X25519, &[*suite])?;
            println!("receive {:?}: {:.2} GB/s", suite.suite(), receive(&pair)?);
        }
    }
    Ok(())
}

/// Full handshakes, certificate verification included, for each second of the client's time.
fn handshakes(pair: &Pair) -> Result<f64> {
    let mut spent = Duration::ZERO;
    let mut done = 0;
    while spent < MEASURED {
        let (_, _, client_time) = pair.handshake()?;
        spent += client_time;
        done += 1;
    }
    Ok(f64::from(done) / spent.as_secs_f64())
}

/// Gigabytes of application data decrypted for each second of the client's time.
fn receive(pair: &Pair) -> Result<f64> {
    let (mut client, mut server, _) = pair.handshake()?;
    let plain = vec![b'x'; BURST];
    let mut wire = Vec::with_capacity(2 * BURST);
    let mut spent = Duration::ZERO;
    let mut octets = 0;
    server.set_buffer_limit(None);
    while spent < MEASURED {
        wire.clear();
        server.writer().write_all(&plain)?;
        while server.wants_write() {
            server.write_tls(&mut wire)?;
        }
        let start = Instant::now();
        octets += decrypt(&mut client, &wire)?;
        spent += start.elapsed();
    }
    Ok(octets as f64 / spent.as_secs_f64() / 1e9)
}

/// Feeds what the server sent to the client; the octets of plain text that came out.
fn decrypt(client: &mut ClientConnection, mut wire: &[u8]) -> Result<usize> {
    let mut octets = 0;
    while !wire.is_empty() {
        client.read_tls(&mut wire)?;
        client.process_new_packets()?;
        let mut reader = client.reader();
        while let Ok(plain) = reader.fill_buf() {
            let taken = black_box(plain).len();
            octets += taken;
            reader.consume(taken);
        }
    }
    Ok(octets)
}

/// The two sides' configurations.
struct Pair {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Pair {
    /// An ECDSA P-256 chain of a CA and a leaf, one key exchange, the given cipher suites.
    fn new(group: &'static dyn SupportedKxGroup, suites: &[SupportedCipherSuite]) -> Result<Self> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let leaf = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &authority)?;

        let provider = Arc::new(CryptoProvider {
            kx_groups: vec![group],
            cipher_suites: suites.to_vec(),
            ..provider::default_provider()
        });
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone())?;
        let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.resumption = rustls::client::Resumption::disabled();
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.into()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )?;
        server.send_tls13_tickets = 0;
        Ok(Self {
            client: Arc::new(client),
            server: Arc::new(server),
        })
    }

    /// A finished handshake, and the time the client's half of it took.
    fn handshake(&self) -> Result<(ClientConnection, ServerConnection, Duration)> {
        let mut server = ServerConnection::new(Arc::clone(&self.server))?;
        let mut wire = Vec::new();
        let mut spent = Duration::ZERO;

        let start = Instant::now();
        let name = ServerName::try_from("localhost")?;
        let mut client = ClientConnection::new(Arc::clone(&self.client), name)?;
        spent += start.elapsed();

        while client.is_handshaking() || server.is_handshaking() {
            let start = Instant::now();
            while client.wants_write() {
                client.write_tls(&mut wire)?;
            }
            spent += start.elapsed();
            let mut sent = wire.as_slice();
            while !sent.is_empty() {
                server.read_tls(&mut sent)?;
                server.process_new_packets()?;
            }
            wire.clear();
            while server.wants_write() {
                server.write_tls(&mut wire)?;
            }
            let start = Instant::now();
            let mut received = wire.as_slice();
            while !received.is_empty() {
                client.read_tls(&mut received)?;
                client.process_new_packets()?;
            }
            spent += start.elapsed();
            wire.clear();
        }
        Ok((client, server, spent))
    }
}
