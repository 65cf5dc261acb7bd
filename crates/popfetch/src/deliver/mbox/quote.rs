//! The quoting of mboxrd: a line that is `From ` behind any number of `>` gets one more `>`, so
//! that it cannot be taken for the beginning of a message, and so that taking one `>` away gives
//! it back.

use std::io;

const FROM: &[u8] = b"From ";

/// Quotes a message that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Quote {
    state: State,
    /// Octets of `From ` at the end of the piece before, which were not written yet.
    held: usize,
    /// Whether anything came behind the last line end.
    line_is_open: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// At the beginning of a line, or behind nothing but `>` in it. It makes no difference which
    /// place among these the additional one gets.
    #[default]
    Start,
    /// So many octets of `From ` stand here.
    Matching(usize),
    Middle,
}

impl Quote {
    /// Quotes the next piece.
    pub(crate) fn push(
        &mut self,
        piece: &[u8],
        mut out: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(&last) = piece.last() else {
            return Ok(());
        };
        self.line_is_open = last != b'\n';
        let (mut start, mut at) = (0, 0);
        while let Some(&octet) = piece.get(at) {
            match self.state {
                State::Middle => match memchr::memchr(b'\n', &piece[at..]) {
                    Some(length) => {
                        at += length + 1;
                        self.state = State::Start;
                    }
                    None => break,
                },
                State::Start => {
                    match octet {
                        b'>' | b'\n' => {}
                        b'F' => self.state = State::Matching(1),
                        _ => self.state = State::Middle,
                    }
                    at += 1;
                }
                State::Matching(matched) if octet == FROM[matched] => {
                    at += 1;
                    self.state = State::Matching(matched + 1);
                    if matched + 1 == FROM.len() {
                        // What was held back stands before this piece.
                        let from = at + self.held - FROM.len();
                        out(&piece[start..from])?;
                        out(b">")?;
                        self.release(&mut out)?;
                        start = from;
                        self.state = State::Middle;
                    }
                }
                State::Matching(_) => {
                    self.release(&mut out)?;
                    self.state = State::Middle;
                }
            }
        }
        let mut end = piece.len();
        if let State::Matching(matched) = self.state {
            end -= matched - self.held;
            self.held = matched;
        }
        if start < end {
            out(&piece[start..end])?;
        }
        Ok(())
    }

    /// Ends the message. Whether its last line has no end.
    pub(crate) fn finish(&mut self, out: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<bool> {
        self.release(out)?;
        Ok(self.line_is_open)
    }

    fn release(&mut self, mut out: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        match std::mem::take(&mut self.held) {
            0 => Ok(()),
            held => out(&FROM[..held]),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::deliver::tests::sample::pieces;

    fn quote(pieces: &[&[u8]]) -> Vec<u8> {
        let mut quote = Quote::default();
        let mut out = Vec::new();
        let mut sink = |octets: &[u8]| {
            out.extend_from_slice(octets);
            Ok(())
        };
        for piece in pieces {
            quote.push(piece, &mut sink).unwrap();
        }
        quote.finish(&mut sink).unwrap();
        out
    }

    /// What a reader of mboxrd does.
    fn unquote(quoted: &[u8]) -> Vec<u8> {
        let unquoted = quoted.split_inclusive(|&octet| octet == b'\n').map(|line| {
            let depth = line.iter().take_while(|&&octet| octet == b'>').count();
            match depth > 0 && line[depth..].starts_with(b"From ") {
                true => &line[1..],
                false => line,
            }
        });
        unquoted.collect::<Vec<_>>().concat()
    }

    #[test]
    fn lines_that_could_begin_a_message_are_quoted() {
        for (plain, quoted) in [
            ("From me\n", ">From me\n"),
            (
                "a\nFrom b\n>From c\n>>From d\n",
                "a\n>From b\n>>From c\n>>>From d\n",
            ),
            (
                "From: me\nFromage\n From x\n> From y",
                "From: me\nFromage\n From x\n> From y",
            ),
            ("F\nFr\nFrFrom x\nFro", "F\nFr\nFrFrom x\nFro"),
            ("\r\nFrom x\r\n", "\r\n>From x\r\n"),
            ("From ", ">From "),
            ("", ""),
        ] {
            assert_eq!(quote(&[plain.as_bytes()]), quoted.as_bytes(), "{plain:?}");
        }
    }

    #[test]
    fn a_missing_last_line_end_is_told() {
        for (pieces, is_open) in [
            (&["a", "\n"][..], false),
            (&["a\n", "b"], true),
            (&["a\nFro"], true),
            (&["a\n", ""], false),
            (&[], false),
        ] {
            let mut quote = Quote::default();
            for piece in pieces {
                quote.push(piece.as_bytes(), |_| Ok(())).unwrap();
            }
            assert_eq!(quote.finish(|_| Ok(())).unwrap(), is_open, "{pieces:?}");
        }
    }

    proptest! {
        #[test]
        fn unquoting_gives_back_what_was_quoted_wherever_it_is_cut(
            plain in "(From |>|F|ro|m |\n|\r|\0|x|\u{e9}){0,30}",
            cuts: Vec<prop::sample::Index>,
        ) {
            let plain = plain.as_bytes();
            let pieces = pieces(plain, &cuts);
            let quoted = quote(&pieces);
            prop_assert_eq!(unquote(&quoted), plain);
            let begins = |line: &[u8]| line.starts_with(b"From ");
            prop_assert!(!quoted.split(|&octet| octet == b'\n').any(begins));
        }
    }
}
