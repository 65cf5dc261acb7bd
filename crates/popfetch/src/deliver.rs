//! From octets to messages that are safely where they belong, in the one order that neither loses
//! nor duplicates any:
//!
//! 1. contents and names under `tmp/` are durable,
//! 2. the state names every file ([`Change::Storing`]),
//! 3. the files are renamed, and the directories are durable,
//! 4. the state says so ([`Change::Stored`]); only then may a message be deleted on the server.

pub(crate) mod line_ends;
pub(crate) mod maildir;
pub(crate) mod queue;

use std::sync::Arc;

use crate::clock::Clock;
use crate::failure::Failure;
use crate::fs::FileSystem;
use crate::key::{Key, Sum};
use crate::report::{Event, Report};
use crate::state::{AccountId, Change, StateStore, Unfinished};

use maildir::{Age, Incoming, Maildir, Recovered, Written};

#[cfg(test)]
mod tests;

/// A message that is being fetched.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    /// Where it is in the listing.
    pub(crate) position: u32,
    /// Its message number in this session.
    pub(crate) number: u32,
    pub(crate) key: Key,
    /// Contents that were delivered under the same identity and must not be again.
    pub(crate) known: Arc<[Sum]>,
    /// It is the header only of a message that is yet to come.
    pub(crate) excerpt: bool,
}

/// Messages that are made durable together.
#[derive(Default)]
pub(crate) struct Batch {
    /// One for each of `written`.
    tickets: Vec<Ticket>,
    written: Vec<Written>,
    /// Messages whose content had been delivered before.
    recognised: Vec<(Ticket, Sum)>,
    /// As received, of all that is written.
    octets: u64,
}

impl Batch {
    fn messages(&self) -> usize {
        self.written.len() + self.recognised.len()
    }
}

/// What has been made durable.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// Where the messages are in the listing.
    pub(crate) positions: Vec<u32>,
    /// How many of them had been delivered before, and were not again.
    pub(crate) recognised: usize,
}

/// Where the messages of one account go, and the state that remembers it.
pub(crate) struct Delivery {
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) account: AccountId,
    /// What the user calls it.
    pub(crate) account_name: String,
    /// What the state knows it by.
    pub(crate) maildrop: String,
    pub(crate) maildir: Maildir,
    pub(crate) file_system: Arc<dyn FileSystem>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) report: Arc<dyn Report>,
}

impl Delivery {
    /// Finishes what an earlier run was interrupted in. Comes before everything else.
    pub(crate) fn recover(&self) -> Result<(), Failure> {
        let mut rest = self.store.unfinished(self.account)?;
        let mut messages = 0;
        while let Some(target) = rest.first().map(|first| first.copies[0].target.clone()) {
            let (here, elsewhere): (Vec<_>, Vec<_>) = rest
                .into_iter()
                .partition(|unfinished| unfinished.copies[0].target == target);
            rest = elsewhere;
            let elsewhere = match target == *self.maildir.target() {
                true => None,
                false => Some(Maildir::of_target(Arc::clone(&self.file_system), &target)),
            };
            match elsewhere.transpose() {
                Ok(maildir) => {
                    self.recover_from(maildir.as_ref().unwrap_or(&self.maildir), &here)?;
                    messages += here.len();
                }
                // Its disk may be away. The messages stay as they are until it is back.
                Err(failure) => self.event(Event::Warning { failure: &failure }),
            }
        }
        if messages > 0 {
            self.event(Event::Recovered { messages });
        }
        Ok(())
    }

    fn recover_from(&self, maildir: &Maildir, messages: &[Unfinished]) -> Result<(), Failure> {
        let now = self.clock.now();
        let recovered = maildir.recover(messages.iter().map(|message| {
            let age = Age::of(message.since, now);
            (
                self.digest(&message.key),
                message.copies[0].place.as_slice(),
                age,
            )
        }))?;
        let mut changes = messages.iter().zip(recovered).map(|(message, recovered)| {
            let key = message.key.as_ref();
            match recovered {
                Recovered::Finished | Recovered::Delivered => Change::Stored { key },
                Recovered::Lost => Change::Forget { key },
            }
        });
        self.store.apply(self.account, now, &mut changes)?;
        Ok(())
    }

    fn digest(&self, key: &Key) -> String {
        key.digest(self.store.id(), &self.maildrop)
    }

    /// Starts a message under `tmp/`.
    fn begin(&self, ticket: &Ticket) -> Result<Incoming, Failure> {
        self.maildir.begin(self.digest(&ticket.key))
    }

    /// Ends a message and adds it to the batch, unless it had been delivered before.
    fn finish(&self, batch: &mut Batch, ticket: Ticket, incoming: Incoming) -> Result<(), Failure> {
        let written = self.maildir.finish(incoming, self.clock.now())?;
        if ticket.known.contains(&written.sum) {
            self.maildir.discard(&written)?;
            batch.recognised.push((ticket, written.sum));
        } else {
            batch.octets += written.octets;
            batch.tickets.push(ticket);
            maildir::gather(&mut batch.written, written);
        }
        Ok(())
    }

    /// Makes a batch durable, in the order above.
    fn commit(&self, mut batch: Batch, stored: &mut Stored) -> Result<(), Failure> {
        self.maildir.make_durable(&mut batch.written)?;
        let messages = || batch.tickets.iter().zip(&batch.written);
        let mut storing = messages().map(|(ticket, written)| Change::Storing {
            key: ticket.key.as_ref(),
            sum: &written.sum,
            header: &written.header,
            octets: written.octets,
            excerpt: ticket.excerpt,
            copies: std::slice::from_ref(&written.placement),
        });
        self.store
            .apply(self.account, self.clock.now(), &mut storing)?;
        self.maildir.publish(&batch.written)?;
        let delivered = messages().map(|(ticket, _)| Change::Stored {
            key: ticket.key.as_ref(),
        });
        let recognised = (batch.recognised.iter()).map(|(ticket, sum)| Change::Recognised {
            key: ticket.key.as_ref(),
            sum,
        });
        let mut changes = delivered.chain(recognised);
        self.store
            .apply(self.account, self.clock.now(), &mut changes)?;

        for (ticket, written) in messages() {
            self.event(Event::Stored {
                number: ticket.number,
                identity: ticket.key.as_ref().identity,
                octets: written.octets,
                sum: &written.sum,
                file: &self.maildir.new_path(&written.placement.place),
            });
        }
        for (ticket, _) in &batch.recognised {
            let identity = ticket.key.as_ref().identity;
            self.event(Event::Recognised {
                number: ticket.number,
                identity,
            });
        }
        let recognised = batch.recognised.iter().map(|(ticket, _)| ticket);
        stored.recognised += recognised.len();
        stored
            .positions
            .extend(batch.tickets.iter().chain(recognised).map(|t| t.position));
        Ok(())
    }

    fn event(&self, event: Event<'_>) {
        self.report.report(&self.account_name, event);
    }
}
