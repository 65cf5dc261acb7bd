//! TLS over a blocking transport, one read or write at a time.
//!
//! rustls's own stream reads until a whole record is there; one octet a minute would then hold
//! the caller beyond any deadline. Here every step does at most one read, and the driver looks
//! at the clock in between.

use std::io::{self, BufReader, Read, Write};
use std::time::Duration;

use rustls::ClientConnection;

use super::stream::Transport;
use crate::tls::TLS_BUFFER;

pub(super) struct TlsStream {
    pub(super) connection: ClientConnection,
    transport: BufReader<Box<dyn Transport>>,
}

impl TlsStream {
    pub(super) fn new(connection: ClientConnection, transport: Box<dyn Transport>) -> Self {
        Self {
            connection,
            transport: BufReader::with_capacity(TLS_BUFFER, transport),
        }
    }

    /// Goes on with the handshake; whether it is complete.
    pub(super) fn handshake_step(&mut self) -> io::Result<bool> {
        if self.connection.wants_write() {
            self.send()?;
        } else if self.connection.is_handshaking() {
            if self.receive()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        } else {
            return Ok(true);
        }
        Ok(!self.connection.is_handshaking() && !self.connection.wants_write())
    }

    /// Takes what has been decrypted, after at most one read of the transport. `None` where that
    /// did not complete a record.
    pub(super) fn read_step(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let mut may_read = true;
        loop {
            match self.connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                decrypted => return decrypted.map(Some),
            }
            if self.transport.buffer().is_empty() && !std::mem::take(&mut may_read) {
                return Ok(None);
            }
            if self.receive()? == 0 {
                return Ok(Some(0));
            }
            // A key update, say, has an answer.
            while self.connection.wants_write() {
                self.send()?;
            }
        }
    }

    /// Encrypts and writes a record at the most.
    pub(super) fn write_step(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.connection.wants_write() {
            self.send()?;
            return Ok(0);
        }
        self.connection.writer().write(octets)
    }

    /// Writes what is encrypted; whether that was all of it.
    pub(super) fn flush_step(&mut self) -> io::Result<bool> {
        if self.connection.wants_write() {
            self.send()?;
        }
        if self.connection.wants_write() {
            return Ok(false);
        }
        self.transport.get_mut().flush()?;
        Ok(true)
    }

    fn receive(&mut self) -> io::Result<usize> {
        let octets = self.connection.read_tls(&mut self.transport)?;
        if let Err(error) = self.connection.process_new_packets() {
            // The alert tells the server why.
            let _ = self.send();
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(octets)
    }

    /// Writes some of what is encrypted, of which there is something. A transport that takes nothing
    /// would be asked for ever.
    fn send(&mut self) -> io::Result<()> {
        match self.connection.write_tls(self.transport.get_mut())? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            _ => Ok(()),
        }
    }

    /// Sends what is left of what was taken, if anything is.
    fn send_rest(&mut self) -> io::Result<()> {
        if !self.connection.wants_write() {
            return Ok(());
        }
        self.send()?;
        Err(io::ErrorKind::Interrupted.into())
    }
}

// As what another TLS runs over, behind a proxy. A step that brought nothing yet is `Interrupted`,
// with which the driver comes back once it has looked at the clock.

impl Read for TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.send_rest()?;
        let read = self.read_step(buffer)?;
        read.ok_or_else(|| io::ErrorKind::Interrupted.into())
    }
}

impl Write for TlsStream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.send_rest()?;
        let taken = self.connection.writer().write(octets)?;
        if !self.connection.wants_write() {
            return Ok(taken);
        }
        match self.send() {
            // They are taken, and go out with the next step.
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.flush_step()? {
            true => Ok(()),
            false => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}

impl Transport for TlsStream {
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.transport.get_mut().set_timeout(timeout)
    }

    /// Says good-bye to TLS and ends the stream. What fails no longer matters.
    fn shutdown(&mut self) {
        self.connection.send_close_notify();
        let _ = self.send();
        self.transport.get_mut().shutdown();
    }
}

/// A stream for those who go on with it themselves, and look at no clock between two steps.
pub(super) struct Whole(pub(super) Box<TlsStream>);

impl Whole {
    fn until_done<T>(
        &mut self,
        mut step: impl FnMut(&mut TlsStream) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match step(&mut self.0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

impl Read for Whole {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.until_done(|stream| stream.read(buffer))
    }
}

impl Write for Whole {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.until_done(|stream| stream.write(octets))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.until_done(TlsStream::flush)
    }
}

impl Transport for Whole {
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_timeout(timeout)
    }

    fn shutdown(&mut self) {
        self.0.shutdown();
    }
}
