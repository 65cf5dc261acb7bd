//! A message as DATA carries it (RFC 5321, section 4.5.2): a line that begins with a dot gets one
//! more, and a line with nothing but a dot is the end.

use std::io;

/// Stuffs a message that comes in pieces, with CRLF for every line end.
#[derive(Debug)]
pub(super) struct Stuff {
    at_line_start: bool,
}

impl Default for Stuff {
    fn default() -> Self {
        Self {
            at_line_start: true,
        }
    }
}

impl Stuff {
    /// Stuffs the next piece.
    pub(super) fn push(
        &mut self,
        piece: &[u8],
        mut out: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(&last) = piece.last() else {
            return Ok(());
        };
        let mut start = 0;
        for dot in memchr::memchr_iter(b'.', piece) {
            let begins_line = match dot {
                0 => self.at_line_start,
                _ => piece[dot - 1] == b'\n',
            };
            if begins_line {
                out(&piece[start..=dot])?;
                start = dot;
            }
        }
        self.at_line_start = last == b'\n';
        out(&piece[start..])
    }

    /// The end of the message, and that of its last line if it has none: there is no other way to
    /// send it.
    pub(super) fn end(&self) -> &'static [u8] {
        match self.at_line_start {
            true => b".\r\n",
            false => b"\r\n.\r\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::deliver::tests::sample::pieces;

    fn stuff(pieces: &[&[u8]]) -> Vec<u8> {
        let mut stuff = Stuff::default();
        let mut out = Vec::new();
        for piece in pieces {
            let written = stuff.push(piece, |octets| {
                out.extend_from_slice(octets);
                Ok(())
            });
            written.unwrap();
        }
        out.extend_from_slice(stuff.end());
        out
    }

    #[test]
    fn dots_at_the_beginning_of_lines_are_doubled() {
        for (plain, stuffed) in [
            ("", ".\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            ("no end", "no end\r\n.\r\n"),
            (".\r\n..\r\na.b\r\n.", "..\r\n...\r\na.b\r\n..\r\n.\r\n"),
        ] {
            assert_eq!(stuff(&[plain.as_bytes()]), stuffed.as_bytes(), "{plain:?}");
        }
    }

    proptest! {
        #[test]
        fn no_line_but_the_last_is_a_dot_wherever_it_is_cut(
            plain in "(\\.|\r\n|\r|a){0,30}",
            cuts: Vec<prop::sample::Index>,
        ) {
            let octets = plain.as_bytes();
            let pieces = pieces(octets, &cuts);
            let stuffed = String::from_utf8(stuff(&pieces)).unwrap();
            let lines: Vec<&str> = stuffed.strip_suffix("\r\n").unwrap().split("\r\n").collect();
            let (end, lines) = lines.split_last().unwrap();
            prop_assert_eq!(*end, ".");
            let unstuffed: Vec<&str> =
                lines.iter().map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
            prop_assert!(!lines.contains(&"."));
            let whole = plain.strip_suffix("\r\n").unwrap_or(&plain);
            prop_assert_eq!(unstuffed.join("\r\n"), whole);
        }
    }
}
