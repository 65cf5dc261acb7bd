//! Whose certificate is believed, and for which host (RFC 9525).

use poplib::{Config, Credentials, Error, Fault, Tls, TlsError, TlsErrorKind};
use poplib_sandbox::{CertificateSpec, Validity};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use super::*;
use crate::support::{USER, implicit_tls, patient, sandbox, started, trusting};

function! {
    /// A handshake as `host`, whatever the address is. Of a refusal the server must have heard,
    /// and nothing else.
    fn handshake(host: &str, sandbox: &Sandbox, tls: Tls) -> Result<Client, TlsError> {
        let config = Config::new(host).with_tls(tls).with_timeouts(patient());
        let stream = go!(tcp(sandbox.tls_addr()));
        match go!(Client::from_stream(stream, &config)) {
            Ok(client) => Ok(client),
            Err(Error::Tls(error)) => {
                assert!(sandbox.wait_ended(1, std::time::Duration::from_secs(60)));
                for record in sandbox.sessions().iter().filter(|record| record.ended) {
                    assert_eq!(record.octets_received, 0);
                }
                Err(error)
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

function! {
    fn verified(host: &str, certificate: CertificateSpec) -> Result<(), TlsError> {
        let sandbox = started(sandbox().certificate(certificate));
        go!(handshake(host, &sandbox, trusting(&sandbox))).map(drop)
    }
}

behaviour! { p13_the_name_in_the_certificate_is_the_configured_host {
    let certificate = CertificateSpec::for_names(["pop.example.org", "mail.example.org"]);
    for host in ["pop.example.org", "POP.Example.ORG", "mail.example.org", "pop.example.org."] {
        go!(verified(host, certificate.clone())).unwrap();
    }
}}

#[cfg(feature = "idn")]
behaviour! { p13_a_u_label_is_proved_by_its_a_label {
    let certificate = CertificateSpec::for_names(["xn--bcher-kva.example"]);
    for host in ["bücher.example", "BÜCHER.Example", "xn--bcher-kva.example"] {
        go!(verified(host, certificate.clone())).unwrap();
    }
    let error = go!(verified("buecher.example", certificate)).unwrap_err();
    assert!(matches!(error.kind(), TlsErrorKind::WrongName { .. }), "{error:?}");
}}

behaviour! { p13_a_wrong_host_is_refused {
    let certificate = CertificateSpec::for_names(["pop.example.org"]);
    for host in ["example.org", "pop.example.net", "xpop.example.org", "pop.example.org.evil.net"] {
        let error = go!(verified(host, certificate.clone())).unwrap_err();
        let TlsErrorKind::WrongName { expected, presented } = error.kind() else {
            panic!("{error:?}");
        };
        assert_eq!(expected, host);
        assert!(presented[0].contains("pop.example.org"), "{presented:?}");
    }
}}

behaviour! { p13_a_wrong_host_is_told_in_the_error {
    let sandbox = started(sandbox().certificate(CertificateSpec::for_names(["pop.example.org"])));
    let error = go!(not_connected(&implicit_tls(&sandbox)));
    assert_eq!(error.fault(), Fault::Server);
    assert!(!error.is_retryable());
    let text = error.to_string();
    assert!(text.starts_with("the server's certificate is not for localhost but for"), "{text}");
    assert!(text.contains("pop.example.org"), "{text}");
}}

behaviour! { p13_a_common_name_counts_for_nothing {
    let certificate = CertificateSpec::common_name_only("localhost");
    let error = go!(verified("localhost", certificate)).unwrap_err();
    assert!(matches!(error.kind(), TlsErrorKind::WrongName { .. }), "{error:?}");
    let beside = CertificateSpec {
        common_name: "localhost".into(),
        ..CertificateSpec::for_names(["pop.example.org"])
    };
    let error = go!(verified("localhost", beside)).unwrap_err();
    assert!(matches!(error.kind(), TlsErrorKind::WrongName { .. }), "{error:?}");
}}

behaviour! { p13_a_wildcard_stands_for_the_whole_leftmost_label {
    let wildcard = CertificateSpec::for_names(["*.example.org"]);
    go!(verified("pop.example.org", wildcard.clone())).unwrap();
    for host in ["example.org", "a.b.example.org", "pop.example.net"] {
        let error = go!(verified(host, wildcard.clone())).unwrap_err();
        assert!(matches!(error.kind(), TlsErrorKind::WrongName { .. }), "{host}: {error:?}");
    }
    for partial in ["p*.example.org", "pop.*.org", "*.*.org"] {
        go!(verified("pop.example.org", CertificateSpec::for_names([partial]))).unwrap_err();
    }
}}

behaviour! { p13_an_address_must_be_in_the_certificate_as_an_address {
    go!(verified("127.0.0.1", CertificateSpec::default())).unwrap();
    go!(verified("::1", CertificateSpec::default())).unwrap();
    let error = go!(verified("127.0.0.2", CertificateSpec::default())).unwrap_err();
    assert!(matches!(error.kind(), TlsErrorKind::WrongName { .. }), "{error:?}");
    let named = CertificateSpec::for_names(["127.0.0.1"]);
    go!(verified("127.0.0.1", named)).unwrap_err();
}}

behaviour! { p13_connecting_to_an_address_verifies_the_address {
    let sandbox = started(sandbox());
    let config = Config::new("127.0.0.1")
        .with_port(sandbox.tls_addr().port())
        .with_tls(trusting(&sandbox));
    let client = go!(connected(&config));
    let session = go!(logged_in(client));
    go!(session.quit()).unwrap();
    assert_eq!(sandbox.sessions()[0].tls.as_ref().unwrap().server_name, None);
}}

behaviour! { p13_dates_count {
    for validity in [Validity::Expired, Validity::Future] {
        let certificate = CertificateSpec { validity, ..CertificateSpec::default() };
        let error = go!(verified("localhost", certificate)).unwrap_err();
        assert!(matches!(error.kind(), TlsErrorKind::OutOfDate), "{error:?}");
        assert_eq!(error.to_string(), "the server's certificate is out of date");
    }
}}

behaviour! { p13_a_self_signed_certificate_is_refused {
    let certificate = CertificateSpec { self_signed: true, ..CertificateSpec::default() };
    let error = go!(verified("localhost", certificate)).unwrap_err();
    assert!(matches!(error.kind(), TlsErrorKind::UnknownIssuer), "{error:?}");
}}

behaviour! { p13_an_unknown_authority_is_refused {
    let sandbox_of_others = started(sandbox());
    let sandbox = started(sandbox());
    let error = go!(handshake("localhost", &sandbox, trusting(&sandbox_of_others))).unwrap_err();
    // All sandboxes' authorities have one name.
    assert!(matches!(error.kind(), TlsErrorKind::BadSignature), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the server's certificate names an authority that is trusted, but that one has not signed it"
    );
}}

behaviour! { p13_the_certificate_itself_can_be_the_authority_of_nobody_else {
    // Who trusts one server's own certificate does not trust what others present.
    let own = CertificateSpec { self_signed: true, ..CertificateSpec::default() };
    let sandbox_with_own = started(sandbox().certificate(own));
    let pinned = pin(&sandbox_with_own);
    let sandbox = started(sandbox());
    let error = go!(handshake("localhost", &sandbox, pinned)).unwrap_err();
    assert!(matches!(error.kind(), TlsErrorKind::PinMismatch { .. }), "{error:?}");
}}

fn pin(sandbox: &Sandbox) -> Tls {
    Tls::pinned(Sha256::digest(sandbox.certificate_der()).into())
}

behaviour! { p13_a_pinned_certificate_is_believed_whatever_it_says {
    let odd = CertificateSpec {
        self_signed: true,
        validity: Validity::Expired,
        ..CertificateSpec::common_name_only("somebody else")
    };
    let sandbox = started(sandbox().certificate(odd));
    let client = go!(handshake("localhost", &sandbox, pin(&sandbox))).unwrap();
    go!(client.quit()).unwrap();
}}

behaviour! { p13_another_certificate_than_the_pinned_one_is_refused_and_named {
    let sandbox = started(sandbox());
    let error = go!(handshake("localhost", &sandbox, Tls::pinned([7; 32]))).unwrap_err();
    let TlsErrorKind::PinMismatch { actual } = error.kind() else {
        panic!("{error:?}");
    };
    assert_eq!(*actual, <[u8; 32]>::from(Sha256::digest(sandbox.certificate_der())));
    let hex: String = actual.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(
        error.to_string(),
        format!("the server's certificate is not the pinned one but sha256:{hex}")
    );
}}

behaviour! { p13_stls_verifies_as_implicit_tls_does {
    let sandbox = started(sandbox().certificate(CertificateSpec::for_names(["pop.example.org"])));
    let error = go!(not_connected(&crate::support::stls(&sandbox)));
    assert!(matches!(error.tls().unwrap().kind(), TlsErrorKind::WrongName { .. }), "{error:?}");
    assert!(sandbox.wait_ended(1, std::time::Duration::from_secs(60)));
    assert_eq!(sandbox.sessions()[0].received(), b"STLS\r\n");
}}

behaviour! { p13_only_the_spelt_out_option_believes_anybody {
    let odd = CertificateSpec {
        self_signed: true,
        validity: Validity::Expired,
        ..CertificateSpec::for_names(["pop.example.org"])
    };
    let sandbox = started(sandbox().certificate(odd));
    let client = go!(handshake("localhost", &sandbox, Tls::dangerously_unverified())).unwrap();
    assert!(client.tls().is_some());
}}

#[test]
fn authorities_that_are_none_are_the_callers_mistake() {
    let broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    for pem in ["", "nothing\n", broken] {
        let error = Tls::with_authorities(pem.as_bytes()).unwrap_err();
        assert!(
            matches!(error.kind(), TlsErrorKind::NoAuthority),
            "{error:?}"
        );
        assert_eq!(Error::from(error).fault(), Fault::Caller);
    }
}

#[test]
fn several_authorities_may_stand_in_one_file() {
    let sandboxes = [started(sandbox()), started(sandbox())];
    let both = sandboxes.each_ref().map(Sandbox::ca_pem).concat();
    assert_eq!(CertificateDer::pem_slice_iter(both.as_bytes()).count(), 2);
    Tls::with_authorities(both.as_bytes()).unwrap();
}

behaviour! { a16_a_token_is_for_a_name_however_that_is_written {
    let certificate = CertificateSpec::for_names(["xn--bcher-kva.example"]);
    let sandbox = started(sandbox().certificate(certificate).bearer_token(USER, "token"));
    let config = Config::new("xn--bcher-kva.example").with_tls(trusting(&sandbox));
    let config = config.with_timeouts(patient());
    for (host, fits) in [
        ("xn--bcher-kva.example", true),
        ("bücher.example", cfg!(feature = "idn")),
        ("bucher.example", false),
    ] {
        let stream = go!(tcp(sandbox.tls_addr()));
        let client = go!(Client::from_stream(stream, &config)).unwrap();
        let outcome = go!(client.login(&Credentials::bearer(USER, "token", host)));
        assert_eq!(outcome.is_ok(), fits, "{host}");
    }
}}
