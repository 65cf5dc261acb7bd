//! Messages on their way, one by one and in batches.

use std::sync::Arc;

use super::letter::Letter;
use super::line_ends::LineEnds;
use super::maildir::{self, Maildir, Written};
use super::recognition::Origin;
use super::spool::Spooled;
use crate::evidence::{Arrivals, Arrived, Read, Reading, Standing};
use crate::failure::{Failure, Status};
use crate::key::{Key, Sum};
use crate::likeness::Likeness;
use crate::plan::{Contents, Vanished};
use crate::sizes::Sizes;
use crate::state::{Past, Placed, Target};

/// A message that is being fetched.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    /// Where it is in the listing.
    pub(crate) position: u32,
    /// Its message number in this session.
    pub(crate) number: u32,
    pub(crate) key: Key,
    /// The octets that LIST told of it, if LIST told any.
    pub(crate) listed: Option<u64>,
    /// What came of earlier attempts; `None` if all is as it should be.
    pub(crate) past: Option<Arc<Past>>,
    /// Contents that were delivered under the same identity and must not be again.
    pub(crate) known: Arc<[Sum]>,
    /// What it must have in common with the one that was delivered under its key to be the same,
    /// where its content is another.
    pub(crate) likeness: Option<Likeness>,
    /// What was delivered under its key is believed to be a whole message.
    pub(crate) is_believed: bool,
    /// Nothing was delivered under its key.
    pub(crate) is_new: bool,
    /// Messages that the listing lacks, one of which this may be.
    pub(crate) vanished: Option<Arc<Vanished>>,
    /// Messages whose unique-ids may stand for others by now, one of which this may be.
    pub(crate) exchanged: Option<Arc<Vanished>>,
    /// Where the key is provisional: what is known by its content.
    pub(crate) contents: Option<Arc<Contents>>,
    /// What is known of LIST's numbers.
    pub(crate) sizes: Sizes,
    /// It is the header only of a message that is yet to come.
    pub(crate) excerpt: bool,
}

impl Ticket {
    /// Of a message of which nothing else is known.
    pub(crate) fn new(position: u32, number: u32, key: Key) -> Self {
        Self {
            position,
            number,
            key,
            listed: None,
            past: None,
            known: Arc::default(),
            likeness: None,
            is_believed: false,
            is_new: true,
            vanished: None,
            exchanged: None,
            contents: None,
            sizes: Sizes::default(),
            excerpt: false,
        }
    }
}

/// A message that is arriving. Every octet goes at once to where it has to be.
pub(crate) struct Incoming {
    pub(super) ticket: Ticket,
    /// What makes the names of its files its own.
    pub(super) unique: String,
    pub(super) line_ends: LineEnds,
    pub(super) reading: Reading,
    /// One for each Maildir.
    pub(super) files: Vec<maildir::Incoming>,
    /// For all other targets.
    pub(super) content: Option<Spooled>,
}

impl Incoming {
    /// Takes the next piece of the message as received. Its octets are overwritten.
    pub(crate) fn write(&mut self, piece: &mut [u8]) -> Result<(), Failure> {
        self.reading.update(piece);
        self.put(piece)
    }

    /// Puts octets into the message, which may be none of those received.
    pub(super) fn put(&mut self, piece: &mut [u8]) -> Result<(), Failure> {
        if let Some(content) = &mut self.content {
            content.write(piece)?;
        }
        let Self {
            files, line_ends, ..
        } = self;
        if files.is_empty() {
            return Ok(());
        }
        line_ends.convert(piece, |octets| to_each(files, octets))
    }

    /// Nothing comes any more.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        let Self {
            files, line_ends, ..
        } = self;
        line_ends.finish(|octets| to_each(files, octets))
    }
}

fn to_each(files: &mut [maildir::Incoming], octets: &[u8]) -> Result<(), Failure> {
    files.iter_mut().try_for_each(|file| file.write(octets))
}

/// A message that is whole.
pub(crate) struct Message {
    pub(crate) ticket: Ticket,
    /// Of the message as received.
    pub(crate) read: Read,
    /// One for each Maildir, or none where it is already.
    pub(super) files: Vec<Option<Written>>,
    pub(super) content: Option<Spooled>,
    /// Copies that an earlier attempt delivered.
    pub(super) already: Vec<Placed>,
}

impl Message {
    /// Whether an earlier attempt delivered it there.
    pub(super) fn is_in(&self, target: &Target) -> bool {
        self.already.iter().any(|copy| copy.target == *target)
    }

    /// What the target is to get, if it is to get it.
    pub(super) fn letter<'a>(&'a self, account: &'a str, target: &Target) -> Option<Letter<'a>> {
        let content = self.content.as_ref()?;
        (!self.is_in(target)).then_some(Letter {
            account,
            ticket: &self.ticket,
            octets: self.read.received.octets,
            content,
        })
    }
}

/// Messages that are made durable together.
#[derive(Default)]
pub(crate) struct Batch {
    pub(super) messages: Vec<Message>,
    /// Messages whose content had been delivered before.
    pub(super) recognised: Vec<Recognised>,
    /// Keys of messages that came only to be known by their content, and are left alone.
    pub(super) left_alone: Vec<Key>,
    /// As received, of all messages.
    pub(super) octets: u64,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.messages.len() + self.recognised.len() + self.left_alone.len()
    }

    /// Adds a message. Where there are many, their files are closed: they are made durable as a
    /// group, and no system lets a process have thousands open.
    pub(super) fn push(&mut self, message: Message) {
        self.octets += message.read.received.octets;
        self.messages.push(message);
        if self.messages.len() > maildir::SINGLY {
            let last = self.messages.iter_mut().rev().take(maildir::SINGLY + 1);
            last.flat_map(|message| message.files.iter_mut().flatten())
                .for_each(Written::close);
        }
    }

    /// The files that are to be in the Maildir at this index.
    pub(super) fn files(&self, maildir: usize) -> impl Iterator<Item = &Written> {
        (self.messages.iter()).filter_map(move |message| message.files[maildir].as_ref())
    }

    /// Whether the Maildir at this index gets any of them.
    pub(super) fn has_files(&self, maildir: usize) -> bool {
        self.files(maildir).next().is_some()
    }

    pub(super) fn make_durable(&mut self, index: usize, maildir: &Maildir) -> Result<(), Failure> {
        let mut files: Vec<&mut Written> = (self.messages.iter_mut())
            .filter_map(|message| message.files[index].as_mut())
            .collect();
        match files.is_empty() {
            true => Ok(()),
            false => maildir.make_durable(&mut files),
        }
    }
}

/// A message that had been delivered before.
pub(crate) struct Recognised {
    pub(super) ticket: Ticket,
    pub(super) read: Read,
    pub(super) origin: Origin,
}

/// What has become of messages.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// Where those that are durable are in the listing.
    pub(crate) positions: Vec<u32>,
    /// What they were like.
    pub(crate) arrivals: Arrivals,
    /// The keys of those that had none before they came.
    pub(crate) named: Vec<(u32, Key)>,
    /// Where those of them are that had been delivered before, and were not again.
    pub(crate) recognised: Vec<u32>,
    /// Where those of these are that had been delivered under another key.
    pub(crate) moved: Vec<u32>,
    /// Those that some target would not have.
    pub(crate) refused: Vec<Refused>,
    /// Which of the targets that may refuse a message took one.
    pub(crate) took: Vec<Target>,
    /// Why no more is stored: a target takes nothing.
    pub(crate) ended: Option<Failure>,
}

/// A message that some target would not have.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) ticket: Ticket,
    pub(crate) failure: Failure,
    pub(crate) target: Target,
    /// It may be taken another time.
    pub(crate) for_now: bool,
}

impl Stored {
    /// So many messages that a target refused before it took any are no longer about the messages.
    const REFUSALS: usize = 5;

    pub(super) fn took(&mut self, target: &Target) {
        if !self.took.contains(target) {
            self.took.push(target.clone());
        }
    }

    /// Takes a message that a target would not have. Where the target takes nothing at all, it is
    /// the target that is broken, and no further message is to be tried.
    pub(super) fn refused(&mut self, refused: Refused) {
        let is_same = |other: &&Refused| other.target == refused.target;
        let before = self.refused.iter().filter(is_same).count();
        if before + 1 >= Self::REFUSALS && !self.took.contains(&refused.target) {
            let Failure {
                message, server, ..
            } = &refused.failure;
            let message = format!("it is the target that does not work: {message}");
            self.ended = Some(Failure {
                server: server.clone(),
                ..Failure::new(Status::Temporary, message).hint(
                    "see what is wrong with what takes the mail; until it takes some, all messages \
                     are tried again, however often",
                )
            });
        }
        self.refused.push(refused);
    }
}

impl Stored {
    /// Another message is durable, or was so before.
    pub(super) fn push(&mut self, ticket: &Ticket, read: &Read, standing: Standing) {
        self.positions.push(ticket.position);
        self.arrivals.push(Arrived {
            position: ticket.position,
            sum: read.sum,
            received: read.received,
            standing,
        });
        if ticket.contents.is_some() {
            self.named.push((ticket.position, ticket.key.clone()));
        }
    }

    /// Whether the message came, and is the one that was delivered under its key before.
    pub(crate) fn is_the_same(&self, position: u32) -> bool {
        self.recognised.contains(&position) && !self.moved.contains(&position)
    }
}
