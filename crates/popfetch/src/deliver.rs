//! From octets to messages that are safely where they belong, in the one order that neither loses
//! nor duplicates any:
//!
//! 1. contents and names under `tmp/` of a Maildir are durable, and an mbox is locked,
//! 2. the state names every copy ([`Change::Storing`]),
//! 3. files are renamed, mboxes are appended to, and both are durable; commands and servers get
//!    the message,
//! 4. the state says so ([`Change::Stored`]); only then may a message be deleted on the server.
//!
//! Where some targets have a message and others would not take it, the state remembers which
//! ([`Change::Reached`]), and the message is fetched again for the others
//! ([`Change::Returned`]).

mod batch;
mod commit;
mod contents;
mod exec;
mod handover;
mod held;
mod letter;
pub(crate) mod line_ends;
mod look;
mod mail_server;
mod maildir;
mod marker;
mod mbox;
#[cfg(feature = "measuring")]
pub mod measuring;
mod names;
mod opening;
mod parcel;
mod partly;
pub(crate) mod queue;
mod recognition;
mod recovery;
mod sameness;
mod spool;
mod stdout;
mod targets;
mod trace_field;

use std::io;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::Clock;
use crate::evidence::{Reading, Standing};
use crate::failure::{self, Failure, Status};
use crate::fs::FileSystem;
use crate::key::Key;
use crate::report::{Event, Report};
use crate::state::{AccountId, Change, Claim, Mark, StateStore, Target};

use batch::{Batch, Incoming, Message, Recognised};
use handover::{Courier, Refusal};
use line_ends::LineEnds;
use maildir::Maildir;
use mbox::Mbox;
use queue::Bounds;
use recognition::{Origin, Outcome, Recognition};
use spool::Spooled;

pub(crate) use batch::{Refused, Stored, Ticket};
pub(crate) use mail_server::Access;
pub(crate) use targets::{Destination, Destinations, Targets};

#[cfg(test)]
mod tests;

/// Where the messages of one account go, and the state that remembers it.
pub(crate) struct Delivery {
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) account: AccountId,
    /// What keeps the account ours.
    pub(crate) claim: Claim,
    /// What the user calls it.
    pub(crate) account_name: String,
    /// What the state knows it by.
    pub(crate) maildrop: String,
    pub(crate) targets: Targets,
    pub(crate) file_system: Arc<dyn FileSystem>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) report: Arc<dyn Report>,
    pub(crate) bounds: Bounds,
}

impl Delivery {
    /// Starts a message, which arrives while this batch is collected.
    fn begin(&self, batch: &Batch, ticket: Ticket) -> Result<Incoming, Failure> {
        let before = || batch.messages.last()?.content.as_ref();
        let spool = self.targets.need_whole_messages();
        let mut incoming = Incoming {
            line_ends: LineEnds::to(self.targets.line_end),
            reading: Reading::default(),
            files: Vec::with_capacity(self.targets.maildirs.len()),
            content: spool.then(|| Spooled::begin(before())).transpose()?,
            ticket,
            unique: self.targets.names.next(),
        };
        let begun = self.begin_files(&mut incoming);
        if begun.is_err() {
            // The others are in the way of mail that has room.
            let _: Result<(), Failure> = self.abandon(&incoming);
        }
        begun.map(|()| incoming)
    }

    fn begin_files(&self, incoming: &mut Incoming) -> Result<(), Failure> {
        for maildir in &self.targets.maildirs {
            incoming.files.push(maildir.begin(&incoming.unique)?);
        }
        match &self.targets.trace_field {
            Some(trace_field) => incoming.put(&mut trace_field.at(self.clock.now())),
            None => Ok(()),
        }
    }

    /// Ends a message and adds it to the batch, unless it had been delivered before.
    fn finish(
        &self,
        batch: &mut Batch,
        mut incoming: Incoming,
        recognition: &mut Recognition,
    ) -> Result<(), Failure> {
        incoming.end()?;
        let mut ticket = incoming.ticket.clone();
        let reading = std::mem::take(&mut incoming.reading);
        let read = reading.finish(ticket.listed, ticket.sizes);
        match recognition.recognise(&mut ticket, &read) {
            Outcome::New => {}
            Outcome::LeftAlone => {
                batch.left_alone.push(ticket.key);
                return self.abandon(&incoming);
            }
            Outcome::Delivered(origin) => {
                self.abandon(&incoming)?;
                batch.recognised.push(Recognised {
                    ticket,
                    read,
                    origin,
                });
                return Ok(());
            }
        }
        let already = recognition.copies(&ticket, &read);
        let mut message = Message {
            ticket,
            read,
            files: Vec::with_capacity(incoming.files.len()),
            content: incoming.content,
            already,
        };
        let now = self.clock.now();
        for (maildir, file) in self.targets.maildirs.iter().zip(incoming.files) {
            let written = if message.is_in(maildir.target()) {
                maildir.abandon(&file)?;
                None
            } else {
                Some(maildir.finish(file, &incoming.unique, &read.sum, now)?)
            };
            message.files.push(written);
        }
        batch.push(message);
        Ok(())
    }

    /// Takes back a message that was begun.
    fn abandon(&self, incoming: &Incoming) -> Result<(), Failure> {
        let files = self.targets.maildirs.iter().zip(&incoming.files);
        files
            .into_iter()
            .try_for_each(|(maildir, file)| maildir.abandon(file))
    }

    /// Hands over each message to each target that is to get it so. The state learns of every
    /// message at once, so that only the last is in doubt when everything stops.
    fn hand_over(
        &self,
        batch: &Batch,
        couriers: &mut [Box<dyn Courier + '_>],
        stored: &mut Stored,
    ) -> Result<(), Failure> {
        for (index, message) in batch.messages.iter().enumerate() {
            if stored.ended.is_some() {
                return self.return_all(&batch.messages[index..]);
            }
            let mut reached = Vec::new();
            let mut refusal = None;
            for (handover, courier) in self.targets.handovers.iter().zip(&mut *couriers) {
                let target = handover.target();
                let Some(letter) = message.letter(&self.account_name, target) else {
                    continue;
                };
                let (failure, for_now) = match courier.hand_over(&letter) {
                    Ok(()) => {
                        stored.took(target);
                        reached.push(target);
                        continue;
                    }
                    Err(Refusal::Everything(failure)) => {
                        self.record_returned(message, &reached)?;
                        self.return_all(&batch.messages[index + 1..])?;
                        return Err(failure);
                    }
                    Err(Refusal::ForNow(failure)) => (failure, true),
                    Err(Refusal::Message(failure)) => (failure, false),
                };
                let refused = Refused {
                    ticket: message.ticket.clone(),
                    failure,
                    target: target.clone(),
                    for_now,
                };
                // One that may be taken later does not count as an attempt.
                if for_now || refusal.is_none() {
                    refusal = Some(refused);
                }
            }
            match refusal {
                None => self.record_stored(std::slice::from_ref(message), stored)?,
                Some(refused) => {
                    self.record_returned(message, &reached)?;
                    stored.refused(refused);
                }
            }
        }
        Ok(())
    }

    /// None of these was handed over.
    fn return_all(&self, messages: &[Message]) -> Result<(), Failure> {
        (messages.iter()).try_for_each(|message| self.record_returned(message, &[]))
    }

    fn record_stored(&self, messages: &[Message], stored: &mut Stored) -> Result<(), Failure> {
        self.record_settled(messages, &[], stored)
    }

    /// Every target has these messages, and those that are files are as the marks say.
    fn record_settled(
        &self,
        messages: &[Message],
        marks: &[Mark<'_>],
        stored: &mut Stored,
    ) -> Result<(), Failure> {
        let mut changes = messages.iter().map(|message| Change::Stored {
            key: message.ticket.key.as_ref(),
        });
        self.store
            .apply_marked(self.account, self.clock.now(), &mut changes, marks)?;
        for message in messages {
            stored.push(&message.ticket, &message.read, Standing::New);
            self.event(Event::Stored {
                number: message.ticket.number,
                identity: message.ticket.key.as_ref().identity,
                octets: message.read.received.octets,
                sum: &message.read.sum,
                file: self.file_of(message).as_deref(),
            });
        }
        Ok(())
    }

    /// Not every target has the message. Maildirs and mboxes do, and of the others these.
    fn record_returned(&self, message: &Message, reached: &[&Target]) -> Result<(), Failure> {
        let maildirs = self.targets.maildirs.iter().map(Maildir::target);
        let mboxes = self.targets.mboxes.iter().map(Mbox::target);
        self.record_reached(
            message,
            maildirs.chain(mboxes).chain(reached.iter().copied()),
        )
    }

    /// Of all targets only these have the message.
    fn record_reached<'a>(
        &self,
        message: &Message,
        reached: impl Iterator<Item = &'a Target>,
    ) -> Result<(), Failure> {
        let key = message.ticket.key.as_ref();
        let mut changes = reached
            .map(|target| Change::Reached { key, target })
            .chain(iter::once(Change::Returned { key }));
        let now = self.clock.now();
        Ok(self.store.apply(self.account, now, &mut changes)?)
    }

    fn record_left_alone(&self, keys: &[Key]) -> Result<(), Failure> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut changes = keys.iter().map(|key| Change::Skipped { key: key.as_ref() });
        let now = self.clock.now();
        Ok(self.store.apply(self.account, now, &mut changes)?)
    }

    fn record_recognised(
        &self,
        recognised: &[Recognised],
        stored: &mut Stored,
    ) -> Result<(), Failure> {
        if recognised.is_empty() {
            return Ok(());
        }
        let mut changes = recognised.iter().flat_map(|message| {
            let key = message.ticket.key.as_ref();
            let is_new = message.ticket.is_new;
            let recognised = Change::Recognised {
                key,
                sum: &message.read.sum,
                received: message.read.received,
            };
            let before = match &message.origin {
                Origin::Missing(was) if is_new => {
                    let was = was.as_ref();
                    Some(Change::Renamed { key: was, to: key })
                }
                Origin::Elsewhere if is_new => Some(Change::Found { key }),
                _ => None,
            };
            let behind = match &message.origin {
                // Its row stands for this message now.
                Origin::Missing(was) if !is_new => Some(Change::Forget { key: was.as_ref() }),
                _ => None,
            };
            let has_its_row = match message.origin {
                Origin::Own => true,
                Origin::Missing(_) => is_new,
                Origin::Elsewhere => false,
            };
            // Another row's content may be doubted where the key's own was not.
            let doubt = message.read.received.doubt;
            let judged = (!has_its_row).then_some(Change::Judged { key, doubt });
            (before.into_iter().chain([recognised]))
                .chain(judged)
                .chain(behind)
        });
        self.store
            .apply(self.account, self.clock.now(), &mut changes)?;
        for Recognised {
            ticket,
            read,
            origin,
        } in recognised
        {
            if *origin != Origin::Own {
                stored.moved.push(ticket.position);
            }
            let standing = match ticket.is_believed && *origin == Origin::Own {
                true => Standing::Believed,
                false => Standing::Delivered,
            };
            stored.push(ticket, read, standing);
            stored.recognised.push(ticket.position);
            self.event(Event::Recognised {
                number: ticket.number,
                identity: ticket.key.as_ref().identity,
            });
        }
        Ok(())
    }

    /// A file that has the message, if any of the targets is one.
    fn file_of(&self, message: &Message) -> Option<PathBuf> {
        let mut files = self.targets.maildirs.iter().zip(&message.files);
        let in_maildir =
            files.find_map(|(maildir, file)| Some(maildir.new_path(&file.as_ref()?.place)));
        in_maildir.or_else(|| Some(self.targets.mboxes.first()?.path().to_owned()))
    }

    fn event(&self, event: Event<'_>) {
        self.report.report(&self.account_name, event);
    }
}

/// What this machine calls itself.
fn host_name() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(
        Status::InputOutput,
        format!("could not write {}: {error}", path.display()),
    );
    match failure::is_full(error) {
        true => failure.hint(failure::MAKE_ROOM),
        false => failure,
    }
}

fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Status::InputOutput,
        format!("could not read {}: {error}", path.display()),
    )
}
