//! What a blocking client can run over beside TCP.

use std::any::Any;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use poplib::blocking::{Client, Session, Transport, Untimed};
use poplib::{Config, Error, Phase, Timeouts};

use crate::support::{PASSWORD, USER, implicit_tls, in_memory, plaintext, sandbox, started, wire};

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

fn session(config: &Config) -> Session {
    let mut client = Client::connect(config).unwrap();
    client.user(USER).unwrap();
    client.pass(PASSWORD).unwrap()
}

/// Says NOOP without the library.
fn noop(transport: impl Read + Write) -> String {
    let mut stream = BufReader::new(transport);
    stream.get_mut().write_all(b"NOOP\r\n").unwrap();
    stream.get_mut().flush().unwrap();
    let mut answer = String::new();
    stream.read_line(&mut answer).unwrap();
    answer
}

#[test]
fn a_stream_that_is_had_back_goes_on() {
    let sandbox = started(sandbox());
    let (transport, _) = session(&plaintext(&sandbox)).into_inner().unwrap();
    let tcp: Box<dyn Any> = transport;
    assert!(noop(*tcp.downcast::<TcpStream>().unwrap()).starts_with("+OK"));
    let (mut transport, _) = session(&implicit_tls(&sandbox)).into_inner().unwrap();
    assert!(noop(&mut transport).starts_with("+OK"));
    transport.shutdown();
    // It can be a client's again.
    let (near, mut far) = UnixStream::pair().unwrap();
    far.write_all(b"+OK\r\n+OK\r\n").unwrap();
    let client = Client::from_stream(near, &in_memory()).unwrap();
    let (transport, unread) = client.into_inner().unwrap();
    assert_eq!(unread, b"+OK\r\n");
    far.write_all(b"+OK again\r\n").unwrap();
    let client = Client::from_stream(transport, &in_memory()).unwrap();
    assert_eq!(client.greeting().unwrap().reply().text(), b"again");
}

/// From some time on it takes nothing, and says so as files do that are full.
struct Full {
    stream: TcpStream,
    is_full: Arc<AtomicBool>,
}

impl Read for Full {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Full {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self.is_full.load(Ordering::SeqCst) {
            true => Ok(0),
            false => self.stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Transport for Full {
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_timeout(timeout)
    }
}

#[test]
fn a_stream_within_tls_that_takes_nothing_any_more_is_an_error() {
    let sandbox = started(sandbox());
    let is_full = Arc::new(AtomicBool::new(false));
    let stream = Full {
        stream: TcpStream::connect(sandbox.tls_addr()).unwrap(),
        is_full: is_full.clone(),
    };
    let mut client = Client::from_stream(stream, &implicit_tls(&sandbox)).unwrap();
    client.capa().unwrap();
    is_full.store(true, Ordering::SeqCst);
    let error = client.capa().unwrap_err();
    let Error::Io { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), io::ErrorKind::WriteZero);
}
