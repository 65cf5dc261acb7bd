//! Messages made while they are sent.

use std::io::{self, BufRead, Read};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::kept::Catalogue;

/// Octets of a line of body text with its CRLF.
const LINE: usize = 78;
/// Lines of the text that all bodies are cut from.
const LINES: usize = 1680;
/// One line in so many begins with a dot.
const DOT_LINE_EVERY: usize = 420;

/// A mailbox made from a seed: the same seed gives the same messages on every machine.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Chooses sizes, bodies and unique-ids.
    pub seed: u64,
    /// How many messages.
    pub messages: u64,
    /// How large they are.
    pub octets: Octets,
}

impl Generated {
    /// The messages one after the other, with CRLF line ends and without byte-stuffing: what a
    /// client that has fetched them all can be compared with.
    pub fn contents(&self) -> impl Iterator<Item = Box<dyn BufRead + Send>> + use<> {
        let generator = Generator::new(self.clone());
        (0..self.messages).map(move |index| generator.content(index))
    }
}

/// The sizes of generated messages in octets, line ends as CRLF.
///
/// A message is never smaller than its header, about 200 octets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Octets {
    /// All the same.
    Exactly(u64),
    /// Each size in the range is as likely as the others.
    Uniform(RangeInclusive<u64>),
    /// Log-normal as mailboxes are: half of the messages below the median, a few far above it, none
    /// above the largest.
    LogNormal {
        /// Half of the messages are smaller.
        median: u64,
        /// The standard deviation of the size's natural logarithm; 1.5 resembles real mail.
        sigma: f64,
        /// No message is larger.
        largest: u64,
    },
}

impl From<u64> for Octets {
    fn from(octets: u64) -> Self {
        Self::Exactly(octets)
    }
}

impl From<RangeInclusive<u64>> for Octets {
    fn from(range: RangeInclusive<u64>) -> Self {
        Self::Uniform(range)
    }
}

pub(crate) struct Generator {
    generated: Generated,
    text: Arc<[u8]>,
}

impl Generator {
    pub(crate) fn new(generated: Generated) -> Self {
        Self {
            text: text(generated.seed),
            generated,
        }
    }

    fn random(&self, index: u64, purpose: Purpose) -> u64 {
        let mut random = mix(self.generated.seed);
        random = mix(random ^ index);
        mix(random ^ purpose as u64)
    }

    /// A fraction in 0..1.
    fn fraction(&self, index: u64, purpose: Purpose) -> f64 {
        (self.random(index, purpose) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of constant length, so that sizes need no formatting.
    fn header(&self, index: u64) -> Vec<u8> {
        let seed = self.generated.seed;
        let number = index + 1;
        format!(
            "From: Sender <sender@example.org>\r\n\
             To: Reader <reader@example.net>\r\n\
             Subject: Generated message {number:020}\r\n\
             Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n\
             Message-ID: <{seed:016x}.{number:020}@example.org>\r\n\
             \r\n"
        )
        .into_bytes()
    }
}

impl Catalogue for Generator {
    fn messages(&self) -> u64 {
        self.generated.messages
    }

    fn octets(&self, index: u64) -> u64 {
        let octets = match &self.generated.octets {
            Octets::Exactly(octets) => *octets,
            Octets::Uniform(range) => {
                let span = (range.end().saturating_sub(*range.start())).saturating_add(1);
                range.start() + self.random(index, Purpose::Size) % span
            }
            Octets::LogNormal {
                median,
                sigma,
                largest,
            } => {
                let (u, v) = (
                    self.fraction(index, Purpose::Size),
                    self.fraction(index, Purpose::Spread),
                );
                let normal = (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos();
                let octets = *median as f64 * (sigma * normal).exp();
                (octets as u64).min(*largest)
            }
        };
        let header = HEADER_OCTETS;
        // A body of one octet could not end in CRLF.
        if octets < header + 2 { header } else { octets }
    }

    fn unique_id(&self, index: u64) -> Vec<u8> {
        format!(
            "{:08x}{:016x}",
            index + 1,
            self.random(index, Purpose::UniqueId)
        )
        .into_bytes()
    }

    fn content(&self, index: u64) -> Box<dyn BufRead + Send> {
        let header = self.header(index);
        let body = self.octets(index) - header.len() as u64;
        let line = LINE as u64;
        // The last line takes what is left over, and a whole line more where only its CR would fit.
        let last = match body % line {
            1 => line + 1,
            rest => rest,
        };
        Box::new(Content {
            header,
            text: Arc::clone(&self.text),
            start: (self.random(index, Purpose::Text) % LINES as u64) as usize * LINE,
            from_text: body - last,
            last_line: last_line(last as usize),
            position: 0,
        })
    }
}

/// Keeps the random numbers of different uses apart.
#[derive(Clone, Copy)]
enum Purpose {
    Size,
    Spread,
    Text,
    UniqueId,
}

/// Octets of [`Generator::header`].
const HEADER_OCTETS: u64 = 35 + 33 + 49 + 39 + 65 + 2;

/// Header, then text from `start` on, round and round, then the last line.
struct Content {
    header: Vec<u8>,
    text: Arc<[u8]>,
    start: usize,
    from_text: u64,
    last_line: Vec<u8>,
    position: u64,
}

impl BufRead for Content {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let header = self.header.len() as u64;
        let Some(in_body) = self.position.checked_sub(header) else {
            return Ok(&self.header[self.position as usize..]);
        };
        match in_body.checked_sub(self.from_text) {
            Some(in_last_line) => Ok(&self.last_line[in_last_line as usize..]),
            None => {
                let length = self.text.len() as u64;
                let from = (self.start as u64 + in_body) % length;
                let to = length.min(from + self.from_text - in_body);
                Ok(&self.text[from as usize..to as usize])
            }
        }
    }

    fn consume(&mut self, octets: usize) {
        self.position += octets as u64;
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// The text that bodies are cut from: letters and spaces, some lines beginning with a dot.
fn text(seed: u64) -> Arc<[u8]> {
    const LETTERS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789";
    let mut random = mix(seed);
    let mut text = Vec::with_capacity(LINES * LINE);
    for line in 0..LINES {
        let start = text.len();
        while text.len() - start < LINE - 2 {
            random = mix(random);
            text.push(LETTERS[(random >> 58) as usize]);
        }
        if line % DOT_LINE_EVERY == DOT_LINE_EVERY / 2 {
            text[start] = b'.';
        }
        text.extend_from_slice(b"\r\n");
    }
    text.into()
}

/// A line of `octets` octets, its CRLF included.
fn last_line(octets: usize) -> Vec<u8> {
    if octets == 0 {
        return Vec::new();
    }
    let mut line = vec![b'x'; octets - 2];
    line.extend_from_slice(b"\r\n");
    line
}

/// SplitMix64's step: a good mixture of all bits, the same on every machine.
fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator(octets: impl Into<Octets>) -> Generator {
        Generator::new(Generated {
            seed: 7,
            messages: 1000,
            octets: octets.into(),
        })
    }

    fn read(generator: &Generator, index: u64) -> Vec<u8> {
        let mut content = Vec::new();
        generator.content(index).read_to_end(&mut content).unwrap();
        content
    }

    #[test]
    fn the_header_has_the_length_that_sizes_count_on() {
        assert_eq!(generator(1).header(12_345).len() as u64, HEADER_OCTETS);
    }

    #[test]
    fn sizes_are_exact_and_every_message_ends_in_crlf() {
        // Two lines and a bit: every remainder of the last line.
        let mut generator = generator(0);
        for octets in HEADER_OCTETS..HEADER_OCTETS + 3 * LINE as u64 {
            generator.generated.octets = Octets::Exactly(octets);
            let content = read(&generator, 3);
            assert_eq!(content.len() as u64, generator.octets(3));
            assert!(content.ends_with(b"\r\n"));
            let bare = content
                .windows(2)
                .filter(|pair| (pair[0] == b'\r') != (pair[1] == b'\n'));
            assert_eq!(bare.count(), 0, "{octets} octets: a bare CR or LF");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_messages() {
        let sizes = 300..=30_000;
        let (one, other) = (generator(sizes.clone()), generator(sizes));
        for index in [0, 1, 999] {
            assert_eq!(read(&one, index), read(&other, index));
            assert_eq!(one.unique_id(index), other.unique_id(index));
        }
        assert_ne!(read(&one, 0), read(&one, 1));
    }

    #[test]
    fn contents_are_those_of_all_messages() {
        let generator = generator(300..=30_000);
        let contents = generator.generated.contents().enumerate();
        for (index, mut content) in contents.skip(998) {
            let mut octets = Vec::new();
            content.read_to_end(&mut octets).unwrap();
            assert!(octets == read(&generator, index as u64), "{index}");
        }
        assert_eq!(generator.generated.contents().count(), 1_000);
    }

    #[test]
    fn log_normal_sizes_have_their_median() {
        let generator = generator(Octets::LogNormal {
            median: 10_000,
            sigma: 1.5,
            largest: 1_000_000,
        });
        let below = (0..1000)
            .filter(|index| generator.octets(*index) < 10_000)
            .count();
        assert!(
            (450..550).contains(&below),
            "{below} of 1000 below the median"
        );
        assert!((0..1000).all(|index| generator.octets(index) <= 1_000_000));
    }
}
