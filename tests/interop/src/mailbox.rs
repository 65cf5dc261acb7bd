use std::sync::Arc;

use crate::Random;

/// The octets of the smallest and of the largest message of [`Mailbox::mixed`].
const SMALLEST: usize = 400;
const LARGEST: usize = 20_000_000;

/// Messages as they lie on a server's disk (LF line ends, save where a test wants otherwise),
/// made when they are asked for: a clone and the thousandth message cost nothing until then.
#[derive(Clone, Debug)]
pub struct Mailbox(Contents);

#[derive(Clone, Debug)]
enum Contents {
    Mixed { seed: u64, messages: usize },
    Fixed(Arc<[Vec<u8>]>),
}

impl Mailbox {
    /// `messages` messages of 400 octets to 20 MB, mostly small, in each of them one of the things
    /// that break mail clients. The same seed gives the same octets for ever.
    #[must_use]
    pub fn mixed(seed: u64, messages: usize) -> Self {
        Self(Contents::Mixed { seed, messages })
    }

    /// Small messages that break nothing, for servers that accept no others.
    #[must_use]
    pub fn ordinary(messages: usize) -> Self {
        let mut random = Random::new(0);
        // Counted so that each ends with a newline.
        Self::of((0..messages).map(|index| message(index * 51 + 1, 0, SMALLEST, &mut random)))
    }

    /// [`Mailbox::oddities`] without their names.
    #[must_use]
    pub fn nasty() -> Self {
        Self::of(Self::oddities().map(|(_, message)| message))
    }

    /// One small message for each thing that breaks mail clients, and some that are nothing but
    /// that thing, by its name. None begins with a line that is only a dot: Dovecot 2.3 does not
    /// stuff the first octet of a message, so that no client can fetch it from there.
    pub fn oddities() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        let mut random = Random::new(0);
        let whole = WHOLE
            .iter()
            .map(|(name, message)| (*name, message.to_vec()));
        let with_header = ODDITIES
            .iter()
            .enumerate()
            .map(move |(index, (name, _))| (*name, message(index, index, SMALLEST, &mut random)));
        let long_line = [
            &b"Subject: a line of a million octets\n\n"[..],
            &[b'x'; 1_000_000],
        ]
        .concat();
        let long_line = ("a line of a million octets", long_line);
        whole.chain(with_header).chain([long_line])
    }

    /// A message of 20 MB: lines as those of an attachment, and among them some that begin with a
    /// dot and tell where they are.
    #[must_use]
    pub fn large() -> Vec<u8> {
        let mut message = b"Subject: 20 MB\n\n".to_vec();
        while message.len() < LARGEST {
            message.extend(format!(".{}\n", message.len()).into_bytes());
            message.extend_from_slice(&ATTACHED.repeat(20));
        }
        message
    }

    /// These messages.
    #[must_use]
    pub fn of(messages: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(Contents::Fixed(messages.into_iter().collect()))
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Contents::Mixed { messages, .. } => *messages,
            Contents::Fixed(messages) => messages.len(),
        }
    }

    /// Whether there is no message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The messages in the order of their message numbers.
    pub fn messages(&self) -> impl Iterator<Item = Vec<u8>> {
        (0..self.len()).map(|index| match &self.0 {
            Contents::Mixed { seed, messages } => mixed_message(*seed, *messages, index),
            Contents::Fixed(messages) => messages[index].clone(),
        })
    }
}

fn mixed_message(seed: u64, messages: usize, index: usize) -> Vec<u8> {
    let mut random = Random::new(seed ^ (index as u64) << 32);
    let octets = match index {
        0 => SMALLEST,
        _ if index == messages / 2 => LARGEST,
        _ => match random.below(100) {
            0 => random.between(500_000, 5_000_000),
            1..10 => random.between(20_000, 500_000),
            _ => random.between(SMALLEST, 20_000),
        },
    };
    message(index, index % ODDITIES.len(), octets, &mut random)
}

/// Messages that are nothing but what breaks mail clients.
const WHOLE: &[(&str, &[u8])] = &[
    ("an empty message", b""),
    ("an empty message", b"\n"),
    ("an empty message", b"\n\n"),
    ("bare CR", b"\r"),
    ("NUL", b"\0"),
    ("no body", b"Subject: no body\n"),
    ("a dot as the first octet", b".: the first octet\n"),
];

/// Things that break mail clients, each put between the header and the text.
const ODDITIES: &[(&str, &[u8])] = &[
    ("no line end at the end", b""),
    ("dots at the beginnings of lines", b".\n"),
    ("dots at the beginnings of lines", b"..\n...\n. \n.x\n. .\n"),
    ("dots at the beginnings of lines", b"\n\n.\n\n.\n\n"),
    ("NUL", b"nul \0 and \0\0 and \x01\x7f\x1b[2J\n"),
    ("bare CR", b"bare \r carriage \r\r returns\r\r\n.\r.\n"),
    ("CR LF and LF", b"CRLF on the disk\r\n.\r\nand LF\n.\n"),
    (
        "8-bit text",
        b"8-bit: Gr\xc3\xbc\xc3\x9fe, latin1 gr\xfc\xdfe, cut \xe2\x82\n\xff\xfe\n",
    ),
    (
        "lines that begin with From",
        b"From the first column\n>From quoted\n",
    ),
    (
        "lines that look like replies",
        b"+OK not a reply\n-ERR nor this\nQUIT\n",
    ),
    ("lines of 3,000 octets", LONG_LINES),
];

const LONG_LINES: &[u8] = &{
    let mut lines = [b'.'; 6_002];
    let mut at = 0;
    while at < 3_000 {
        lines[at] = b'x';
        at += 1;
    }
    lines[3_000] = b'\n';
    lines[6_001] = b'\n';
    lines
};

/// A message of exactly `octets` octets, or a little more where its oddity is longer. Every third
/// ends without a newline, every seventeenth with a line that is only a dot.
fn message(index: usize, oddity: usize, octets: usize, random: &mut Random) -> Vec<u8> {
    let mut message = format!(
        "From: Sender {index} <sender{index}@example.org>\n\
         To: alice@example.org\n\
         Subject: message {index} of the test =?UTF-8?Q?=C3=A4?=\n\
         Date: Sun, 22 Nov 2026 10:00:00 +0000\n\
         Message-ID: <{index}.{:016x}@example.org>\n\n",
        random.next()
    )
    .into_bytes();
    message.extend_from_slice(ODDITIES[oddity].1);
    let ending: &[u8] = match index {
        _ if index.is_multiple_of(17) => b"\n.",
        _ if index.is_multiple_of(3) => b"",
        _ => b"\n",
    };
    let text_end = octets.saturating_sub(ending.len());
    while message.len() < text_end {
        let line = LINES[random.below(LINES.len())];
        let room = text_end - message.len();
        message.extend_from_slice(&line[..line.len().min(room)]);
    }
    if message.last() == Some(&b'\n') && !ending.is_empty() {
        message.pop();
    }
    message.extend_from_slice(ending);
    message
}

const ATTACHED: &[u8] =
    b"TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBieSB0aGlz\n";

const LINES: &[&[u8]] = &[
    b"Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy eir\n",
    ATTACHED,
    b".a dotted line\n",
    b"\n",
    b"short\n",
    b"=C3=BCber\xc3\xbcber =\n",
    b"    indented, with blanks at the end   \n",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_messages_have_their_sizes_and_are_the_same_again() {
        let mailbox = Mailbox::mixed(7, 40);
        let octets: Vec<usize> = mailbox.messages().map(|message| message.len()).collect();
        assert_eq!(octets[0], SMALLEST);
        assert_eq!(octets[20], LARGEST);
        assert!(
            octets
                .iter()
                .all(|octets| (SMALLEST..=LARGEST).contains(octets))
        );
        assert!(mailbox.messages().eq(mailbox.clone().messages()));
        let other: Vec<usize> = Mailbox::mixed(8, 40).messages().map(|m| m.len()).collect();
        assert_ne!(octets, other);
    }

    #[test]
    fn no_two_messages_are_alike() {
        for mailbox in [Mailbox::mixed(1, 40), Mailbox::nasty()] {
            let mut messages: Vec<Vec<u8>> = mailbox.messages().collect();
            messages.sort_unstable();
            messages.dedup();
            assert_eq!(messages.len(), mailbox.len());
        }
    }
}
