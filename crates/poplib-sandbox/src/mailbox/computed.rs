//! Messages that a function of the caller's computes.

use std::io::{BufRead, Cursor};

use super::kept::Catalogue;
use super::line_ends;

pub(crate) struct Computed<F> {
    messages: u64,
    content: F,
}

impl<F: Fn(u64) -> Vec<u8>> Computed<F> {
    pub(crate) fn new(messages: u64, content: F) -> Self {
        Self { messages, content }
    }

    fn compute(&self, index: u64) -> Vec<u8> {
        line_ends::to_crlf(&(self.content)(index + 1))
    }
}

impl<F: Fn(u64) -> Vec<u8> + Send + Sync + 'static> Catalogue for Computed<F> {
    fn messages(&self) -> u64 {
        self.messages
    }

    fn octets(&self, index: u64) -> u64 {
        self.compute(index).len() as u64
    }

    fn unique_id(&self, index: u64) -> Vec<u8> {
        format!("computed-{:08x}", index + 1).into_bytes()
    }

    fn content(&self, index: u64) -> Box<dyn BufRead + Send> {
        Box::new(Cursor::new(self.compute(index)))
    }
}
