//! Who a message is: the same one on the server today and in the state of last week.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::escape;

/// A SHA-256 sum.
pub(crate) type Sum = [u8; 32];

/// How a server tells a message from the others, as octets that order and compare.
///
/// A tag octet comes first, so that no unique-id can be taken for a digest. The octets after it
/// are the server's own and are never a path, never text, and of any length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Identity<'a>(&'a [u8]);

const UNIQUE_ID: u8 = b'U';
const HEADERS: u8 = b'H';
const CONTENT: u8 = b'C';
const POSITION: u8 = b'P';

impl<'a> Identity<'a> {
    /// Reads back what [`Identity::octets`] gave.
    pub(crate) fn from_octets(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// Tag and content, as they are kept in the state.
    pub(crate) fn octets(self) -> &'a [u8] {
        self.0
    }

    /// The server's unique-id (RFC 1939, UIDL), where that is what identifies the message.
    pub(crate) fn unique_id(self) -> Option<&'a [u8]> {
        self.0.strip_prefix(&[UNIQUE_ID])
    }

    /// The SHA-256 of the content, where nothing else tells the message from others (Q41).
    pub(crate) fn content(self) -> Option<Sum> {
        self.0.strip_prefix(&[CONTENT])?.try_into().ok()
    }

    /// Whether it stands for a message that is not known before it has come.
    pub(crate) fn is_provisional(self) -> bool {
        self.0.first() == Some(&POSITION)
    }

    /// Appends the identity that a unique-id gives to `arena`.
    pub(crate) fn push_unique_id(arena: &mut Vec<u8>, unique_id: &[u8]) {
        arena.push(UNIQUE_ID);
        arena.extend_from_slice(unique_id);
    }

    /// Appends the identity of a message that has no unique-id: a digest of its headers and size.
    pub(crate) fn push_headers(arena: &mut Vec<u8>, digest: &Sum) {
        arena.push(HEADERS);
        arena.extend_from_slice(digest);
    }
}

impl fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unique_id() {
            Some(unique_id) => escape::octets(unique_id).fmt(f),
            None => {
                let kind = match self.0.first() {
                    Some(&CONTENT) => "content",
                    Some(&POSITION) => "position",
                    _ => "headers",
                };
                write!(f, "{kind}:{}", hex(self.0.get(1..).unwrap_or_default()))
            }
        }
    }
}

impl fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}

/// The name of one message of one account: its identity, and which of the copies it is where
/// several share that identity (from 1, in the order of their message numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyRef<'a> {
    pub(crate) identity: Identity<'a>,
    pub(crate) occurrence: u32,
}

impl KeyRef<'_> {
    pub(crate) fn to_key(self) -> Key {
        Key {
            identity: self.identity.0.into(),
            occurrence: self.occurrence,
        }
    }
}

/// A [`KeyRef`] that owns its octets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    identity: Box<[u8]>,
    occurrence: u32,
}

impl Key {
    /// That of a message with this unique-id (RFC 1939, UIDL).
    pub(crate) fn of_unique_id(unique_id: &[u8], occurrence: u32) -> Self {
        let mut identity = Vec::new();
        Identity::push_unique_id(&mut identity, unique_id);
        Self {
            identity: identity.into(),
            occurrence,
        }
    }

    /// That of a message which nothing but its content tells from others.
    pub(crate) fn of_content(sum: &Sum, occurrence: u32) -> Self {
        let identity = [&[CONTENT], &sum[..]].concat().into();
        Self {
            identity,
            occurrence,
        }
    }

    /// What stands for the key of the message at this position until its content is known.
    pub(crate) fn provisional(position: u32) -> Self {
        let identity = [&[POSITION], &position.to_be_bytes()[..]].concat().into();
        Self {
            identity,
            occurrence: 1,
        }
    }

    pub(crate) fn as_ref(&self) -> KeyRef<'_> {
        KeyRef {
            identity: Identity(&self.identity),
            occurrence: self.occurrence,
        }
    }
}

/// Octets as lower-case hexadecimal digits.
pub(crate) fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    octets
        .iter()
        .flat_map(|octet| [octet >> 4, octet & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// A digest of a message's header, by which it is known again under another unique-id (Q15).
///
/// It takes a whole message, or what TOP shows of it, in pieces of any size. Lines count with LF
/// as their end, whatever ends them, and the empty line behind the header does not count.
#[derive(Clone, Debug)]
pub(crate) struct HeaderDigest {
    sha: Sha256,
    /// Nothing of the current line has come.
    at_line_start: bool,
    /// A CR has come that may be a part of the line's end.
    held_cr: bool,
    ended: bool,
}

impl Default for HeaderDigest {
    fn default() -> Self {
        Self {
            sha: Sha256::new(),
            at_line_start: true,
            held_cr: false,
            ended: false,
        }
    }
}

impl HeaderDigest {
    /// Takes the next piece.
    pub(crate) fn update(&mut self, mut octets: &[u8]) {
        while !self.ended && !octets.is_empty() {
            match memchr::memchr(b'\n', octets) {
                Some(line_feed) => {
                    self.within_line(&octets[..line_feed]);
                    self.end_line();
                    octets = &octets[line_feed + 1..];
                }
                None => return self.within_line(octets),
            }
        }
    }

    fn within_line(&mut self, octets: &[u8]) {
        if octets.is_empty() {
            return;
        }
        if self.held_cr {
            self.sha.update(b"\r");
        }
        let before_cr = octets.strip_suffix(b"\r").unwrap_or(octets);
        self.sha.update(before_cr);
        self.at_line_start &= before_cr.is_empty() && !self.held_cr;
        self.held_cr = before_cr.len() < octets.len();
    }

    fn end_line(&mut self) {
        self.ended = self.at_line_start;
        if !self.ended {
            self.sha.update(b"\n");
        }
        self.at_line_start = true;
        self.held_cr = false;
    }

    pub(crate) fn finish(mut self) -> Sum {
        if !self.at_line_start {
            self.end_line();
        }
        self.sha.finalize().into()
    }
}

/// Keys packed end to end: a million of them take 16 octets each beside their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyList {
    octets: Vec<u8>,
    ends: Vec<(usize, u32)>,
}

impl KeyList {
    pub(crate) fn push(&mut self, key: KeyRef<'_>) {
        self.octets.extend_from_slice(key.identity.0);
        self.ends.push((self.octets.len(), key.occurrence));
    }

    /// The key that was pushed behind so many others.
    pub(crate) fn get(&self, index: usize) -> Option<KeyRef<'_>> {
        let &(end, occurrence) = self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before].0);
        Some(KeyRef {
            identity: Identity(&self.octets[start..end]),
            occurrence,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = KeyRef<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |&(end, occurrence)| {
            let identity = Identity(&self.octets[start..end]);
            start = end;
            KeyRef {
                identity,
                occurrence,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unique_id(octets: &[u8]) -> Vec<u8> {
        let mut arena = Vec::new();
        Identity::push_unique_id(&mut arena, octets);
        arena
    }

    #[test]
    fn a_unique_id_is_never_taken_for_a_digest() {
        let sum = [7; 32];
        let mut digest = Vec::new();
        Identity::push_headers(&mut digest, &sum);
        let lookalike = unique_id(&sum);
        assert_ne!(Identity(&digest), Identity(&lookalike));
        assert_eq!(Identity(&digest).unique_id(), None);
        assert_eq!(Identity(&lookalike).unique_id(), Some(&sum[..]));
    }

    #[test]
    fn a_header_has_the_same_digest_however_it_comes() {
        let digest = |pieces: &[&[u8]]| {
            let mut digest = HeaderDigest::default();
            pieces.iter().for_each(|piece| digest.update(piece));
            digest.finish()
        };
        let whole: &[u8] = b"Subject: a\rb\r\nTo: c\r\n\r\nbody\r\n";
        let expected = digest(&[whole]);
        for split in 0..whole.len() {
            assert_eq!(digest(&[&whole[..split], &whole[split..]]), expected);
        }
        for same in [
            &b"Subject: a\rb\nTo: c\n\nother"[..],
            b"Subject: a\rb\r\nTo: c\r\n\r\n",
            b"Subject: a\rb\r\nTo: c\r\n",
            b"Subject: a\rb\r\nTo: c",
        ] {
            assert_eq!(digest(&[same]), expected);
        }
        for other in [
            &b"Subject: ab\r\nTo: c\r\n"[..],
            b"Subject: a\rb\r\n",
            b"Subject: a\rb\r\nTo: c\r\nbody",
            b"\r\n",
        ] {
            assert_ne!(digest(&[other]), expected);
        }
    }

    #[test]
    fn a_key_list_gives_back_what_was_pushed() {
        let octets = [unique_id(b""), unique_id(b"abc"), unique_id(&[0, 255])];
        let mut list = KeyList::default();
        let keys: Vec<_> = (1..)
            .zip(&octets)
            .map(|(occurrence, octets)| KeyRef {
                identity: Identity(octets),
                occurrence,
            })
            .collect();
        keys.iter().for_each(|&key| list.push(key));
        assert_eq!(list.iter().collect::<Vec<_>>(), keys);
        let each = (0..list.len()).filter_map(|index| list.get(index));
        assert_eq!(each.collect::<Vec<_>>(), keys);
        assert_eq!(list.get(list.len()), None);
    }
}
