//! TLS on its own port and after STLS, with certificates good and bad.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use poplib_sandbox::{Builder, CertificateSpec, Sandbox, TlsVersions, Validity};
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, StreamOwned};

use crate::common::{Client, alice};

pub(crate) type TlsClient = StreamOwned<ClientConnection, TcpStream>;

/// A verifying client that trusts the sandbox's CA, and nothing else.
fn config(sandbox: &Sandbox) -> Arc<ClientConfig> {
    Arc::new(verifying(sandbox).with_no_client_auth())
}

fn verifying(sandbox: &Sandbox) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(sandbox.ca_pem().as_bytes()).unwrap();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
}

pub(crate) fn connect(sandbox: &Sandbox, host: &str) -> io::Result<TlsClient> {
    handshake(sandbox, host, TcpStream::connect(sandbox.tls_addr())?)
}

fn handshake(sandbox: &Sandbox, host: &str, tcp: TcpStream) -> io::Result<TlsClient> {
    handshake_with(config(sandbox), host, tcp)
}

fn handshake_with(config: Arc<ClientConfig>, host: &str, tcp: TcpStream) -> io::Result<TlsClient> {
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let connection = ClientConnection::new(config, name).unwrap();
    let mut stream = StreamOwned::new(connection, tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

fn refused(builder: Builder, host: &str) -> String {
    let sandbox = builder.start().unwrap();
    connect(&sandbox, host).map(|_| ()).unwrap_err().to_string()
}

fn with(certificate: CertificateSpec) -> Builder {
    alice().certificate(certificate)
}

/// Says it all at once and reads to the end, which must be a close_notify.
fn converse(stream: &mut TlsClient, commands: &str) -> String {
    stream.write_all(commands.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn p12_a_session_under_tls() {
    for (versions, version) in [
        (TlsVersions::Only12, "TLSv1.2"),
        (TlsVersions::Only13, "TLSv1.3"),
    ] {
        let sandbox = alice().tls_versions(versions).start().unwrap();
        for host in [sandbox.host(), "127.0.0.1", "::1"] {
            let mut stream = connect(&sandbox, host).unwrap();
            let said = converse(
                &mut stream,
                "USER alice\r\nPASS secret\r\nRETR 3\r\nQUIT\r\n",
            );
            assert!(said.ends_with("3\r\n.\r\n+OK bye\r\n"), "{said}");
        }
        let session = &sandbox.sessions()[0];
        assert_eq!(session.received_before_tls, b"");
        assert!(session.received_under_tls.ends_with(b"QUIT\r\n"));
        let facts = session.tls.as_ref().unwrap();
        assert_eq!(facts.version, version);
        assert_eq!(facts.server_name.as_deref(), Some("localhost"));
        let presented = connect(&sandbox, "localhost").unwrap();
        assert_eq!(
            &*presented.conn.peer_certificates().unwrap()[0],
            sandbox.certificate_der()
        );
    }
}

#[test]
fn p11_nothing_from_before_stls_counts_after_it() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    client.ok("USER alice");
    // The NOOP may not be answered, neither in the clear nor under TLS.
    client.send("STLS\r\nNOOP\r\n");
    assert!(client.line().starts_with("+OK "));
    let tcp = client.tcp().try_clone().unwrap();
    let mut stream = handshake(&sandbox, "localhost", tcp).unwrap();
    let said = converse(&mut stream, "PASS secret\r\nCAPA\r\nSTLS\r\nQUIT\r\n");
    assert!(
        said.starts_with("-ERR USER first\r\n+OK capabilities follow\r\n"),
        "{said}"
    );
    assert!(!said.contains("STLS"));
    assert!(said.contains("-ERR already under TLS\r\n"));
}

#[test]
fn p13_certificates_that_must_be_refused() {
    assert!(
        refused(
            with(CertificateSpec::for_names(["other.example.org"])),
            "localhost"
        )
        .contains("not valid for name")
    );
    assert!(
        refused(
            with(CertificateSpec::common_name_only("localhost")),
            "localhost"
        )
        .contains("not valid for")
    );
    let expired = CertificateSpec {
        validity: Validity::Expired,
        ..CertificateSpec::default()
    };
    assert!(refused(with(expired), "localhost").contains("expired"));
    let future = CertificateSpec {
        validity: Validity::Future,
        ..CertificateSpec::default()
    };
    assert!(refused(with(future), "localhost").contains("not valid yet"));
    let self_signed = CertificateSpec {
        self_signed: true,
        ..CertificateSpec::default()
    };
    assert!(refused(with(self_signed), "localhost").contains("UnknownIssuer"));
}

#[test]
fn p13_a_wildcard_fits_one_label() {
    let wildcard = || with(CertificateSpec::for_names(["*.example.org"]));
    let sandbox = wildcard().start().unwrap();
    assert!(connect(&sandbox, "pop.example.org").is_ok());
    refused(wildcard(), "a.pop.example.org");
    refused(wildcard(), "example.org");
}

#[test]
fn a_refused_certificate_is_on_record() {
    let sandbox = alice().start().unwrap();
    connect(&sandbox, "example.org").map(|_| ()).unwrap_err();
    assert!(sandbox.wait_ended(1, Duration::from_secs(20)));
    let session = &sandbox.sessions()[0];
    assert!(session.handshake_error.is_some());
    assert_eq!(session.octets_received, 0);
}

#[test]
fn a01_injected_octets_come_before_the_handshake() {
    let sandbox = alice()
        .misbehave("inject-before-tls=+OK 9 9\\r\\n")
        .start()
        .unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    client.ok("STLS");
    assert_eq!(client.line(), "+OK 9 9\r\n");
    let tcp = client.tcp().try_clone().unwrap();
    assert!(handshake(&sandbox, "localhost", tcp).is_ok());
}

#[test]
fn a02_stls_can_be_stripped_or_refused() {
    let sandbox = alice().misbehave("no-stls").start().unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    assert!(!client.body("CAPA").contains("STLS"));
    client.err("STLS");
    let sandbox = alice().misbehave("refuse=stls").start().unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    assert!(client.body("CAPA").contains("STLS"));
    client.err("STLS");
}

#[test]
fn p12_tls_1_1_can_be_answered() {
    let error = refused(alice().misbehave("old-tls"), "localhost");
    assert!(error.contains("ServerDoesNotSupportTls12Or13"), "{error}");
}

#[test]
fn a_cut_under_tls_has_no_close_notify() {
    let sandbox = alice().misbehave("cut-after=5").start().unwrap();
    let mut stream = connect(&sandbox, "localhost").unwrap();
    let mut said = Vec::new();
    let error = stream.read_to_end(&mut said).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(said, b"+OK p");
}

#[test]
fn a02_clear_logins_can_be_refused() {
    let sandbox = alice().require_tls(true).start().unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    let capabilities = client.body("CAPA");
    assert!(!capabilities.contains("SASL") && capabilities.lines().all(|line| line != "USER"));
    client.err("USER alice");
    let mut stream = connect(&sandbox, "localhost").unwrap();
    let said = converse(&mut stream, "USER alice\r\nPASS secret\r\nQUIT\r\n");
    assert_eq!(said.matches("+OK").count(), 4);
}

#[test]
fn what_is_on_the_wrong_port_is_visible() {
    let sandbox = alice().start().unwrap();
    let mut plain_client = Client::connect(sandbox.tls_addr());
    plain_client.send("CAPA\r\n");
    assert_eq!(plain_client.rest()[0], 21, "a TLS alert");
    let tls_client = TcpStream::connect(sandbox.plain_addr()).unwrap();
    assert!(handshake(&sandbox, "localhost", tls_client).is_err());
}

#[test]
fn sessions_are_resumed() {
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let sandbox = alice().tls_versions(versions).start().unwrap();
        let config = config(&sandbox);
        for resumed in [false, true] {
            let name = ServerName::try_from("localhost").unwrap();
            let connection = ClientConnection::new(Arc::clone(&config), name).unwrap();
            let tcp = TcpStream::connect(sandbox.tls_addr()).unwrap();
            converse(&mut StreamOwned::new(connection, tcp), "QUIT\r\n");
            let last = sandbox.sessions().pop().unwrap();
            assert_eq!(last.tls.unwrap().resumed, resumed);
        }
    }
}

#[test]
fn p20_external_is_whom_the_clients_certificate_is_for() {
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let builder = alice().client_certificate("alice").tls_versions(versions);
        let sandbox = builder.start().unwrap();
        let alice = sandbox.client_certificate("alice").unwrap();
        let chain = vec![CertificateDer::from_pem_slice(alice.certificate_pem.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(alice.key_pem.as_bytes()).unwrap();
        let config = verifying(&sandbox)
            .with_client_auth_cert(chain, key)
            .unwrap();
        let tcp = TcpStream::connect(sandbox.tls_addr()).unwrap();
        let mut stream = handshake_with(Arc::new(config), "localhost", tcp).unwrap();
        let said = converse(
            &mut stream,
            "CAPA\r\nAUTH EXTERNAL Ym9i\r\nAUTH EXTERNAL =\r\nSTAT\r\nQUIT\r\n",
        );
        assert!(said.contains(" EXTERNAL"), "{said}");
        assert!(said.contains("-ERR [AUTH] "), "nobody else: {said}");
        assert!(said.contains("+OK 3 "), "{said}");
        assert_eq!(sandbox.sessions()[0].user.as_deref(), Some("alice"));

        // Without one, everything but EXTERNAL is as ever.
        let mut stream = connect(&sandbox, "localhost").unwrap();
        let said = converse(&mut stream, "CAPA\r\nUSER alice\r\nPASS secret\r\nQUIT\r\n");
        assert!(
            !said.contains("EXTERNAL") && said.contains("3 messages"),
            "{said}"
        );
        assert!(sandbox.client_certificate("bob").is_none());
    }
}

#[test]
fn certificates_of_other_authorities_are_refused() {
    let of_others = alice().client_certificate("alice").start().unwrap();
    let sandbox = alice().client_certificate("alice").start().unwrap();
    let stranger = of_others.client_certificate("alice").unwrap();
    let chain = vec![CertificateDer::from_pem_slice(stranger.certificate_pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(stranger.key_pem.as_bytes()).unwrap();
    let config = verifying(&sandbox)
        .with_client_auth_cert(chain, key)
        .unwrap();
    let tcp = TcpStream::connect(sandbox.tls_addr()).unwrap();
    let outcome = handshake_with(Arc::new(config), "localhost", tcp);
    // In TLS 1.3 the client has finished by then, and hears of it when it reads.
    if let Ok(mut stream) = outcome {
        assert!(stream.read(&mut [0]).is_err());
    }
    assert!(sandbox.wait_ended(1, Duration::from_secs(20)));
    assert!(sandbox.sessions()[0].handshake_error.is_some());
}
