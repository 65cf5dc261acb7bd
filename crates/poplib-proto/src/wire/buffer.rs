//! The two buffers of a connection.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use zeroize::{Zeroize, Zeroizing};

/// Octets received and not yet understood.
///
/// The memory is allocated once. What has been taken stays in place until the next
/// [`space`](Receive::space), so a taken range can still be looked at.
pub(crate) struct Receive {
    memory: Vec<u8>,
    start: usize,
    end: usize,
    /// Octets from `start` on that are known to hold no line feed.
    scanned: usize,
}

/// A line found in the receive buffer: its place without the line end, and what the end was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) range: Range<usize>,
    pub(crate) bare_lf: bool,
    /// Octets on the wire, line end included.
    pub(crate) octets: usize,
}

impl Receive {
    pub(crate) fn new(size: usize) -> Self {
        Self {
            memory: vec![0; size],
            start: 0,
            end: 0,
            scanned: 0,
        }
    }

    /// Room for the next read; never empty while everything complete is taken first.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.memory.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.memory[self.end..]
    }

    /// Marks `octets` of the space as filled by a read.
    pub(crate) fn filled(&mut self, octets: usize) {
        self.end = (self.end + octets).min(self.memory.len());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn is_full(&self) -> bool {
        self.end - self.start == self.memory.len()
    }

    /// All that waits.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// What was taken as `range`.
    #[inline]
    pub(crate) fn slice(&self, range: Range<usize>) -> &[u8] {
        &self.memory[range]
    }

    /// Takes `octets` from the front and tells where they lie.
    pub(crate) fn take(&mut self, octets: usize) -> Range<usize> {
        let from = self.start;
        self.start += octets;
        self.scanned = 0;
        from..self.start
    }

    /// Takes the next whole line, if it has arrived.
    pub(crate) fn take_line(&mut self) -> Option<Line> {
        let waiting = self.waiting();
        let Some(found) = memchr::memchr(b'\n', &waiting[self.scanned..]) else {
            self.scanned = waiting.len();
            return None;
        };
        let content = self.scanned + found;
        let bare_lf = content == 0 || waiting[content - 1] != b'\r';
        let taken = self.take(content + 1);
        let line_end = if bare_lf { 1 } else { 2 };
        Some(Line {
            octets: taken.len(),
            range: taken.start..taken.end - line_end,
            bare_lf,
        })
    }

    pub(crate) fn clear(&mut self) {
        self.memory.zeroize();
        self.memory.resize(self.memory.capacity(), 0);
        self.start = 0;
        self.end = 0;
        self.scanned = 0;
    }
}

/// Octets to send. They are wiped as soon as they are sent, for they may hold a password.
#[derive(Default)]
pub(crate) struct Transmit {
    memory: Zeroizing<Vec<u8>>,
    sent: usize,
}

impl Transmit {
    pub(crate) fn push(&mut self, octets: &[u8]) {
        if self.memory.capacity() - self.memory.len() < octets.len() {
            // A Vec that grows by itself leaves its old memory behind unwiped.
            let waiting = self.waiting().len();
            let mut larger = Vec::with_capacity((2 * (waiting + octets.len())).max(512));
            larger.extend_from_slice(self.waiting());
            self.memory = Zeroizing::new(larger);
            self.sent = 0;
        }
        self.memory.extend_from_slice(octets);
    }

    pub(crate) fn waiting(&self) -> &[u8] {
        &self.memory[self.sent..]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    pub(crate) fn advance(&mut self, octets: usize) {
        self.sent = (self.sent + octets).min(self.memory.len());
        if self.is_empty() {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        // Wipes the content and keeps the allocation.
        self.memory.as_mut_slice().zeroize();
        self.memory.clear();
        self.sent = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut Receive, octets: &[u8]) {
        buffer.space()[..octets.len()].copy_from_slice(octets);
        buffer.filled(octets.len());
    }

    #[test]
    fn lines_are_taken_whole_and_keep_odd_carriage_returns() {
        let mut buffer = Receive::new(64);
        fill(&mut buffer, b"+OK\r");
        assert_eq!(buffer.take_line(), None);
        fill(&mut buffer, b"\nbare\n\nx\r\r\nrest");
        let mut lines = Vec::new();
        while let Some(line) = buffer.take_line() {
            lines.push((buffer.slice(line.range.clone()).to_vec(), line.bare_lf));
        }
        assert_eq!(
            lines,
            [
                (b"+OK".to_vec(), false),
                (b"bare".to_vec(), true),
                (b"".to_vec(), true),
                (b"x\r".to_vec(), false),
            ]
        );
        assert_eq!(buffer.waiting(), b"rest");
    }

    #[test]
    fn what_was_taken_is_room() {
        let mut buffer = Receive::new(16);
        fill(&mut buffer, b"0123456789ab");
        assert_eq!(buffer.take(4), 0..4);
        assert!(!buffer.is_full());
        assert_eq!(buffer.space().len(), 8);
    }

    #[test]
    fn clearing_keeps_the_space() {
        let mut buffer = Receive::new(16);
        fill(&mut buffer, b"0123456789abcdef");
        assert!(buffer.is_full());
        buffer.clear();
        assert!(buffer.is_empty());
        assert_eq!(buffer.space(), [0; 16]);
    }

    #[test]
    fn a13_what_was_sent_is_wiped() {
        let mut transmit = Transmit::default();
        transmit.push(b"PASS sentinel\r\n");
        transmit.advance(5);
        assert_eq!(transmit.waiting(), b"sentinel\r\n");
        transmit.push(&[b'x'; 2000]);
        transmit.advance(usize::MAX);
        assert!(transmit.is_empty());
        // Nothing is kept but the room.
        assert!(transmit.memory.is_empty());
        assert!(transmit.memory.capacity() >= 2000);
    }

    #[test]
    fn a13_no_memory_is_left_behind_unwiped_by_growing() {
        let mut transmit = Transmit::default();
        transmit.push(b"PASS sentinel\r\n");
        assert_eq!(transmit.memory.capacity(), 512);
        transmit.push(&[b'x'; 497]);
        assert_eq!(transmit.memory.capacity(), 512);
        transmit.advance(12);
        // A Vec that grew by itself would double its room.
        transmit.push(&[b'y'; 100]);
        assert_eq!(transmit.memory.capacity(), 2 * (500 + 100));
        assert_eq!(transmit.waiting().len(), 600);
    }
}
