//! What keeps an examination from going on: a clear text, the likely cause, the right status.

use std::net::TcpListener;

use poplib_sandbox::{CertificateSpec, Mailbox, SessionRecord, Validity};

use crate::support::{By, Ran, Rig, five, ran};
use crate::{doctor, examine, names};

#[track_caller]
fn assert_says(ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(ran.out.contains(word), "{word:?} is not in:\n{}", ran.out);
    }
}

/// The sandbox has heard no name and no password.
fn assert_no_credentials(rig: &Rig) {
    for session in rig.sandbox.sessions() {
        for line in session.lines() {
            let verb = line.split(' ').next().unwrap_or_default();
            assert!(!["USER", "PASS", "APOP", "AUTH"].contains(&verb), "{line}");
        }
    }
}

#[test]
fn a_wrong_password_is_tried_once() {
    // A refused channel binding would speak of no password (P17), and cost a second try.
    let rig = Rig::built(Mailbox::messages(five()), |builder| {
        builder.mechanisms(["SCRAM-SHA-256", "PLAIN", "LOGIN"])
    });
    let ran = ran(doctor(&rig, By::ImplicitTls).env("POPFETCH_PASSWORD", "wrong")).expect(77);
    assert_says(
        &ran,
        &[
            "log in to localhost as alice",
            "server said: -ERR",
            "check the user name",
        ],
    );
    let tries = |line: &str| {
        ["PASS", "APOP", "AUTH"]
            .iter()
            .any(|verb| line.starts_with(verb))
    };
    let sessions = rig.sandbox.sessions();
    let tried = sessions
        .iter()
        .flat_map(SessionRecord::lines)
        .filter(|line| tries(line))
        .count();
    assert_eq!(tried, 1);
}

#[test]
fn q17_a_server_that_hangs_up_at_the_password() {
    let rig = Rig::five(&["close-on=PASS"]);
    let mut command = doctor(&rig, By::ImplicitTls);
    let ran = ran(command
        .env("POPFETCH_PASSWORD", "wrong")
        .args(["--auth", "user"]))
    .expect(77);
    assert_eq!(names(&ran), ["Q17"], "{}", ran.out);
}

#[test]
fn a_wrong_host() {
    let rig = Rig::new(Mailbox::empty());
    let ran = ran(&mut rig.bare(&["doctor", "pop.invalid"])).expect(69);
    assert_says(
        &ran,
        &["could not find the address of pop.invalid", "not usable"],
    );
}

#[test]
fn a_wrong_port() {
    let rig = Rig::new(Mailbox::empty());
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let ran = ran(&mut rig.bare(&["doctor", &format!("pops://127.0.0.1:{port}")])).expect(69);
    assert_says(
        &ran,
        &["Connection refused", "check host and port", "not usable"],
    );
}

#[test]
fn no_server() {
    let rig = Rig::new(Mailbox::empty());
    let ran = ran(&mut rig.bare(&["doctor"])).expect(64);
    assert!(ran.err.contains("no server was given"), "{}", ran.err);
}

#[test]
fn p13_a_certificate_that_is_not_trusted_is_shown_and_gets_no_password() {
    let certificates = [
        (
            CertificateSpec {
                self_signed: true,
                ..CertificateSpec::default()
            },
            "signed by no authority",
        ),
        (
            CertificateSpec::for_names(["pop.example.org"]),
            "is not for localhost",
        ),
        (
            CertificateSpec {
                validity: Validity::Expired,
                ..CertificateSpec::default()
            },
            "out of date",
        ),
    ];
    for (certificate, words) in certificates {
        let rig = Rig::built(Mailbox::messages(five()), |builder| {
            builder.certificate(certificate)
        });
        let ran = examine(&rig, &[]).expect(69);
        assert_says(&ran, &[words, "sha256:", "not usable", "greeting"]);
        assert_no_credentials(&rig);
    }
}

#[test]
fn the_pin_that_is_shown_is_the_one_to_use() {
    let certificate = CertificateSpec {
        self_signed: true,
        ..CertificateSpec::default()
    };
    let rig = Rig::built(Mailbox::messages(five()), |builder| {
        builder.certificate(certificate)
    });
    let out = examine(&rig, &[]).expect(69).out;
    let start = out.find("--pin sha256:").unwrap() + "--pin ".len();
    let pin: String = out[start..].chars().take("sha256:".len() + 64).collect();
    let mut command = rig.bare(&["doctor", &rig.url(By::ImplicitTls), "--pin", &pin]);
    ran(command.env("POPFETCH_PASSWORD", crate::support::PASSWORD)).expect(0);
}

#[test]
fn p12_tls_that_is_too_old() {
    let rig = Rig::five(&["old-tls"]);
    let ran = examine(&rig, &[]).expect(69);
    assert_says(&ran, &["TLS 1.2 is the least", "not usable"]);
    assert_no_credentials(&rig);
}

#[test]
fn a02_no_stls_no_password() {
    let rig = Rig::five(&["no-stls"]);
    let ran = ran(&mut doctor(&rig, By::Stls)).expect(69);
    assert_says(&ran, &["the server offers no TLS on this port"]);
    assert_no_credentials(&rig);
}

#[test]
fn without_tls_it_takes_care() {
    let rig = Rig::built(Mailbox::messages(five()), |builder| {
        builder.mechanisms(["PLAIN"])
    });
    let ran = ran(&mut doctor(&rig, By::Plaintext)).expect(1);
    assert_says(&ran, &["care there is no TLS"]);
}

#[test]
fn a14_what_the_server_says_does_not_reach_the_terminal_as_it_is() {
    let rig = Rig::five(&["greeting=+OK \\x1b[2J\\x07\\r\\n"]);
    for format in [&[][..], &["--json"]] {
        let ran = examine(&rig, format);
        assert!(!ran.out.contains(['\x1b', '\x07']), "{}", ran.out);
        assert!(ran.out.contains("x1b[2J"), "{}", ran.out);
    }
}
