//! What a build without cryptography of its own can do, and what it says of the rest.

use std::error::Error;
use std::net::TcpStream;
use std::sync::Arc;

use poplib::blocking::{Client, Session};
use poplib::rustls::crypto::ring;
use poplib::rustls::pki_types::CertificateDer;
use poplib::rustls::pki_types::pem::PemObject;
use poplib::rustls::{ClientConfig, RootCertStore};
use poplib::{Config, Credentials, Fault, Security, Tls, TlsErrorKind};
use poplib_sandbox::{Mailbox, Sandbox};

fn sandbox() -> Sandbox {
    Sandbox::builder()
        .mailbox("alice", "secret", Mailbox::messages(["Subject: one\n\n"]))
        .start()
        .unwrap()
}

fn alice() -> Credentials {
    Credentials::password("alice", "secret")
}

fn plain(sandbox: &Sandbox) -> Config {
    Config::new(sandbox.host())
        .with_port(sandbox.plain_addr().port())
        .with_security(Security::Plaintext)
}

#[test]
fn a_session_in_clear_takes_no_cryptography() {
    let sandbox = sandbox();
    // SCRAM proves the password and does not send it.
    let mut session = Session::open(&plain(&sandbox), &alice()).unwrap();
    assert_eq!(
        session.retr(1).unwrap().collect().unwrap(),
        b"Subject: one\r\n\r\n"
    );
    session.quit().unwrap();
}

#[test]
fn a_stream_of_ones_own_takes_no_cryptography() {
    let sandbox = sandbox();
    let stream = TcpStream::connect(sandbox.plain_addr()).unwrap();
    let client = Client::from_stream(stream, &plain(&sandbox)).unwrap();
    client.login(&alice()).unwrap().quit().unwrap();
}

#[test]
fn tls_without_cryptography_is_the_callers_error() {
    let sandbox = sandbox();
    let config = Config::new(sandbox.host()).with_port(sandbox.tls_addr().port());
    let error = Client::connect(&config).unwrap_err();
    assert_eq!(error.tls().unwrap().kind(), &TlsErrorKind::NoCryptography);
    assert_eq!(error.fault(), Fault::Caller);
    assert!(
        error.to_string().contains("the feature ring or aws-lc-rs"),
        "{error}"
    );
    let error = Tls::with_authorities(sandbox.ca_pem().as_bytes()).unwrap_err();
    assert_eq!(error.kind(), &TlsErrorKind::NoCryptography);
}

#[test]
fn a_configuration_of_rustls_brings_its_own() -> Result<(), Box<dyn Error>> {
    let sandbox = sandbox();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(sandbox.ca_pem().as_bytes())?)?;
    let rustls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Config::new(sandbox.host())
        .with_port(sandbox.tls_addr().port())
        .with_tls(Tls::unversioned_with_rustls(Arc::new(rustls)));
    let mut session = Session::open(&config, &alice())?;
    assert_eq!(session.stat()?.messages, 1);
    session.quit()?;
    Ok(())
}
