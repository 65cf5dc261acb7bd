//! A message on its way out: limited to what TOP asks for, byte-stuffed, terminated.

use std::io::{self, BufRead, Read};

use memchr::{memchr, memmem};

use crate::response::Body;

/// The body of an answer to RETR or TOP.
pub(crate) struct Message {
    content: Box<dyn BufRead + Send>,
    stuffing: Stuffing,
    end: End,
    /// The last two octets of the content; a message begins as if a line had just ended.
    last: [u8; 2],
}

/// Which lines that begin with a dot get another.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Stuffing {
    /// RFC 1939 §3.
    #[default]
    All,
    /// Only those that would end the answer.
    LoneDots,
    None,
}

/// How the terminating line follows the last line.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum End {
    #[default]
    OnItsOwnLine,
    /// Right behind the last line's last octet, in the place of its CRLF.
    Glued,
}

impl Message {
    pub(crate) fn new(content: Box<dyn BufRead + Send>, stuffing: Stuffing, end: End) -> Self {
        Self {
            content,
            stuffing,
            end,
            last: *b"\r\n",
        }
    }

    /// Appends `run`, which ends where the content's buffer does or earlier, with stuffing.
    fn stuff(&mut self, run: &[u8], output: &mut Vec<u8>) {
        if self.stuffing == Stuffing::None {
            output.extend_from_slice(run);
            return;
        }
        let mut copied = 0;
        if self.last == *b"\r\n" && run[0] == b'.' {
            self.stuff_dot(run, 0, output);
        } else if self.last[1] == b'\r' && run.starts_with(b"\n.") {
            copied = 1;
            output.push(b'\n');
            self.stuff_dot(run, 1, output);
        }
        for crlf in memmem::find_iter(run, b"\r\n.") {
            output.extend_from_slice(&run[copied..crlf + 2]);
            copied = crlf + 2;
            self.stuff_dot(run, copied, output);
        }
        output.extend_from_slice(&run[copied..]);
    }

    /// Puts the additional dot before the one at `at`.
    fn stuff_dot(&self, run: &[u8], at: usize, output: &mut Vec<u8>) {
        let rest = &run[at + 1..];
        // Where the run ends too early to tell, stuffing is the safe choice.
        let may_be_lone = rest.starts_with(b"\r\n") || rest.len() < 2;
        if self.stuffing == Stuffing::All || may_be_lone {
            output.push(b'.');
        }
    }

    fn remember(&mut self, run: &[u8]) {
        self.last = match run {
            [.., a, b] => [*a, *b],
            [b] => [self.last[1], *b],
            [] => self.last,
        };
    }

    fn terminate(&self, output: &mut Vec<u8>) {
        if self.last != *b"\r\n" {
            output.extend_from_slice(b"\r\n");
        }
        if self.end == End::Glued && output.ends_with(b"\r\n") {
            output.truncate(output.len() - 2);
        }
        output.extend_from_slice(b".\r\n");
    }
}

impl Body for Message {
    fn fill(&mut self, output: &mut Vec<u8>, size: usize) -> io::Result<bool> {
        // A run is stuffed whole before the next is asked for; it must not outgrow the buffer.
        let mut content = std::mem::replace(&mut self.content, Box::new(io::empty()));
        let mut more = true;
        while output.len() < size {
            let available = content.fill_buf()?;
            let run = &available[..available.len().min(size - output.len())];
            if run.is_empty() {
                self.terminate(output);
                more = false;
                break;
            }
            self.stuff(run, output);
            self.remember(run);
            let octets = run.len();
            content.consume(octets);
        }
        self.content = content;
        Ok(more)
    }
}

/// The header, the empty line and a number of lines of the body: what TOP sends.
pub(crate) struct Top<R> {
    content: R,
    in_header: bool,
    /// Body lines still to come.
    lines: u64,
    /// Whether the current line has had no octet but perhaps a CR.
    empty_line: bool,
}

impl<R: BufRead> Top<R> {
    pub(crate) fn new(content: R, lines: u64) -> Self {
        Self {
            content,
            in_header: true,
            lines,
            empty_line: true,
        }
    }

    fn ended(&self) -> bool {
        !self.in_header && self.lines == 0
    }
}

impl<R: BufRead> BufRead for Top<R> {
    /// One line at most, or a part of one.
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.ended() {
            return Ok(&[]);
        }
        let available = self.content.fill_buf()?;
        let line = memchr(b'\n', available).map_or(available.len(), |at| at + 1);
        Ok(&available[..line])
    }

    fn consume(&mut self, octets: usize) {
        let Ok(available) = self.content.fill_buf() else {
            return;
        };
        let run = &available[..octets.min(available.len())];
        self.empty_line &= run.iter().all(|octet| matches!(octet, b'\r' | b'\n'));
        if run.ends_with(b"\n") {
            if self.in_header {
                self.in_header = !self.empty_line;
            } else {
                self.lines -= 1;
            }
            self.empty_line = true;
        }
        self.content.consume(octets);
    }
}

impl<R: BufRead> Read for Top<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(parts: &[&[u8]], stuffing: Stuffing, end: End) -> String {
        let content = parts.concat();
        let split = parts[0].len();
        let content = io::Cursor::new(content[..split].to_vec())
            .chain(io::Cursor::new(content[split..].to_vec()));
        let mut body = Message::new(Box::new(content), stuffing, end);
        let mut output = Vec::new();
        while body.fill(&mut output, 1000).unwrap() {}
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn dots_are_stuffed_at_every_split() {
        let content = b".\r\n..\r\na.\r\n.b\r\n\r\n.";
        for split in 0..content.len() {
            let (a, b) = content.split_at(split);
            let wire = wire(&[a, b], Stuffing::All, End::OnItsOwnLine);
            assert_eq!(
                wire, "..\r\n...\r\na.\r\n..b\r\n\r\n..\r\n.\r\n",
                "split at {split}"
            );
        }
    }

    #[test]
    fn a_dot_after_a_bare_line_feed_is_content() {
        assert_eq!(
            wire(&[b"a\n.\nb"], Stuffing::All, End::OnItsOwnLine),
            "a\n.\nb\r\n.\r\n"
        );
    }

    #[test]
    fn a_message_can_be_empty() {
        assert_eq!(wire(&[b""], Stuffing::All, End::OnItsOwnLine), ".\r\n");
    }

    #[test]
    fn stuffing_can_be_forgotten() {
        let content = [b".a\r\n.\r\n.bcd".as_slice()];
        assert_eq!(
            wire(&content, Stuffing::LoneDots, End::OnItsOwnLine),
            ".a\r\n..\r\n.bcd\r\n.\r\n"
        );
        assert_eq!(
            wire(&content, Stuffing::None, End::Glued),
            ".a\r\n.\r\n.bcd.\r\n"
        );
    }

    #[test]
    fn top_counts_the_lines_of_the_body() {
        let message = b"A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree";
        let top = |lines| {
            let mut taken = String::new();
            Top::new(message.as_slice(), lines)
                .read_to_string(&mut taken)
                .unwrap();
            taken
        };
        assert_eq!(top(0), "A: 1\r\nB: 2\r\n\r\n");
        assert_eq!(top(2), "A: 1\r\nB: 2\r\n\r\none\r\n\r\n");
        assert_eq!(top(9), String::from_utf8_lossy(message));
    }
}
