//! Messages held in memory.

use std::hash::Hasher;
use std::io::{self, BufRead, Cursor};
use std::sync::{Arc, PoisonError, RwLock};

use super::kept::Catalogue;
use super::line_ends;

pub(crate) struct Memory {
    messages: RwLock<Vec<Arc<Stored>>>,
}

struct Stored {
    content: Arc<[u8]>,
    unique_id: Vec<u8>,
}

impl Memory {
    /// Holds messages that are already as they go over the wire, but for the stuffing.
    pub(crate) fn new(messages: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let stored = messages.into_iter().enumerate();
        let messages = stored
            .map(|(index, content)| Stored::new(index, content))
            .collect();
        Self {
            messages: RwLock::new(messages),
        }
    }

    fn get(&self, index: u64) -> Arc<Stored> {
        let messages = self.messages.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&messages[index as usize])
    }
}

impl Catalogue for Memory {
    fn messages(&self) -> u64 {
        let messages = self.messages.read().unwrap_or_else(PoisonError::into_inner);
        messages.len() as u64
    }

    fn octets(&self, index: u64) -> u64 {
        self.get(index).content.len() as u64
    }

    fn unique_id(&self, index: u64) -> Vec<u8> {
        self.get(index).unique_id.clone()
    }

    fn content(&self, index: u64) -> Box<dyn BufRead + Send> {
        Box::new(Cursor::new(Arc::clone(&self.get(index).content)))
    }

    fn deliver(&self, message: Vec<u8>) -> io::Result<()> {
        let mut messages = self
            .messages
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let stored = Stored::new(messages.len(), line_ends::to_crlf(&message));
        messages.push(stored);
        Ok(())
    }
}

impl Stored {
    fn new(index: usize, content: Vec<u8>) -> Arc<Self> {
        let mut digest = Fnv::default();
        digest.write(&content);
        Arc::new(Self {
            unique_id: format!("{:06x}-{:016x}", index + 1, digest.finish()).into_bytes(),
            content: content.into(),
        })
    }
}

/// FNV-1a: the standard library's hashers do not promise the same result in the next release.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
