//! The bodies of RETR and TOP.

use std::io::{self, BufRead, Cursor, Read};

use super::content::{self, Content, Repeated};
use super::{BodyOf, InBody, Misbehaviour, Misbehaviours};
use crate::message::{End, Message, Stuffing};
use crate::response::{Body, Ending, Interruption};

/// What is sent in the place of a message.
const ERROR_TEXT: &[u8] = b"-ERR temporary failure, try later\r\n";
/// What breaks a body off.
const ERROR_LINE: &[u8] = b"\r\n-ERR mailbox cannot be read\r\n";

impl Misbehaviours {
    pub(crate) fn body(&self, content: Content) -> Box<dyn Body> {
        let (mut stuffing, mut end) = (Stuffing::All, End::OnItsOwnLine);
        for misbehaviour in &self.active {
            match misbehaviour {
                Misbehaviour::NoStuffing => stuffing = Stuffing::None,
                Misbehaviour::StuffLoneDotsOnly => stuffing = Stuffing::LoneDots,
                Misbehaviour::GluedEnd => end = End::Glued,
                _ => {}
            }
        }
        Box::new(Message::new(content, stuffing, end))
    }

    /// The number of the message that is sent when this one of so many is asked for.
    pub(crate) fn sent_for(&self, number: u64, messages: u64) -> u64 {
        let sent = self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::NextBody => Some(number % messages + 1),
            Misbehaviour::FirstBody => Some(1),
            Misbehaviour::BodyOf(BodyOf { number: of, sent }) if *of == number => Some(*sent),
            _ => None,
        });
        sent.filter(|sent| (1..=messages).contains(sent))
            .unwrap_or(number)
    }

    /// What RETR makes of a message.
    pub(crate) fn retr(&self, number: u64, mut content: Content) -> Content {
        for misbehaviour in &self.active {
            content = match misbehaviour {
                Misbehaviour::ShortBody(place) if place.number == number => {
                    Box::new(content.take(place.octets))
                }
                Misbehaviour::ShortBodies(octets) => Box::new(content.take(*octets)),
                Misbehaviour::ErrorBody(of) if *of == number => Box::new(ERROR_TEXT),
                Misbehaviour::EndlessBody(of) if *of == number => {
                    Box::new(content.chain(Repeated::new(b"and so on\r\n")))
                }
                Misbehaviour::ScanStamp => content::prefixed(self.scan_stamp(), content),
                _ => content,
            };
        }
        content
    }

    /// Where the body of the message with this unique-id ends.
    pub(crate) fn interruption(&self, unique_id: &[u8]) -> Option<Interruption> {
        self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::CutInBodyOf(place) if place.unique_id.0 == unique_id => {
                Some(Interruption {
                    after: place.octets,
                    ending: Ending::Cut,
                })
            }
            _ => None,
        })
    }

    /// What TOP makes of the lines it was asked for.
    pub(crate) fn top(&self, mut content: Content) -> io::Result<Content> {
        for misbehaviour in &self.active {
            content = match misbehaviour {
                Misbehaviour::TopOneLine => {
                    let mut line = Vec::new();
                    content.read_until(b'\n', &mut line)?;
                    Box::new(Cursor::new(line))
                }
                Misbehaviour::TopTruncated(octets) => Box::new(content.take(*octets)),
                Misbehaviour::TopEmpty => Box::new(io::empty()),
                Misbehaviour::TopWithoutEnd => {
                    Box::new(Cursor::new(content::split_header(content)?.0))
                }
                Misbehaviour::TopWithoutHeader => content::split_header(content)?.1,
                Misbehaviour::TopEndless => {
                    Box::new(content.chain(Repeated::new(b"and so on\r\n")))
                }
                Misbehaviour::TopOtherHeader => {
                    content::prefixed(*b"X-Altered: by TOP\r\n", content)
                }
                _ => content,
            };
        }
        Ok(content)
    }
}

/// A body that is broken off by an error, behind which the next answer follows.
pub(super) struct BrokenOff {
    body: Box<dyn Body>,
    /// Octets of it that are still sent.
    left: usize,
}

impl BrokenOff {
    pub(super) fn new(body: Box<dyn Body>, place: InBody) -> Self {
        Self {
            body,
            left: place.octets as usize,
        }
    }
}

impl Body for BrokenOff {
    fn fill(&mut self, output: &mut Vec<u8>, size: usize) -> io::Result<bool> {
        let before = output.len();
        let more = self.body.fill(output, size)?;
        let made = output.len() - before;
        if made < self.left {
            self.left -= made;
            return Ok(more);
        }
        output.truncate(before + self.left);
        output.extend_from_slice(ERROR_LINE);
        Ok(false)
    }
}
