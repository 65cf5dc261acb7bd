//! Finishing what an earlier run was interrupted in.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Delivery;
use super::maildir::{self, Age, Maildir, Recovered};
use super::mbox::{self, Mbox};
use crate::failure::Failure;
use crate::report::Event;
use crate::state::{Change, Placed, Target, Unfinished};

/// A copy of a message: the message's index, and the copy's in it.
type Index = (usize, usize);

impl Delivery {
    /// Finds out what became of messages whose delivery was interrupted, and finishes it where
    /// their octets are still there. Comes before everything else.
    pub(crate) fn recover(&self) -> Result<(), Failure> {
        let messages = self.store.unfinished(self.account)?;
        if messages.is_empty() {
            return Ok(());
        }
        let mut by_target: BTreeMap<&Target, Vec<Index>> = BTreeMap::new();
        for (index, message) in messages.iter().enumerate() {
            for (copy, placed) in message.copies.iter().enumerate() {
                by_target
                    .entry(&placed.target)
                    .or_default()
                    .push((index, copy));
            }
        }
        let mut delivered: HashMap<Index, bool> = HashMap::new();
        for (target, copies) in &by_target {
            match self.open(target) {
                Ok(opened) => {
                    let found = self.find(&opened, &messages, copies)?;
                    delivered.extend(copies.iter().copied().zip(found));
                }
                // Its disk may be away. The messages stay as they are until it is back.
                Err(failure) => self.event(Event::Warning { failure: &failure }),
            }
        }
        let known = (messages.iter().enumerate()).filter_map(|(index, message)| {
            let copies = message.copies.iter().enumerate();
            let copies =
                copies.map(|(copy, placed)| Some((placed, *delivered.get(&(index, copy))?)));
            Some((message, copies.collect::<Option<Vec<_>>>()?))
        });
        let known: Vec<(&Unfinished, Vec<(&Placed, bool)>)> = known.collect();
        if known.is_empty() {
            return Ok(());
        }
        let mut changes = known
            .iter()
            .flat_map(|(message, copies)| settle(message, copies));
        self.store
            .apply(self.account, self.clock.now(), &mut changes)?;
        self.event(Event::Recovered {
            messages: known.len(),
        });
        Ok(())
    }

    fn open(&self, target: &Target) -> Result<Opened<'_>, Failure> {
        let file_system = || Arc::clone(&self.file_system);
        match target.kind.as_str() {
            maildir::KIND => {
                let ours = self.targets.maildirs.iter();
                let ours = ours.into_iter().find(|maildir| maildir.target() == target);
                Ok(match ours {
                    Some(maildir) => Opened::Maildir(maildir),
                    None => Opened::OtherMaildir(Maildir::of_target(file_system(), target)?),
                })
            }
            mbox::KIND => Ok(Opened::Mbox(Mbox::of_target(file_system(), target)?)),
            _ => Ok(Opened::HandedOver),
        }
    }

    /// Whether each of these copies is in its target.
    fn find(
        &self,
        target: &Opened<'_>,
        messages: &[Unfinished],
        copies: &[Index],
    ) -> Result<Vec<bool>, Failure> {
        let placed = |&(index, copy): &Index| &messages[index].copies[copy];
        match target {
            Opened::Maildir(maildir) => self.find_in_maildir(maildir, messages, copies),
            Opened::OtherMaildir(maildir) => self.find_in_maildir(maildir, messages, copies),
            Opened::Mbox(mbox) => {
                let places: Vec<&[u8]> = (copies
                    .iter()
                    .map(placed)
                    .map(|placed| placed.place.as_slice()))
                .collect();
                mbox.recover(&places)
            }
            // Nobody can tell. Twice is better than not at all.
            Opened::HandedOver => Ok(copies
                .iter()
                .map(placed)
                .map(|placed| placed.delivered)
                .collect()),
        }
    }

    fn find_in_maildir(
        &self,
        maildir: &Maildir,
        messages: &[Unfinished],
        copies: &[Index],
    ) -> Result<Vec<bool>, Failure> {
        let now = self.clock.now();
        let recovered = maildir.recover(copies.iter().map(|&(index, copy)| {
            let message = &messages[index];
            let age = Age::of(message.since, now);
            let place = message.copies[copy].place.as_slice();
            (self.digest(&message.key), place, age)
        }))?;
        Ok((recovered.into_iter())
            .map(|recovered| recovered != Recovered::Lost)
            .collect())
    }
}

/// A target of an earlier run.
enum Opened<'a> {
    Maildir(&'a Maildir),
    OtherMaildir(Maildir),
    Mbox(Mbox),
    HandedOver,
}

/// What the state is to know of a message, of each of whose copies it is known whether it is there.
fn settle<'a>(
    message: &'a Unfinished,
    copies: &'a [(&'a Placed, bool)],
) -> impl Iterator<Item = Change<'a>> {
    let key = message.key.as_ref();
    let is_stored = copies.iter().all(|(_, delivered)| *delivered);
    let reached = (copies.iter())
        .filter(move |(_, delivered)| *delivered && !is_stored)
        .map(move |(placed, _)| Change::Reached {
            key,
            target: &placed.target,
        });
    let end = match is_stored {
        true => Change::Stored { key },
        false => Change::Returned { key },
    };
    reached.chain(std::iter::once(end))
}
