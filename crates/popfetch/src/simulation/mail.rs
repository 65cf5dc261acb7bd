//! A message, as it was sent, and what servers make of it.

use super::random::Random;

/// A message at a server.
#[derive(Clone, Debug)]
pub(super) struct Mail {
    /// Which one it is of all that there ever were.
    pub(super) number: usize,
    /// Its unique-id at the moment.
    pub(super) unique_id: String,
    pub(super) content: Vec<u8>,
    pub(super) has_message_id: bool,
    /// How often RETR may be refused.
    pub(super) refusals: u32,
    /// RETR was asked for it.
    pub(super) is_asked: bool,
    /// The server has noted that it was read.
    pub(super) is_read: bool,
    /// The server confirmed that it deleted it, and did not.
    pub(super) is_denied: bool,
}

const STATUS: &[u8] = b"Status: ";
const STAMP: &[u8] = b"X-Scanned-At: ";

/// Messages have at least so many octets, and
const LEAST: usize = 160;
/// so many more for each step.
const STEP: usize = 64;

impl Mail {
    /// One that is larger than the smallest by so many [`STEP`]s.
    pub(super) fn new(
        number: usize,
        unique_id: String,
        has_message_id: bool,
        steps: usize,
        random: &mut Random,
    ) -> Self {
        let has_parts = random.once_in(3);
        let mut text = format!("Number: {number}\r\n");
        if has_message_id {
            text += &format!("Message-ID: <{number}@simulated.example>\r\n");
        }
        if has_parts {
            text += &format!("Content-Type: multipart/mixed; boundary=b{number}\r\n");
        }
        text += "\r\n";
        if has_parts {
            text += &format!("--b{number}\r\n\r\n");
        }
        let end = match has_parts {
            true => format!("end of {number}\r\n--b{number}--\r\n"),
            false => format!("end of {number}\r\n"),
        };
        let mut left = (LEAST + steps * STEP).saturating_sub(text.len() + end.len());
        while left > 0 {
            let line = left.min(2 + 10 + number % 50);
            text += &"x".repeat(line.saturating_sub(2));
            text += "\r\n";
            left = left.saturating_sub(line);
        }
        Self {
            number,
            unique_id,
            content: (text + &end).into_bytes(),
            has_message_id,
            refusals: 2,
            is_asked: false,
            is_read: false,
            is_denied: false,
        }
    }

    pub(super) fn title(&self) -> String {
        let line = self.content.split(|&octet| octet == b'\r').next();
        String::from_utf8_lossy(line.unwrap_or_default()).into_owned()
    }

    /// With what servers note that a message was read by.
    pub(super) fn with_status(&self) -> Vec<u8> {
        let end = self.header().len();
        let (header, rest) = self.content.split_at(end);
        [header, STATUS, b"RO\r\n", rest].concat()
    }

    /// With what a scanner puts on top.
    pub(super) fn with_stamp(&self, stamp: usize) -> Vec<u8> {
        let stamp = format!("{stamp:04}\r\n");
        [STAMP, stamp.as_bytes(), &self.content].concat()
    }

    /// Its header without the line behind it.
    fn header(&self) -> &[u8] {
        let end = memchr::memmem::find(&self.content, b"\r\n\r\n");
        &self.content[..end.map_or(0, |end| end + 2)]
    }

    /// Whether the text of this message shows by itself that its end is missing.
    pub(super) fn is_open(&self, text: &[u8]) -> bool {
        let has = |what: &[u8]| memchr::memmem::find(text, what).is_some();
        let closing = format!("\r\n--b{}--\r\n", self.number);
        let has_parts = memchr::memmem::find(&self.content, closing.as_bytes()).is_some();
        !has(b"\r\n\r\n") || has_parts && !has(closing.as_bytes())
    }

    /// Whether a text in a target is the whole message, apart from what servers write into it.
    pub(super) fn is_whole_in(&self, stored: &[u8]) -> bool {
        let mut lines = self.content.split_inclusive(|&octet| octet == b'\n');
        let is_sent = |line: &&[u8]| !line.starts_with(STATUS) && !line.starts_with(STAMP);
        let stored = stored.split_inclusive(|&octet| octet == b'\n');
        (stored.filter(is_sent)).all(|line| lines.next().is_some_and(|sent| is_equal(sent, line)))
            && lines.next().is_none()
    }
}

/// Which message a text in a target is of, if it says so.
pub(super) fn number_in(stored: &[u8]) -> Option<usize> {
    let mut lines = stored.split(|&octet| octet == b'\n');
    let number = lines.find_map(|line| line.strip_prefix(b"Number: "))?;
    std::str::from_utf8(number).ok()?.trim().parse().ok()
}

/// Whether a line is in a target as it was sent.
fn is_equal(sent: &[u8], stored: &[u8]) -> bool {
    sent.strip_suffix(b"\r\n") == stored.strip_suffix(b"\n")
}

/// As targets have a text.
pub(super) fn stored(text: &[u8]) -> Vec<u8> {
    let octets = text.iter().copied();
    octets.filter(|&octet| octet != b'\r').collect()
}
