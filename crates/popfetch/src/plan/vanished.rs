//! Messages that a listing lacks: one of them may come back under another key, and is known by its
//! content then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::key::{Key, KeyRef, Sum};

/// What is known of messages that the listing lacks. Each of them answers for one new message.
#[derive(Debug, Default)]
pub(crate) struct Vanished {
    delivered: Mutex<BTreeMap<Sum, Vec<Key>>>,
    /// By what no server changes in them, those that had no unique-id.
    without_unique_id: Mutex<BTreeMap<Sum, Vec<Key>>>,
    /// Those that were not delivered to every target.
    waiting: BTreeSet<Key>,
}

impl Vanished {
    /// Adds a message that was delivered.
    pub(super) fn push(&mut self, key: KeyRef<'_>, sum: Sum, essence: Option<Sum>) {
        let add = |map: &mut Mutex<BTreeMap<Sum, Vec<Key>>>, sum| {
            let map = map.get_mut().expect("nothing panics while it has this");
            map.entry(sum).or_default().push(key.to_key());
        };
        add(&mut self.delivered, sum);
        if let Some(essence) = essence.filter(|_| key.identity.unique_id().is_none()) {
            add(&mut self.without_unique_id, essence);
        }
    }

    /// Adds a message that waits to be fetched.
    pub(super) fn push_waiting(&mut self, key: KeyRef<'_>) {
        self.waiting.insert(key.to_key());
    }

    /// The key under which a new message was delivered, if its content says that it was. Messages
    /// without a unique-id are also known by what no server changes in them.
    pub(crate) fn take(&self, new: KeyRef<'_>, sum: &Sum, essence: Option<Sum>) -> Option<Key> {
        let delivered = pop(&self.delivered, sum, |_| true);
        let essence = essence.filter(|_| new.identity.unique_id().is_none());
        let key = match (delivered, essence) {
            (Some(key), _) => Some(key),
            (None, Some(essence)) => pop(&self.without_unique_id, &essence, |_| true),
            (None, None) => None,
        }?;
        // It answers once, however it is known.
        for map in [&self.delivered, &self.without_unique_id] {
            let mut map = map.lock().expect("nothing panics while it has this");
            map.values_mut()
                .for_each(|keys| keys.retain(|other| *other != key));
        }
        Some(key)
    }

    /// Whether this message was delivered and has answered for no other.
    pub(crate) fn has(&self, key: &Key) -> bool {
        let delivered = self
            .delivered
            .lock()
            .expect("nothing panics while it has this");
        delivered.values().flatten().any(|other| other == key)
    }

    /// Whether a message that waits to be fetched is missing from the listing.
    pub(crate) fn is_waiting(&self, key: &Key) -> bool {
        self.waiting.contains(key)
    }
}

fn pop(
    map: &Mutex<BTreeMap<Sum, Vec<Key>>>,
    sum: &Sum,
    is_meant: impl Fn(&Key) -> bool,
) -> Option<Key> {
    let mut map = map.lock().expect("nothing panics while it has this");
    let keys = map.get_mut(sum)?;
    let index = keys.iter().position(is_meant)?;
    Some(keys.remove(index))
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

    #[test]
    fn e09_each_message_that_vanished_answers_for_one_new_message() {
        let mut vanished = Vanished::default();
        vanished.push(key(b"Ua"), [1; 32], Some([9; 32]));
        vanished.push(key(b"Ub"), [1; 32], None);
        vanished.push(key(b"Hc"), [3; 32], Some([8; 32]));
        let take = |sum: u8, essence: Option<Sum>| {
            let key = vanished.take(key(b"Un"), &[sum; 32], essence)?;
            Some(key.as_ref().identity.octets().to_vec())
        };
        assert_eq!(take(1, None), Some(b"Ua".to_vec()));
        assert_eq!(take(1, None), Some(b"Ub".to_vec()));
        assert_eq!(take(1, None), None);
        // A unique-id tells more than a Message-ID, so that only the content counts beside it.
        assert_eq!(take(7, Some([9; 32])), None);
        assert_eq!(take(7, Some([8; 32])), None);
        let without = vanished.take(key(b"Hn"), &[7; 32], Some([8; 32]));
        assert_eq!(without, Some(key(b"Hc").to_key()));
        assert_eq!(vanished.take(key(b"Hm"), &[3; 32], None), None);
    }
}
