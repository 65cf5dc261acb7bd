//! Messages on their way to targets that must have them whole: in a temporary file without a
//! name, so that a message of any size needs no more memory than a piece of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::failure::{Failure, Status};

/// How many octets are read at once.
const PIECE: usize = 128 * 1024;

/// A part of a temporary file that holds a message.
#[derive(Clone, Debug)]
pub(crate) struct Spooled {
    file: Arc<File>,
    start: u64,
    length: u64,
}

impl Spooled {
    /// Begins a message behind `before`, or in a new file.
    ///
    /// # Errors
    /// [`Status::CannotCreate`] when there can be no temporary file.
    pub(crate) fn begin(before: Option<&Self>) -> Result<Self, Failure> {
        if let Some(before) = before {
            return Ok(Self {
                file: Arc::clone(&before.file),
                start: before.start + before.length,
                length: 0,
            });
        }
        let file =
            tempfile::tempfile().map_err(|error| failure(Status::CannotCreate, "make", &error))?;
        Ok(Self {
            file: Arc::new(file),
            start: 0,
            length: 0,
        })
    }

    /// Appends to the message.
    pub(crate) fn write(&mut self, octets: &[u8]) -> Result<(), Failure> {
        self.file
            .write_all_at(octets, self.start + self.length)
            .map_err(|error| failure(Status::InputOutput, "write", &error))?;
        self.length += octets.len() as u64;
        Ok(())
    }

    /// The first octets, at most so many.
    pub(crate) fn head(&self, most: u64) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.length.min(most)).unwrap_or(usize::MAX);
        let mut head = vec![0; length];
        self.file.read_exact_at(&mut head, self.start)?;
        Ok(head)
    }

    /// The whole message, piece by piece.
    pub(crate) fn pieces(&self) -> Pieces<'_> {
        Pieces {
            spooled: self,
            offset: 0,
            buffer: Vec::new(),
        }
    }
}

/// A message in pieces.
pub(crate) struct Pieces<'a> {
    spooled: &'a Spooled,
    offset: u64,
    buffer: Vec<u8>,
}

impl Pieces<'_> {
    /// The next piece, which the caller may change; `None` behind the last.
    pub(crate) fn next(&mut self) -> io::Result<Option<&mut [u8]>> {
        let left = self.spooled.length - self.offset;
        let length = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        self.buffer.resize(length, 0);
        let start = self.spooled.start + self.offset;
        self.spooled.file.read_exact_at(&mut self.buffer, start)?;
        self.offset += length as u64;
        Ok((length > 0).then_some(&mut self.buffer))
    }
}

fn failure(status: Status, verb: &str, error: &io::Error) -> Failure {
    let directory = std::env::temp_dir();
    Failure::new(
        status,
        format!(
            "could not {verb} a temporary file in {}: {error}",
            directory.display()
        ),
    )
    .hint("make room there, or set TMPDIR to a directory that has some")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stand_behind_each_other_and_come_back_whole() {
        let mut one = Spooled::begin(None).unwrap();
        let content = vec![b'x'; PIECE + 7];
        one.write(&content[..10]).unwrap();
        one.write(&content[10..]).unwrap();
        let mut two = Spooled::begin(Some(&one)).unwrap();
        two.write(b"two").unwrap();

        let mut pieces = one.pieces();
        assert_eq!(pieces.next().unwrap().unwrap().len(), PIECE);
        assert_eq!(pieces.next().unwrap().unwrap(), b"xxxxxxx");
        assert!(pieces.next().unwrap().is_none());
        assert_eq!(two.pieces().next().unwrap().unwrap(), b"two");
        assert_eq!(two.head(2).unwrap(), b"tw");
        assert_eq!(two.head(9).unwrap(), b"two");
        let empty = Spooled::begin(Some(&two)).unwrap();
        assert!(empty.pieces().next().unwrap().is_none());
    }
}
