//! A batch is an iterator.

use poplib::blocking::{Client, Session, Untimed};
use poplib::{Error, Pipelining};

use crate::support::in_memory;
use crate::support::memory::Script;

fn session(script: Script) -> Session {
    let config = in_memory().with_pipelining(Pipelining::Off);
    let mut client = Client::from_stream(Untimed(script.stream()), &config).unwrap();
    client.user("me").unwrap();
    client.pass("secret").unwrap()
}

#[test]
fn a_batch_is_an_iterator_over_its_outcomes() {
    let script = Script::new()
        .on("DELE 1", "+OK\r\n")
        .on("DELE 3", "+OK\r\n");
    let mut session = session(script);
    let mut deleted = Vec::new();
    for outcome in session.dele_many([1, 2, 3]).unwrap() {
        let (number, outcome) = outcome.unwrap();
        deleted.push((number, outcome.is_ok()));
    }
    assert_eq!(deleted, [(1, true), (2, false), (3, true)]);
    let outcomes: Result<Vec<_>, Error> = session.dele_many(1..=3).unwrap().collect();
    assert_eq!(outcomes.unwrap().len(), 3);
    assert_eq!(session.dele_many([]).unwrap().count(), 0);
}

#[test]
fn the_end_of_the_connection_is_the_end_of_the_iterator() {
    let mut session = session(
        Script::new()
            .on("DELE 1", "+OK\r\n")
            .on("DELE 2", "what\r\n"),
    );
    let outcomes: Vec<_> = session.dele_many(1..=9).unwrap().take(9).collect();
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes[0].is_ok() && outcomes[1].is_err());
}
