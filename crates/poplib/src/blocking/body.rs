//! The body of a message, as a stream.

use std::io::{self, BufRead, Read, Write};

use poplib_proto::Reply;
use poplib_proto::command::BodyStart;
use poplib_proto::connection::BodyStep;

use super::link::Link;
use crate::face::body;
use crate::timeouts::Progress;
use crate::{CopyError, Error};

/// The body of a message that RETR or TOP retrieves, unstuffed, as it comes.
///
/// Its octets are the message's own: nothing is decoded, no line end is changed. Read it as
/// borrowed chunks with [`chunk`](Self::chunk), through [`Read`], or at once with
/// [`collect`](Self::collect). Dropped before its end, the rest is read and thrown away when
/// the session is used next.
pub struct Body<'a> {
    link: &'a mut Link,
    start: BodyStart,
    progress: Progress,
    used: usize,
}

body!();

impl Body<'_> {
    /// The next piece, borrowed from the receive buffer; `None` after the end.
    ///
    /// # Errors
    ///
    /// Where the connection fails before the end. What came before is then not the whole
    /// message.
    pub fn chunk(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.rest().is_empty() && !self.advance()? {
            return Ok(None);
        }
        Ok(Some(self.take_rest()))
    }

    /// All that is left, in memory.
    ///
    /// # Errors
    ///
    /// Those of [`chunk`](Self::chunk).
    pub fn collect(mut self) -> Result<Vec<u8>, Error> {
        let mut message = Vec::new();
        while let Some(chunk) = self.chunk()? {
            message.extend_from_slice(chunk);
        }
        Ok(message)
    }

    /// Writes all that is left to `sink`, and tells how many octets that was.
    ///
    /// # Errors
    ///
    /// [`CopyError::Read`] for those of [`chunk`](Self::chunk), [`CopyError::Write`] for those of
    /// the sink.
    pub fn copy_to(mut self, sink: &mut (impl Write + ?Sized)) -> Result<u64, CopyError> {
        let mut octets = 0;
        while let Some(chunk) = self.chunk()? {
            sink.write_all(chunk).map_err(CopyError::Write)?;
            octets += chunk.len() as u64;
        }
        Ok(octets)
    }

    /// Goes on to the next piece; whether there is one.
    fn advance(&mut self) -> Result<bool, Error> {
        loop {
            match self.step()? {
                BodyStep::Run => {
                    self.used = 0;
                    return Ok(true);
                }
                BodyStep::End => return Ok(false),
                BodyStep::Read => self.link.read_body(&mut self.progress)?,
            }
        }
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let octets = self.fill_buf()?.read(buffer)?;
        self.consume(octets);
        Ok(octets)
    }
}

impl BufRead for Body<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.rest().is_empty() && !self.advance()? {
            return Ok(&[]);
        }
        Ok(self.rest())
    }

    fn consume(&mut self, octets: usize) {
        self.used += octets;
    }
}
