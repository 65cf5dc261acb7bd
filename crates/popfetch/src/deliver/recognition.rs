//! Whether a message that has come was delivered before, under its own key or another.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Ticket;
use super::partly::Partly;
use crate::evidence::Read;
use crate::key::{Key, Sum};
use crate::plan::Vanished;
use crate::state::{Placed, Unfinished};

/// What a message turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was not delivered.
    New,
    /// It was.
    Delivered(Origin),
    /// It is known by its content, and is to be left alone.
    LeftAlone,
}

/// What a message was delivered as.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// As what its key stands for.
    Own,
    /// As a message that the listing lacks.
    Missing(Key),
    /// As a message whose unique-id stands for another one by now (Q45).
    Elsewhere,
}

/// What the messages of a session are compared with.
#[derive(Default)]
pub(crate) struct Recognition {
    /// What was delivered to some targets and not to others.
    partly: Partly,
    /// How often each content has come, of messages that have no other name.
    named: BTreeMap<Sum, u32>,
}

impl Recognition {
    /// `partly` are the messages that an earlier session delivered to some of the targets.
    pub(crate) fn new(partly: Vec<Unfinished>) -> Self {
        Self {
            partly: Partly::new(partly),
            named: BTreeMap::new(),
        }
    }

    /// The copies of a new message that an earlier session delivered.
    pub(super) fn copies(&mut self, ticket: &Ticket, read: &Read) -> Vec<Placed> {
        self.partly.take(ticket, &read.sum, read.received.essence)
    }

    /// What the message is. One that has no key yet gets it by its content.
    pub(super) fn recognise(&mut self, ticket: &mut Ticket, read: &Read) -> Outcome {
        let (sum, essence) = (&read.sum, read.received.essence);
        if let Some(contents) = &ticket.contents {
            let times = self.named.entry(*sum).or_default();
            loop {
                *times += 1;
                ticket.key = Key::of_content(sum, *times);
                // It may have answered for a message that has a name now.
                let vanished = ticket.vanished.as_ref();
                if vanished.is_none_or(|vanished| vanished.answer(&ticket.key, sum)) {
                    break;
                }
            }
            match contents.is_delivered(sum, *times) {
                Some(true) => return Outcome::Delivered(Origin::Own),
                Some(false) => return Outcome::LeftAlone,
                None if contents.leaves_new_alone() => return Outcome::LeftAlone,
                None => {}
            }
        }
        let is_same = (ticket.likeness.zip(essence))
            .is_some_and(|(likeness, essence)| likeness.is_met_by(essence));
        if ticket.known.contains(sum) || is_same {
            return Outcome::Delivered(Origin::Own);
        }
        let key = ticket.key.as_ref();
        let take = |from: &Option<Arc<Vanished>>| from.as_ref()?.take(key, sum, essence);
        if let Some(was) = take(&ticket.vanished) {
            return Outcome::Delivered(Origin::Missing(was));
        }
        match take(&ticket.exchanged) {
            Some(_) => Outcome::Delivered(Origin::Elsewhere),
            None => Outcome::New,
        }
    }
}
