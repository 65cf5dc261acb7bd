//! What a message is like, found out while it arrives: its sums, its size, and signs that it is
//! not whole.

use sha2::{Digest, Sha256};

use super::essence;
use crate::key::{HeaderDigest, Sum};
use crate::likeness::Essence;
use crate::sizes::{Fit, Sizes};
use crate::state::{Doubt, Received};

/// So much of a header is looked at.
const LONGEST_HEAD: usize = 64 * 1024;
/// The end of a multipart message is looked for in so many octets at its end: programs append
/// their own text behind it.
const TAIL: usize = 16 * 1024;
/// A line end alone is no message.
const EMPTY: u64 = 2;

/// Reads a message in pieces of any size.
#[derive(Default)]
pub(crate) struct Reading {
    sha: Sha256,
    header: HeaderDigest,
    octets: u64,
    lines: u64,
    has_carriage_return: bool,
    head: Head,
    /// The end of what has come, where a boundary is to be found in it.
    tail: Vec<u8>,
}

/// The header.
enum Head {
    /// What has come of it.
    Open(Vec<u8>),
    Closed(Closed),
}

/// What is known of a header, or of the beginning of one that is too long.
struct Closed {
    has_ended: bool,
    is_error: bool,
    /// The digest of what the sender wrote into it.
    digest: Option<Sum>,
    octets: u64,
    boundary: Option<Vec<u8>>,
}

impl Default for Head {
    fn default() -> Self {
        Self::Open(Vec::new())
    }
}

impl Closed {
    fn new(head: &[u8], has_ended: bool) -> Self {
        Self {
            has_ended,
            is_error: head.starts_with(b"-ERR"),
            digest: essence::of_header(head),
            octets: head.len() as u64,
            boundary: essence::boundary(head),
        }
    }
}

/// What is known of a message that has come to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub(crate) sum: Sum,
    /// Of its header; see [`HeaderDigest`].
    pub(crate) header: Sum,
    pub(crate) received: Received,
}

impl Reading {
    /// Takes the next piece.
    pub(crate) fn update(&mut self, piece: &[u8]) {
        self.sha.update(piece);
        self.header.update(piece);
        self.octets += piece.len() as u64;
        self.lines += memchr::memchr_iter(b'\n', piece).count() as u64;
        self.has_carriage_return |=
            !self.has_carriage_return && memchr::memchr(b'\r', piece).is_some();
        let body = match &mut self.head {
            Head::Closed(_) => piece,
            Head::Open(head) => {
                let Some((closed, body)) = close(head, piece) else {
                    return;
                };
                self.head = Head::Closed(closed);
                body
            }
        };
        if let Head::Closed(Closed {
            boundary: Some(_), ..
        }) = &self.head
        {
            keep_tail(&mut self.tail, body);
        }
    }

    /// The message has come to its end. LIST told these octets of it.
    pub(crate) fn finish(self, listed: Option<u64>, sizes: Sizes) -> Read {
        let Self {
            sha,
            header,
            octets,
            lines,
            has_carriage_return,
            head,
            tail,
        } = self;
        let closed = match head {
            Head::Closed(closed) => closed,
            Head::Open(head) => Closed::new(&head, false),
        };
        let fit = listed.map_or(Fit::Unknown, |listed| {
            // LIST counts a line end as two octets (RFC 1939 §11), also where one is sent (Q8).
            match !has_carriage_return && octets + lines == listed {
                true => Fit::Exact,
                false => sizes.fit(octets, lines, listed),
            }
        });
        let sign = || closed.sign(octets, lines, &tail);
        let doubt = match fit {
            // LIST told this very number: what is odd in the message was so on the server.
            Fit::Exact => None,
            Fit::Good | Fit::Unknown => sign(),
            Fit::Shorter => Some(sign().unwrap_or(Doubt::Short)),
            // What is longer than LIST told was not cut.
            Fit::Longer => Some(Doubt::Unjudged),
        };
        Read {
            received: Received {
                octets,
                lines,
                listed,
                essence: closed.essence(octets),
                doubt,
            },
            sum: sha.finalize().into(),
            header: header.finish(),
        }
    }
}

impl Closed {
    /// What no server changes in a message of so many octets.
    fn essence(&self, octets: u64) -> Option<Essence> {
        Some(Essence::new(&self.digest?, octets - self.octets))
    }

    /// A sign in the message itself that it is not whole.
    fn sign(&self, octets: u64, lines: u64, tail: &[u8]) -> Option<Doubt> {
        let is_open = |boundary: &Vec<u8>| !has_closing_line(tail, boundary);
        if octets <= EMPTY {
            Some(Doubt::Empty)
        } else if self.is_error && lines <= 1 {
            Some(Doubt::ErrorText)
        } else if !self.has_ended {
            Some(Doubt::HeaderWithoutEnd)
        } else {
            (self.boundary.as_ref())
                .is_some_and(is_open)
                .then_some(Doubt::OpenParts)
        }
    }
}

/// Takes the next piece of a header. What is known of the header once it has ended, and what of
/// the piece stands behind it.
fn close<'a>(head: &mut Vec<u8>, piece: &'a [u8]) -> Option<(Closed, &'a [u8])> {
    if head.is_empty()
        && let Some(end) = end_of_header(piece, 0)
    {
        return Some((Closed::new(&piece[..end], true), &piece[end..]));
    }
    let before = head.len();
    let room = LONGEST_HEAD - before;
    head.extend_from_slice(&piece[..piece.len().min(room)]);
    // The line before may have ended with the piece before.
    match end_of_header(head, before.saturating_sub(3)) {
        Some(end) => Some((Closed::new(&head[..end], true), &piece[end - before..])),
        // Nothing more is found out about a header that is so long.
        None if piece.len() >= room => Some((Closed::new(head, true), &piece[room..])),
        None => None,
    }
}

/// Where the empty line behind a header ends, if it does. The search begins at `from`.
fn end_of_header(octets: &[u8], from: usize) -> Option<usize> {
    let is_empty_at = |start: usize| match octets.get(start..)? {
        [b'\n', ..] => Some(start + 1),
        [b'\r', b'\n', ..] => Some(start + 2),
        _ => None,
    };
    if from == 0
        && let Some(end) = is_empty_at(0)
    {
        return Some(end);
    }
    memchr::memchr_iter(b'\n', &octets[from..]).find_map(|at| is_empty_at(from + at + 1))
}

/// Keeps the end of what has come.
fn keep_tail(tail: &mut Vec<u8>, piece: &[u8]) {
    let new = &piece[piece.len().saturating_sub(TAIL)..];
    let too_many = (tail.len() + new.len()).saturating_sub(TAIL);
    tail.drain(..too_many.min(tail.len()));
    tail.extend_from_slice(new);
}

/// Whether a line begins with `--BOUNDARY--` (RFC 2046 §5.1.1).
fn has_closing_line(text: &[u8], boundary: &[u8]) -> bool {
    let closing = [b"--", boundary, b"--"].concat();
    let is_at_start = |at: usize| at == 0 || text[at - 1] == b'\n';
    memchr::memmem::find_iter(text, &closing).any(is_at_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: &[u8] =
        b"Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\n--a b\r\n\r\nx\r\n";

    fn read(pieces: &[&[u8]], listed: Option<u64>) -> Read {
        let mut reading = Reading::default();
        pieces.iter().for_each(|piece| reading.update(piece));
        reading.finish(listed, Sizes::Unknown)
    }

    #[test]
    fn e04_signs_of_a_message_that_is_not_whole() {
        let closed = [PARTS, b"--a b--\r\nepilogue\r\n"].concat();
        let long = [PARTS, &b"x\r\n".repeat(20_000)].concat();
        for (message, doubt) in [
            (&b""[..], Some(Doubt::Empty)),
            (b"\r\n", Some(Doubt::Empty)),
            (
                b"-ERR temporary failure, try later\r\n",
                Some(Doubt::ErrorText),
            ),
            (b"Subject: x\r\nTo: y\r\n", Some(Doubt::HeaderWithoutEnd)),
            (b"Subject: x\r\n\r\n", None),
            (b"Subject: x\n\nbody\n", None),
            (b"\r\nbody\r\n", None),
            (PARTS, Some(Doubt::OpenParts)),
            (&long, Some(Doubt::OpenParts)),
            (&closed, None),
        ] {
            let all = message.len() as u64;
            for split in [0, 1, 11, 12, 13, 14].map(|split| split.min(message.len())) {
                let pieces = [&message[..split], &message[split..]];
                let expected = read(&pieces, None).received;
                assert_eq!(
                    expected.doubt,
                    doubt,
                    "{}",
                    String::from_utf8_lossy(message)
                );
                assert_eq!(expected.octets, all);
                // What fits LIST to the octet was so on the server.
                assert_eq!(read(&pieces, Some(all)).received.doubt, None);
                let shorter = doubt.unwrap_or(Doubt::Short);
                assert_eq!(read(&pieces, Some(all + 9)).received.doubt, Some(shorter));
            }
            let each: Vec<&[u8]> = message.chunks(1).collect();
            assert_eq!(read(&each, None).received.doubt, doubt);
            assert_eq!(read(&each, None).sum, read(&[message], None).sum);
        }
    }

    #[test]
    fn a_message_that_is_longer_than_listed_waits_for_the_others_of_its_session() {
        let message = b"Subject: x\r\n\r\nbody\r\n";
        assert_eq!(
            read(&[message], Some(9)).received.doubt,
            Some(Doubt::Unjudged)
        );
        assert_eq!(read(&[message], Some(9)).received.lines, 3);
    }
}
