//! The lines of a multi-line answer as the standard library of Python finds them.
//!
//! Programs written for its `poplib` rely on what that module accepts, which is more than a
//! [`Connection`](crate::Connection) does: `.` ends the answer whatever its line end is ([Q8], [Q9]),
//! and a CR at the front of a line belongs to the line end. A replacement for that module reads with
//! these rules; nothing else should.
//!
//! One thing that it accepts is not accepted here: a line that the end of the stream cuts off, of
//! which it takes the last octet for the line end. A message that is cut behind `..` would be whole.
//!
//! [Q8]: crate::rows#q8
//! [Q9]: crate::rows#q9

use alloc::vec::Vec;
use core::ops::Range;

/// Octets of a line, roughly, where there are many.
const USUAL_LINE: usize = 64;

/// Finds the status line and the lines of one answer in whatever pieces it arrives.
///
/// ```
/// # use poplib_proto::wire::lenient::{LenientAnswer, Scan};
/// let mut answer = LenientAnswer::new(2048);
/// let input = b"+OK\r\none\r\n..two\n.\r\n+OK next\r\n";
/// assert_eq!(answer.scan(input), Scan::End { consumed: 19 });
/// assert_eq!(answer.status(), Some(&b"+OK"[..]));
/// assert!(answer.found(input).eq([&b"one"[..], b".two"]));
/// assert_eq!(answer.octets(), 10);
/// ```
#[derive(Debug)]
pub struct LenientAnswer {
    limit: usize,
    status: Option<Vec<u8>>,
    octets: u64,
    /// The beginning of a line whose end has not come.
    held: Vec<u8>,
    /// A line whose beginning was held, and where its content lies.
    joined: Vec<u8>,
    joined_content: Option<Range<usize>>,
    /// Where the contents of the lines lie that came whole.
    contents: Vec<Range<usize>>,
}

/// What a piece of the answer came to, besides the lines [`found`](LenientAnswer::found).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// The answer goes on in the next piece.
    More,
    /// The status line does not begin with `+`. `consumed` octets of the piece belonged to it.
    Refused {
        /// Octets of this piece.
        consumed: usize,
    },
    /// The terminator came. `consumed` octets of the piece belonged to the answer.
    End {
        /// Octets of this piece.
        consumed: usize,
    },
    /// A line is longer than the limit. It is taken as far as to one octet over the limit; what
    /// follows is another line.
    TooLong {
        /// Octets of this piece that were taken.
        consumed: usize,
    },
}

impl LenientAnswer {
    /// Nothing received yet. `limit`: octets of the longest line, line end included.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            status: None,
            octets: 0,
            held: Vec::new(),
            joined: Vec::new(),
            joined_content: None,
            contents: Vec::new(),
        }
    }

    /// Looks at the next piece. The lines of the last one are forgotten.
    pub fn scan(&mut self, input: &[u8]) -> Scan {
        self.forget();
        let mut start = 0;
        if self.status.is_none() || !self.held.is_empty() {
            match self.join(input) {
                Ok(consumed) => start = consumed,
                Err(scan) => return scan,
            }
        }
        let whole = &input[start..];
        let from = start;
        self.contents.reserve(whole.len() / USUAL_LINE);
        for line_feed in memchr::memchr_iter(b'\n', whole) {
            let end = from + line_feed + 1;
            if end - start > self.limit {
                break;
            }
            let Some(content) = self.take(&input[start..end]) else {
                return Scan::End { consumed: end };
            };
            self.contents
                .push(start + content.start..start + content.end);
            start = end;
        }
        let rest = &input[start..];
        if rest.len() > self.limit {
            let consumed = start + self.limit + 1;
            return Scan::TooLong { consumed };
        }
        self.held.extend_from_slice(rest);
        Scan::More
    }

    /// The lines of the piece looked at last, which must be given again: without their line ends,
    /// and without one of two dots in front.
    pub fn found<'a>(&'a self, input: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let joined = self.joined_content.clone();
        let joined = joined.map(|content| &self.joined[content]);
        let whole = self.contents.iter().map(|content| &input[content.clone()]);
        joined.into_iter().chain(whole)
    }

    /// The status line without its line end, once it has come.
    #[must_use]
    pub fn status(&self) -> Option<&[u8]> {
        self.status.as_deref()
    }

    /// Octets of all lines so far as they came, line ends included, left-out dots and the
    /// terminator not.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.octets
    }

    fn forget(&mut self) {
        self.contents.clear();
        self.joined_content = None;
    }

    /// Completes the line that is held; the octets it took.
    fn join(&mut self, input: &[u8]) -> Result<usize, Scan> {
        let line_feed = memchr::memchr(b'\n', input);
        let wanted = line_feed.map_or(input.len(), |at| at + 1);
        if self.held.len() + wanted > self.limit {
            let consumed = self.limit + 1 - self.held.len();
            self.held.clear();
            return Err(Scan::TooLong { consumed });
        }
        self.held.extend_from_slice(&input[..wanted]);
        match line_feed {
            None => Err(Scan::More),
            Some(_) => self.complete_held(wanted),
        }
    }

    /// Makes a line of what is held, of which the piece at hand held `consumed` octets.
    fn complete_held(&mut self, consumed: usize) -> Result<usize, Scan> {
        core::mem::swap(&mut self.held, &mut self.joined);
        self.held.clear();
        if self.status.is_none() {
            let status = &self.joined[content(&self.joined)];
            let accepted = status.starts_with(b"+");
            self.status = Some(status.to_vec());
            return accepted
                .then_some(consumed)
                .ok_or(Scan::Refused { consumed });
        }
        let line = core::mem::take(&mut self.joined);
        self.joined_content = self.take(&line);
        self.joined = line;
        let goes_on = self.joined_content.is_some();
        goes_on.then_some(consumed).ok_or(Scan::End { consumed })
    }

    /// Counts a line and tells where its content lies; `None` for the terminator.
    fn take(&mut self, line: &[u8]) -> Option<Range<usize>> {
        let mut content = content(line);
        let mut octets = line.len();
        match line[content.clone()] {
            [b'.'] => return None,
            [b'.', b'.', ..] => {
                content.start += 1;
                octets -= 1;
            }
            _ => {}
        }
        self.octets += octets as u64;
        Some(content)
    }
}

/// Where the content of a line lies, which is not empty: before CR LF, else between a CR in front
/// and the last octet, else before the last octet, whatever that is.
fn content(line: &[u8]) -> Range<usize> {
    match line {
        [content @ .., b'\r', b'\n'] => 0..content.len(),
        [b'\r', ..] => 1..(line.len() - 1).max(1),
        _ => 0..line.len() - 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The status line and the lines, their octets, and how it ends: the octets left over, or
    /// `None` where the answer is cut.
    type Outcome = (Vec<Vec<u8>>, u64, Option<Vec<u8>>);

    /// What is found, or how many octets are taken of an answer with a line that is too long.
    fn read(limit: usize, pieces: &[&[u8]]) -> Result<Outcome, usize> {
        let mut lines = LenientAnswer::new(limit);
        let mut found: Vec<Vec<u8>> = Vec::new();
        let mut before = 0;
        for (index, piece) in pieces.iter().enumerate() {
            let scan = lines.scan(piece);
            found.extend(lines.found(piece).map(<[u8]>::to_vec));
            match scan {
                Scan::More => before += piece.len(),
                Scan::End { consumed } | Scan::Refused { consumed } => {
                    let rest = [&[&piece[consumed..]], &pieces[index + 1..]]
                        .concat()
                        .concat();
                    return Ok((with_status(&lines, found), lines.octets(), Some(rest)));
                }
                Scan::TooLong { consumed } => return Err(before + consumed),
            }
        }
        Ok((with_status(&lines, found), lines.octets(), None))
    }

    fn with_status(answer: &LenientAnswer, lines: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let status = answer.status().map(<[u8]>::to_vec);
        status.into_iter().chain(lines).collect()
    }

    /// The rules in the plainest words, one line after the other.
    fn plainly(limit: usize, mut input: &[u8]) -> Result<Outcome, usize> {
        let (mut found, mut octets, all) = (Vec::new(), 0, input.len());
        while !input.is_empty() {
            let end = input.iter().position(|&octet| octet == b'\n');
            let (line, rest) = input.split_at(end.map_or(input.len(), |at| at + 1));
            if line.len() > limit {
                return Err(all - input.len() + limit + 1);
            }
            if end.is_none() {
                break;
            }
            input = rest;
            let stripped = if let Some(stripped) = line.strip_suffix(b"\r\n") {
                stripped
            } else if line[0] == b'\r' {
                &line[1..(line.len() - 1).max(1)]
            } else {
                &line[..line.len() - 1]
            };
            if found.is_empty() {
                found.push(stripped.to_vec());
                if stripped.starts_with(b"+") {
                    continue;
                }
                return Ok((found, octets, Some(input.to_vec())));
            }
            if stripped == b"." {
                return Ok((found, octets, Some(input.to_vec())));
            }
            let stuffed = stripped.starts_with(b"..");
            octets += (line.len() - usize::from(stuffed)) as u64;
            found.push(stripped[usize::from(stuffed)..].to_vec());
        }
        Ok((found, octets, None))
    }

    #[test]
    fn q08_any_line_end_will_do() {
        let outcome = read(2048, &[b"+\na\n\rb\nc\r\n\r.\nrest"]);
        let lines = [b"+".to_vec(), b"a".to_vec(), b"b".to_vec(), b"c".to_vec()];
        assert_eq!(outcome, Ok((lines.to_vec(), 8, Some(b"rest".to_vec()))));
    }

    #[test]
    fn q10_a_single_dot_is_kept_and_of_two_one_goes() {
        let (lines, octets, _) = read(2048, &[b"+\n.x\r\n..y\r\n...\r\n.\r\n"]).unwrap();
        assert_eq!(lines[1..], [b".x".to_vec(), b".y".to_vec(), b"..".to_vec()]);
        assert_eq!(octets, 12);
    }

    #[test]
    fn a_line_that_the_end_of_the_stream_cuts_off_is_none() {
        for cut_off in [&b"ab"[..], b"\r", b"..", b".x", b".\r"] {
            let input = [b"+\n", cut_off].concat();
            assert_eq!(read(9, &[&input]), Ok(([b"+".to_vec()].into(), 0, None)));
        }
        assert_eq!(read(9, &[b"+OK"]), Ok((Vec::new(), 0, None)));
    }

    #[test]
    fn a07_a_line_over_the_limit_is_taken_to_one_octet_over_it() {
        let octets = read(5, &[b"+\nabc\r\n.\r\n"]).map(|outcome| outcome.1);
        assert_eq!(octets, Ok(5));
        // As long as may be, and nobody knows yet whether it ends.
        assert!(read(5, &[b"+\nabcde"]).is_ok());
        assert_eq!(read(5, &[b"+\nabcd\r\n.\r\n"]), Err(8));
        assert_eq!(read(5, &[b"+\nabc", b"d", b"e", b"f"]), Err(8));
        assert_eq!(read(5, &[b"+OK 1\r\n.\r\n"]), Err(6));
    }

    proptest! {
        #[test]
        fn p02_every_split_gives_what_the_plain_rules_give(
            input in proptest::collection::vec(
                prop_oneof![1 => Just(b'+'), 3 => Just(b'.'), 2 => Just(b'\r'), 2 => Just(b'\n'), 3 => any::<u8>()],
                0..60,
            ),
            limit in 0usize..12,
            accepted: bool,
            cuts in proptest::collection::vec(1usize..6, 0..24),
        ) {
            let input = if accepted { [b"+\n", &input[..]].concat() } else { input };
            let mut pieces = Vec::new();
            let mut rest = &input[..];
            for cut in cuts {
                let (piece, tail) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = tail;
            }
            pieces.push(rest);
            prop_assert_eq!(read(limit, &pieces), plainly(limit, &input));
        }
    }
}
