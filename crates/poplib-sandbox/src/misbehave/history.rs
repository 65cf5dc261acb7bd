//! What a user's maildrop goes through from one session to the next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::mem;
use std::sync::Arc;

use super::{Misbehaviour, Misbehaviours};
use crate::mailbox::Maildrop;
use crate::marks::Marks;

#[derive(Default)]
pub(crate) struct History {
    /// Logins that are still refused.
    locked: u64,
    deletions: Vec<Deletion>,
    /// What the unique-ids of messages are shown as, by a server that uses them again.
    reused: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Unique-ids of deleted messages, the next to be used first.
    free: VecDeque<Vec<u8>>,
    /// Unique-ids that are not shown as they are.
    changed: BTreeSet<Vec<u8>>,
}

/// What QUIT has put off.
struct Deletion {
    /// Logins before it.
    logins: u64,
    maildrop: Arc<dyn Maildrop>,
    marked: Marks,
}

impl History {
    /// Refuses the next logins.
    pub(crate) fn lock_for(&mut self, logins: u64) {
        self.locked = logins;
    }

    /// Counts a login; `false` if it is one of those that are refused.
    pub(crate) fn unlock(&mut self) -> bool {
        let locked = self.locked > 0;
        self.locked = self.locked.saturating_sub(1);
        !locked
    }

    /// Deletes what is marked when so many sessions have logged in.
    pub(crate) fn delete_later(
        &mut self,
        logins: u64,
        maildrop: Arc<dyn Maildrop>,
        marked: &Marks,
    ) {
        self.deletions.push(Deletion {
            logins,
            maildrop,
            marked: marked.clone(),
        });
    }

    /// Counts a login, before it sees the maildrop.
    pub(crate) fn delete_what_is_due(&mut self) -> io::Result<()> {
        let due = self
            .deletions
            .extract_if(.., |deletion| deletion.logins == 0);
        for deletion in due {
            deletion.maildrop.remove(&deletion.marked)?;
        }
        for deletion in &mut self.deletions {
            deletion.logins -= 1;
        }
        Ok(())
    }

    /// What the unique-ids of a maildrop are shown as in this session.
    pub(super) fn unique_ids(
        &mut self,
        misbehaviours: &Misbehaviours,
        maildrop: &dyn Maildrop,
    ) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let present = || (1..=maildrop.messages()).map(|number| maildrop.unique_id(number));
        let mut shown = BTreeMap::new();
        for misbehaviour in &misbehaviours.active {
            match misbehaviour {
                Misbehaviour::ReusedUidl => {
                    self.reuse(&present().collect::<Vec<_>>());
                    shown.extend(self.reused.clone());
                }
                Misbehaviour::ChangedUidl(messages) => {
                    if self.changed.is_empty() {
                        self.changed.extend(present().take(*messages as usize));
                    }
                    let changed = |id: &Vec<u8>| (id.clone(), [b"changed-", &**id].concat());
                    shown.extend(self.changed.iter().map(changed));
                }
                _ => {}
            }
        }
        shown
    }

    /// Gives new messages the unique-ids of those that are gone, as long as there are some.
    fn reuse(&mut self, present: &[Vec<u8>]) {
        let there: BTreeSet<_> = present.iter().collect();
        let free = &mut self.free;
        self.reused.retain(|unique_id, shown| {
            let is_there = there.contains(unique_id);
            if !is_there {
                free.push_back(mem::take(shown));
            }
            is_there
        });
        for unique_id in present {
            self.reused
                .entry(unique_id.clone())
                .or_insert_with(|| free.pop_front().unwrap_or_else(|| unique_id.clone()));
        }
    }
}
