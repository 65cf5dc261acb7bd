//! The bodies of RETR and TOP.

use std::io::{BufRead, Cursor, Read};

use super::{Misbehaviour, Misbehaviours};
use crate::message::{End, Message, Stuffing};
use crate::response::Body;

impl Misbehaviours {
    pub(crate) fn body(&self, content: Box<dyn BufRead + Send>) -> Box<dyn Body> {
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

    /// What TOP makes of the lines it was asked for.
    pub(crate) fn top(&self, mut content: Box<dyn BufRead + Send>) -> Box<dyn BufRead + Send> {
        for misbehaviour in &self.active {
            content = match misbehaviour {
                Misbehaviour::TopOneLine => {
                    let mut line = Vec::new();
                    content.read_until(b'\n', &mut line).ok();
                    Box::new(Cursor::new(line))
                }
                Misbehaviour::TopTruncated(octets) => Box::new(content.take(*octets)),
                Misbehaviour::TopOtherHeader => {
                    Box::new(Cursor::new(b"X-Altered: by TOP\r\n").chain(content))
                }
                _ => content,
            };
        }
        content
    }
}
