//! Making a batch durable, in the order that neither loses nor duplicates any message.
//!
//! What there is no room for is taken away at once, so that half of it may arrive. A content that
//! could not be made durable is not tried again: systems take it for written then.

use std::iter;

use super::batch::{Batch, Message};
use super::handover::Courier;
use super::maildir::Maildir;
use super::marker::Marked;
use super::mbox::{Append, Appended, Mbox};
use super::{Delivery, Stored, Targets, letter};
use crate::failure::Failure;
use crate::state::{Change, Mark, Placement, Target};

/// A target that gets something of a batch.
struct Begun<'a> {
    target: &'a Target,
    marked: &'a Marked,
}

impl Begun<'_> {
    fn mark(&self) -> Mark<'_> {
        Mark::Begun {
            target: self.target,
            batch: self.marked.next(),
        }
    }
}

impl Delivery {
    /// Makes a batch durable and visible.
    ///
    /// # Errors
    /// What kept some of the messages out. Those for which there is room are stored all the same.
    pub(super) fn commit(&self, mut batch: Batch, stored: &mut Stored) -> Result<(), Failure> {
        let mut couriers = match self.begin_commit(&mut batch) {
            Ok(couriers) => couriers,
            Err(failure) => {
                self.discard(&batch.messages);
                return Err(failure);
            }
        };
        let mut full = None;
        let appends = loop {
            match self.name(&batch) {
                Ok(appends) => break appends,
                Err(failure) => {
                    let half = if failure.is_full() {
                        batch.messages.len() / 2
                    } else {
                        0
                    };
                    self.discard(&batch.messages.split_off(half));
                    if half == 0 {
                        return Err(failure);
                    }
                    full = Some(failure);
                }
            }
        };
        let mut settled = Vec::new();
        let appended = self.publish(&batch, appends, &mut settled)?;
        let turned_back = self.turn_back(&mut batch, appended, &mut settled)?;
        if couriers.is_empty() {
            self.record_settled(&batch.messages, &settled, stored)?;
        } else {
            self.record_settled(&[], &settled, stored)?;
            self.hand_over(&batch, &mut couriers, stored)?;
        }
        self.record_left_alone(&batch.left_alone)?;
        self.record_recognised(&batch.recognised, stored)?;
        full.or(turned_back).map_or(Ok(()), Err)
    }

    /// Makes the contents durable. Before that it asks each program and server whether it takes
    /// mail now.
    fn begin_commit(&self, batch: &mut Batch) -> Result<Vec<Box<dyn Courier + '_>>, Failure> {
        let couriers = self.targets.handovers.iter();
        let couriers = couriers
            .map(|handover| handover.begin())
            .collect::<Result<_, _>>()?;
        for (index, maildir) in self.targets.maildirs.iter().enumerate() {
            batch.make_durable(index, maildir)?;
        }
        Ok(couriers)
    }

    /// Takes back messages that the state does not know of.
    pub(super) fn discard(&self, messages: &[Message]) {
        for (index, maildir) in self.targets.maildirs.iter().enumerate() {
            let files = messages
                .iter()
                .filter_map(|message| message.files[index].as_ref());
            maildir.discard(files);
        }
    }

    /// Takes the locks of the mboxes, and lets the state know where everything is going to be.
    fn name<'a>(&'a self, batch: &'a Batch) -> Result<Vec<Append<'a>>, Failure> {
        let mut appends = Vec::new();
        for mbox in &self.targets.mboxes {
            let letters = self.letters(batch, mbox.target());
            appends.push(mbox.prepare(letters, self.clock.now())?);
        }
        self.record_storing(batch, &appends)?;
        Ok(appends)
    }

    /// Brings everything to where it is going to be, and tells how much of it is there now.
    fn publish<'a>(
        &'a self,
        batch: &Batch,
        appends: Vec<Append<'_>>,
        settled: &mut Vec<Mark<'a>>,
    ) -> Result<Vec<Appended>, Failure> {
        for (index, maildir) in self.targets.maildirs.iter().enumerate() {
            if batch.has_files(index) {
                let seen = maildir.publish(batch.files(index))?;
                let target = maildir.target();
                settled.push(Mark::Settled { target, seen });
            }
        }
        appends.into_iter().map(Append::run).collect()
    }

    /// Has the messages wait for which an mbox had no room, those behind the first of them
    /// included. What there was no room for.
    fn turn_back<'a>(
        &'a self,
        batch: &mut Batch,
        appended: Vec<Appended>,
        settled: &mut Vec<Mark<'a>>,
    ) -> Result<Option<Failure>, Failure> {
        let mboxes = || self.targets.mboxes.iter().map(Mbox::target);
        settled.extend(
            (mboxes().zip(&appended)).map(|(target, appended)| Mark::Settled {
                target,
                seen: appended.changed,
            }),
        );
        let fit = appended.iter().map(|appended| appended.messages).min();
        let fit = fit.unwrap_or(batch.messages.len());
        for (index, message) in batch.messages.iter().enumerate().skip(fit) {
            let appended = mboxes().zip(&appended);
            let appended = appended.filter(|(_, appended)| appended.messages > index);
            let maildirs = self.targets.maildirs.iter().map(Maildir::target);
            let reached = maildirs.chain(appended.map(|(target, _)| target));
            self.record_reached(message, reached)?;
        }
        batch.messages.truncate(fit);
        Ok(appended.into_iter().find_map(|appended| appended.full))
    }

    /// What the target is to get of each message of the batch.
    fn letters<'a>(
        &'a self,
        batch: &'a Batch,
        target: &'a Target,
    ) -> impl Iterator<Item = Option<letter::Letter<'a>>> {
        (batch.messages.iter()).map(|message| message.letter(&self.account_name, target))
    }

    /// Lets the state know where every copy of every message is going to be, and which batch of the
    /// target it belongs to.
    fn record_storing(&self, batch: &Batch, appends: &[Append<'_>]) -> Result<(), Failure> {
        let Targets {
            maildirs,
            mboxes,
            handovers,
            ..
        } = &self.targets;
        let mut extents: Vec<_> = appends.iter().map(Append::places).collect();
        let (mut placements, mut ends) = (Vec::new(), Vec::new());
        for message in &batch.messages {
            let coming = |target, place, batch| Placement {
                target,
                place,
                delivered: false,
                batch,
            };
            let files = (maildirs.iter().zip(&message.files)).filter_map(|(maildir, file)| {
                let place = file.as_ref()?.place.as_slice();
                Some(coming(maildir.target(), place, maildir.marked.next()))
            });
            placements.extend(files);
            let extents = extents.iter_mut().map(|places| places.next().flatten());
            let extents = (mboxes.iter().zip(extents)).filter_map(|(mbox, extent)| {
                Some(coming(mbox.target(), extent?, mbox.marked.next()))
            });
            placements.extend(extents);
            let handed = (handovers.iter().map(|handover| handover.target()))
                .filter(|target| !message.is_in(target))
                .map(|target| coming(target, b"", 0));
            placements.extend(handed);
            placements.extend(message.already.iter().map(|copy| Placement {
                target: &copy.target,
                place: &copy.place,
                delivered: true,
                batch: copy.batch,
            }));
            ends.push(placements.len());
        }
        let starts = iter::once(0).chain(ends.iter().copied());
        let mut storing =
            (batch.messages.iter().zip(starts).zip(&ends)).map(|((message, start), &end)| {
                Change::Storing {
                    key: message.ticket.key.as_ref(),
                    sum: &message.read.sum,
                    header: &message.read.header,
                    received: message.read.received,
                    excerpt: message.ticket.excerpt,
                    copies: &placements[start..end],
                }
            });
        let now = self.clock.now();
        let begun = self.begun(batch, appends);
        let marks: Vec<Mark<'_>> = begun.iter().map(|begun| begun.mark()).collect();
        (self.store).apply_marked(self.account, now, &mut storing, &marks)?;
        begun.iter().for_each(|begun| begun.marked.begun());
        Ok(())
    }

    /// The targets that get something of a batch.
    fn begun<'a>(&'a self, batch: &Batch, appends: &[Append<'_>]) -> Vec<Begun<'a>> {
        let Targets {
            maildirs, mboxes, ..
        } = &self.targets;
        let maildirs = maildirs.iter().enumerate();
        let maildirs = maildirs.filter(|(index, _)| batch.has_files(*index));
        let mboxes = mboxes.iter().zip(appends);
        let mboxes = mboxes.filter(|(_, append)| !append.is_empty());
        let maildirs = maildirs.map(|(_, maildir)| Begun {
            target: maildir.target(),
            marked: &maildir.marked,
        });
        let mboxes = mboxes.map(|(mbox, _)| Begun {
            target: mbox.target(),
            marked: &mbox.marked,
        });
        maildirs.chain(mboxes).collect()
    }
}
