//! From the line ends of files to those of the wire.

use std::io::{self, BufRead, Read};

use memchr::memchr;

/// How much of a message is converted at a time.
const CHUNK: usize = 64 * 1024;

/// The message with every line ended by CRLF, also the last one.
pub(crate) fn to_crlf(message: &[u8]) -> Vec<u8> {
    let mut converted = Vec::with_capacity(message.len() + message.len() / 32 + 2);
    convert(message, 0, &mut converted);
    end_last_line(converted)
}

/// Adds the CRLF that a message must end in, unless it is there or the message is empty.
pub(crate) fn end_last_line(mut message: Vec<u8>) -> Vec<u8> {
    if !message.is_empty() && !message.ends_with(b"\r\n") {
        message.extend_from_slice(b"\r\n");
    }
    message
}

/// Appends `input` with a CR before each bare LF; `before` is the octet that preceded it.
fn convert(mut input: &[u8], mut before: u8, output: &mut Vec<u8>) {
    while let Some(at) = memchr(b'\n', input) {
        if at > 0 {
            before = input[at - 1];
        }
        output.extend_from_slice(&input[..at]);
        output.extend_from_slice(if before == b'\r' { b"\n" } else { b"\r\n" });
        input = &input[at + 1..];
        before = b'\n';
    }
    output.extend_from_slice(input);
}

/// Converts while reading, through a buffer of fixed size.
pub(crate) struct ToCrlf<R> {
    inner: R,
    raw: Box<[u8]>,
    converted: Vec<u8>,
    position: usize,
    last: Option<u8>,
    ended: bool,
}

impl<R: Read> ToCrlf<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            raw: vec![0; CHUNK].into_boxed_slice(),
            converted: Vec::new(),
            position: 0,
            last: None,
            ended: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.position = 0;
        self.converted.clear();
        let read = self.inner.read(&mut self.raw)?;
        if read > 0 {
            convert(
                &self.raw[..read],
                self.last.unwrap_or(0),
                &mut self.converted,
            );
            self.last = Some(self.raw[read - 1]);
        } else {
            self.ended = true;
            if self.last.is_some_and(|last| last != b'\n') {
                self.converted.extend_from_slice(b"\r\n");
            }
        }
        Ok(())
    }
}

impl<R: Read> BufRead for ToCrlf<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position == self.converted.len() && !self.ended {
            self.refill()?;
        }
        Ok(&self.converted[self.position..])
    }

    fn consume(&mut self, octets: usize) {
        self.position += octets;
    }
}

impl<R: Read> Read for ToCrlf<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_ends_in_crlf() {
        assert_eq!(to_crlf(b"a\nb\r\n\nc"), b"a\r\nb\r\n\r\nc\r\n");
        assert_eq!(to_crlf(b"a\rb\n"), b"a\rb\r\n", "a bare CR is content");
        assert_eq!(to_crlf(b"\n"), b"\r\n");
        assert_eq!(to_crlf(b""), b"", "an empty message stays empty");
    }

    #[test]
    fn reading_converts_the_same_at_every_split() {
        let message = b"From: a\n\n\r\n.\r\nlast\r\ntwo\n\nno end".as_slice();
        for split in 0..message.len() {
            let parts = message[..split].chain(&message[split..]);
            let mut converted = Vec::new();
            ToCrlf::new(parts).read_to_end(&mut converted).unwrap();
            assert_eq!(converted, to_crlf(message), "split at {split}");
        }
    }
}
