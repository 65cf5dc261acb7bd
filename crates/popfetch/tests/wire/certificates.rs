//! Every certificate that a server could show (RFC 9525, RFC 5280): who is believed, what is said of
//! the others, and that they hear of no credential.

use poplib_sandbox::{Builder, CertificateSpec, Mailbox, TlsVersions, Usage, Validity};
use sha2::{Digest, Sha256};

use crate::listener::{assert_nothing_in_clear, commands, sync, tap};
use crate::support::{By, Rig, five, ran};

/// Whom the user trusts.
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

/// Runs `sync` by TLS and STLS against servers that show this certificate to `host`.
#[track_caller]
fn shown(
    host: &str,
    trust: Trust,
    certificate: &CertificateSpec,
    build: fn(Builder) -> Builder,
    expected: Result<(), (i32, &[&str])>,
) {
    for by in [By::ImplicitTls, By::Stls] {
        let rig = Rig::built(Mailbox::messages(five()), |builder| {
            build(builder.certificate(certificate.clone()))
        });
        let another = Rig::five(&[]);
        let tap = tap(&rig, by);
        let mut command = sync(&rig, by, host, &tap);
        match trust {
            Trust::Its => command.args(["--ca-file", "ca.pem"]),
            Trust::Another => command.arg("--ca-file").arg(another.path("ca.pem")),
            Trust::Systems => &mut command,
            Trust::Pin => command.arg("--pin").arg(pin(rig.sandbox.certificate_der())),
            Trust::AnotherPin => command.arg("--pin").arg(pin(b"another")),
        };
        let ran = ran(&mut command);
        match expected {
            Ok(()) => {
                ran.expect(0);
                rig.assert_five();
            }
            Err((status, words)) => {
                let ran = ran.expect(status);
                for word in words.iter().chain(&["hint: "]) {
                    assert!(ran.err.contains(word), "{word:?} is not in:\n{}", ran.err);
                }
                let heard = commands(&rig.sandbox);
                assert!(heard.iter().all(|command| command == "STLS"), "{heard:?}");
                assert_eq!(rig.delivered().len(), 0);
            }
        }
        assert_nothing_in_clear(by, &tap.records());
    }
}

fn pin(certificate: &[u8]) -> String {
    let digest = Sha256::digest(certificate);
    let hex: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("sha256:{hex}")
}

/// As the sandbox is by itself.
fn usual(builder: Builder) -> Builder {
    builder
}

#[track_caller]
fn believed(host: &str, certificate: &CertificateSpec) {
    shown(host, Trust::Its, certificate, usual, Ok(()));
}

#[track_caller]
fn refused(host: &str, certificate: &CertificateSpec, words: &[&str]) {
    shown(host, Trust::Its, certificate, usual, Err((69, words)));
}

fn names(names: &[&str]) -> CertificateSpec {
    CertificateSpec::for_names(names.iter().copied())
}

#[test]
fn p13_names_and_addresses_that_are_right() {
    believed(
        "pop.example.org",
        &names(&["mail.example.org", "pop.example.org"]),
    );
    believed("POP.example.org", &names(&["pop.example.org"]));
    believed("pop.example.org", &names(&["*.example.org"]));
    believed("127.0.0.1", &CertificateSpec::default());
    believed("::1", &CertificateSpec::default());
}

#[test]
fn p13_names_and_addresses_that_are_wrong() {
    let common_name = CertificateSpec::common_name_only("pop.example.org");
    let common_name_beside = CertificateSpec {
        common_name: "pop.example.org".into(),
        ..names(&["mail.example.org"])
    };
    for (host, certificate) in [
        ("pop.example.org", names(&["mail.example.org"])),
        ("pop.example.org", names(&["pop.example.org.example.net"])),
        ("pop.example.org", common_name),
        ("pop.example.org", common_name_beside),
        ("example.org", names(&["*.example.org"])),
        ("a.pop.example.org", names(&["*.example.org"])),
        ("pop.example.net", names(&["*.example.org"])),
        ("127.0.0.2", CertificateSpec::default()),
        ("127.0.0.1", names(&["localhost"])),
        ("::2", CertificateSpec::default()),
    ] {
        let words = format!("certificate is not for {host}");
        refused(host, &certificate, &[&words, "hint: use the name"]);
    }
    // Names that no certificate should have.
    for partial in ["p*.example.org", "pop.*.org", "*"] {
        refused("pop.example.org", &names(&[partial]), &["certificate"]);
    }
}

#[test]
fn p13_times_that_are_wrong() {
    for validity in [Validity::Expired, Validity::Future] {
        let certificate = CertificateSpec {
            validity,
            ..names(&["pop.example.org"])
        };
        refused(
            "pop.example.org",
            &certificate,
            &["out of date", "hint: check this machine's clock"],
        );
    }
}

#[test]
fn p13_uses_that_are_wrong() {
    for usage in [Usage::Client, Usage::CodeSigning] {
        let certificate = CertificateSpec {
            usage,
            ..names(&["pop.example.org"])
        };
        refused(
            "pop.example.org",
            &certificate,
            &["certificate is not acceptable"],
        );
    }
}

#[test]
fn p13_authorities_that_are_wrong() {
    let host = "pop.example.org";
    let certificate = names(&[host]);
    let self_signed = CertificateSpec {
        self_signed: true,
        ..certificate.clone()
    };
    let unknown = Err((
        69,
        &["no authority that is trusted", "--ca-file", "--pin"][..],
    ));
    shown(host, Trust::Its, &self_signed, usual, unknown);
    shown(host, Trust::Systems, &self_signed, usual, unknown);
    shown(host, Trust::Systems, &certificate, usual, unknown);
    let another = Err((
        69,
        &["that one has not signed it", "made anew under its old name"][..],
    ));
    shown(host, Trust::Another, &certificate, usual, another);
}

#[test]
fn p13_a_pin_is_for_one_certificate_whatever_it_says() {
    let host = "pop.example.org";
    let odd = CertificateSpec {
        self_signed: true,
        validity: Validity::Expired,
        ..CertificateSpec::common_name_only("somebody else")
    };
    shown(host, Trust::Pin, &odd, usual, Ok(()));
    let words = &[
        "not the pinned one but sha256:",
        "confirm the new certificate",
    ];
    for certificate in [odd, names(&[host])] {
        shown(
            host,
            Trust::AnotherPin,
            &certificate,
            usual,
            Err((69, words)),
        );
    }
}

#[test]
fn p12_versions_of_tls() {
    let host = "pop.example.org";
    let certificate = names(&[host]);
    shown(
        host,
        Trust::Its,
        &certificate,
        |builder| builder.tls_versions(TlsVersions::Only12),
        Ok(()),
    );
    shown(
        host,
        Trust::Its,
        &certificate,
        |builder| builder.tls_versions(TlsVersions::Only13),
        Ok(()),
    );
    let old: fn(Builder) -> Builder = |builder| builder.misbehave("old-tls");
    shown(
        host,
        Trust::Its,
        &certificate,
        old,
        Err((69, &["TLS 1.2 is the least"])),
    );
    shown(
        host,
        Trust::Pin,
        &certificate,
        old,
        Err((69, &["TLS 1.2 is the least"])),
    );
}
