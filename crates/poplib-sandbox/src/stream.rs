//! A connection's octets, in the clear or under TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;

use crate::account::Peer;
use crate::tls::TlsStream;

pub(crate) enum Stream {
    Plain(Arc<TcpStream>),
    Tls(Box<TlsStream>),
}

impl Stream {
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => (&**tcp).read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }

    pub(crate) fn write_all(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => (&**tcp).write_all(octets),
            Self::Tls(tls) => tls.write_all(octets),
        }
    }

    /// Tells the client that nothing more comes, as far as the layer above TCP can.
    pub(crate) fn close_notify(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.close_notify(),
        }
    }
}

/// The TCP connection below.
#[derive(Clone)]
pub(crate) struct Tcp(pub(crate) Arc<TcpStream>);

impl Tcp {
    /// Ends the stream behind what was sent, and waits until the client has closed its end too:
    /// closing earlier could destroy octets that the client has not read yet.
    pub(crate) fn finish(&self) {
        if self.0.shutdown(Shutdown::Write).is_ok() {
            let mut rest = [0; 4096];
            while (&*self.0).read(&mut rest).is_ok_and(|octets| octets > 0) {}
        }
    }

    /// Makes closing a reset.
    pub(crate) fn reset_on_close(&self) {
        SockRef::from(&*self.0)
            .set_linger(Some(Duration::ZERO))
            .ok();
    }

    /// Waits without reading until the client closes its end; `false` if `timeout` came first.
    pub(crate) fn wait_gone(&self, timeout: Option<Duration>) -> bool {
        closed::wait(&self.0, timeout)
    }
}

impl Peer for Tcp {
    fn is_gone(&self) -> bool {
        self.wait_gone(Some(Duration::ZERO))
    }
}

#[cfg(target_os = "linux")]
mod closed {
    use std::net::TcpStream;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;

    pub(super) fn wait(tcp: &TcpStream, timeout: Option<Duration>) -> bool {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        loop {
            // Data that is not read hides the end of the stream from everything but this event.
            let mut descriptors = [PollFd::new(tcp, PollFlags::RDHUP)];
            match poll(&mut descriptors, timeout.as_ref()) {
                Err(Errno::INTR) => {}
                result => return result.is_ok_and(|ready| ready > 0),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod closed {
    use std::net::TcpStream;
    use std::thread;
    use std::time::{Duration, Instant};

    const INTERVAL: Duration = Duration::from_millis(10);

    /// Looks every few milliseconds; the end is seen once the data before it was read.
    pub(super) fn wait(tcp: &TcpStream, timeout: Option<Duration>) -> bool {
        let start = Instant::now();
        loop {
            tcp.set_nonblocking(true).ok();
            let peeked = tcp.peek(&mut [0]);
            tcp.set_nonblocking(false).ok();
            match peeked {
                Ok(0) => return true,
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return true,
                _ if timeout.is_some_and(|timeout| start.elapsed() >= timeout) => return false,
                _ => thread::sleep(INTERVAL),
            }
        }
    }
}
