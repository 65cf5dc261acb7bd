//! Network line ends to local ones.

/// Turns CRLF into LF and leaves every other octet alone: a bare CR, a bare LF, NUL, 8-bit, a
/// missing last line end.
///
/// A CR at the end of a piece waits for the next piece, as only that tells what it is.
#[derive(Debug, Default)]
pub(crate) struct LineEnds {
    held: bool,
}

impl LineEnds {
    /// Converts `piece` in place. What comes first, and what follows it.
    pub(crate) fn convert<'a>(&mut self, piece: &'a mut [u8]) -> (&'static [u8], &'a [u8]) {
        let Some(&first) = piece.first() else {
            return (b"", b"");
        };
        let before: &[u8] = if self.held && first != b'\n' {
            b"\r"
        } else {
            b""
        };
        self.held = piece.last() == Some(&b'\r');
        let end = piece.len() - usize::from(self.held);
        let length = squeeze(&mut piece[..end]);
        (before, &piece[..length])
    }

    /// What was still waiting when the message ended.
    pub(crate) fn finish(&mut self) -> &'static [u8] {
        if std::mem::take(&mut self.held) {
            b"\r"
        } else {
            b""
        }
    }
}

/// Drops each CR that stands before an LF. How long the rest is.
fn squeeze(octets: &mut [u8]) -> usize {
    let Some(mut read) = next_line_end(octets, 0) else {
        return octets.len();
    };
    let mut written = read;
    // Everything up to a CR is in its place; the CR itself is skipped.
    while read < octets.len() {
        let start = read + 1;
        let end = next_line_end(octets, start).unwrap_or(octets.len());
        octets.copy_within(start..end, written);
        written += end - start;
        read = end;
    }
    written
}

/// Where the next CRLF begins.
fn next_line_end(octets: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\r', &octets[from..])
        .map(|at| from + at)
        .find(|&at| octets.get(at + 1) == Some(&b'\n'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn convert(pieces: &[&[u8]]) -> Vec<u8> {
        let mut line_ends = LineEnds::default();
        let mut out = Vec::new();
        for piece in pieces {
            let mut piece = piece.to_vec();
            let (before, rest) = line_ends.convert(&mut piece);
            out.extend_from_slice(before);
            out.extend_from_slice(rest);
        }
        out.extend_from_slice(line_ends.finish());
        out
    }

    #[test]
    fn only_line_ends_change() {
        for (input, output) in [
            ("a\r\nb\r\n", "a\nb\n"),
            ("no end", "no end"),
            ("bare\rcr", "bare\rcr"),
            ("bare\nlf\r\n", "bare\nlf\n"),
            ("\r\r\n", "\r\n"),
            ("\r\n\r\n", "\n\n"),
            ("ends in cr\r", "ends in cr\r"),
            ("\0\u{ff}\r\n", "\0\u{ff}\n"),
            ("", ""),
        ] {
            assert_eq!(convert(&[input.as_bytes()]), output.as_bytes(), "{input:?}");
        }
    }

    proptest! {
        #[test]
        fn wherever_it_is_cut(input in "(\r|\n|\r\n|a|\0){0,40}", cuts: Vec<prop::sample::Index>) {
            let input = input.as_bytes();
            let mut cuts: Vec<usize> =
                cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
            cuts.extend([0, input.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &input[cut[0]..cut[1]]).collect();
            let expected = String::from_utf8(input.to_vec()).unwrap().replace("\r\n", "\n");
            prop_assert_eq!(convert(&pieces), expected.into_bytes());
        }
    }
}
