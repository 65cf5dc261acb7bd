//! Messages of which earlier attempts delivered some copies.

use std::collections::BTreeMap;

use super::Ticket;
use crate::key::{Key, KeyRef, Sum};
use crate::likeness::Essence;
use crate::state::{Placed, Unfinished};

/// They, by their keys.
#[derive(Default)]
pub(crate) struct Partly(BTreeMap<Key, Unfinished>);

impl Partly {
    pub(crate) fn new(messages: Vec<Unfinished>) -> Self {
        let by_key = |message: Unfinished| (message.key.clone(), message);
        Self(messages.into_iter().map(by_key).collect())
    }

    /// The copies of a message that were delivered. Other content under the same key is another
    /// message; and of those that share an identity, the same content may have another key by now,
    /// as they move up when one before them goes.
    /// One that the listing lacks may have any other key.
    ///
    /// It may also be what no server changes that says it is the same: under the same key, or where
    /// there is no unique-id.
    pub(crate) fn take(
        &mut self,
        ticket: &Ticket,
        sum: &Sum,
        essence: Option<Essence>,
    ) -> Vec<Placed> {
        let found = self.of_identity(&ticket.key, sum);
        let found = found.or_else(|| self.alike(&ticket.key, essence?));
        let found = found.or_else(|| {
            let vanished = ticket.vanished.as_ref()?;
            let is_bare = |key: &Key| key.as_ref().identity.unique_id().is_none();
            let essence = essence.filter(|_| is_bare(&ticket.key));
            let mut others = self.0.iter().filter(|(key, _)| vanished.is_waiting(key));
            let is_same = |(key, message): &(&Key, &Unfinished)| {
                let is_alike = essence.is_some() && message.essence == essence && is_bare(key);
                message.sum == Some(*sum) || is_alike
            };
            others.find(is_same).map(|(key, _)| key.clone())
        });
        let message = found.and_then(|found| self.0.remove(&found));
        message.map_or_else(Vec::new, |message| message.copies)
    }

    fn alike(&self, key: &Key, essence: Essence) -> Option<Key> {
        let known = self.0.get(key)?.essence;
        (known == Some(essence)).then(|| key.clone())
    }

    fn of_identity(&self, key: &Key, sum: &Sum) -> Option<Key> {
        let KeyRef { identity, .. } = key.as_ref();
        let first = KeyRef {
            identity,
            occurrence: 1,
        };
        let siblings = (self.0.range(first.to_key()..))
            .take_while(|(other, _)| other.as_ref().identity == identity)
            .filter(|(_, message)| message.sum == Some(*sum));
        let found = siblings.min_by_key(|(other, _)| *other != key);
        found.map(|(found, _)| found.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::key::Identity;
    use crate::state::Target;

    fn key(identity: &[u8], occurrence: u32) -> Key {
        let identity = Identity::from_octets(identity);
        KeyRef {
            identity,
            occurrence,
        }
        .to_key()
    }

    fn message(key: Key, sum: u8) -> Unfinished {
        let place = key.as_ref().occurrence.to_string().into_bytes();
        Unfinished {
            key,
            since: Timestamp(0),
            sum: Some([sum; 32]),
            essence: Some(Essence::new(&[sum; 32], 100)),
            copies: vec![Placed {
                target: Target {
                    kind: "maildir".into(),
                    location: Vec::new(),
                },
                place,
                delivered: true,
                batch: 1,
            }],
        }
    }

    #[test]
    fn e06_what_a_server_writes_into_a_message_brings_it_to_no_target_twice() {
        let mut partly = Partly::new(vec![message(key(b"Ua", 1), 1), message(key(b"Hb", 1), 2)]);
        let mut take = |identity: &[u8], digest, behind| {
            let ticket = Ticket::new(0, 1, key(identity, 1));
            let essence = Essence::new(&[digest; 32], behind);
            partly.take(&ticket, &[9; 32], Some(essence)).len()
        };
        assert_eq!(take(b"Ua", 1, 99), 0);
        assert_eq!(take(b"Ua", 2, 100), 0);
        assert_eq!(take(b"Ua", 1, 100), 1);
        assert_eq!(take(b"Hb", 2, 100), 1);
    }

    #[test]
    fn a_message_is_known_by_its_content_among_those_that_share_a_unique_id() {
        let mut partly = Partly::new(vec![
            message(key(b"Ua", 2), 1),
            message(key(b"Ua", 3), 1),
            message(key(b"Ub", 1), 2),
        ]);
        let mut take = |identity: &[u8], occurrence, sum| {
            let ticket = Ticket::new(0, 1, key(identity, occurrence));
            let copies = partly.take(&ticket, &[sum; 32], None);
            copies
                .into_iter()
                .map(|copy| copy.place)
                .collect::<Vec<_>>()
        };
        assert_eq!(take(b"Ua", 1, 2), [b""; 0]);
        assert_eq!(take(b"Ua", 3, 1), [b"3"]);
        assert_eq!(take(b"Ua", 1, 1), [b"2"]);
        // Each copy once.
        assert_eq!(take(b"Ua", 2, 1), [b""; 0]);
        assert_eq!(take(b"Ub", 1, 2), [b"1"]);
    }
}
