//! Bodies that are none: without end, or with another command's answer in them.

use poplib_proto::command::{BodyStart, Dele, Noop, Retr, Survey, Top, Uidl};
use poplib_proto::connection::BodyStep;
use poplib_proto::error::{Chain, Misbehaved, Misbehaviour};
use poplib_proto::{
    Call, Command, Connection, Error, Exchange, Limits, Pipeline, Planned, Step, Window,
};

use crate::support::drive::{drive, drive_with};
use crate::support::peer::{Pace, Peer};
use crate::support::scenario::{limits, transaction};

const PACES: [Pace; 4] = [
    Pace::Whole,
    Pace::Pieces(1),
    Pace::Pieces(3),
    Pace::Pieces(1000),
];

/// What comes of one message: its content, or how it ended and how much of it had come.
type Outcome = Result<Vec<u8>, (Error, usize)>;

fn fetch<C: Command<Output = BodyStart>>(
    connection: &mut Connection,
    command: C,
    wire: &[u8],
    pace: Pace,
) -> Outcome {
    let mut peer = Peer::lenient(wire, pace);
    let start = drive(connection, &mut peer, Call::new(command)).map_err(|error| (error, 0))?;
    collect(connection, &mut peer, &start)
}

fn collect(connection: &mut Connection, peer: &mut Peer, start: &BodyStart) -> Outcome {
    let mut content = Vec::new();
    let ended = drive_with(connection, peer, |connection| {
        loop {
            match connection.advance_body(start.ticket)? {
                BodyStep::Run => content.extend_from_slice(connection.run()),
                BodyStep::Read => return Ok(connection.wait()),
                BodyStep::End => return Ok(Step::Done(())),
            }
        }
    });
    let come = content.len();
    ended.map(|()| content).map_err(|error| (error, come))
}

fn how(error: &Error) -> Option<Misbehaviour> {
    match error {
        Error::Misbehaved(Misbehaved { how, .. }) => Some(*how),
        Error::PipelineBroken(cause) | Error::Poisoned(cause) => how(cause),
        _ => None,
    }
}

/// A message with so many octets of header, its empty line included, and in all.
fn message(header: usize, octets: usize) -> Vec<u8> {
    let mut message = b"X: ".to_vec();
    message.resize(header - 4, b'h');
    message.extend_from_slice(b"\r\n\r\n");
    message.resize(octets - 2, b'b');
    message.extend_from_slice(b"\r\n");
    message
}

fn answer(message: &[u8]) -> Vec<u8> {
    [b"+OK\r\n", message, b".\r\n"].concat()
}

fn bounded() -> Limits {
    let mut limits = limits();
    limits.message_octets = 5_000;
    limits.listed_factor = 3;
    limits.surplus_octets = 1_000;
    limits.header_octets = 400;
    limits
}

#[test]
fn e19_a_message_may_be_as_long_as_the_bounds_and_no_longer() {
    let retr = |listed| Retr::new(1).listed(listed);
    for (listed, header, most, excess) in [
        (None, 100, 5_000, Misbehaviour::MessageTooLong),
        (Some(4_000), 100, 5_000, Misbehaviour::MessageTooLong),
        (
            Some(87),
            100,
            1_261,
            Misbehaviour::LongerThanListed { listed: 87 },
        ),
        (
            Some(0),
            100,
            1_000,
            Misbehaviour::LongerThanListed { listed: 0 },
        ),
    ] {
        for pace in PACES {
            let whole = message(header, most);
            let mut connection = transaction(bounded());
            let outcome = fetch(&mut connection, retr(listed), &answer(&whole), pace);
            assert_eq!(outcome, Ok(whole), "{listed:?} {pace:?}");
            let over = answer(&message(header, most + 1));
            let mut connection = transaction(bounded());
            let (error, come) = fetch(&mut connection, retr(listed), &over, pace).unwrap_err();
            assert_eq!(how(&error), Some(excess), "{listed:?} {pace:?}");
            assert!(come <= most);
            assert_eq!(connection.poisoned(), Some(&error), "the session is over");
        }
    }
}

#[test]
fn e19_a_header_may_be_as_long_as_its_bound_and_no_longer() {
    let too_long = Some(Misbehaviour::HeaderTooLong);
    for pace in PACES {
        let whole = message(400, 700);
        let outcome = fetch(
            &mut transaction(bounded()),
            Retr::new(1),
            &answer(&whole),
            pace,
        );
        assert_eq!(outcome, Ok(whole), "{pace:?}");
        let over = answer(&message(401, 700));
        let outcome = fetch(&mut transaction(bounded()), Retr::new(1), &over, pace);
        assert_eq!(how(&outcome.unwrap_err().0), too_long, "{pace:?}");
        // Without an empty line all is header.
        let endless = answer(&b"A: b\r\n".repeat(100));
        let outcome = fetch(&mut transaction(bounded()), Retr::new(1), &endless, pace);
        assert_eq!(how(&outcome.unwrap_err().0), too_long, "{pace:?}");
        // What answers TOP 0 is a header, whatever it looks like; lines of the body are none.
        let body = answer(&message(100, 401));
        let outcome = fetch(&mut transaction(bounded()), Top::new(1, 0), &body, pace);
        assert_eq!(how(&outcome.unwrap_err().0), too_long, "{pace:?}");
        let outcome = fetch(&mut transaction(bounded()), Top::new(1, 1), &body, pace);
        assert_eq!(outcome.map(|content| content.len()), Ok(401), "{pace:?}");
    }
}

#[test]
fn e19_of_two_bounds_the_nearer_one_is_told() {
    let endless = answer(&b"A: b\r\n".repeat(200));
    for (message, header, how_expected) in [
        (500, 400, Misbehaviour::HeaderTooLong),
        (400, 400, Misbehaviour::HeaderTooLong),
        (400, 500, Misbehaviour::MessageTooLong),
    ] {
        for pace in PACES {
            let mut limits = bounded();
            (limits.message_octets, limits.header_octets) = (message, header);
            let (error, _) =
                fetch(&mut transaction(limits), Retr::new(1), &endless, pace).unwrap_err();
            assert_eq!(how(&error), Some(how_expected), "{pace:?}");
        }
    }
}

#[test]
fn e19_a_message_that_nobody_reads_has_the_same_bounds() {
    let mut connection = transaction(bounded());
    let wire = [answer(&message(100, 6_000)), b"+OK\r\n".to_vec()].concat();
    let mut peer = Peer::lenient(&wire, Pace::Whole);
    drive(&mut connection, &mut peer, Call::new(Retr::new(1))).unwrap();
    let error = drive(&mut connection, &mut peer, Call::new(Noop)).unwrap_err();
    assert_eq!(how(&error), Some(Misbehaviour::MessageTooLong));
}

#[test]
fn q13_e19_no_way_to_count_is_over_the_bounds_that_are_usual() {
    let octets = 1_000_000;
    let whole = message(300_000, octets);
    let octets = octets as u64;
    for listed in [
        None,
        Some(0),
        Some(1),
        // Kibibytes, compressed very well, compressed, line ends as one octet, rounded, far too many.
        Some(octets / 1024),
        Some(octets / 1000),
        Some(octets / 3),
        Some(octets / 2),
        Some(octets.next_multiple_of(4096)),
        Some(u64::MAX),
    ] {
        let mut connection = transaction(Limits::default());
        let command = Retr::new(1).listed(listed);
        let outcome = fetch(&mut connection, command, &answer(&whole), Pace::Whole);
        assert!(outcome.as_ref() == Ok(&whole), "{listed:?}");
    }
}

// Another command's answer.

const FIRST: &[u8] = b"Subject: 1\r\n\r\none\r\n";
const THIRD: &[u8] = b"Subject: 3\r\n\r\nthree\r\n";

/// Four messages in a window and a NOOP, of which the second is this: what comes of each.
fn fetch_four(second: &[u8], pace: Pace) -> Vec<Outcome> {
    let wire = [
        &answer(FIRST),
        second,
        &answer(THIRD),
        &answer(FIRST),
        b"+OK\r\n",
    ]
    .concat();
    let mut connection = transaction(limits());
    let mut peer = Peer::lenient(&wire, pace);
    let planned = (1..=4).map(|number| Planned {
        number,
        command: Retr::new(number),
        octets: 100,
    });
    let mut pipeline = Pipeline::new(planned, Window::default()).ending_with_noop();
    let mut outcomes = Vec::new();
    loop {
        match drive(&mut connection, &mut peer, &mut pipeline) {
            Ok(None) => return outcomes,
            Ok(Some((_, start))) => {
                let outcome = collect(&mut connection, &mut peer, &start.expect("+OK"));
                outcomes.push(outcome);
            }
            Err(error) => {
                outcomes.push(Err((error, 0)));
                return outcomes;
            }
        }
        if let Some(Err((error, _))) = outcomes.last() {
            assert_eq!(connection.poisoned(), Some(error), "the session is over");
            return outcomes;
        }
    }
}

#[test]
fn e31_an_err_in_the_middle_of_a_message_shifts_nothing() {
    for (second, words) in [
        (
            &b"+OK\r\nSubject: 2\r\n\r\ntw-ERR disk error\r\n"[..],
            "-ERR disk error",
        ),
        (
            b"+OK\r\nSubject: 2\r\n-ERR [SYS/TEMP] later\r\n",
            "-ERR [SYS/TEMP] later",
        ),
        (b"+OK\r\n-ERR\r\n", "-ERR"),
        // And the next is refused.
        (b"+OK\r\nSubject: 2\r\n-ERR one\r\n-ERR two\r\n", "-ERR one"),
    ] {
        for pace in PACES {
            let outcomes = fetch_four(second, pace);
            assert_eq!(outcomes.len(), 2, "{pace:?}: {outcomes:?}");
            assert_eq!(outcomes[0], Ok(FIRST.to_vec()));
            let (error, come) = outcomes[1].clone().unwrap_err();
            let Error::PipelineBroken(cause) = &error else {
                panic!("{error:?}");
            };
            assert_eq!(how(cause), Some(Misbehaviour::StatusWithin));
            assert!(error.is_retryable(), "without pipelining it may come");
            assert!(Chain(&error).to_string().contains(words), "{error}");
            assert!(come <= second.len());
        }
    }
}

#[test]
fn e31_mail_that_quotes_a_session_comes_where_no_other_answer_is_awaited() {
    let quoting = b"Subject: help\r\n\r\n-ERR oops\r\n+OK 12 octets\r\nwhat is that?\r\n";
    for pace in PACES {
        let mut connection = transaction(limits());
        for message in [FIRST, quoting, THIRD] {
            let outcome = fetch(&mut connection, Retr::new(1), &answer(message), pace);
            assert_eq!(outcome, Ok(message.to_vec()));
        }
        // Most such mail is not in the way of pipelining either.
        let prefixed = b"Subject: help\r\n\r\n> -ERR oops\r\n> +OK 12 octets\r\n+OK\r\n";
        let outcomes = fetch_four(&answer(prefixed), pace);
        let expected = [FIRST, prefixed, THIRD, FIRST];
        assert!(
            outcomes
                .into_iter()
                .eq(expected.map(|message| Ok(message.to_vec())))
        );
    }
}

#[test]
fn q39_e31_an_err_in_the_middle_of_a_listing_ends_the_session() {
    let broken_off = b"+OK\r\n1 abc\r\n-ERR disk error\r\n+OK\r\n1 120\r\n2 120\r\n.\r\n";
    let glued_on = b"+OK\r\n1 abc\r\n+OK\r\n1 120\r\n2 120\r\n.\r\n";
    for pace in PACES {
        // It is none of a listing's lines, whether another answer is awaited or not.
        let mut connection = transaction(limits());
        let mut peer = Peer::lenient(broken_off, pace);
        let error = drive(&mut connection, &mut peer, Call::new(Uidl)).unwrap_err();
        assert_eq!(how(&error), Some(Misbehaviour::StatusWithin));
        assert!(error.to_string().contains("-ERR disk error"), "{error}");
        assert_eq!(connection.poisoned(), Some(&error));
        for (listing, line) in [(&broken_off[..], "-ERR disk error"), (glued_on, "+OK")] {
            let wire = [b"+OK\r\nTOP\r\n.\r\n+OK 2 240\r\n", listing].concat();
            let mut connection = transaction(limits());
            let mut peer = Peer::lenient(&wire, pace);
            let error = drive(&mut connection, &mut peer, Survey::new(true)).unwrap_err();
            assert!(matches!(error, Error::PipelineBroken(_)), "{error:?}");
            assert_eq!(how(&error), Some(Misbehaviour::StatusWithin));
            assert!(Chain(&error).to_string().contains(line), "{error}");
        }
    }
}

#[test]
fn q23_a_second_ok_in_front_of_a_listing_is_left_out() {
    let mut connection = transaction(limits());
    let mut uidl = Call::new(Uidl);
    uidl.submit(&mut connection).unwrap();
    let mut dele = Call::new(Dele::new(1));
    dele.submit(&mut connection).unwrap();
    let wire = b"+OK\r\n+OK 1 message\r\n1 abc\r\n.\r\n+OK\r\n";
    let mut peer = Peer::lenient(wire, Pace::Whole);
    let unique_ids = drive_with(&mut connection, &mut peer, |it| uidl.resume(it)).unwrap();
    assert_eq!(unique_ids.len(), 1);
    drive_with(&mut connection, &mut peer, |it| dele.resume(it)).unwrap();
}
