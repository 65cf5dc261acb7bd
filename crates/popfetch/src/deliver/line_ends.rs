//! Line ends as they are received to those that are wanted.

use crate::settings::LineEnd;

/// Changes line ends and leaves every other octet alone: a bare CR, NUL, 8-bit, a missing last
/// line end; to LF also a bare LF, and to CRLF a CR that has its LF.
///
/// What a CR at the end of a piece is, only the next piece tells.
#[derive(Debug)]
pub(crate) struct LineEnds {
    wanted: LineEnd,
    /// Whether the octet before was a CR. To LF it is still to be written then.
    after_cr: bool,
    /// Where a piece grows.
    longer: Vec<u8>,
}

impl LineEnds {
    pub(crate) fn to(wanted: LineEnd) -> Self {
        Self {
            wanted,
            after_cr: false,
            longer: Vec::new(),
        }
    }

    /// Converts the next piece, whose octets are overwritten, and gives the result to `out`.
    pub(crate) fn convert<E>(
        &mut self,
        piece: &mut [u8],
        mut out: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(&first) = piece.first() else {
            return Ok(());
        };
        let after_cr = self.after_cr;
        self.after_cr = piece.last() == Some(&b'\r');
        match self.wanted {
            LineEnd::Keep => out(piece),
            LineEnd::CrLf => out(lengthen(piece, after_cr, &mut self.longer)),
            LineEnd::Lf => {
                if after_cr && first != b'\n' {
                    out(b"\r")?;
                }
                let end = piece.len() - usize::from(self.after_cr);
                let length = squeeze(&mut piece[..end]);
                if length == 0 {
                    return Ok(());
                }
                out(&piece[..length])
            }
        }
    }

    /// Ends the message.
    pub(crate) fn finish<E>(
        &mut self,
        mut out: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if std::mem::take(&mut self.after_cr) && self.wanted == LineEnd::Lf {
            return out(b"\r");
        }
        Ok(())
    }
}

/// Puts a CR before each LF that has none. The result is `octets` itself if they all have one.
fn lengthen<'a>(octets: &'a [u8], mut after_cr: bool, longer: &'a mut Vec<u8>) -> &'a [u8] {
    longer.clear();
    let mut start = 0;
    for at in memchr::memchr_iter(b'\n', octets) {
        if at > 0 {
            after_cr = octets[at - 1] == b'\r';
        }
        if !after_cr {
            longer.extend_from_slice(&octets[start..at]);
            longer.push(b'\r');
            start = at;
        }
    }
    if longer.is_empty() {
        return octets;
    }
    longer.extend_from_slice(&octets[start..]);
    longer
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
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::deliver::tests::sample::pieces;

    fn convert(wanted: LineEnd, pieces: &[&[u8]]) -> Vec<u8> {
        let mut line_ends = LineEnds::to(wanted);
        let mut out = Vec::new();
        let mut sink = |octets: &[u8]| {
            out.extend_from_slice(octets);
            Ok::<(), Infallible>(())
        };
        for piece in pieces {
            let Ok(()) = line_ends.convert(&mut piece.to_vec(), &mut sink);
        }
        let Ok(()) = line_ends.finish(&mut sink);
        out
    }

    #[test]
    fn only_line_ends_change() {
        for (input, lf, crlf) in [
            ("a\r\nb\r\n", "a\nb\n", "a\r\nb\r\n"),
            ("no end", "no end", "no end"),
            ("bare\rcr", "bare\rcr", "bare\rcr"),
            ("bare\nlf\r\n", "bare\nlf\n", "bare\r\nlf\r\n"),
            ("\n", "\n", "\r\n"),
            ("\r\r\n", "\r\n", "\r\r\n"),
            ("\r\n\r\n", "\n\n", "\r\n\r\n"),
            ("ends in cr\r", "ends in cr\r", "ends in cr\r"),
            ("\0\u{ff}\r\n", "\0\u{ff}\n", "\0\u{ff}\r\n"),
            ("", "", ""),
        ] {
            let to = |wanted| convert(wanted, &[input.as_bytes()]);
            assert_eq!(to(LineEnd::Lf), lf.as_bytes(), "{input:?}");
            assert_eq!(to(LineEnd::CrLf), crlf.as_bytes(), "{input:?}");
            assert_eq!(to(LineEnd::Keep), input.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn wherever_it_is_cut(input in "(\r|\n|\r\n|a|\0){0,40}", cuts: Vec<prop::sample::Index>) {
            let octets = input.as_bytes();
            let pieces = pieces(octets, &cuts);
            let lf = input.replace("\r\n", "\n");
            // A CRLF hides from the second replacement behind what no input contains.
            let crlf = input.replace("\r\n", "\u{1}").replace('\n', "\u{1}");
            prop_assert_eq!(convert(LineEnd::Lf, &pieces), lf.into_bytes());
            prop_assert_eq!(
                convert(LineEnd::CrLf, &pieces),
                crlf.replace('\u{1}', "\r\n").into_bytes()
            );
            prop_assert_eq!(convert(LineEnd::Keep, &pieces), octets);
        }
    }
}
