//! Messages that a listing lacks: one of them may come back under another key, and is known by its
//! content then.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::key::{Key, KeyList, KeyRef, Sum};
use crate::likeness::Essence;

/// What is known of messages that the listing lacks. Each of them answers for one new message.
#[derive(Debug, Default)]
pub(crate) struct Vanished {
    keys: KeyList,
    /// Contents that were delivered, and the indices of their keys, in order once all are there.
    contents: Vec<(Sum, u32)>,
    /// The same by what no server changes in a message, of those that had no unique-id.
    essences: Vec<(Essence, u32)>,
    /// Those that have answered.
    taken: Mutex<BTreeSet<u32>>,
    /// Those that were not delivered to every target.
    waiting: BTreeSet<Key>,
}

impl Vanished {
    /// Adds a message that was delivered.
    pub(super) fn push(&mut self, key: KeyRef<'_>, sum: Sum, essence: Option<Essence>) {
        let Ok(index) = u32::try_from(self.keys.len()) else {
            return;
        };
        self.keys.push(key);
        self.contents.push((sum, index));
        if key.identity.unique_id().is_none() {
            self.essences
                .extend(essence.map(|essence| (essence, index)));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    /// Adds a message that waits to be fetched.
    pub(super) fn push_waiting(&mut self, key: KeyRef<'_>) {
        self.waiting.insert(key.to_key());
    }

    /// All are there.
    #[must_use]
    pub(super) fn sorted(mut self) -> Self {
        self.contents.sort_unstable();
        self.essences.sort_unstable();
        self
    }

    /// The key under which a new message was delivered, if its content says that it was. Messages
    /// without a unique-id are also known by what no server changes in them.
    pub(crate) fn take(&self, new: KeyRef<'_>, sum: &Sum, essence: Option<Essence>) -> Option<Key> {
        let essence = essence.filter(|_| new.identity.unique_id().is_none());
        let found = (self.first_left(&self.contents, sum))
            .or_else(|| self.first_left(&self.essences, &essence?))?;
        self.taken().insert(found);
        Some(self.keys.get(found as usize)?.to_key())
    }

    /// Has the message that was delivered with this content, under this key, answer for one that
    /// came. Whether it has not answered for another; one that is not known has not.
    pub(crate) fn answer(&self, key: &Key, sum: &Sum) -> bool {
        let first = self.contents.partition_point(|(other, _)| other < sum);
        let same = (self.contents[first..].iter()).take_while(|(other, _)| other == sum);
        let mut indices = same.map(|&(_, index)| index);
        let is_it = |&index: &u32| {
            let known = self.keys.get(index as usize);
            known.is_some_and(|known| known == key.as_ref())
        };
        let found = indices.find(is_it);
        found.is_none_or(|index| self.taken().insert(index))
    }

    fn first_left<T: Ord>(&self, known: &[(T, u32)], wanted: &T) -> Option<u32> {
        let first = known.partition_point(|(other, _)| other < wanted);
        let same = known[first..]
            .iter()
            .take_while(|(other, _)| other == wanted);
        let taken = self.taken();
        (same.map(|&(_, index)| index)).find(|index| !taken.contains(index))
    }

    fn taken(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        // A set is never half-written.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of these keys that have answered for no other message.
    pub(crate) fn left<'a>(&self, keys: &'a KeyList) -> impl Iterator<Item = KeyRef<'a>> {
        let answered = self.answered();
        keys.iter()
            .filter(move |key| !answered.contains(&key.to_key()))
    }

    /// The keys of those that have answered.
    pub(super) fn answered(&self) -> BTreeSet<Key> {
        let key = |&index: &u32| Some(self.keys.get(index as usize)?.to_key());
        self.taken().iter().filter_map(key).collect()
    }

    /// Whether a message that waits to be fetched is missing from the listing.
    pub(crate) fn is_waiting(&self, key: &Key) -> bool {
        self.waiting.contains(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Identity;

    fn key(octets: &'static [u8]) -> KeyRef<'static> {
        KeyRef {
            identity: Identity::from_octets(octets),
            occurrence: 1,
        }
    }

    fn essence(digest: u8) -> Essence {
        Essence::new(&[digest; 32], 100)
    }

    #[test]
    fn e09_a_message_known_by_its_content_answers_for_one_with_a_name_or_one_without() {
        let sum = [1; 32];
        let (first, second) = (Key::of_content(&sum, 1), Key::of_content(&sum, 2));
        let mut vanished = Vanished::default();
        vanished.push(first.as_ref(), sum, None);
        vanished.push(second.as_ref(), sum, None);
        let vanished = vanished.sorted();
        assert_eq!(vanished.take(key(b"Un"), &sum, None), Some(first.clone()));
        assert!(!vanished.answer(&first, &sum));
        assert!(vanished.answer(&second, &sum));
        assert_eq!(vanished.take(key(b"Um"), &sum, None), None);
        assert!(vanished.answer(&Key::of_content(&sum, 3), &sum));
    }

    #[test]
    fn e09_each_message_that_vanished_answers_for_one_new_message() {
        let mut vanished = Vanished::default();
        vanished.push(key(b"Ua"), [1; 32], Some(essence(9)));
        vanished.push(key(b"Ub"), [1; 32], None);
        vanished.push(key(b"Hc"), [3; 32], Some(essence(8)));
        let vanished = vanished.sorted();
        let take = |sum: u8, essence: Option<Essence>| {
            let key = vanished.take(key(b"Un"), &[sum; 32], essence)?;
            Some(key.as_ref().identity.octets().to_vec())
        };
        assert_eq!(take(1, None), Some(b"Ua".to_vec()));
        assert_eq!(take(1, None), Some(b"Ub".to_vec()));
        assert_eq!(take(1, None), None);
        // A unique-id tells more than a Message-ID, so that only the content counts beside it.
        assert_eq!(take(7, Some(essence(9))), None);
        assert_eq!(take(7, Some(essence(8))), None);
        // A part of a message has its header, too.
        let part = Some(Essence::new(&[8; 32], 99));
        assert_eq!(vanished.take(key(b"Hn"), &[7; 32], part), None);
        let without = vanished.take(key(b"Hn"), &[7; 32], Some(essence(8)));
        assert_eq!(without, Some(key(b"Hc").to_key()));
        assert_eq!(vanished.take(key(b"Hm"), &[3; 32], None), None);
        let mut gone = KeyList::default();
        gone.push(key(b"Ub"));
        gone.push(key(b"Ux"));
        assert!(vanished.answered().contains(&key(b"Ua").to_key()));
        assert_eq!(vanished.left(&gone).collect::<Vec<_>>(), [key(b"Ux")]);
    }
}
