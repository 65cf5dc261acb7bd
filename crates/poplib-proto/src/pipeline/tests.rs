use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::command::{Dele, Greeting, ListOne, Login, LoginParameters};
use crate::exchange::Want;
use crate::sasl::{Credentials, Policy};
use crate::wire::limits::Limits;

fn feed(connection: &mut Connection, octets: &[u8]) {
    connection.space()[..octets.len()].copy_from_slice(octets);
    connection.received(octets.len());
}

fn take_sent(connection: &mut Connection) -> Vec<u8> {
    let sent = connection.to_send().to_vec();
    connection.sent(sent.len());
    sent
}

/// A connection in the TRANSACTION state.
fn transaction() -> Connection {
    let mut connection = Connection::new(Limits::default());
    connection.protect();
    feed(&mut connection, b"+OK\r\n");
    let greeted = Greeting::new().resume(&mut connection);
    assert!(matches!(greeted, Ok(Step::Done(_))));
    let parameters = LoginParameters {
        host: "localhost".into(),
        port: 995,
        bindings: Vec::new(),
        policy: Policy::default(),
        timestamp: None,
        entropy: [0; 32],
        except: None,
    };
    let mut login = Login::new(Credentials::password("u", "p"), parameters);
    for answer in [&b"-ERR no CAPA\r\n"[..], b"+OK\r\n", b"+OK\r\n"] {
        assert!(matches!(login.resume(&mut connection), Ok(Step::Want(_))));
        take_sent(&mut connection);
        feed(&mut connection, answer);
    }
    assert!(matches!(login.resume(&mut connection), Ok(Step::Done(_))));
    connection
}

fn deletions(numbers: u32) -> impl Iterator<Item = Planned<Dele>> {
    (1..=numbers).map(|number| Planned {
        number,
        command: Dele::new(number),
        octets: 10,
    })
}

fn lines(octets: &[u8]) -> usize {
    octets.iter().filter(|&&octet| octet == b'\n').count()
}

#[test]
fn p08_the_window_is_bounded_and_refilled_by_halves() {
    let mut connection = transaction();
    let window = Window {
        commands: 8,
        ..Window::default()
    };
    let mut batch = Pipeline::new(deletions(20), window);
    let step = batch.resume(&mut connection);
    assert!(matches!(step, Ok(Step::Want(Want::Write))));
    assert_eq!(lines(&take_sent(&mut connection)), 8);
    assert_eq!(connection.in_flight(), 8);
    let mut sizes = Vec::new();
    let mut outcomes = Vec::new();
    loop {
        match batch.resume(&mut connection).expect("no error") {
            Step::Done(Some((number, outcome))) => outcomes.push((number, outcome.is_ok())),
            Step::Done(None) => break,
            Step::Want(Want::Write) => sizes.push(lines(&take_sent(&mut connection))),
            Step::Want(Want::Read) => feed(&mut connection, b"+OK\r\n"),
            Step::StartTls => unreachable!("DELE needs no TLS"),
        }
        assert!(connection.in_flight() <= 8);
    }
    assert_eq!(sizes, [4, 4, 4]);
    assert!(
        outcomes
            .into_iter()
            .eq((1..=20).map(|number| (number, true)))
    );
}

#[test]
fn p08_expected_octets_and_line_octets_bound_the_window() {
    for (window, first_flight) in [
        (
            Window {
                answer_octets: 35,
                ..Window::default()
            },
            3,
        ),
        (
            Window {
                answer_octets: 5,
                ..Window::default()
            },
            1,
        ),
        (
            Window {
                command_octets: 32,
                ..Window::default()
            },
            4,
        ),
        (Window::ONE, 1),
    ] {
        let mut connection = transaction();
        let mut batch = Pipeline::new(deletions(20), window);
        assert!(batch.resume(&mut connection).is_ok());
        assert_eq!(lines(&take_sent(&mut connection)), first_flight);
    }
}

#[test]
fn p08_what_is_answered_makes_room_for_as_much() {
    // Four deletions each, by their lines and by what is expected.
    for window in [
        Window {
            command_octets: 32,
            ..Window::default()
        },
        Window {
            answer_octets: 40,
            ..Window::default()
        },
    ] {
        let mut batch = Pipeline::new(deletions(8), window);
        let (sent, _) = drive(&mut batch, &mut transaction(), b"+OK\r\n");
        assert_eq!(sent, [4, 2, 2], "{window:?}");
    }
}

/// How many lines a batch sends at each time it may write, where every answer is this; and how many
/// outcomes it comes to.
fn drive(
    batch: &mut Pipeline<impl Iterator<Item = Planned<Dele>>, Dele>,
    connection: &mut Connection,
    answer: &[u8],
) -> (Vec<usize>, u32) {
    let (mut sent, mut outcomes) = (Vec::new(), 0);
    loop {
        match batch.resume(connection).expect("no error") {
            Step::Done(Some(_)) => outcomes += 1,
            Step::Done(None) => return (sent, outcomes),
            Step::Want(Want::Write) => sent.push(lines(&take_sent(connection))),
            Step::Want(Want::Read) => feed(connection, answer),
            Step::StartTls => unreachable!("DELE needs no TLS"),
        }
    }
}

/// What a batch that ends with NOOP sends at each time it may write, where every answer is this.
fn with_noop(window: Window, answer: &[u8]) -> (Vec<usize>, u32) {
    let mut connection = transaction();
    let mut batch = Pipeline::new(deletions(4), window).ending_with_noop();
    let (sent, outcomes) = drive(&mut batch, &mut connection, answer);
    assert_eq!(connection.in_flight(), 0);
    // And no second one.
    assert!(matches!(
        batch.resume(&mut connection),
        Ok(Step::Done(None))
    ));
    (sent, outcomes)
}

#[test]
fn noop_follows_the_last_command_at_once_and_its_answer_ends_the_batch() {
    for answer in [&b"+OK\r\n"[..], b"-ERR what\r\n"] {
        assert_eq!(with_noop(Window::default(), answer), (vec![5], 4));
        assert_eq!(with_noop(Window::ONE, answer), (vec![1; 5], 4));
        let four = Window {
            commands: 4,
            ..Window::default()
        };
        assert_eq!(with_noop(four, answer), (vec![4, 1], 4));
    }
    let mut connection = transaction();
    let mut nothing = Pipeline::new(deletions(0), Window::default()).ending_with_noop();
    assert!(matches!(
        nothing.resume(&mut connection),
        Ok(Step::Done(None))
    ));
}

#[test]
fn what_is_no_answer_to_the_noop_breaks_the_batch() {
    let mut connection = transaction();
    let mut batch = Pipeline::new(deletions(1), Window::default()).ending_with_noop();
    assert!(batch.resume(&mut connection).is_ok());
    take_sent(&mut connection);
    feed(&mut connection, b"+OK\r\nthe rest of a message\r\n");
    assert!(matches!(
        batch.resume(&mut connection),
        Ok(Step::Done(Some((1, Ok(_)))))
    ));
    let broken = batch.resume(&mut connection);
    assert!(matches!(broken, Err(Error::PipelineBroken(_))));
}

#[test]
fn a_refusal_costs_the_others_nothing() {
    let mut connection = transaction();
    let mut batch = Pipeline::new(deletions(3), Window::default());
    assert!(batch.resume(&mut connection).is_ok());
    take_sent(&mut connection);
    feed(&mut connection, b"+OK\r\n-ERR gone already\r\n+OK\r\n");
    let mut outcomes = Vec::new();
    while let Ok(Step::Done(Some((number, outcome)))) = batch.resume(&mut connection) {
        outcomes.push((number, outcome.is_ok()));
    }
    assert_eq!(outcomes, [(1, true), (2, false), (3, true)]);
}

#[test]
fn q07_mixed_answers_end_the_batch_where_they_can_be_seen() {
    let sizes = |count: u32| {
        (1..=count).map(|number| Planned {
            number,
            command: ListOne::new(number),
            octets: 10,
        })
    };
    for (count, is_broken) in [(2, true), (1, false)] {
        let mut connection = transaction();
        let mut batch = Pipeline::new(sizes(count), Window::default());
        assert!(batch.resume(&mut connection).is_ok());
        take_sent(&mut connection);
        feed(&mut connection, b"+OK 2 200\r\n");
        match batch.resume(&mut connection) {
            Err(Error::PipelineBroken(_)) => assert!(is_broken),
            Ok(Step::Done(Some((1, Err(Error::Misbehaved(_)))))) => assert!(!is_broken),
            other => panic!("{other:?}"),
        }
        assert_eq!(connection.poisoned().is_some(), is_broken);
    }
}

#[test]
fn q07_a_server_that_breaks_is_told_apart() {
    for (window, is_broken) in [(Window::default(), true), (Window::ONE, false)] {
        let mut connection = transaction();
        let mut batch = Pipeline::new(deletions(3), window);
        assert!(batch.resume(&mut connection).is_ok());
        take_sent(&mut connection);
        feed(&mut connection, b"+OK\r\n");
        assert!(matches!(
            batch.resume(&mut connection),
            Ok(Step::Done(Some((1, Ok(_)))))
        ));
        if !is_broken {
            assert!(batch.resume(&mut connection).is_ok());
            take_sent(&mut connection);
        }
        connection.received(0);
        let error = batch
            .resume(&mut connection)
            .expect_err("the connection ended");
        assert_eq!(
            matches!(error, Error::PipelineBroken(_)),
            is_broken,
            "{error}"
        );
    }
}
