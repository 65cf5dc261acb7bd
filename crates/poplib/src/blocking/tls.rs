//! TLS over a blocking transport, one read or write at a time.
//!
//! rustls's own stream reads until a whole record is there; one octet a minute would then hold
//! the caller beyond any deadline. Here every step does at most one read, and the driver looks
//! at the clock in between.

use std::io::{self, Read, Write};

use rustls::ClientConnection;

use super::stream::Transport;

pub(super) struct TlsStream {
    pub(super) connection: ClientConnection,
    pub(super) transport: Box<dyn Transport>,
}

impl TlsStream {
    /// Goes on with the handshake; whether it is complete.
    pub(super) fn handshake_step(&mut self) -> io::Result<bool> {
        if self.connection.wants_write() {
            self.connection.write_tls(&mut self.transport)?;
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
        match self.connection.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            decrypted => return decrypted.map(Some),
        }
        if self.receive()? == 0 {
            return Ok(Some(0));
        }
        // A key update, say, has an answer.
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.transport)?;
        }
        match self.connection.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            decrypted => decrypted.map(Some),
        }
    }

    /// Encrypts and writes a record at the most.
    pub(super) fn write_step(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.connection.wants_write() {
            self.connection.write_tls(&mut self.transport)?;
            return Ok(0);
        }
        self.connection.writer().write(octets)
    }

    /// Writes what is encrypted; whether that was all of it.
    pub(super) fn flush_step(&mut self) -> io::Result<bool> {
        if self.connection.wants_write() && self.connection.write_tls(&mut self.transport)? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(!self.connection.wants_write())
    }

    pub(super) fn close(mut self) {
        self.connection.send_close_notify();
        let _ = self.connection.write_tls(&mut self.transport);
        self.transport.shutdown();
    }

    fn receive(&mut self) -> io::Result<usize> {
        let octets = self.connection.read_tls(&mut self.transport)?;
        if let Err(error) = self.connection.process_new_packets() {
            // The alert tells the server why.
            let _ = self.connection.write_tls(&mut self.transport);
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(octets)
    }
}
