//! Whether a message that has come was delivered before, under its own key or another.

use std::collections::BTreeMap;

use super::Ticket;
use super::partly::Partly;
use crate::evidence::Read;
use crate::key::{Key, Sum};
use crate::state::{Placed, Unfinished};

/// What a message turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was not delivered.
    New,
    /// It was, and perhaps under another key.
    Delivered { was: Option<Key> },
    /// It is known by its content, and is to be left alone.
    LeftAlone,
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
    pub(super) fn copies(&mut self, ticket: &Ticket, sum: &Sum) -> Vec<Placed> {
        self.partly.take(ticket, sum)
    }

    /// What the message is. One that has no key yet gets it by its content.
    pub(super) fn recognise(&mut self, ticket: &mut Ticket, read: &Read) -> Outcome {
        let (sum, essence) = (&read.sum, read.received.essence);
        if let Some(contents) = &ticket.contents {
            let times = self.named.entry(*sum).or_default();
            *times += 1;
            ticket.key = Key::of_content(sum, *times);
            match contents.is_delivered(sum, *times) {
                Some(true) => return Outcome::Delivered { was: None },
                Some(false) => return Outcome::LeftAlone,
                None if contents.leaves_new_alone() => return Outcome::LeftAlone,
                None => {}
            }
        }
        let is_same = essence.is_some() && essence == ticket.essence;
        if ticket.known.contains(sum) || is_same {
            return Outcome::Delivered { was: None };
        }
        let was = (ticket.vanished.as_ref())
            .and_then(|vanished| vanished.take(ticket.key.as_ref(), sum, essence));
        match was {
            Some(was) => Outcome::Delivered { was: Some(was) },
            None => Outcome::New,
        }
    }
}
