//! What a connection goes over.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::address::Place;

/// A stream of octets with a deadline, to be set for each thing that is waited for.
pub(super) enum Socket {
    Clear(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

impl Socket {
    /// Connects, within this limit.
    pub(super) fn open(place: &Place, limit: Duration) -> io::Result<Self> {
        let deadline = Instant::now() + limit;
        let stream = match place {
            Place::Tcp { host, port } => connect(host, *port, deadline)?.into(),
            Place::Unix(path) => UnixStream::connect(path)?.into(),
        };
        Ok(Self::Clear(Timed { stream, deadline }))
    }

    /// Whatever comes next is over within this limit, however little at a time it brings.
    pub(super) fn begin(&mut self, limit: Duration) {
        let timed = match self {
            Self::Clear(timed) => timed,
            Self::Tls(tls) => &mut tls.sock,
        };
        timed.deadline = Instant::now() + limit;
    }

    /// Sends these octets within this limit.
    pub(super) fn send(&mut self, octets: &[u8], limit: Duration) -> io::Result<()> {
        self.begin(limit);
        self.write_all(octets)?;
        self.flush()
    }

    /// Goes on over TLS, once the server has shown a certificate for `host`. What is wrong with it
    /// is a [`rustls::Error`] inside the error.
    pub(super) fn encrypted(self, config: Arc<ClientConfig>, host: &str) -> io::Result<Self> {
        let Self::Clear(mut timed) = self else {
            return Err(io::Error::other("there is TLS once only"));
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| io::Error::other(format!("no certificate can be for `{host}`")))?;
        let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut timed)?;
        }
        Ok(Self::Tls(Box::new(StreamOwned::new(connection, timed))))
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(timed) => timed.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(timed) => timed.write(octets),
            Self::Tls(tls) => tls.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(timed) => timed.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

/// A stream over TCP or a Unix socket that is given up at its deadline.
pub(super) struct Timed {
    stream: socket2::Socket,
    deadline: Instant,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.deadline)?))?;
        self.stream.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The time until then, which is some.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err(ErrorKind::TimedOut.into()),
        false => Ok(left),
    }
}

/// Connects to the first of the host's addresses that answers.
fn connect(host: &str, port: u16, deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
