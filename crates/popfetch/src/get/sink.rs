//! Where the octets of a message go, and what is done to them on the way.

use std::io::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::file::{NewFile, cannot_write};
use crate::deliver::line_ends::LineEnds;
use crate::escape;
use crate::key::Sum;
use crate::report::{End, Output};
use crate::settings::LineEnd;

/// What was received.
pub(super) struct Got {
    /// As received.
    pub(super) octets: u64,
    pub(super) sum: Sum,
}

/// A line of which so much has come without an end is shown to a terminal as it is.
const LONGEST_LINE: usize = 8 * 1024;

/// Takes a message piece by piece.
pub(super) struct Sink<'a> {
    to: To<'a>,
    /// What turns CRLF into LF, unless the message is wanted as received.
    line_ends: LineEnds,
    piece: Vec<u8>,
    octets: u64,
    sha: Sha256,
}

enum To<'a> {
    File(&'a mut NewFile, &'a Path),
    Output(&'a mut Output),
    /// Somebody looks at it. With the beginning of a line: a piece may end within a character.
    Terminal(&'a mut Output, Vec<u8>),
}

impl<'a> Sink<'a> {
    /// Into a file.
    pub(super) fn file(file: &'a mut NewFile, path: &'a Path, raw: bool) -> Self {
        Self::new(To::File(file, path), raw)
    }

    /// To standard output, where no control character reaches a terminal.
    pub(super) fn output(out: &'a mut Output, raw: bool) -> Self {
        match out.columns() {
            Some(_) => Self::new(To::Terminal(out, Vec::new()), raw),
            None => Self::new(To::Output(out), raw),
        }
    }

    fn new(to: To<'a>, raw: bool) -> Self {
        Self {
            to,
            line_ends: LineEnds::to(if raw { LineEnd::Keep } else { LineEnd::Lf }),
            piece: Vec::new(),
            octets: 0,
            sha: Sha256::new(),
        }
    }

    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), End> {
        self.octets += piece.len() as u64;
        self.sha.update(piece);
        self.piece.clear();
        self.piece.extend_from_slice(piece);
        let to = &mut self.to;
        self.line_ends
            .convert(&mut self.piece, |octets| to.write(octets))
    }

    /// The message is whole.
    pub(super) fn finish(mut self) -> Result<Got, End> {
        let to = &mut self.to;
        self.line_ends.finish(|octets| to.write(octets))?;
        self.to.finish()?;
        Ok(Got {
            octets: self.octets,
            sum: self.sha.finalize().into(),
        })
    }
}

impl To<'_> {
    fn write(&mut self, octets: &[u8]) -> Result<(), End> {
        match self {
            Self::File(file, path) => {
                Ok((file.file.write_all(octets)).map_err(|error| cannot_write(path, &error))?)
            }
            Self::Output(out) => out.octets(octets),
            Self::Terminal(out, line) => {
                for part in octets.split_inclusive(|&octet| octet == b'\n') {
                    line.extend_from_slice(part);
                    if part.ends_with(b"\n") {
                        out.octets(&harmless(line))?;
                        line.clear();
                    } else if line.len() > LONGEST_LINE {
                        out.octets(escape::octets(line).to_string().as_bytes())?;
                        line.clear();
                    }
                }
                Ok(())
            }
        }
    }

    fn finish(&mut self) -> Result<(), End> {
        match self {
            Self::Terminal(out, line) if !line.is_empty() => out.octets(&harmless(line)),
            _ => Ok(()),
        }
    }
}

/// A line for a terminal, where only its end and tabs do something.
fn harmless(line: &[u8]) -> Vec<u8> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let parts: Vec<String> = (line.split(|&octet| octet == b'\t'))
        .map(|part| escape::octets(part).to_string())
        .collect();
    let mut shown = parts.join("\t").into_bytes();
    shown.push(b'\n');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a14_a_message_on_a_terminal_moves_nothing() {
        assert_eq!(
            harmless("a\tb\x1b[2J \u{202e}é\r\n".as_bytes()),
            "a\tb\\x1b[2J \\u{202e}é\n".as_bytes()
        );
        assert_eq!(harmless(b"\xff\r\r"), b"\\xff\\x0d\n");
    }
}
