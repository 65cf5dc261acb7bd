//! Connections brought to a state, so that a test can begin where its subject does.

use poplib_proto::command::{Greeting, Pass, User};
use poplib_proto::{Call, Connection, Exchange, Limits, Secret, State};

use crate::support::drive::drive;
use crate::support::peer::{Pace, Peer};

/// Small buffers: replays by the thousand stay quick, and bodies do not fit at once.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.buffer = 2048;
    limits.response_line = 2048;
    limits
}

/// The AUTHORIZATION state (RFC 1939 §4), with credentials allowed.
pub(crate) fn authorization(limits: Limits) -> Connection {
    let mut connection = Connection::new(limits);
    connection.allow_plaintext_credentials();
    answer(&mut connection, b"+OK ready\r\n", Greeting::new());
    connection
}

/// The TRANSACTION state (RFC 1939 §5).
pub(crate) fn transaction(limits: Limits) -> Connection {
    let mut connection = authorization(limits);
    answer(&mut connection, b"+OK\r\n", Call::new(User::new(b"mrose")));
    let pass = Pass::new(Secret::from("secret"));
    answer(&mut connection, b"+OK\r\n", Call::new(pass));
    assert_eq!(connection.state(), State::Transaction);
    connection
}

/// Drives an exchange that the server answers with `octets`.
pub(crate) fn answer<E: Exchange>(
    connection: &mut Connection,
    octets: &[u8],
    exchange: E,
) -> E::Output {
    let mut peer = Peer::lenient(octets, Pace::Whole);
    drive(connection, &mut peer, exchange).unwrap_or_else(|error| panic!("{error}"))
}
