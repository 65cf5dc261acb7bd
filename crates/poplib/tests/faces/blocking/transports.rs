//! What a blocking client can run over beside TCP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use poplib::blocking::{Client, Untimed};
use poplib::{Error, Phase, Timeouts};

use crate::support::{in_memory, sandbox, started, wire};

#[test]
fn a_unix_socket() {
    let (near, mut far) = UnixStream::pair().unwrap();
    let server = thread::spawn(move || {
        far.write_all(b"+OK\r\n").unwrap();
        let mut line = [0; 6];
        far.read_exact(&mut line).unwrap();
        far.write_all(b"+OK\r\n").unwrap();
        line
    });
    let client = Client::from_stream(near, &in_memory()).unwrap();
    client.quit().unwrap();
    assert_eq!(&server.join().unwrap(), b"QUIT\r\n");
}

#[test]
fn a10_a_unix_socket_has_deadlines() {
    let (near, _far) = UnixStream::pair().unwrap();
    let config = in_memory().with_timeouts(Timeouts::each(Duration::from_millis(250)));
    let error = Client::from_stream(near, &config).unwrap_err();
    assert!(
        matches!(error, Error::Timeout(Phase::Greeting)),
        "{error:?}"
    );
}

/// Its reads cannot be interrupted; between them the clock is looked at all the same.
#[test]
fn a10_a_stream_without_deadlines_that_drips() {
    let sandbox = started(sandbox());
    let address = wire::dripping(sandbox.plain_addr(), 0, Duration::from_millis(20));
    let stream = Untimed(TcpStream::connect(address).unwrap());
    let config = in_memory().with_timeouts(Timeouts::each(Duration::from_millis(250)));
    let error = Client::from_stream(stream, &config).unwrap_err();
    assert!(
        matches!(error, Error::Timeout(Phase::Greeting)),
        "{error:?}"
    );
}
