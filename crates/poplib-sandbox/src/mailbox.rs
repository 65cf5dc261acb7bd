//! What a user's maildrop is filled with.

mod computed;
mod generated;
mod kept;
mod line_ends;
mod maildir;
mod memory;

use std::io::{self, BufRead};
use std::path::PathBuf;
use std::sync::Arc;

pub use generated::{Generated, Octets};

use computed::Computed;
use kept::{Catalogue, Kept};
use maildir::Maildir;
use memory::Memory;

use crate::marks::Marks;

/// The messages of one user.
///
/// Whatever the kind, a message goes over the wire with CRLF line ends and byte-stuffing, and the
/// octets told by STAT, LIST and RETR are exactly those a client has after removing both the
/// stuffing and the terminating line.
pub struct Mailbox {
    pub(crate) source: Arc<dyn Source>,
}

impl Mailbox {
    /// Messages held in memory, in this order. Lines may end in LF or CRLF, both are sent as CRLF;
    /// a last line without an end gets one.
    ///
    /// Unique-ids are derived from position and content: the same messages have the same
    /// unique-ids in every run.
    pub fn messages<M: Into<Vec<u8>>>(messages: impl IntoIterator<Item = M>) -> Self {
        let messages = messages
            .into_iter()
            .map(|message| line_ends::to_crlf(&message.into()));
        Self::new(Kept::new(Memory::new(messages)))
    }

    /// Messages held in memory and sent exactly as they are, bare CR and bare LF included.
    ///
    /// Only a CRLF is added where a message does not end in one, because the terminating line
    /// cannot follow without it.
    pub fn verbatim<M: Into<Vec<u8>>>(messages: impl IntoIterator<Item = M>) -> Self {
        let messages = messages
            .into_iter()
            .map(|message| line_ends::end_last_line(message.into()));
        Self::new(Kept::new(Memory::new(messages)))
    }

    /// No messages. [`Sandbox::deliver`](crate::Sandbox::deliver) can add some.
    pub fn empty() -> Self {
        Self::messages::<Vec<u8>>([])
    }

    /// Messages made from a seed while they are sent: neither their number nor their size costs
    /// memory.
    pub fn generated(generated: Generated) -> Self {
        Self::new(Kept::new(generated::Generator::new(generated)))
    }

    /// `messages` messages whose content is what `content` returns for the message's number,
    /// counted from 1. The function is asked again whenever content or octets are needed.
    pub fn from_fn(
        messages: u64,
        content: impl Fn(u64) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::new(Kept::new(Computed::new(messages, content)))
    }

    /// The messages of a Maildir, in the order of their file names, without leading dots. The
    /// directory is read at each login and messages deleted by a client are removed from the disk.
    ///
    /// The unique-id is the file name up to the colon, or a digest of it where it is not one that
    /// RFC 1939 §7 allows.
    pub fn maildir(path: impl Into<PathBuf>) -> Self {
        Self {
            source: Arc::new(Maildir::new(path.into())),
        }
    }

    /// Gives the first messages these unique-ids, whatever RFC 1939 thinks of them; more than
    /// there are messages are for those that are delivered later.
    ///
    /// A Maildir keeps the unique-ids that its file names give.
    #[must_use]
    pub fn unique_ids<U: Into<Vec<u8>>>(self, unique_ids: impl IntoIterator<Item = U>) -> Self {
        self.source
            .choose_unique_ids(unique_ids.into_iter().map(Into::into).collect());
        self
    }

    fn new<C: Catalogue>(kept: Kept<C>) -> Self {
        Self {
            source: Arc::new(kept),
        }
    }
}

/// Where messages come from and where deletions go.
pub(crate) trait Source: Send + Sync {
    /// How many messages a login would find now.
    fn messages(&self) -> io::Result<u64>;

    /// The unique-ids a login would find now.
    fn unique_ids(&self) -> io::Result<Vec<Vec<u8>>> {
        let maildrop = self.open()?;
        Ok((1..=maildrop.messages())
            .map(|number| maildrop.unique_id(number))
            .collect())
    }

    /// The maildrop as one session sees it: its numbers stay what they are until it ends.
    fn open(&self) -> io::Result<Box<dyn Maildrop>>;

    /// Adds a message at the end, visible from the next login.
    fn deliver(&self, message: Vec<u8>) -> io::Result<()>;

    fn choose_unique_ids(&self, unique_ids: Vec<Vec<u8>>);
}

/// One session's view. Message numbers count from 1 to [`messages`](Self::messages).
pub(crate) trait Maildrop: Send + Sync {
    fn messages(&self) -> u64;

    fn octets(&self, number: u64) -> io::Result<u64>;

    fn unique_id(&self, number: u64) -> Vec<u8>;

    /// The message with CRLF line ends, not yet byte-stuffed.
    fn content(&self, number: u64) -> io::Result<Box<dyn BufRead + Send>>;

    /// Removes the marked messages for good.
    fn remove(&self, marked: &Marks) -> io::Result<()>;
}
