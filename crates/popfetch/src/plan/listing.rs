//! What the server says is in the maildrop, packed: a million messages take some 50 octets each.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::evidence::Listed;
use crate::key::{Identity, KeyRef, Sum};

/// The messages of a maildrop at the start of a session, by position, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    numbers: Vec<u32>,
    octets: Vec<u64>,
    /// All identities end to end; an empty one belongs to a message that cannot be told apart.
    arena: Vec<u8>,
    /// Where each identity ends there.
    ends: Vec<u32>,
    /// The positions that have an identity, by identity and then by position.
    order: Vec<u32>,
    /// Which copy it is, for the second and further messages of one identity.
    occurrences: BTreeMap<u32, u32>,
}

/// What a message is told from the others by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By<'a> {
    /// Its unique-id.
    UniqueId(&'a [u8]),
    /// A digest of its headers and its size.
    Headers(&'a Sum),
}

/// No message has this size; it stands for a size that the server did not say.
const UNKNOWN: u64 = u64::MAX;

impl Listing {
    /// Adds a message behind the others.
    pub(crate) fn push(&mut self, number: u32, octets: Option<u64>, by: Option<By<'_>>) {
        self.numbers.push(number);
        self.octets.push(octets.unwrap_or(UNKNOWN));
        match by {
            Some(By::UniqueId(unique_id)) => {
                Identity::push_unique_id(&mut self.arena, unique_id);
            }
            Some(By::Headers(digest)) => Identity::push_headers(&mut self.arena, digest),
            None => {}
        }
        let end = u32::try_from(self.arena.len());
        (self.ends).push(end.expect("answers are bounded, far below 4 GiB"));
    }

    /// Counts the copies that share an identity. Called once, after the last message was added.
    #[must_use]
    pub(crate) fn counted(mut self) -> Self {
        let mut order: Vec<u32> = (self.positions())
            .filter(|&position| !self.octets_of(position).is_empty())
            .collect();
        // Copies stay in the order of their message numbers. A stable sort would need more memory.
        order.sort_unstable_by(|&a, &b| {
            let by_identity = self.octets_of(a).cmp(self.octets_of(b));
            by_identity.then(a.cmp(&b))
        });
        let mut occurrence = 1;
        for pair in order.windows(2) {
            let same = self.octets_of(pair[0]) == self.octets_of(pair[1]);
            occurrence = if same { occurrence + 1 } else { 1 };
            if same {
                self.occurrences.insert(pair[1], occurrence);
            }
        }
        self.order = order;
        self
    }

    fn octets_of(&self, position: u32) -> &[u8] {
        let end = |position| self.ends[position as usize] as usize;
        let start = position.checked_sub(1).map_or(0, end);
        &self.arena[start..end(position)]
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// All positions.
    pub(crate) fn positions(&self) -> Range<u32> {
        0..u32::try_from(self.numbers.len()).unwrap_or(u32::MAX)
    }

    /// The message number (RFC 1939, from 1).
    pub(crate) fn number(&self, position: u32) -> u32 {
        self.numbers[position as usize]
    }

    /// The size the server states; a hint, never a length.
    pub(crate) fn octets(&self, position: u32) -> Option<u64> {
        Some(self.octets[position as usize]).filter(|&octets| octets != UNKNOWN)
    }

    /// All stated sizes together.
    pub(crate) fn total_octets(&self) -> u64 {
        self.octets
            .iter()
            .filter(|&&octets| octets != UNKNOWN)
            .fold(0, |sum, &octets| sum.saturating_add(octets))
    }

    /// The message's name, if it can be told from the others at all.
    pub(crate) fn key(&self, position: u32) -> Option<KeyRef<'_>> {
        let identity = self.octets_of(position);
        (!identity.is_empty()).then(|| KeyRef {
            identity: Identity::from_octets(identity),
            occurrence: self.occurrences.get(&position).copied().unwrap_or(1),
        })
    }

    /// Where the message of this name is, if it is there.
    pub(crate) fn position(&self, key: KeyRef<'_>) -> Option<u32> {
        let identity = key.identity.octets();
        let first = (self.order).partition_point(|&position| self.octets_of(position) < identity);
        let copies_before = usize::try_from(key.occurrence).ok()?.checked_sub(1)?;
        let position = *self.order.get(first.checked_add(copies_before)?)?;
        (self.octets_of(position) == identity).then_some(position)
    }

    /// The positions of messages without an identity.
    pub(crate) fn nameless(&self) -> impl Iterator<Item = u32> {
        self.positions()
            .filter(|&position| self.octets_of(position).is_empty())
    }

    /// The first identity at or behind `start` in the order of identities, and the positions that
    /// share it. The next one begins that many further on.
    pub(super) fn group(&self, start: usize) -> Option<(Identity<'_>, &[u32])> {
        let rest = self.order.get(start..)?;
        let octets = self.octets_of(*rest.first()?);
        let end = rest
            .iter()
            .take_while(|&&position| self.octets_of(position) == octets)
            .count();
        Some((Identity::from_octets(octets), &rest[..end]))
    }
}

impl Listed for Listing {
    fn messages(&self) -> usize {
        self.len()
    }

    fn octets(&self, position: u32) -> Option<u64> {
        self.octets(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_that_share_a_unique_id_are_counted_in_order() {
        let mut listing = Listing::default();
        for (number, unique_id) in [(1, "b"), (2, "a"), (3, "b"), (7, "b")] {
            listing.push(number, Some(10), Some(By::UniqueId(unique_id.as_bytes())));
        }
        let listing = listing.counted();
        let occurrences: Vec<_> = (0..4)
            .map(|position| listing.key(position).unwrap().occurrence)
            .collect();
        assert_eq!(occurrences, [1, 1, 2, 3]);
        assert_eq!(listing.number(3), 7);
        assert_eq!(listing.group(0).unwrap().1, [1]);
        assert_eq!(listing.group(1).unwrap().1, [0, 2, 3]);
        assert!(listing.group(4).is_none());
        for position in 0..4 {
            let key = listing.key(position).unwrap();
            assert_eq!(listing.position(key), Some(position));
            let occurrence = key.occurrence + 3;
            assert_eq!(listing.position(KeyRef { occurrence, ..key }), None);
        }
        let absent = Identity::from_octets(b"Uaa");
        let occurrence = 1;
        assert_eq!(
            listing.position(KeyRef {
                identity: absent,
                occurrence
            }),
            None
        );
    }

    #[test]
    fn p04_a_message_without_a_unique_id_has_no_name() {
        let mut listing = Listing::default();
        listing.push(1, None, None);
        listing.push(2, Some(5), None);
        listing.push(3, Some(5), Some(By::UniqueId(&[0xff, 0])));
        listing.push(4, None, Some(By::Headers(&[9; 32])));
        let listing = listing.counted();
        assert_eq!(listing.nameless().collect::<Vec<_>>(), [0, 1]);
        assert_eq!(
            listing.key(2).unwrap().identity.unique_id(),
            Some(&[0xff, 0][..])
        );
        assert_eq!(listing.total_octets(), 10);
        assert!(listing.group(1).is_some() && listing.group(2).is_none());
    }
}
