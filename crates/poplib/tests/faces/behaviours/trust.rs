//! Every certificate that a server could show (RFC 9525, RFC 5280), by TLS and by STLS: who is
//! believed, and that the others hear nothing.

use std::time::Duration;

use poplib::{Config, Error, Security, Tls, TlsError, TlsErrorKind};
use poplib_sandbox::{CertificateSpec, Usage, Validity};
use sha2::{Digest, Sha256};

use super::*;
use crate::support::{patient, sandbox, started, trusting};

/// Whom the caller trusts.
#[derive(Clone, Copy)]
enum Trust {
    /// The authority that signed the server's certificate.
    Its,
    /// Another authority, of the same name.
    Another,
    /// The system's authorities.
    Systems,
    /// The certificate, and no other.
    Pin,
    /// Another certificate.
    AnotherPin,
}

/// For what reason a certificate is refused; `None` where it is believed.
type Reason = Option<fn(&TlsError) -> bool>;

const WRONG_NAME: Reason = Some(|error| matches!(error.kind(), TlsErrorKind::WrongName { .. }));
const OUT_OF_DATE: Reason = Some(|error| matches!(error.kind(), TlsErrorKind::OutOfDate));
const NOT_ACCEPTABLE: Reason = Some(|error| matches!(error.kind(), TlsErrorKind::BadCertificate));
const UNKNOWN_ISSUER: Reason = Some(|error| matches!(error.kind(), TlsErrorKind::UnknownIssuer));
const BAD_SIGNATURE: Reason = Some(|error| matches!(error.kind(), TlsErrorKind::BadSignature));
const PIN_MISMATCH: Reason = Some(|error| matches!(error.kind(), TlsErrorKind::PinMismatch { .. }));
const ANY: Reason = Some(|_| true);

fn rows() -> Vec<(&'static str, Trust, CertificateSpec, Reason)> {
    use Trust::{Another, AnotherPin, Its, Pin, Systems};

    const HOST: &str = "pop.example.org";
    let names = |names: &[&str]| CertificateSpec::for_names(names.iter().copied());
    let right = || names(&[HOST]);
    let at = |validity| CertificateSpec {
        validity,
        ..right()
    };
    let usage = |usage| CertificateSpec { usage, ..right() };
    let self_signed = || CertificateSpec {
        self_signed: true,
        ..right()
    };
    let common_name = || CertificateSpec::common_name_only(HOST);
    let beside = CertificateSpec {
        common_name: HOST.into(),
        ..names(&["mail.example.org"])
    };
    let odd = CertificateSpec {
        self_signed: true,
        validity: Validity::Expired,
        ..common_name()
    };
    vec![
        (HOST, Its, right(), None),
        (HOST, Its, names(&["mail.example.org", HOST]), None),
        ("POP.Example.ORG", Its, right(), None),
        (HOST, Its, names(&["*.example.org"]), None),
        ("127.0.0.1", Its, CertificateSpec::default(), None),
        ("::1", Its, CertificateSpec::default(), None),
        (HOST, Its, names(&["mail.example.org"]), WRONG_NAME),
        (
            HOST,
            Its,
            names(&["pop.example.org.example.net"]),
            WRONG_NAME,
        ),
        (HOST, Its, common_name(), WRONG_NAME),
        (HOST, Its, beside, WRONG_NAME),
        ("example.org", Its, names(&["*.example.org"]), WRONG_NAME),
        (
            "a.pop.example.org",
            Its,
            names(&["*.example.org"]),
            WRONG_NAME,
        ),
        (
            "pop.example.net",
            Its,
            names(&["*.example.org"]),
            WRONG_NAME,
        ),
        ("127.0.0.2", Its, CertificateSpec::default(), WRONG_NAME),
        ("::2", Its, CertificateSpec::default(), WRONG_NAME),
        ("127.0.0.1", Its, names(&["localhost"]), WRONG_NAME),
        (HOST, Its, names(&["p*.example.org"]), ANY),
        (HOST, Its, names(&["pop.*.org"]), ANY),
        (HOST, Its, names(&["*"]), ANY),
        (HOST, Its, at(Validity::Expired), OUT_OF_DATE),
        (HOST, Its, at(Validity::Future), OUT_OF_DATE),
        (HOST, Its, usage(Usage::Client), NOT_ACCEPTABLE),
        (HOST, Its, usage(Usage::CodeSigning), NOT_ACCEPTABLE),
        (HOST, Its, self_signed(), UNKNOWN_ISSUER),
        (HOST, Systems, self_signed(), UNKNOWN_ISSUER),
        (HOST, Systems, right(), UNKNOWN_ISSUER),
        (HOST, Another, right(), BAD_SIGNATURE),
        (HOST, Pin, odd.clone(), None),
        (HOST, Pin, right(), None),
        (HOST, AnotherPin, odd, PIN_MISMATCH),
        (HOST, AnotherPin, right(), PIN_MISMATCH),
    ]
}

fn trusted(trust: Trust, sandbox: &Sandbox) -> Tls {
    match trust {
        Trust::Its => trusting(sandbox),
        Trust::Another => trusting(&started(crate::support::sandbox())),
        Trust::Systems => Tls::platform(),
        Trust::Pin => Tls::pinned(Sha256::digest(sandbox.certificate_der()).into()),
        Trust::AnotherPin => Tls::pinned([7; 32]),
    }
}

behaviour! { p13_whatever_certificate_a_server_shows {
    for (host, trust, certificate, reason) in rows() {
        for security in [Security::ImplicitTls, Security::Stls] {
            let what = format!("{host} {security:?} {certificate:?}");
            let sandbox = started(sandbox().certificate(certificate.clone()));
            let (address, before_tls) = match security {
                Security::ImplicitTls => (sandbox.tls_addr(), &b""[..]),
                _ => (sandbox.plain_addr(), &b"STLS\r\n"[..]),
            };
            let config = Config::new(host)
                .with_security(security)
                .with_tls(trusted(trust, &sandbox))
                .with_timeouts(patient());
            let stream = go!(tcp(address));
            let outcome = go!(Client::from_stream(stream, &config));
            match (outcome, reason) {
                (Ok(client), None) => {
                    let session = go!(logged_in(client));
                    go!(session.quit()).unwrap();
                }
                (Err(Error::Tls(error)), Some(reason)) => {
                    assert!(reason(&error), "{what}: {error:?}");
                }
                (outcome, _) => panic!("{what}: {outcome:?}"),
            }
            assert!(sandbox.wait_ended(1, Duration::from_secs(60)));
            let record = sandbox.sessions().remove(0);
            assert_eq!(record.received_before_tls, before_tls, "{what}");
            assert_eq!(record.received_under_tls.is_empty(), reason.is_some(), "{what}");
        }
    }
}}
