//! What a server sends without end, or only to take time.

use poplib_proto::command::{Greeting, Retr};
use poplib_proto::connection::{BodyStep, Ticket};
use poplib_proto::error::{Misbehaved, Misbehaviour};
use poplib_proto::{Call, Connection, Error, Exchange, Fault, Limits, Misuse, Step, Want};

use crate::support::calls;
use crate::support::drive::{drive, drive_with};
use crate::support::peer::{Pace, Peer};
use crate::support::scenario::{answer, authorization, transaction};

const MEGABYTE: usize = 1 << 20;

/// Octets of one read from an endless server.
const PIECE: usize = 256;

/// A server that sends `head` and then `tail` again and again, without end.
struct Endless {
    head: &'static [u8],
    tail: &'static [u8],
    served: usize,
}

impl Endless {
    fn read(&mut self, space: &mut [u8]) -> usize {
        let room = space.len().min(PIECE);
        let space = &mut space[..room];
        let skipped = self.head.len();
        for octet in space.iter_mut() {
            *octet = match self.head.get(self.served) {
                Some(octet) => *octet,
                None => self.tail[(self.served - skipped) % self.tail.len()],
            };
            self.served += 1;
        }
        space.len()
    }
}

/// Calls until there is an error; the error and the octets that were read.
fn until_error(mut connection: Connection, name: &str, mut server: Endless) -> (Error, usize) {
    let mut call = calls::parse(name);
    let room = connection.limits().buffer;
    loop {
        match call.resume(&mut connection) {
            Ok(Step::Want(Want::Read)) => {
                let space = connection.space();
                assert!(!space.is_empty() && space.len() <= room);
                let octets = server.read(space);
                connection.received(octets);
            }
            Ok(Step::Want(Want::Write)) => connection.sent(connection.to_send().len()),
            Ok(other) => panic!("{other:?} of an endless answer"),
            Err(error) => {
                assert_eq!(connection.poisoned(), Some(&error));
                return (error, server.served);
            }
        }
    }
}

fn small() -> Limits {
    let mut limits = Limits::default();
    limits.buffer = 4096;
    limits.response_line = 1024;
    limits.listing_octets = 60_000;
    limits.listing_lines = 5_000;
    limits.capability_octets = 10_000;
    limits
}

#[test]
fn a07_an_endless_line_ends_at_the_limit() {
    for (name, head) in [
        ("stat", &b""[..]),
        ("stat", b"+OK "),
        ("dele 1", b"-ERR "),
        ("retr 1", b"+OK "),
        ("list", b"+OK\r\n1 "),
        ("uidl", b"+OK\r\n1 a\r\n2 "),
        ("capa", b"+OK\r\nTOP\r\nX"),
        ("custom-lines X", b"+OK\r\n"),
    ] {
        let tail = b"x";
        let server = Endless {
            head,
            tail,
            served: 0,
        };
        let (error, read) = until_error(transaction(small()), name, server);
        let how = Misbehaviour::LineTooLong;
        assert!(
            matches!(&error, Error::Misbehaved(it) if it.how == how),
            "{name}: {error}"
        );
        assert!(read <= head.len() + 1024 + PIECE, "{name}: {read}");
    }
    let server = Endless {
        head: b"+OK",
        tail: b" ",
        served: 0,
    };
    let (error, read) = until_error(Connection::new(small()), "greeting", server);
    assert!(matches!(error, Error::Misbehaved(_)), "{error}");
    assert!(read <= 1024 + PIECE);
}

#[test]
fn a07_an_endless_list_ends_at_the_limit() {
    for (name, tail, most) in [
        ("list", &b"1 1\r\n"[..], 5_000 * 5),
        ("list", b"\r\n", 5_000 * 2),
        ("uidl", b"1 0123456789abcdef0123456789abcdef\r\n", 60_000),
        ("custom-lines X", b"..\r\n", 5_000 * 4),
        ("capa", b"X-SOMETHING\r\n", 10_000),
        ("lang", b"en English\r\n", 10_000),
    ] {
        let server = Endless {
            head: b"+OK\r\n",
            tail,
            served: 0,
        };
        let (error, read) = until_error(transaction(small()), name, server);
        let how = Misbehaviour::AnswerTooLong;
        assert!(
            matches!(&error, Error::Misbehaved(it) if it.how == how),
            "{name}: {error}"
        );
        assert!(read <= most + 50 + PIECE, "{name}: {read}");
    }
    let server = Endless {
        head: b"+OK\r\n",
        tail: b"X\r\n",
        served: 0,
    };
    let (error, _) = until_error(authorization(small()), "auth-list", server);
    assert!(matches!(error, Error::Misbehaved(_)), "{error}");
}

#[test]
fn a07_a_list_may_be_as_long_as_the_limit() {
    let passes = |lines, octets| {
        let mut limits = Limits::default();
        (limits.listing_lines, limits.listing_octets) = (lines, octets);
        let mut peer = Peer::lenient(b"+OK\r\n1 1\r\n2 2\r\n.\r\n", Pace::Whole);
        let mut call = calls::parse("list");
        drive_with(&mut transaction(limits), &mut peer, |it| call.resume(it)).is_ok()
    };
    // Two lines of five octets.
    assert!(passes(2, 10));
    assert!(!passes(1, 10));
    assert!(!passes(2, 9));
}

#[test]
fn a07_a_body_of_any_length_passes_through_a_small_buffer() {
    let mut connection = transaction(small());
    let mut server = Endless {
        head: b"+OK\r\n",
        tail: b"..a line\r\nanother, and a bare \n.\n one\r\n",
        served: 0,
    };
    let ticket = answer_start(&mut connection, &mut server);
    let mut passed = 0;
    while passed < 2 * MEGABYTE {
        match connection.advance_body(ticket) {
            Ok(BodyStep::Run) => {
                assert!((1..=4096).contains(&connection.run().len()));
                passed += connection.run().len();
            }
            Ok(BodyStep::Read) => {
                let space = connection.space();
                // Two octets at most are kept back.
                assert!(space.len() >= 4094);
                let octets = server.read(space);
                connection.received(octets);
            }
            other => panic!("{other:?} of an endless body"),
        }
    }
}

#[test]
fn q30_a_line_of_ten_megabytes_passes_unchanged() {
    let line: Vec<u8> = (0..10 * MEGABYTE).map(|at| (at % 251) as u8).collect();
    let line: Vec<u8> = line
        .into_iter()
        .filter(|octet| !b"\r\n.".contains(octet))
        .collect();
    let wire = [b"+OK\r\n", &line[..], b"\r\n.\r\n"].concat();
    let mut connection = transaction(small());
    let mut retr = calls::parse("retr 1");
    let mut peer = Peer::lenient(&wire, Pace::Pieces(3000));
    let outcome = drive_with(&mut connection, &mut peer, |it| retr.resume(it)).expect("a message");
    let content = outcome.content.expect("a body");
    assert!(content == [&line[..], b"\r\n"].concat());
}

/// RETR 1 as far as its status line.
fn answer_start(connection: &mut Connection, server: &mut Endless) -> Ticket {
    let mut retr = Call::new(Retr::new(1));
    loop {
        match retr.resume(connection).expect("+OK") {
            Step::Want(Want::Read) => {
                let octets = server.read(connection.space());
                connection.received(octets);
            }
            Step::Want(Want::Write) => connection.sent(connection.to_send().len()),
            Step::Done(start) => return start.ticket,
            Step::StartTls => unreachable!("RETR needs no TLS"),
        }
    }
}

#[test]
fn p01_long_responses_are_tolerated_up_to_the_limit() {
    // RFC 2449 §4 allows servers 512 octets.
    for (length, tolerated) in [(512, true), (513, true), (1024, true), (1025, false)] {
        let status = format!("+OK {}\r\n", "x".repeat(length - 6));
        let line = format!("{}\r\n", "x".repeat(length - 2));
        for (name, wire) in [
            ("noop", status.clone()),
            ("retr 1", format!("{status}.\r\n")),
            ("capa", format!("+OK\r\n{line}.\r\n")),
            ("uidl", format!("+OK\r\n1 {}.\r\n", &line[2..])),
        ] {
            for pace in [
                Pace::Whole,
                Pace::Pieces(1),
                Pace::Split(600),
                Pace::Split(1024),
            ] {
                let mut connection = transaction(small());
                let mut call = calls::parse(name);
                let mut peer = Peer::lenient(wire.as_bytes(), pace);
                let outcome = drive_with(&mut connection, &mut peer, |it| call.resume(it));
                assert_eq!(
                    outcome.is_ok(),
                    tolerated,
                    "{name} {length} {pace:?}: {outcome:?}"
                );
                if let Err(error) = outcome {
                    let how = Misbehaviour::LineTooLong;
                    assert!(
                        matches!(&error, Error::Misbehaved(Misbehaved { how: it, .. }) if *it == how)
                    );
                }
            }
        }
    }
}

#[test]
fn a_line_over_the_limit_is_one_error_however_it_arrives() {
    let wire = format!("+OK {}\r\n", "x".repeat(100));
    let error = |pace| {
        let mut limits = small();
        limits.response_line = 64;
        let mut connection = transaction(limits);
        let mut call = calls::parse("noop");
        let mut peer = Peer::lenient(wire.as_bytes(), pace);
        drive_with(&mut connection, &mut peer, |it| call.resume(it)).expect_err("too long")
    };
    let whole = error(Pace::Whole);
    for pace in [
        Pace::Pieces(1),
        Pace::Pieces(7),
        Pace::Split(64),
        Pace::Split(65),
    ] {
        assert_eq!(error(pace), whole, "{pace:?}");
    }
}

#[test]
fn a08_a_megabyte_in_one_line_is_read_in_one_pass() {
    let mut limits = Limits::default();
    limits.response_line = 2 * MEGABYTE;
    limits.capability_octets = 4 * MEGABYTE;
    for octet in ["<", " ", "9", "["] {
        let long = octet.repeat(MEGABYTE);
        for (name, head, tail) in [
            ("custom X", "-ERR [", ""),
            ("stat", "+OK 1 ", ""),
            ("uidl 1", "+OK 1 ", ""),
            ("list", "+OK\r\n1 ", "\r\n.\r\n"),
            ("uidl", "+OK\r\n1 ", "\r\n.\r\n"),
            ("lang", "+OK\r\n", "\r\n.\r\n"),
            ("capa", "+OK\r\nSASL ", "\r\n.\r\n"),
        ] {
            let wire = format!("{head}{long}\r\n{}", tail.trim_start());
            let mut peer = Peer::lenient(wire.as_bytes(), Pace::Whole);
            let mut call = calls::parse(name);
            let mut connection = transaction(limits.clone());
            let outcome = drive_with(&mut connection, &mut peer, |it| call.resume(it));
            let malformed = matches!(&outcome, Err(Error::Misbehaved(it))
                if it.how == Misbehaviour::MalformedReply);
            let refused = matches!(outcome, Err(Error::Refused(_)));
            assert!(
                outcome.is_ok() || malformed || refused,
                "{name}: {outcome:?}"
            );
        }
    }
}

#[test]
fn a08_a_line_that_comes_octet_by_octet_is_looked_at_once() {
    let mut limits = Limits::default();
    limits.response_line = MEGABYTE;
    let mut connection = transaction(limits);
    let mut noop = calls::parse("noop");
    assert!(noop.resume(&mut connection).is_ok());
    connection.sent(usize::MAX);
    // Were every octet looked at again with each read, this would take minutes.
    for octet in b"+OK "
        .iter()
        .chain(std::iter::repeat_n(&b'<', MEGABYTE / 2))
    {
        connection.space()[0] = *octet;
        connection.received(1);
        assert_eq!(noop.resume(&mut connection), Ok(Step::Want(Want::Read)));
    }
    connection.space()[..2].copy_from_slice(b"\r\n");
    connection.received(2);
    assert!(matches!(noop.resume(&mut connection), Ok(Step::Done(_))));
}

#[test]
fn a08_the_runs_of_a_body_are_no_more_than_its_stuffed_lines() {
    let lines = 10_000;
    for (tail, runs) in [
        ("..\r\n", lines),
        ("\n.", 1),
        (".\n", 1),
        ("\r\r\n.\n", lines),
        ("<", 1),
    ] {
        let wire = format!("{}\r\n.\r\n", tail.repeat(lines));
        let mut limits = Limits::default();
        limits.buffer = wire.len() + 8;
        let mut connection = transaction(limits);
        let start = answer(&mut connection, b"+OK\r\n", Call::new(Retr::new(1)));
        connection.space()[..wire.len()].copy_from_slice(wire.as_bytes());
        connection.received(wire.len());
        let mut counted = 0;
        while connection.advance_body(start.ticket) == Ok(BodyStep::Run) {
            counted += 1;
        }
        assert_eq!(connection.in_flight(), 0, "the body ended");
        assert!(counted <= runs + 1, "{tail:?}: {counted} runs");
    }
}

#[test]
fn a_limit_that_no_server_can_keep_to_is_not_the_servers_fault() {
    let mut impossible = Limits::default();
    impossible.response_line = 0;
    let mut connection = Connection::new(impossible);
    let mut peer = Peer::lenient(b"+OK\r\n", Pace::Whole);
    let error = drive(&mut connection, &mut peer, Greeting::new()).unwrap_err();
    assert_eq!(error.fault(), Fault::Caller, "{error:?}");
    let expected = Misuse::LimitTooSmall {
        name: "response_line",
        least: 6,
    };
    assert_eq!(connection.poisoned(), Some(&Error::Misuse(expected)));
}
