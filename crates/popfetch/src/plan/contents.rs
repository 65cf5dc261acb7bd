//! Messages that only their content tells from others: a server with neither UIDL nor TOP shows
//! nothing else (Q41).

use std::collections::BTreeMap;

use super::known::KnownRow;
use super::{Removal, Vanished};
use crate::evidence::{Same, Whole};
use crate::key::{Key, KeyList, Sum};
use crate::state::State;

/// What is known of them.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    known: BTreeMap<(Sum, u32), Content>,
    /// What is new is left alone.
    leaves_new_alone: bool,
}

#[derive(Debug)]
struct Content {
    state: State,
    /// It may be deleted on the server once it is recognised, as far as the policy goes.
    goes: bool,
    whole: Option<Whole>,
}

impl Contents {
    pub(super) fn new(leaves_new_alone: bool) -> Self {
        Self {
            known: BTreeMap::new(),
            leaves_new_alone,
        }
    }

    pub(crate) fn leaves_new_alone(&self) -> bool {
        self.leaves_new_alone
    }

    pub(super) fn push(&mut self, sum: Sum, row: &KnownRow, goes: bool) {
        let content = Content {
            state: row.state,
            goes,
            whole: row.whole(),
        };
        self.known
            .insert((sum, row.key.as_ref().occurrence), content);
    }

    /// Whether a message with this content was delivered, or is to be left alone; `None` where it
    /// is new.
    pub(crate) fn is_delivered(&self, sum: &Sum, occurrence: u32) -> Option<bool> {
        match self.known.get(&(*sum, occurrence))?.state {
            State::Stored | State::Deleting | State::Gone => Some(true),
            State::Skipped | State::Rejected => Some(false),
            State::Pending | State::Storing | State::Quarantined => None,
        }
    }

    /// Leave to delete the message at this position, which was recognised in this session.
    pub(crate) fn removal(&self, position: u32, sum: &Sum, occurrence: u32) -> Option<Removal> {
        let content = self.known.get(&(*sum, occurrence));
        let content = content.filter(|content| content.goes)?;
        Some(Removal {
            position,
            same: Same::fetched_in_this_session(),
            whole: content.whole?,
        })
    }

    /// Adds the rows whose messages did not come in a session in which all came: those that were
    /// being deleted, and the others. Those that came under another key are none of them.
    pub(crate) fn missing(
        &self,
        came: &[(u32, Key)],
        vanished: &Vanished,
        gone: &mut KeyList,
        unseen: &mut KeyList,
    ) {
        let mut there = vanished.answered();
        there.extend(came.iter().map(|(_, key)| key.clone()));
        for ((sum, occurrence), content) in &self.known {
            let key = Key::of_content(sum, *occurrence);
            if there.contains(&key) {
                continue;
            }
            match content.state {
                State::Deleting => gone.push(key.as_ref()),
                State::Storing => {}
                _ => unseen.push(key.as_ref()),
            }
        }
    }
}
