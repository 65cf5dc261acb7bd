//! The answer to another command within the answer at hand.

use alloc::boxed::Box;
use alloc::vec::Vec;

use memchr::memmem;

/// Octets of the server's words that are kept to be shown.
const SHOWN: usize = 512;

/// Finds a -ERR with which a server broke a message off, and the next answer glued on (Q39): a line
/// that holds `-ERR`, wherever the message was broken off, and right behind it a line that begins as
/// a status line does.
///
/// Mail may hold that, too; where no other answer is awaited it must not be asked for.
#[derive(Debug)]
pub(crate) struct Glued {
    /// It is aligned as vectors are, and a connection must be able to lie anywhere.
    finder: Box<memmem::Finder<'static>>,
    at: At,
    /// The last octets of what was looked at, which may begin an `-ERR`, or what has come of a
    /// line behind one.
    begun: Vec<u8>,
    /// From `-ERR` to the end of its line.
    words: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Within a line, or at its beginning.
    Line,
    /// Behind `-ERR`, on its line.
    Words,
    /// In the first octets of the line behind.
    NextLine,
}

impl Glued {
    const ERR: &'static [u8] = b"-ERR";
    const OK: &'static [u8] = b"+OK";

    pub(crate) fn new() -> Self {
        Self {
            finder: Box::new(memmem::Finder::new(Self::ERR)),
            at: At::Line,
            begun: Vec::new(),
            words: Vec::new(),
        }
    }

    /// A message begins.
    pub(crate) fn reset(&mut self) {
        self.at = At::Line;
        self.begun.clear();
        self.words.clear();
    }

    /// The server's words: from `-ERR` to the end of its line.
    pub(crate) fn words(&self) -> &[u8] {
        &self.words
    }

    /// Looks at the next piece of a message: whether another answer begins in it.
    pub(crate) fn is_in(&mut self, mut piece: &[u8]) -> bool {
        while !piece.is_empty() {
            match self.at {
                At::Line => piece = self.find_err(piece),
                At::Words => piece = self.take_words(piece),
                At::NextLine => {
                    self.begun.push(piece[0]);
                    if [Self::OK, Self::ERR].contains(&self.begun.as_slice()) {
                        return true;
                    }
                    let may_begin = |word: &[u8]| word.starts_with(&self.begun);
                    if may_begin(Self::OK) || may_begin(Self::ERR) {
                        piece = &piece[1..];
                    } else {
                        // The octet is looked at again: it may be a line of its own with `-ERR`.
                        self.begun.pop();
                        self.words.clear();
                        self.at = At::Line;
                    }
                }
            }
        }
        false
    }

    /// Goes to behind the next `-ERR`; what is left of the piece.
    fn find_err<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        const KEPT: usize = Glued::ERR.len() - 1;
        // It may have begun in the piece before.
        let kept = self.begun.len();
        self.begun
            .extend_from_slice(&piece[..piece.len().min(KEPT)]);
        if let Some(found) = self.finder.find(&self.begun) {
            return self.begin_words(&piece[found + Self::ERR.len() - kept..]);
        }
        self.begun.truncate(kept);
        if let Some(found) = self.finder.find(piece) {
            return self.begin_words(&piece[found + Self::ERR.len()..]);
        }
        let tail = &piece[piece.len().saturating_sub(KEPT)..];
        self.begun.extend_from_slice(tail);
        let too_many = self.begun.len().saturating_sub(KEPT);
        self.begun.drain(..too_many);
        &[]
    }

    fn begin_words<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        self.at = At::Words;
        self.begun.clear();
        self.words.extend_from_slice(Self::ERR);
        rest
    }

    /// Takes the rest of the line; what is left of the piece.
    fn take_words<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let line_feed = memchr::memchr(b'\n', piece);
        let line = &piece[..line_feed.unwrap_or(piece.len())];
        let room = SHOWN.saturating_sub(self.words.len());
        self.words.extend_from_slice(&line[..line.len().min(room)]);
        match line_feed {
            None => &[],
            Some(at) => {
                if self.words.ends_with(b"\r") {
                    self.words.pop();
                }
                self.at = At::NextLine;
                &piece[at + 1..]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words that are found, whatever the pieces.
    fn found(message: &[u8]) -> Option<Vec<u8>> {
        let mut glued = Glued::new();
        let mut find = |size: usize| {
            glued.reset();
            let is_in = message.chunks(size).any(|piece| glued.is_in(piece));
            is_in.then(|| glued.words().to_vec())
        };
        let whole = find(message.len().max(1));
        for size in 1..=message.len() {
            assert_eq!(find(size), whole, "in pieces of {size}");
        }
        whole
    }

    #[test]
    fn e31_an_err_with_another_answer_behind_is_found() {
        for (message, words) in [
            (&b"a\r\n-ERR oops\r\n+OK 12 octets\r\n"[..], "-ERR oops"),
            (b"a line that is bro-ERR oops\r\n+OK\r\n", "-ERR oops"),
            (b"-ERR\n-ERR no such message\n", "-ERR"),
            (b"--ERR x\r\n+OK\r\n", "-ERR x"),
            (b"-E-ERR x\r\n+OK\r\n", "-ERR x"),
            (b"-ERR a\r\nb\r\n-ERR c\r\n+OK\r\n", "-ERR c"),
            (b"-ERR a\r\n-ER\r\n-ERR c\r\n+OK\r\n", "-ERR c"),
            (b"-ERR a\r\n+O-ERR c\r\n+OK\r\n", "-ERR c"),
        ] {
            let found = found(message).unwrap();
            assert_eq!(found, words.as_bytes(), "{}", message.escape_ascii());
        }
    }

    #[test]
    fn e31_what_only_resembles_it_is_content() {
        for message in [
            &b""[..],
            b"-ERR oops\r\n",
            b"-ERR oops\r\nand on we go\r\n",
            b"-ERR oops\r\n\r\n+OK\r\n",
            b"-ERR oops\r\n +OK\r\n",
            b"+OK\r\n+OK\r\n",
            b"-ERR oops +OK\r\n",
            b"-err oops\r\n+OK\r\n",
            b"-ER R\r\n+OK\r\n",
        ] {
            assert_eq!(found(message), None, "{}", message.escape_ascii());
        }
    }

    /// Python allocates objects with no more than this.
    #[test]
    fn a_connection_needs_no_special_alignment() {
        assert!(align_of::<crate::Connection>() <= 16);
    }

    #[test]
    fn the_words_that_are_kept_are_few() {
        let mut glued = Glued::new();
        assert!(!glued.is_in(b"-ERR "));
        for _ in 0..100 {
            assert!(!glued.is_in(&[b'x'; 100]));
        }
        assert!(glued.is_in(b"\r\n+OK"));
        assert_eq!(glued.words().len(), SHOWN);
    }
}
