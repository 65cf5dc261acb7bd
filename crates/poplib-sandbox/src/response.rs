//! What the server answers to one line.

use std::io;

/// An answer: a status line, perhaps a body, and how the connection goes on.
pub(crate) struct Response {
    /// Sent first, as it stands: usually one line with its CRLF.
    pub(crate) status: Vec<u8>,
    pub(crate) body: Option<Box<dyn Body>>,
    /// Ends the connection in the middle of the body.
    pub(crate) interruption: Option<Interruption>,
    pub(crate) next: Next,
}

/// What follows an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Next {
    /// The next line of the client.
    Line,
    /// The TLS handshake.
    StartTls,
    /// The end, in one of several ways.
    End(Ending),
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    /// In order: with TLS's close_notify, if there is TLS.
    Close,
    /// As a broken line would: what was said so far arrives, then the end of the stream.
    Cut,
    /// As a crashed host would: a TCP reset.
    Reset,
    /// Not at all: nothing more is read or written until the client gives up.
    Stall,
}

/// Where in a body a connection ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interruption {
    /// Octets of the body that are still sent.
    pub(crate) after: u64,
    pub(crate) ending: Ending,
}

/// A multi-line body with its byte-stuffing and its terminating line, made piece by piece.
pub(crate) trait Body: Send {
    /// Appends the next piece, until `output` is about `size` octets long. Returns whether there
    /// is more.
    fn fill(&mut self, output: &mut Vec<u8>, size: usize) -> io::Result<bool>;
}

impl Response {
    /// `+OK` and a text.
    pub(crate) fn ok(text: impl AsRef<str>) -> Self {
        Self::line("+OK", text.as_ref())
    }

    /// `-ERR` and a text, which may begin with a response code in brackets.
    pub(crate) fn err(text: impl AsRef<str>) -> Self {
        Self::line("-ERR", text.as_ref())
    }

    /// A line as it stands; CRLF is added.
    pub(crate) fn line(indicator: &str, text: &str) -> Self {
        let space = if text.is_empty() { "" } else { " " };
        Self::raw(format!("{indicator}{space}{text}\r\n"))
    }

    /// Octets as they stand.
    pub(crate) fn raw(status: impl Into<Vec<u8>>) -> Self {
        Self {
            status: status.into(),
            body: None,
            interruption: None,
            next: Next::Line,
        }
    }

    /// No answer at all, and the end.
    pub(crate) fn end(ending: Ending) -> Self {
        Self::raw("").then(Next::End(ending))
    }

    pub(crate) fn with_body(mut self, body: impl Body + 'static) -> Self {
        self.body = Some(Box::new(body));
        self
    }

    pub(crate) fn then(mut self, next: Next) -> Self {
        self.next = next;
        self
    }

    pub(crate) fn is_err(&self) -> bool {
        self.status.starts_with(b"-ERR")
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.status.starts_with(b"+OK")
    }
}

/// A short body: lines that are at hand.
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    pub(crate) fn new<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>) -> Self {
        let mut body = Vec::new();
        for line in lines {
            let line = line.as_ref();
            if line.starts_with(b".") {
                body.push(b'.');
            }
            body.extend_from_slice(line);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b".\r\n");
        Self(body)
    }
}

impl Body for Lines {
    fn fill(&mut self, output: &mut Vec<u8>, _size: usize) -> io::Result<bool> {
        output.append(&mut self.0);
        Ok(false)
    }
}
