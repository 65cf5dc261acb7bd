//! What the misbehaviours of one session have to remember.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Misbehaviour, Misbehaviours};

/// Numbers of one session are below this.
const NUMBERS: u64 = 1_000_000_000;

#[derive(Debug, Default)]
pub(super) struct Course {
    session: u64,
    /// RETRs that were asked for.
    retrievals: AtomicU64,
    /// DELEs of messages that can be deleted.
    deletions: AtomicU64,
    /// Octets that were counted.
    pub(super) counts: AtomicU64,
    /// What was made anew.
    made: AtomicU64,
    /// Whether LIST or UIDL was answered.
    listed: AtomicBool,
    /// What unique-ids are shown as, where they are shown as something else.
    pub(super) unique_ids: OnceLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Course {
    pub(super) fn of_session(session: u64) -> Self {
        Self {
            session,
            ..Self::default()
        }
    }

    /// Counts a RETR; returns how many there were before.
    pub(super) fn count_retrieval(&self) -> u64 {
        self.retrievals.fetch_add(1, Ordering::Relaxed)
    }

    /// A number that no session gets twice, and no other session gets.
    pub(super) fn new_number(&self) -> u64 {
        self.session * NUMBERS + self.made.fetch_add(1, Ordering::Relaxed)
    }
}

impl Misbehaviours {
    /// Whether a DELE that can be obeyed is.
    pub(crate) fn obeys_dele(&self) -> bool {
        let before = self.course.deletions.fetch_add(1, Ordering::Relaxed);
        let most = self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::IgnoreDele => Some(0),
            Misbehaviour::ObeyDeles(most) => Some(*most),
            _ => None,
        });
        most.is_none_or(|most| before < most)
    }

    /// Whether the numbers behind a deleted message change at once.
    pub(crate) fn renumbers(&self) -> bool {
        self.has(&Misbehaviour::RenumberAfterDele)
    }

    /// How many of the last messages are not there yet.
    pub(crate) fn still_to_come(&self) -> u64 {
        let late = self.has(&Misbehaviour::LateMessage);
        u64::from(late && !self.course.listed.load(Ordering::Relaxed))
    }

    /// LIST or UIDL was answered: what was late is there.
    pub(crate) fn listed(&self) {
        self.course.listed.store(true, Ordering::Relaxed);
    }

    /// What another client deletes after the first STAT, LIST or UIDL.
    pub(crate) fn vanishing(&self) -> impl Iterator<Item = u64> {
        self.active
            .iter()
            .filter_map(|misbehaviour| match misbehaviour {
                Misbehaviour::VanishingMessage(number) => Some(*number),
                _ => None,
            })
    }
}
