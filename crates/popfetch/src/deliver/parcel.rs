//! What travels from the session to the disk at once: octets of messages in a row, and where
//! among them messages begin and end.

use super::Ticket;

/// How many octets travel together at most,
const OCTETS: usize = 128 * 1024;
/// and how many marks, so that empty messages cannot flood the queue.
const MARKS: usize = 512;

/// What happens to a message.
pub(super) enum Mark {
    /// It begins; the octets that follow are its own.
    Begin(Ticket),
    /// It is whole.
    End,
}

#[derive(Default)]
pub(super) struct Parcel {
    octets: Vec<u8>,
    /// Each with the number of octets before it.
    marks: Vec<(usize, Mark)>,
}

impl Parcel {
    /// Whether a message begins or ends in it.
    pub(super) fn has_marks(&self) -> bool {
        !self.marks.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.octets.len() == OCTETS || self.marks.len() >= MARKS
    }

    /// Takes as many of these octets as there is room for, and leaves the others.
    pub(super) fn fill(&mut self, octets: &mut &[u8]) {
        self.octets.reserve_exact(OCTETS - self.octets.len());
        let (now, later) = octets.split_at(octets.len().min(OCTETS - self.octets.len()));
        self.octets.extend_from_slice(now);
        *octets = later;
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        self.marks.push((self.octets.len(), mark));
    }

    /// Takes everything out in order: octets, which may be overwritten, and marks.
    pub(super) fn unpack<E>(
        &mut self,
        mut each: impl FnMut(Content<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut begin = 0;
        for (end, mark) in self.marks.drain(..) {
            if begin < end {
                each(Content::Octets(&mut self.octets[begin..end]))?;
            }
            each(Content::Mark(mark))?;
            begin = end;
        }
        if begin < self.octets.len() {
            each(Content::Octets(&mut self.octets[begin..]))?;
        }
        self.octets.clear();
        Ok(())
    }
}

/// What is in a parcel.
pub(super) enum Content<'a> {
    /// Some of the message that was begun last.
    Octets(&'a mut [u8]),
    Mark(Mark),
}
