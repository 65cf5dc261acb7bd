//! What an attacker on the way, or behind the server, may try.

use poplib_proto::command::{Capa, Greeting, Noop, Stls};
use poplib_proto::error::{Misbehaved, Misbehaviour, OtherProtocol};
use poplib_proto::{Call, Connection, Error, Exchange, Limits, State, Step, Want};
use proptest::prelude::*;

use crate::support::calls;
use crate::support::drive::drive;
use crate::support::peer::{Pace, Peer, Turn};
use crate::support::scenario::{authorization, limits, transaction};
use crate::support::text::escape;

const STLS_OK: &[u8] = b"+OK Begin TLS negotiation\r\n";

/// Everything short of a read.
fn send_all(connection: &mut Connection) -> Vec<u8> {
    let sent = connection.to_send().to_vec();
    connection.sent(sent.len());
    sent
}

fn feed(connection: &mut Connection, octets: &[u8]) {
    connection.space()[..octets.len()].copy_from_slice(octets);
    connection.received(octets.len());
}

/// STLS is on its way.
fn upgrading() -> (Connection, Stls) {
    let mut connection = authorization(limits());
    let mut stls = Stls::new();
    assert_eq!(stls.resume(&mut connection), Ok(Step::Want(Want::Write)));
    assert_eq!(send_all(&mut connection), b"STLS\r\n");
    (connection, stls)
}

fn assert_given_up(connection: &mut Connection, how: Misbehaviour) {
    let cause = connection.poisoned().expect("poison").clone();
    assert!(matches!(&cause, Error::Misbehaved(Misbehaved { how: it, .. }) if *it == how));
    let error = Call::new(Capa).resume(connection);
    assert_eq!(error.err(), Some(Error::Poisoned(cause.into())));
    assert_eq!(connection.to_send(), b"");
    assert!(!connection.is_usable() && !connection.is_protected());
}

#[test]
fn q29_an_alert_of_tls_is_known_before_any_line_ends() {
    let mut connection = Connection::new(limits());
    let mut greeting = Greeting::new();
    assert_eq!(greeting.resume(&mut connection), Ok(Step::Want(Want::Read)));
    feed(&mut connection, b"\x15\x03\x03\0\x02\x02\x28");
    let error = greeting.resume(&mut connection).expect_err("no greeting");
    let how = Misbehaviour::OtherProtocol(OtherProtocol::Tls);
    assert!(matches!(error, Error::Misbehaved(Misbehaved { how: it, .. }) if it == how));
}

#[test]
fn a01_octets_behind_the_ok_to_stls_are_an_error() {
    for injected in [
        &b"x"[..],
        b"\r",
        b"+OK",
        b"+OK injected\r\n",
        b"\x16\x03\x01",
        STLS_OK,
    ] {
        let wire = [STLS_OK, injected].concat();
        // In one segment, and with the +OK cut anywhere before its end.
        for at in 0..STLS_OK.len() {
            let (mut connection, mut stls) = upgrading();
            for segment in [&wire[..at], &wire[at..]] {
                if segment.is_empty() {
                    continue;
                }
                assert_eq!(stls.resume(&mut connection), Ok(Step::Want(Want::Read)));
                feed(&mut connection, segment);
            }
            let error = stls.resume(&mut connection).expect_err("an injection");
            assert!(matches!(&error, Error::Misbehaved(it) if it.line.is_empty()));
            assert_given_up(&mut connection, Misbehaviour::InjectedBeforeTls);
        }
    }
}

#[test]
fn a01_octets_between_the_ok_and_the_handshake_are_an_error() {
    for injected in [&b"x"[..], b"+OK", b"+OK injected\r\n"] {
        // To a driver that goes on reading what it must not.
        let (mut connection, mut stls) = upgrading();
        feed(&mut connection, STLS_OK);
        assert_eq!(stls.resume(&mut connection), Ok(Step::StartTls));
        feed(&mut connection, injected);
        connection.protect();
        assert!(stls.resume(&mut connection).is_err());
        assert_given_up(&mut connection, Misbehaviour::InjectedBeforeTls);

        // To one that leaves them to TLS, whose handshake fails over them.
        let turns = [
            Turn::Client(b"STLS\r\n".into()),
            Turn::Server([STLS_OK, injected].concat()),
            Turn::Handshake,
        ];
        for pace in [Pace::Pieces(1), Pace::Split(STLS_OK.len())] {
            let mut connection = authorization(limits());
            let mut peer = Peer::new(turns.clone(), pace);
            let outcome = drive(&mut connection, &mut peer, Stls::new());
            assert!(matches!(outcome, Err(Error::Poisoned(_))), "{outcome:?}");
            assert!(!connection.is_protected() && !connection.is_usable());
        }
    }
}

#[test]
fn a01_implicit_tls_uses_nothing_that_came_before_it() {
    let mut connection = Connection::new(limits());
    feed(&mut connection, b"+OK ready\r\n");
    connection.protect();
    assert_given_up(&mut connection, Misbehaviour::InjectedBeforeTls);
}

#[test]
fn p11_nothing_is_sent_behind_stls_before_the_handshake_ends() {
    for accepted in [false, true] {
        let (mut connection, mut stls) = upgrading();
        if accepted {
            feed(&mut connection, STLS_OK);
            assert_eq!(stls.resume(&mut connection), Ok(Step::StartTls));
        }
        let mut capa = Call::new(Capa);
        let submitted = capa.submit(&mut connection);
        assert!(
            matches!(submitted, Err(Error::Poisoned(_))),
            "{submitted:?}"
        );
        assert_eq!(connection.to_send(), b"");
        connection.protect();
        assert!(stls.resume(&mut connection).is_err());
        assert!(!connection.is_usable());
    }
}

#[test]
fn p11_stls_is_not_done_before_tls_protects() {
    let (mut connection, mut stls) = upgrading();
    feed(&mut connection, STLS_OK);
    assert_eq!(stls.resume(&mut connection), Ok(Step::StartTls));
    assert!(stls.resume(&mut connection).is_err());
    assert!(!connection.is_usable());
}

#[test]
fn answers_to_nothing_are_not_believed() {
    let mut connection = authorization(limits());
    let mut noop = Call::new(Capa);
    assert!(noop.resume(&mut connection).is_ok());
    send_all(&mut connection);
    feed(&mut connection, b"-ERR\r\n+OK smuggled\r\n");
    assert!(matches!(
        noop.resume(&mut connection),
        Err(Error::Refused(_))
    ));
    assert_eq!(connection.poisoned(), None);
    let error = Call::new(Capa)
        .resume(&mut connection)
        .expect_err("an odd answer");
    assert!(matches!(&error, Error::Misbehaved(it) if *it.line == *b"+OK smuggled\r\n"));
    assert_given_up(&mut connection, Misbehaviour::Unsolicited);
}

/// The calls that carry an argument, with this one.
fn with_argument(argument: &str) -> impl Iterator<Item = String> {
    let escaped = escape(argument.as_bytes());
    let octets = ["user", "pass", "rpop"].map(|name| format!("{name} {escaped}"));
    let text = ["lang", "custom", "custom-lines", "custom-body"];
    octets
        .into_iter()
        .chain(text.map(|name| format!("{name} {argument}")))
}

proptest! {
    #[test]
    fn a06_any_argument_of_any_command_is_one_line_or_an_error(argument in "(?s).{1,40}") {
        let ends_a_line = |octet: &&u8| b"\r\n\0".contains(octet);
        let forbidden = argument.as_bytes().iter().any(|octet| ends_a_line(&octet));
        for name in with_argument(&argument) {
            let mut limits = limits();
            limits.command_line = usize::MAX;
            let mut connection = authorization(limits);
            let submitted = calls::parse(&name).submit(&mut connection);
            let sent = connection.to_send();
            prop_assert_eq!(submitted.is_ok(), !forbidden);
            prop_assert_eq!(sent.is_empty(), forbidden);
            let ends = sent.iter().filter(ends_a_line).count();
            prop_assert!(forbidden || ends == 2 && sent.ends_with(b"\r\n"));
        }
    }
}

#[test]
fn p01_a_command_line_of_256_octets_is_not_sent() {
    for (length, sent) in [(248, 255), (249, 0)] {
        let mut connection = authorization(Limits::default());
        let mut user = calls::parse(&format!("user {}", "x".repeat(length)));
        let result = user.resume(&mut connection);
        assert_eq!(connection.to_send().len(), sent, "{result:?}");
        assert!(connection.is_usable());
    }
}

#[test]
fn commands_are_kept_to_their_states() {
    let before_login = [
        "stat", "list", "list 1", "uidl", "retr 1", "top 1 0", "dele 1", "noop",
    ];
    for name in before_login.into_iter().chain(["rset", "uidl 1"]) {
        let mut connection = authorization(limits());
        assert!(
            calls::parse(name).resume(&mut connection).is_err(),
            "{name}"
        );
        assert_eq!(connection.to_send(), b"", "{name}");
    }
    for name in [
        "user me",
        "pass x",
        "rpop me",
        "stls",
        "utf8",
        "auth PLAIN me x",
        "auth-list",
    ] {
        let mut connection = transaction(limits());
        assert!(
            calls::parse(name).resume(&mut connection).is_err(),
            "{name}"
        );
        assert_eq!(connection.to_send(), b"", "{name}");
        assert_eq!(connection.state(), State::Transaction);
    }
    let mut connection = Connection::new(limits());
    for name in ["capa", "quit", "lang", "custom X", "noop"] {
        assert!(
            calls::parse(name).resume(&mut connection).is_err(),
            "{name}"
        );
        assert_eq!(connection.to_send(), b"", "{name}");
    }
    assert!(Call::new(Noop).submit(&mut connection).is_err());
}
