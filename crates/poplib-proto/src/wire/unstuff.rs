//! Byte-unstuffing (RFC 1939 §3) of message bodies, without a copy.

use memchr::memmem;

/// Where a body's lines end, decided by the status line before it: a bare-LF terminator is
/// believed only from a server that ends its status lines so too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// CR LF, as RFC 1939 §3 demands. A bare LF is content, and so is a `.` after one.
    Crlf,
    /// LF alone ([Q8]).
    ///
    /// [Q8]: crate::rows#q8
    Lf,
}

/// Finds the end of a byte-stuffed body and the dots to leave out.
///
/// The decoder keeps a few bits of state and no octets: it is given whatever has arrived and
/// answers with a run of content borrowed from it. How the input is cut makes no difference to
/// the content.
///
/// A line that begins with `..` loses one dot. A line that begins with a single dot and more is
/// not stuffed at all, and keeps it ([Q10]).
///
/// ```
/// # use poplib_proto::wire::unstuff::{Decoded, LineEnd, Unstuff};
/// let mut unstuff = Unstuff::new(LineEnd::Crlf);
/// let mut input = &b"one\r\n..two\r\n.\r\n"[..];
/// let mut content = Vec::new();
/// loop {
///     match unstuff.decode(input) {
///         Decoded::Run { run, consumed } => {
///             content.extend_from_slice(run);
///             input = &input[consumed..];
///         }
///         Decoded::End { consumed } => break assert_eq!(consumed, 3),
///         Decoded::More => unreachable!("the body is complete"),
///     }
/// }
/// assert_eq!(content, b"one\r\n.two\r\n");
/// ```
///
/// [Q10]: crate::rows#q10
#[derive(Clone, Debug)]
pub struct Unstuff {
    line_end: LineEnd,
    before: Before,
}

/// What came just before the octets to decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// The beginning of the body, or a line end.
    LineEnd,
    Cr,
    Other,
}

/// What [`Unstuff::decode`] found at the front of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// Content. `consumed` octets of the input are done with; `run` is not empty.
    Run {
        /// A piece of the message.
        run: &'a [u8],
        /// Octets of input it took, left-out dots included.
        consumed: usize,
    },
    /// The terminator. The body is complete; `consumed` octets of the input belonged to it.
    End {
        /// Octets of the terminator.
        consumed: usize,
    },
    /// Nothing can be told before more input arrives after this one, of which nothing was
    /// consumed (at most two octets).
    More,
}

impl Unstuff {
    /// A decoder at the beginning of a body.
    #[must_use]
    pub fn new(line_end: LineEnd) -> Self {
        Self {
            line_end,
            before: Before::LineEnd,
        }
    }

    /// A decoder in the midst of a body, behind a line feed. `after_line_end`: whether that was
    /// a line end, which a bare LF is not where CR LF is one.
    pub(crate) fn resumed(line_end: LineEnd, after_line_end: bool) -> Self {
        let before = if after_line_end {
            Before::LineEnd
        } else {
            Before::Other
        };
        Self { line_end, before }
    }

    /// Looks at the front of `input`, which must go on where the last call's consumption ended.
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Decoded<'a> {
        let mut dropped = 0;
        if self.before == Before::LineEnd {
            match (input, self.line_end) {
                ([] | [b'.'] | [b'.', b'\r'], _) => return Decoded::More,
                ([b'.', b'\r', b'\n', ..], _) => return Decoded::End { consumed: 3 },
                ([b'.', b'\n', ..], LineEnd::Lf) => return Decoded::End { consumed: 2 },
                ([b'.', b'.', ..], _) => dropped = 1,
                _ => {}
            }
        }
        if input.is_empty() {
            return Decoded::More;
        }
        let consumed = self.run_end(input, dropped);
        let run = &input[dropped..consumed];
        self.before = self.after(input, consumed);
        Decoded::Run { run, consumed }
    }

    /// Where the run that goes on at `from` ends: after the line end before the next dot that
    /// begins a line, or with the input.
    fn run_end(&self, input: &[u8], from: usize) -> usize {
        // Lines with dots come together, and setting up the search costs more than one line.
        let next = memchr::memchr(b'\n', &input[from..]).map_or(input.len(), |found| from + found);
        if input.get(next + 1) == Some(&b'.') && self.ends_line(input, next) {
            return next + 1;
        }
        self.dotted_line_end(input, next)
            .map_or(input.len(), |line_feed| line_feed + 1)
    }

    /// The first line end from here on that a dot follows.
    fn dotted_line_end(&self, input: &[u8], from: usize) -> Option<usize> {
        let pair = memmem::Finder::new(b"\n.");
        let mut start = from;
        loop {
            // Where there is no dot at all, as in base64, half the work tells.
            let dot = start + memchr::memchr(b'.', input.get(start..)?)?;
            // It may begin a line, and one may be right behind the part.
            start = start.max(dot.saturating_sub(1));
            let part = &input[start..input.len().min(start + PART + 1)];
            let found = (pair.find_iter(part).map(|found| start + found))
                .find(|&line_feed| self.ends_line(input, line_feed));
            if found.is_some() {
                return found;
            }
            start += PART;
        }
    }

    fn ends_line(&self, input: &[u8], line_feed: usize) -> bool {
        self.line_end == LineEnd::Lf || self.follows_cr(input, line_feed)
    }

    fn follows_cr(&self, input: &[u8], at: usize) -> bool {
        match at.checked_sub(1) {
            Some(previous) => input[previous] == b'\r',
            None => self.before == Before::Cr,
        }
    }

    /// What `consumed` octets of `input` leave behind for the next call.
    fn after(&self, input: &[u8], consumed: usize) -> Before {
        match input[consumed - 1] {
            b'\r' => Before::Cr,
            b'\n' if self.ends_line(input, consumed - 1) => Before::LineEnd,
            _ => Before::Other,
        }
    }
}

/// How much is searched for lines with dots before it is asked again whether there are dots.
const PART: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// Feeds `wire` in the given pieces; the content and what followed the terminator.
    fn decode(line_end: LineEnd, pieces: &[&[u8]]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut unstuff = Unstuff::new(line_end);
        let mut content = Vec::new();
        let mut waiting: Vec<u8> = Vec::new();
        let mut pieces = pieces.iter();
        loop {
            match unstuff.decode(&waiting) {
                Decoded::Run { run, consumed } => {
                    assert!(!run.is_empty());
                    content.extend_from_slice(run);
                    waiting.drain(..consumed);
                }
                Decoded::End { consumed } => {
                    waiting.drain(..consumed);
                    pieces.for_each(|piece| waiting.extend_from_slice(piece));
                    return Some((content, waiting));
                }
                Decoded::More => {
                    assert!(waiting.len() <= 2);
                    waiting.extend_from_slice(pieces.next()?);
                }
            }
        }
    }

    /// Every split in two, every octet alone, and the whole give the same.
    fn decode_all_ways(line_end: LineEnd, wire: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let whole = decode(line_end, &[wire]);
        let octets: Vec<&[u8]> = wire.chunks(1).collect();
        assert_eq!(decode(line_end, &octets), whole);
        for at in 0..=wire.len() {
            let (left, right) = wire.split_at(at);
            assert_eq!(decode(line_end, &[left, right]), whole, "split at {at}");
        }
        whole
    }

    fn content(line_end: LineEnd, wire: &[u8]) -> Vec<u8> {
        let (content, rest) = decode_all_ways(line_end, wire).expect("a terminator");
        assert_eq!(rest, b"");
        content
    }

    #[test]
    fn one_leading_dot_is_removed() {
        let wire = b"..\r\n...\r\na..b\r\n..end\r\n.\r\n";
        assert_eq!(content(LineEnd::Crlf, wire), b".\r\n..\r\na..b\r\n.end\r\n");
    }

    #[test]
    fn a_leading_dot_is_found_wherever_the_search_begins_anew() {
        for before in PART - 9..PART + 9 {
            let mut message = b"a\r\nb.".to_vec();
            message.resize(before, b'c');
            let wire = [&message[..], b"\r\n..d\r\n.\r\n"].concat();
            let expected = [&message[..], b"\r\n.d\r\n"].concat();
            let decoded = decode(LineEnd::Crlf, &[&wire]);
            assert_eq!(decoded, Some((expected, Vec::new())), "{before}");
        }
    }

    #[test]
    fn an_empty_body_ends_at_once() {
        assert_eq!(content(LineEnd::Crlf, b".\r\n"), b"");
        assert_eq!(content(LineEnd::Lf, b".\n"), b"");
    }

    #[test]
    fn what_follows_the_terminator_is_not_touched() {
        let decoded = decode_all_ways(LineEnd::Crlf, b"a\r\n.\r\n+OK next\r\n");
        assert_eq!(decoded, Some((b"a\r\n".to_vec(), b"+OK next\r\n".to_vec())));
    }

    #[test]
    fn q08_bare_lf_terminates_where_status_lines_are_bare_lf() {
        assert_eq!(content(LineEnd::Lf, b"a\n..b\n.\n"), b"a\n.b\n");
        assert_eq!(content(LineEnd::Lf, b"a\r\n..b\r\n.\r\n"), b"a\r\n.b\r\n");
    }

    #[test]
    fn q09_bare_lf_dot_is_content_on_a_crlf_server() {
        let wire = b"a\n.\nb\r\n.\nc\n.\r\nd\r\n.\r\n";
        assert_eq!(content(LineEnd::Crlf, wire), b"a\n.\nb\r\n.\nc\n.\r\nd\r\n");
    }

    #[test]
    fn q10_an_unstuffed_dot_is_kept() {
        assert_eq!(
            content(LineEnd::Crlf, b".x\r\n.\rb\r\n.\r\n"),
            b".x\r\n.\rb\r\n"
        );
    }

    #[test]
    fn q30_odd_octets_pass_unchanged() {
        let wire = b"\0\xff\r\r\n\r.\r\n\n\r\n.\r\n";
        assert_eq!(content(LineEnd::Crlf, wire), &wire[..wire.len() - 3]);
    }

    #[test]
    fn no_terminator_no_end() {
        for wire in [
            &b""[..],
            b".",
            b".\r",
            b"a\r\n",
            b"a\r\n.",
            b"a.\r\n",
            b"a\n.\r\n",
        ] {
            assert_eq!(decode_all_ways(LineEnd::Crlf, wire), None);
        }
    }

    fn stuff(message: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        let mut line_start = true;
        for (at, &octet) in message.iter().enumerate() {
            if line_start && octet == b'.' {
                wire.push(b'.');
            }
            wire.push(octet);
            line_start = octet == b'\n' && at > 0 && message[at - 1] == b'\r';
        }
        if !line_start {
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b".\r\n");
        wire
    }

    proptest! {
        #[test]
        fn p02_unstuffing_undoes_stuffing(
            message in proptest::collection::vec(
                prop_oneof![Just(b'.'), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..200),
            cuts in proptest::collection::vec(1usize..8, 0..64),
        ) {
            let wire = stuff(&message);
            let mut pieces = Vec::new();
            let mut rest = &wire[..];
            for cut in cuts {
                let (piece, tail) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = tail;
            }
            pieces.push(rest);
            let (content, after) = decode(LineEnd::Crlf, &pieces).expect("a terminator");
            prop_assert!(after.is_empty());
            let missing_line_end = !message.is_empty() && !message.ends_with(b"\r\n");
            let expected = if missing_line_end {
                [&message[..], b"\r\n"].concat()
            } else {
                message
            };
            prop_assert_eq!(content, expected);
        }
    }
}
