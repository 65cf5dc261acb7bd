//! What a header looks like, and whether TOP showed the one that RETR brings (Q23, Q52).

use sha2::{Digest, Sha256};

use crate::key::Sum;

/// A header that is longer is cut here.
pub(super) const LONGEST: usize = 1024 * 1024;

/// Fields that servers write into messages, now and then and not everywhere. They tell nothing.
const VOLATILE: [&[u8]; 4] = [b"status", b"x-status", b"x-uidl", b"x-keywords"];

/// The lines up to the empty one, each without its end; and whether that one is there.
fn lines(header: &[u8]) -> (impl Iterator<Item = &[u8]>, bool) {
    let end = end(header);
    let lines = header[..end.unwrap_or(header.len())].split_inclusive(|&octet| octet == b'\n');
    (lines.map(<[u8]>::trim_ascii_end), end.is_some())
}

/// Where the empty line begins that ends the header.
fn end(header: &[u8]) -> Option<usize> {
    let is_empty = |start: usize| {
        let rest = &header[start..];
        rest.starts_with(b"\n") || rest.starts_with(b"\r\n")
    };
    let after_line_ends = memchr::memchr_iter(b'\n', header).map(|at| at + 1);
    std::iter::once(0)
        .chain(after_line_ends)
        .find(|&start| is_empty(start))
}

/// The header alone, of a message or a part of one.
pub(super) fn alone(message: &[u8]) -> &[u8] {
    let Some(start) = end(message) else {
        return message;
    };
    let line_end = memchr::memchr(b'\n', &message[start..]).map_or(0, |at| at + 1);
    &message[..start + line_end]
}

/// Whether this may be the header of a message: fields (RFC 5322 §2.2), and the empty line behind
/// them. Files of messages may begin with a line of their own.
pub(super) fn is_plausible(header: &[u8]) -> bool {
    let (lines, has_end) = lines(header);
    let mut fields = 0;
    for (index, line) in lines.enumerate() {
        let is_separator = |line: &[u8]| {
            let line = line.strip_prefix(b">").unwrap_or(line);
            line.starts_with(b"From ")
        };
        match field_name(line) {
            Some(_) => fields += 1,
            None if index == 0 && is_separator(line) => {}
            None if fields > 0 && line.starts_with(b" ") || line.starts_with(b"\t") => {}
            None => return false,
        }
    }
    has_end && fields > 0
}

/// The name of the field that the line begins.
fn field_name(line: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    let is_name = |octet: &u8| (33..=126).contains(octet);
    (!name.is_empty() && name.iter().all(is_name)).then_some(name)
}

/// The value of the first field of this name, with its folding.
pub(super) fn field<'a>(header: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (mut lines, _) = lines(header);
    let line = lines.find(|line| {
        field_name(line).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
    })?;
    let colon = memchr::memchr(b':', line)?;
    Some(line[colon + 1..].trim_ascii())
}

/// A digest of the header of a message, without what servers write into it.
pub(super) fn digest(message: &[u8]) -> Sum {
    let mut sha = Sha256::new();
    let mut is_volatile = false;
    for line in lines(message).0 {
        if !(line.starts_with(b" ") || line.starts_with(b"\t")) {
            let name = field_name(line);
            is_volatile = name.is_some_and(|name| {
                (VOLATILE.iter()).any(|volatile| name.eq_ignore_ascii_case(volatile))
            });
        }
        if !is_volatile {
            sha.update(line);
            sha.update(b"\n");
        }
    }
    sha.finalize().into()
}

/// The header of a message that arrives, to be compared with what TOP showed of it.
pub(super) struct Comparison {
    shown: Sum,
    begun: Vec<u8>,
    is_whole: bool,
}

impl Comparison {
    pub(super) fn with(shown: Sum) -> Self {
        Self {
            shown,
            begun: Vec::new(),
            is_whole: false,
        }
    }

    /// Takes the next piece of the message.
    pub(super) fn update(&mut self, piece: &[u8]) {
        if self.is_whole {
            return;
        }
        let room = LONGEST - self.begun.len();
        self.begun
            .extend_from_slice(&piece[..piece.len().min(room)]);
        self.is_whole = self.begun.len() == LONGEST || end(&self.begun).is_some();
    }

    /// Whether TOP showed the same; `None` if what came is no header itself.
    pub(super) fn agrees(&self) -> Option<bool> {
        is_plausible(alone(&self.begun)).then(|| digest(&self.begun) == self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"Received: x\r\n\ty\r\nSubject: one\r\n two\r\nTo: c\r\n\r\n";

    #[test]
    fn q52_a_header_has_fields_and_an_end() {
        for plausible in [
            HEADER,
            b"Subject: one\n\n",
            b"Subject:\r\n\r\nbody",
            b"From a@b Thu Jan 18 15:03:39 2001\r\nSubject: one\r\n\r\n",
            b">From a@b\r\nSubject: one\r\n\r\n",
            b"Subject : one\r\n\r\n",
        ] {
            assert!(is_plausible(plausible), "{}", plausible.escape_ascii());
        }
        for implausible in [
            &b""[..],
            b"\r\n",
            b"Subject: one\r\n",
            b"Subject: one\r\nTo: ",
            b"\r\nSubject: one\r\n\r\n",
            b"This is a text.\r\n\r\n",
            b"Subject: one\r\nnone\r\n\r\n",
            b" Subject: one\r\n\r\n",
            b"+OK message follows\r\nSubject: one\r\n\r\n",
            b": one\r\n\r\n",
        ] {
            assert!(!is_plausible(implausible), "{}", implausible.escape_ascii());
        }
        for cut in 0..HEADER.len() {
            assert!(!is_plausible(&HEADER[..cut]), "{cut}");
        }
    }

    #[test]
    fn q52_what_servers_write_into_a_header_makes_no_difference() {
        let whole = [HEADER, b"Subject: none\r\n"].concat();
        for same in [
            HEADER.to_vec(),
            with_bare_line_feeds(HEADER),
            [&b"Status: RO\r\nX-UIDL: 7\r\n 8\r\n"[..], &whole].concat(),
            whole.clone(),
        ] {
            for split in 0..same.len() {
                let mut comparison = Comparison::with(digest(HEADER));
                comparison.update(&same[..split]);
                comparison.update(&same[split..]);
                assert_eq!(comparison.agrees(), Some(true), "{}", same.escape_ascii());
            }
        }
        for other in [
            &b"X-Altered: by TOP\r\nReceived: x\r\n\ty\r\nSubject: one\r\n two\r\nTo: c\r\n\r\n"[..],
            b"Received: x\r\n\ty\r\nSubject: one\r\nTo: c\r\n\r\n",
        ] {
            let mut comparison = Comparison::with(digest(HEADER));
            comparison.update(other);
            assert_eq!(comparison.agrees(), Some(false), "{}", other.escape_ascii());
        }
        // A message that was cut says nothing about TOP.
        for cut in 0..HEADER.len() - 2 {
            let mut comparison = Comparison::with(digest(HEADER));
            comparison.update(&HEADER[..cut]);
            assert_eq!(comparison.agrees(), None, "{cut}");
        }
    }

    fn with_bare_line_feeds(octets: &[u8]) -> Vec<u8> {
        octets
            .iter()
            .copied()
            .filter(|&octet| octet != b'\r')
            .collect()
    }

    #[test]
    fn a_header_ends_at_its_empty_line() {
        assert_eq!(alone(b"a: b\r\n\r\nc\r\n"), b"a: b\r\n\r\n");
        assert_eq!(alone(b"a: b\n\nc\n\nd"), b"a: b\n\n");
        assert_eq!(alone(b"a: b\r\nc"), b"a: b\r\nc");
        assert_eq!(
            field(b"A: b\r\nC:  d \r\n\r\nE: f\r\n", "c"),
            Some(&b"d"[..])
        );
        assert_eq!(field(b"A: b\r\n\r\nE: f\r\n", "e"), None);
    }
}
