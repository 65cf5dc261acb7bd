use std::fmt::Write;
use std::io;
use std::time::Duration;

use poplib_proto::error::{Closed, Misbehaved};
use poplib_proto::wire::reply::Status as ReplyStatus;

use super::*;

fn refused(verb: &'static str, line: &str) -> Error {
    Error::Protocol(ProtocolError::Refused(refusal(verb, line)))
}

fn refusal(verb: &'static str, line: &str) -> Refused {
    Refused {
        verb: Verb::new(verb),
        reply: ReplyStatus::parse(line.as_bytes()).unwrap().to_reply(),
        explanation: None,
    }
}

fn misbehaved(how: Misbehaviour, line: &[u8]) -> Error {
    let verb = Verb::new("LIST");
    Error::Protocol(ProtocolError::Misbehaved(Misbehaved {
        verb,
        how,
        line: line.into(),
    }))
}

fn closed(verb: Verb) -> Error {
    Error::Protocol(ProtocolError::Closed(Closed {
        verb,
        partial: Box::default(),
    }))
}

fn io_error() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionReset)
}

/// Each failure as the user gets to see it, with its exit status.
fn show(failures: impl IntoIterator<Item = Failure>) -> String {
    failures
        .into_iter()
        .fold(String::new(), |mut text, failure| {
            writeln!(text, "[{}] {failure}\n", failure.status.code()).unwrap();
            text
        })
}

fn implicit() -> Config {
    Config::new("pop.example.org")
}

fn stls() -> Config {
    implicit().with_security(Security::Stls)
}

#[test]
fn connecting() {
    let errors = || {
        [
            Error::Resolve {
                host: "pop.example.org".into(),
                source: io_error(),
            },
            Error::Connect {
                address: "pop.example.org:995".into(),
                source: io_error(),
            },
            Error::Timeout(Phase::Connect),
            Error::Timeout(Phase::Greeting),
            Error::Timeout(Phase::Tls),
            Error::Io {
                phase: Phase::Tls,
                source: io_error(),
            },
            closed(Verb::GREETING),
            misbehaved(
                Misbehaviour::OtherProtocol(OtherProtocol::Tls),
                b"\x16\x03\x01",
            ),
            misbehaved(
                Misbehaviour::OtherProtocol(OtherProtocol::Imap),
                b"* OK IMAP4rev1",
            ),
            misbehaved(Misbehaviour::InjectedBeforeTls, b"+OK"),
        ]
    };
    let attempt = "connect to pop.example.org";
    insta::assert_snapshot!(
        "connecting_by_tls",
        show(errors().map(|error| failure(attempt, &implicit(), &error)))
    );
    insta::assert_snapshot!(
        "connecting_by_stls",
        show(errors().map(|error| failure(attempt, &stls(), &error)))
    );
}

#[test]
fn tls_does_not_come_about() {
    let names = vec!["DnsName(\"imap.example.org\")".to_owned()];
    let errors: [TlsError; 11] = [
        TlsErrorKind::UnknownIssuer.into(),
        TlsErrorKind::WrongName {
            expected: "pop.example.org".into(),
            presented: names,
        }
        .into(),
        TlsErrorKind::OutOfDate.into(),
        TlsErrorKind::PinMismatch { actual: [0xab; 32] }.into(),
        TlsErrorKind::BadSignature.into(),
        TlsError::new(TlsErrorKind::BadCertificate, "Revoked"),
        TlsErrorKind::NotTls.into(),
        TlsError::new(
            TlsErrorKind::NothingInCommon,
            "received fatal alert: ProtocolVersion",
        ),
        TlsError::new(
            TlsErrorKind::NoAuthority,
            "no certificate in PEM form was found",
        ),
        TlsErrorKind::BadName("a b".into()).into(),
        TlsError::new(TlsErrorKind::Other, "something else"),
    ];
    let shown = errors.map(|error| {
        failure(
            "connect to pop.example.org",
            &implicit(),
            &Error::Tls(error),
        )
    });
    insta::assert_snapshot!(show(shown));
    let Error::Protocol(refusal) = refused("STLS", "-ERR what?") else {
        unreachable!()
    };
    let errors = [
        Error::StlsRefused(refusal),
        Error::Tls(TlsErrorKind::NotTls.into()),
    ];
    insta::assert_snapshot!(
        "by_stls",
        show(errors.map(|error| failure("connect to pop.example.org", &stls(), &error)))
    );
}

#[test]
fn what_was_being_done_is_told() {
    let broken = |error: Error| {
        let Error::Protocol(cause) = error else {
            unreachable!()
        };
        Error::Protocol(ProtocolError::PipelineBroken(Box::new(cause)))
    };
    for (error, attempt) in [
        (Error::Timeout(Phase::Proxy), "connect to"),
        (
            Error::Timeout(Phase::Command(Verb::new("AUTH"))),
            "log in to",
        ),
        (closed(Verb::GREETING), "connect to"),
        (refused("STLS", "-ERR no"), "connect to"),
        (refused("AUTH", "-ERR no"), "log in to"),
        (broken(closed(Verb::new("CAPA"))), "connect to"),
        (broken(closed(Verb::new("PASS"))), "log in to"),
        (Error::Tls(TlsErrorKind::NotTls.into()), "connect to"),
    ] {
        let failure = opening_failure("me", &implicit(), &error).message;
        let begins = format!("could not {attempt} pop.example.org");
        assert!(failure.starts_with(&begins), "{error:?}: {failure}");
    }
}

#[test]
fn logging_in() {
    let errors = [
        refused("PASS", "-ERR [AUTH] wrong"),
        refused("PASS", "-ERR wrong \x1b[31m"),
        refused("PASS", "-ERR [IN-USE] locked"),
        refused("PASS", "-ERR [LOGIN-DELAY] wait"),
        refused("PASS", "-ERR [SYS/TEMP] later"),
        refused("PASS", "-ERR [SYS/PERM] broken"),
        closed(Verb::new("PASS")),
        closed(Verb::new("USER")),
        Error::Timeout(Phase::Command(Verb::new("PASS"))),
    ];
    let shown =
        errors.map(|error| login_failure("log in to pop.example.org as me", &implicit(), &error));
    insta::assert_snapshot!(show(shown));
}

#[test]
fn in_the_session() {
    let errors = [
        refused("RETR", "-ERR no such message"),
        refused("RETR", "-ERR [SYS/TEMP] later"),
        misbehaved(Misbehaviour::NoStatus, b"what \x1b is this"),
        closed(Verb::new("RETR")),
        Error::Timeout(Phase::Body),
        Error::Io {
            phase: Phase::Body,
            source: io_error(),
        },
    ];
    let shown = errors.map(|error| failure("fetch message 3", &implicit(), &error));
    insta::assert_snapshot!(show(shown));
}

#[test]
fn a_server_is_left_in_peace_for_as_long_as_its_refusal_asks() {
    for (line, minutes) in [
        ("-ERR [IN-USE] locked", 2),
        ("-ERR [SYS/TEMP] try again", 5),
        ("-ERR [LOGIN-DELAY] wait", 15),
        ("-ERR [SYS/PERM] no such disk", 60),
        // A code says more than words.
        ("-ERR [AUTH] try again later", 60),
        ("-ERR too many logins", 15),
    ] {
        let pause = Refusal::of(&refusal("PASS", line)).pause();
        assert_eq!(pause, Duration::from_secs(60 * minutes), "{line}");
    }
}
