//! Calls that are resumed when they should not be: out of their order, or beyond their end. None
//! of them hangs, and none takes what belongs to another.

use poplib_proto::command::{Greeting, List, Noop, Quit, Retr, Stat};
use poplib_proto::connection::BodyStep;
use poplib_proto::error::Misuse;
use poplib_proto::{Call, Connection, Error, Exchange, State, Step};

use crate::support::drive::drive;
use crate::support::peer::{Pace, Peer};
use crate::support::scenario::{answer, limits, transaction};

const GONE: Error = Error::Misuse(Misuse::AnswerGone);

/// The next exchange gets the answer that is its own.
fn assert_goes_on(connection: &mut Connection) {
    let maildrop = answer(connection, b"+OK 2 320\r\n", Call::new(Stat));
    assert_eq!((maildrop.messages, maildrop.octets), (2, Some(320)));
}

/// All that came, whether it is wanted yet or not.
fn feed(connection: &mut Connection, octets: &[u8]) {
    connection.sent(usize::MAX);
    connection.space()[..octets.len()].copy_from_slice(octets);
    connection.received(octets.len());
}

#[test]
fn a_call_whose_answer_was_skipped_says_so() {
    let mut connection = transaction(limits());
    let (mut first, mut second) = (Call::new(Stat), Call::new(List));
    first.submit(&mut connection).unwrap();
    second.submit(&mut connection).unwrap();
    feed(&mut connection, b"+OK 9 9\r\n+OK\r\n1 120\r\n.\r\n");
    let step = second.resume(&mut connection).unwrap();
    assert!(matches!(step, Step::Done(listing) if listing.scans().len() == 1));
    assert_eq!(first.resume(&mut connection), Err(GONE));
    assert_goes_on(&mut connection);
}

#[test]
fn a_list_that_was_skipped_takes_no_line_of_another() {
    let mut connection = transaction(limits());
    let (mut list, mut noop) = (Call::new(List), Call::new(Noop));
    list.submit(&mut connection).unwrap();
    noop.submit(&mut connection).unwrap();
    feed(&mut connection, b"+OK\r\n1 120\r\n");
    assert!(matches!(list.resume(&mut connection), Ok(Step::Want(_))));
    assert!(matches!(noop.resume(&mut connection), Ok(Step::Want(_))));
    feed(&mut connection, b"2 200\r\n.\r\n");
    assert_eq!(list.resume(&mut connection), Err(GONE));
    feed(&mut connection, b"+OK\r\n");
    assert!(matches!(noop.resume(&mut connection), Ok(Step::Done(_))));
    assert_goes_on(&mut connection);
}

#[test]
fn a_body_that_was_skipped_is_not_complete() {
    let mut connection = transaction(limits());
    let start = answer(&mut connection, b"+OK\r\n", Call::new(Retr::new(1)));
    let mut noop = Call::new(Noop);
    noop.submit(&mut connection).unwrap();
    feed(&mut connection, b"half of\r\n");
    assert_eq!(connection.advance_body(start.ticket), Ok(BodyStep::Run));
    feed(&mut connection, b"a message\r\n.\r\n+OK\r\n");
    assert!(matches!(noop.resume(&mut connection), Ok(Step::Done(_))));
    // Were this the end, half a message would be taken for a whole one.
    assert_eq!(connection.advance_body(start.ticket), Err(GONE));
    assert_goes_on(&mut connection);
}

#[test]
fn a_body_that_ended_goes_on_saying_so() {
    let mut connection = transaction(limits());
    let start = answer(&mut connection, b"+OK\r\n", Call::new(Retr::new(1)));
    feed(&mut connection, b"x\r\n.\r\n");
    assert_eq!(connection.advance_body(start.ticket), Ok(BodyStep::Run));
    assert_eq!(connection.run(), b"x\r\n");
    for _ in 0..3 {
        assert_eq!(connection.advance_body(start.ticket), Ok(BodyStep::End));
    }
    assert_goes_on(&mut connection);
    assert_eq!(connection.advance_body(start.ticket), Ok(BodyStep::End));
}

#[test]
fn a_body_gives_no_run_of_another() {
    let mut connection = transaction(limits());
    let first = answer(&mut connection, b"+OK\r\n", Call::new(Retr::new(1)));
    let second = answer(
        &mut connection,
        b"first\r\n.\r\n+OK\r\nsecond\r\n.\r\n",
        Call::new(Retr::new(2)),
    );
    assert_eq!(connection.advance_body(first.ticket), Err(GONE));
    assert_eq!(connection.advance_body(second.ticket), Ok(BodyStep::Run));
    assert_eq!(connection.run(), b"second\r\n");
    assert_eq!(connection.advance_body(second.ticket), Ok(BodyStep::End));
}

#[test]
fn an_exchange_that_is_over_does_not_wait() {
    let mut connection = transaction(limits());
    let mut noop = Call::new(Noop);
    noop.submit(&mut connection).unwrap();
    feed(&mut connection, b"+OK\r\n");
    assert!(matches!(noop.resume(&mut connection), Ok(Step::Done(_))));
    assert_eq!(noop.resume(&mut connection), Err(GONE));
    assert_eq!(Greeting::new().resume(&mut connection), Err(GONE));
    // Nor does one that failed, on a stream that has ended too.
    let mut refused = Call::new(Noop);
    refused.submit(&mut connection).unwrap();
    feed(&mut connection, b"-ERR\r\n");
    connection.received(0);
    assert!(matches!(
        refused.resume(&mut connection),
        Err(Error::Refused(_))
    ));
    assert_eq!(refused.resume(&mut connection), Err(GONE));
}

#[test]
fn p03_without_an_ok_to_quit_the_session_is_not_updated() {
    for (answer, refused) in [
        (&b""[..], false),
        (b"+", false),
        (b"+OK bye", false),
        (b"+OK bye\r", false),
        (b"-ERR some not removed\r", false),
        (b"-ERR some not removed\r\n", true),
        (b"+ERR some not removed\n", true),
    ] {
        for pace in [Pace::Whole, Pace::Pieces(1)] {
            let mut connection = transaction(limits());
            let mut peer = Peer::lenient(answer, pace);
            let error = drive(&mut connection, &mut peer, Call::new(Quit)).unwrap_err();
            assert_eq!(matches!(error, Error::Refused(_)), refused, "{error}");
            assert_eq!(matches!(error, Error::Closed(_)), !refused, "{error}");
            assert_eq!(connection.state(), State::Transaction);
        }
    }
    let mut connection = transaction(limits());
    let mut quit = Call::new(Quit);
    quit.submit(&mut connection).unwrap();
    connection.disconnect();
    assert!(matches!(
        quit.resume(&mut connection),
        Err(Error::Poisoned(_))
    ));
    assert_eq!(connection.state(), State::Transaction);
}

#[test]
fn nothing_follows_quit() {
    let mut connection = transaction(limits());
    answer(&mut connection, b"+OK bye\r\n", Call::new(Quit));
    assert_eq!(connection.state(), State::Update);
    assert!(!connection.is_usable());
    assert!(Call::new(Noop).resume(&mut connection).is_err());
    assert_eq!(connection.to_send(), b"");
}
