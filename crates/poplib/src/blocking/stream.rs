//! What a session runs over: a transport, in clear or within TLS.

use std::any::Any;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::tls::{TlsStream, Whole};

/// A connected stream whose reads and writes can be bounded in time.
///
/// As it is [`Any`], what [`Client::into_inner`](super::Client::into_inner) gives can be made what it
/// was.
pub trait Transport: Read + Write + Send + Any {
    /// Bounds each later read and write; `None`: no bound. A read or write that takes longer
    /// must fail with `WouldBlock` or `TimedOut`.
    ///
    /// # Errors
    ///
    /// Where the stream cannot be so bounded.
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()>;

    /// Ends the stream in both directions, as far as it can.
    fn shutdown(&mut self) {}
}

impl Transport for TcpStream {
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(timeout)?;
        self.set_write_timeout(timeout)
    }

    fn shutdown(&mut self) {
        let _ = Self::shutdown(self, Shutdown::Both);
    }
}

#[cfg(unix)]
impl Transport for std::os::unix::net::UnixStream {
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(timeout)?;
        self.set_write_timeout(timeout)
    }

    fn shutdown(&mut self) {
        let _ = Self::shutdown(self, Shutdown::Both);
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        (**self).set_timeout(timeout)
    }

    fn shutdown(&mut self) {
        (**self).shutdown();
    }
}

/// Any `Read + Write`, which knows no time-outs.
#[derive(Debug)]
pub struct Untimed<S>(pub S);

impl<S: Read> Read for Untimed<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<S: Write> Write for Untimed<S> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S: Read + Write + Send + 'static> Transport for Untimed<S> {
    fn set_timeout(&mut self, _timeout: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

/// A transport and what protects it.
pub(super) enum Stream {
    Plain(Box<dyn Transport>),
    Tls(Box<TlsStream>),
    /// A handshake failed, or the session is over.
    Closed,
}

impl Stream {
    pub(super) fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Plain(transport) => transport.set_timeout(timeout),
            Self::Tls(stream) => stream.set_timeout(timeout),
            Self::Closed => Ok(()),
        }
    }

    /// Reads once. `None`: something came, but nothing that can be used yet.
    pub(super) fn read_step(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self {
            Self::Plain(transport) => transport.read(buffer).map(Some),
            Self::Tls(stream) => stream.read_step(buffer),
            Self::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Writes once, and tells how many of the octets are taken.
    pub(super) fn write_step(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(transport) => match transport.write(octets)? {
                0 => Err(io::ErrorKind::WriteZero.into()),
                taken => Ok(taken),
            },
            Self::Tls(stream) => stream.write_step(octets),
            Self::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Sends on what was taken; whether that was all of it.
    pub(super) fn flush_step(&mut self) -> io::Result<bool> {
        match self {
            Self::Plain(transport) => transport.flush().map(|()| true),
            Self::Tls(stream) => stream.flush_step(),
            Self::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The stream as it is, without a time-out.
    pub(super) fn take(&mut self) -> Option<Box<dyn Transport>> {
        self.set_timeout(None).ok()?;
        match std::mem::replace(self, Self::Closed) {
            Self::Plain(transport) => Some(transport),
            Self::Tls(stream) => Some(Box::new(Whole(stream))),
            Self::Closed => None,
        }
    }

    /// Says good-bye to TLS and ends the stream. What fails no longer matters.
    pub(super) fn close(&mut self) {
        match std::mem::replace(self, Self::Closed) {
            Self::Plain(mut transport) => transport.shutdown(),
            Self::Tls(mut stream) => stream.shutdown(),
            Self::Closed => {}
        }
    }
}
