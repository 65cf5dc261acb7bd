//! Finishing what an earlier run was interrupted in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::maildir::{self, Age, Interrupted, Maildir, Recovered};
use super::marker::Marked;
use super::mbox::{self, Mbox};
use super::opening::Opening;
use super::{Delivery, names};
use crate::failure::Failure;
use crate::report::Event;
use crate::settings::LineEnd;
use crate::state::{Change, Mark, Placed, Target, Unfinished, Verdict};

/// Of each copy whether it is there; and when the target was changed last.
type Found = (Vec<bool>, Option<i64>);

/// A copy of a message: the message's index, and the copy's in it.
type Index = (usize, usize);

impl Delivery {
    /// Finds out what became of messages whose delivery was interrupted, and finishes it where
    /// their octets are still there. What nothing can come of is taken away. Comes before
    /// everything else. How many messages wait for a target that is away.
    pub(super) fn recover(&self) -> Result<usize, Failure> {
        let messages = self.store.unfinished(self.account)?;
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
        let (mut marks, mut opened) = (Vec::new(), Vec::new());
        for (target, copies) in &by_target {
            match self.open_again(target) {
                Ok(found_again) => {
                    marks.extend(self.begin_batch(target, &found_again)?);
                    let (found, seen) = self.find(&found_again, &messages, copies)?;
                    delivered.extend(copies.iter().copied().zip(found));
                    marks.extend(seen.map(|seen| Mark::Settled {
                        target,
                        seen: Some(seen),
                    }));
                    opened.push(found_again);
                }
                // Its disk may be away. The messages stay as they are until it is back.
                Err(failure) => self.event(Event::Warning { failure: &failure }),
            }
        }
        let (mut known, mut waiting) = (Vec::new(), Vec::new());
        for (index, message) in messages.iter().enumerate() {
            let copies = message.copies.iter().enumerate();
            let copies =
                copies.map(|(copy, placed)| Some((placed, *delivered.get(&(index, copy))?)));
            match copies.collect::<Option<Vec<_>>>() {
                Some(copies) => known.push((message, copies)),
                None => waiting.push(message),
            }
        }
        if !known.is_empty() {
            let mut changes = known
                .iter()
                .flat_map(|(message, copies)| settle(message, copies));
            let now = self.clock.now();
            (self.store).apply_marked(self.account, now, &mut changes, &marks)?;
            opened
                .iter()
                .filter_map(Opened::marked)
                .for_each(Marked::begun);
            self.event(Event::Recovered {
                messages: known.len(),
            });
        }
        self.sweep(&waiting)?;
        Ok(waiting.len())
    }

    /// Has a target tell the next batch, durably, before anything is finished there: a backup of how
    /// it was until now is older.
    fn begin_batch<'a>(
        &self,
        target: &'a Target,
        opened: &Opened<'_>,
    ) -> Result<Option<Mark<'a>>, Failure> {
        let Some(marked) = opened.marked() else {
            return Ok(None);
        };
        marked.begin_durably(&*self.file_system)?;
        let batch = marked.next();
        Ok(Some(Mark::Begun { target, batch }))
    }

    /// Whether each of these copies is in this target, and when that was changed last.
    fn find(
        &self,
        target: &Opened<'_>,
        messages: &[Unfinished],
        copies: &[Index],
    ) -> Result<Found, Failure> {
        match target {
            Opened::Maildir(maildir) => self.find_in_maildir(maildir, messages, copies),
            Opened::OtherMaildir(maildir) => self.find_in_maildir(maildir, messages, copies),
            Opened::Mbox(mbox) => find_in_mbox(mbox, messages, copies),
            Opened::OtherMbox(mbox) => find_in_mbox(mbox, messages, copies),
            // Nobody can tell, or nothing is there. Twice is better than not at all.
            Opened::Nothing => {
                let placed = copies
                    .iter()
                    .map(|&(index, copy)| &messages[index].copies[copy]);
                Ok((placed.map(|placed| placed.delivered).collect(), None))
            }
        }
    }

    /// A target that messages were on their way to. Those of today are open, and known to be what
    /// they were.
    fn open_again(&self, target: &Target) -> Result<Opened<'_>, Failure> {
        let maildirs = self.targets.maildirs.iter();
        if let Some(maildir) = maildirs
            .into_iter()
            .find(|maildir| maildir.target() == target)
        {
            return Ok(Opened::Maildir(maildir));
        }
        if let Some(mbox) = self
            .targets
            .mboxes
            .iter()
            .find(|mbox| mbox.target() == target)
        {
            return Ok(Opened::Mbox(mbox));
        }
        if target.kind != maildir::KIND && target.kind != mbox::KIND {
            return Ok(Opened::Nothing);
        }
        let mut opening = Opening::new(self)?;
        if opening.verdict(target) == Some(Verdict::Left) {
            return Ok(Opened::Nothing);
        }
        let marked = opening.settle(target, None)?;
        let (file_system, mode) = (Arc::clone(&self.file_system), PRIVATE);
        Ok(match target.kind == maildir::KIND {
            true => Opened::OtherMaildir(Maildir::open(file_system, target, marked, mode)?),
            false => {
                let mbox = Mbox::open(file_system, target, marked, mode, LineEnd::Lf);
                Opened::OtherMbox(mbox)
            }
        })
    }

    fn find_in_maildir(
        &self,
        maildir: &Maildir,
        messages: &[Unfinished],
        copies: &[Index],
    ) -> Result<Found, Failure> {
        let now = self.clock.now();
        let interrupted = copies.iter().map(|&(index, copy)| {
            let message = &messages[index];
            let placed = &message.copies[copy];
            Interrupted {
                place: &placed.place,
                // A Maildir that was set back never saw it.
                age: match maildir.marked.has_begun(placed.batch) {
                    true => Age::of(message.since, now),
                    false => Age::Doubtful,
                },
            }
        });
        let interrupted: Vec<_> = interrupted.collect();
        let (recovered, changed) = maildir.recover(&interrupted)?;
        let found = recovered.into_iter();
        let found = found.map(|recovered| recovered != Recovered::Lost);
        Ok((found.collect(), changed))
    }

    /// Removes what earlier claims left under `tmp/`, but for these messages, whose delivery is yet
    /// to be finished.
    fn sweep(&self, unfinished: &[&Unfinished]) -> Result<(), Failure> {
        let copies = unfinished.iter().flat_map(|message| &message.copies);
        let kept = copies.filter_map(|copy| names::temporary_of(&copy.place));
        let kept: BTreeSet<String> = kept.collect();
        let names = &self.targets.names;
        let is_kept = |name: &[u8]| kept.iter().any(|kept| kept.as_bytes() == name);
        let is_left_behind = |name: &[u8]| names.is_left_behind(name) && !is_kept(name);
        let maildirs = &self.targets.maildirs;
        maildirs
            .iter()
            .try_for_each(|maildir| maildir.sweep(is_left_behind))
    }
}

fn find_in_mbox(mbox: &Mbox, messages: &[Unfinished], copies: &[Index]) -> Result<Found, Failure> {
    let place = |&(index, copy): &Index| messages[index].copies[copy].place.as_slice();
    let places: Vec<&[u8]> = copies.iter().map(place).collect();
    mbox.recover(&places)
}

/// The permissions of files that are not made anew.
const PRIVATE: u32 = 0o600;

/// A target of an earlier run.
enum Opened<'a> {
    Maildir(&'a Maildir),
    OtherMaildir(Maildir),
    Mbox(&'a Mbox),
    OtherMbox(Mbox),
    /// There is nothing to look at.
    Nothing,
}

impl Opened<'_> {
    fn marked(&self) -> Option<&Marked> {
        match self {
            Self::Maildir(maildir) => Some(&maildir.marked),
            Self::OtherMaildir(maildir) => Some(&maildir.marked),
            Self::Mbox(mbox) => Some(&mbox.marked),
            Self::OtherMbox(mbox) => Some(&mbox.marked),
            Self::Nothing => None,
        }
    }
}

/// What the state is to know of a message, of each of whose copies it is known whether it is there.
fn settle<'a>(
    message: &'a Unfinished,
    copies: &'a [(&'a Placed, bool)],
) -> impl Iterator<Item = Change<'a>> {
    let key = message.key.as_ref();
    let is_stored = copies.iter().all(|(_, delivered)| *delivered);
    let reached = (copies.iter())
        .filter(|(_, delivered)| *delivered)
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
