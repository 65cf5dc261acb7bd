//! What the client sends, cut into lines.

use memchr::memchr;

/// Octets asked for in one read.
const READ_OCTETS: usize = 64 * 1024;

#[derive(Default)]
pub(crate) struct Input {
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Within a line that is too long and already answered.
    skipping: bool,
}

/// What [`Input::take_line`] found.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Taken {
    /// A line, without its end.
    Line(Vec<u8>),
    /// More octets than a line may have.
    TooLong,
    /// No whole line yet.
    Nothing,
}

impl Input {
    /// Takes the next line; at most `limit` octets with its CRLF, or with a bare LF, which is
    /// accepted.
    pub(crate) fn take_line(&mut self, limit: usize) -> Taken {
        loop {
            let rest = &self.buffer[self.start..];
            let Some(line_feed) = memchr(b'\n', rest) else {
                return self.no_line(limit);
            };
            let octets = line_feed + 1;
            let line = rest[..line_feed]
                .strip_suffix(b"\r")
                .unwrap_or(&rest[..line_feed]);
            let line = (octets <= limit).then(|| line.to_vec());
            self.start += octets;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            return line.map_or(Taken::TooLong, Taken::Line);
        }
    }

    fn no_line(&mut self, limit: usize) -> Taken {
        let octets = self.buffer.len() - self.start;
        if octets < limit && !self.skipping {
            return Taken::Nothing;
        }
        self.clear();
        match std::mem::replace(&mut self.skipping, true) {
            true => Taken::Nothing,
            false => Taken::TooLong,
        }
    }

    /// Whether a whole line is waiting.
    pub(crate) fn has_line(&self) -> bool {
        memchr(b'\n', &self.buffer[self.start..]).is_some()
    }

    /// How many octets were received and not taken.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn waiting(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Forgets everything received and not taken.
    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
        self.start = 0;
    }

    /// Appends what `read` reads; returns the new octets, none at the end of the stream.
    pub(crate) fn fill(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> std::io::Result<usize>,
    ) -> std::io::Result<&[u8]> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let before = self.buffer.len();
        self.buffer.resize(before + READ_OCTETS, 0);
        let octets = read(&mut self.buffer[before..]);
        self.buffer
            .truncate(before + *octets.as_ref().unwrap_or(&0));
        octets.map(|_| &self.buffer[before..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(octets: &[u8]) -> Input {
        Input {
            buffer: octets.to_vec(),
            ..Input::default()
        }
    }

    #[test]
    fn lines_end_in_crlf_or_lf() {
        let mut input = input(b"STAT\r\nNOOP\n\nQUI");
        assert_eq!(input.take_line(255), Taken::Line(b"STAT".to_vec()));
        assert_eq!(input.take_line(255), Taken::Line(b"NOOP".to_vec()));
        assert_eq!(input.take_line(255), Taken::Line(b"".to_vec()));
        assert!(!input.has_line());
        assert_eq!(input.take_line(255), Taken::Nothing);
    }

    #[test]
    fn p01_a_line_of_255_octets_passes_and_one_of_256_does_not() {
        let mut longest = vec![b'x'; 253];
        longest.extend_from_slice(b"\r\n");
        assert!(matches!(input(&longest).take_line(255), Taken::Line(_)));
        longest.insert(0, b'x');
        longest.extend_from_slice(b"NOOP\r\n");
        let mut input = input(&longest);
        assert_eq!(input.take_line(255), Taken::TooLong);
        assert_eq!(input.take_line(255), Taken::Line(b"NOOP".to_vec()));
    }

    #[test]
    fn an_endless_line_is_answered_once_and_not_kept() {
        let mut input = input(&[b'x'; 300]);
        assert_eq!(input.take_line(255), Taken::TooLong);
        assert_eq!(input.take_line(255), Taken::Nothing);
        input
            .fill(|buffer| {
                buffer[..9].copy_from_slice(b"xx\r\nNOOP\n");
                Ok(9)
            })
            .unwrap();
        assert_eq!(input.take_line(255), Taken::Line(b"NOOP".to_vec()));
    }
}
