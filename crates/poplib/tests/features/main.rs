//! What the features change. Each build has some of these tests: see `stage_unit` in `scripts/test`.
#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
mod without_cryptography;

/// The key exchange that is tried first.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
fn first_group() -> rustls::NamedGroup {
    let tls = poplib::Tls::dangerously_unverified();
    let config = tls.unversioned_client_config().unwrap();
    config.crypto_provider().kx_groups[0].name()
}

#[cfg(feature = "ring")]
#[test]
fn ring_stays_where_another_crate_adds_aws_lc_rs() {
    assert_eq!(first_group(), rustls::NamedGroup::X25519);
}

#[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
#[test]
fn aws_lc_rs_first_tries_what_withstands_quantum_computers() {
    assert_eq!(first_group(), rustls::NamedGroup::X25519MLKEM768);
}

#[cfg(all(
    any(feature = "aws-lc-rs", feature = "ring"),
    not(feature = "platform-verifier")
))]
#[test]
fn without_the_platforms_trust_nobody_is_trusted_unless_named() {
    use poplib::blocking::Client;
    use poplib::{Config, Fault, Tls, TlsErrorKind};

    let sandbox = poplib_sandbox::Sandbox::builder().start().unwrap();
    let config = Config::new(sandbox.host()).with_port(sandbox.tls_addr().port());
    let error = Client::connect(&config).unwrap_err();
    assert_eq!(error.tls().unwrap().kind(), &TlsErrorKind::NoTrust);
    assert_eq!(error.fault(), Fault::Caller);
    let named = Tls::with_authorities(sandbox.ca_pem().as_bytes()).unwrap();
    let client = Client::connect(&config.with_tls(named)).unwrap();
    client.quit().unwrap();
}
