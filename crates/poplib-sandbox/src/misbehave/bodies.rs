//! The bodies of RETR and TOP.

use std::io::BufRead;

use super::Misbehaviours;
use crate::message::{End, Message, Stuffing};
use crate::response::Body;

impl Misbehaviours {
    pub(crate) fn retr_body(&self, content: Box<dyn BufRead + Send>) -> Box<dyn Body> {
        Box::new(Message::new(content, Stuffing::All, End::OnItsOwnLine))
    }

    pub(crate) fn top_body(&self, content: Box<dyn BufRead + Send>) -> Box<dyn Body> {
        Box::new(Message::new(content, Stuffing::All, End::OnItsOwnLine))
    }
}
