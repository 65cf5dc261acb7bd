//! What is made of a message's content.

use std::io::{self, BufRead, Cursor, Read};

pub(super) type Content = Box<dyn BufRead + Send>;

/// What the header of a message becomes, and what follows its body.
pub(super) struct Multipart {
    pub(super) head: Vec<u8>,
    pub(super) tail: Vec<u8>,
}

impl Multipart {
    /// A header with a part that holds the body. `number` makes boundary and text; their length
    /// does not depend on it.
    pub(super) fn new(header: &[u8], unique_id: &[u8], number: u64) -> Self {
        let (mut head, mut of_part) = (Vec::new(), Vec::new());
        let mut has_message_id = false;
        for field in fields(header) {
            let name = field.to_ascii_lowercase();
            has_message_id |= name.starts_with(b"message-id:");
            match () {
                () if name.starts_with(b"mime-version:") => {}
                () if name.starts_with(b"content-") => of_part.extend_from_slice(field),
                () => head.extend_from_slice(field),
            }
        }
        if !has_message_id {
            let id = String::from_utf8_lossy(unique_id);
            head.extend_from_slice(format!("Message-ID: <{id}@sandbox.invalid>\r\n").as_bytes());
        }
        let begin = format!(
            "MIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=\"=_{number:016}\"\r\n\
             \r\n\
             Put together as number {number:016}.\r\n\
             --=_{number:016}\r\n"
        );
        head.extend_from_slice(begin.as_bytes());
        head.extend_from_slice(&of_part);
        Self {
            head,
            tail: format!("--=_{number:016}--\r\n").into_bytes(),
        }
    }
}

/// The fields of a header, each with its continuation lines.
fn fields(header: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::new();
    let mut begin = 0;
    let mut at = 0;
    for line in header.split_inclusive(|octet| *octet == b'\n') {
        if at > begin && !matches!(line[0], b' ' | b'\t') {
            fields.push(&header[begin..at]);
            begin = at;
        }
        at += line.len();
    }
    if at > begin {
        fields.push(&header[begin..at]);
    }
    fields
}

/// The header without the empty line behind it, and the rest, which begins with that line and is
/// empty if there is none.
pub(super) fn split_header(mut content: Content) -> io::Result<(Vec<u8>, Content)> {
    let mut header = Vec::new();
    loop {
        let mut line = Vec::new();
        content.read_until(b'\n', &mut line)?;
        match &*line {
            b"" => return Ok((header, content)),
            b"\r\n" | b"\n" => return Ok((header, Box::new(Cursor::new(line).chain(content)))),
            _ => header.append(&mut line),
        }
    }
}

/// Puts a text before a content.
pub(super) fn prefixed(text: impl Into<Vec<u8>>, content: Content) -> Content {
    Box::new(Cursor::new(text.into()).chain(content))
}

/// Puts a text behind a content.
pub(super) fn followed(content: Content, text: impl Into<Vec<u8>>) -> Content {
    Box::new(content.chain(Cursor::new(text.into())))
}

/// The same octets for ever.
pub(super) struct Repeated {
    octets: &'static [u8],
    consumed: usize,
}

impl Repeated {
    pub(super) fn new(octets: &'static [u8]) -> Self {
        Self {
            octets,
            consumed: 0,
        }
    }
}

impl BufRead for Repeated {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(&self.octets[self.consumed..])
    }

    fn consume(&mut self, octets: usize) {
        self.consumed = (self.consumed + octets) % self.octets.len();
    }
}

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
