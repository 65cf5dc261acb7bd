//! What a message and one that was delivered must have in common to be the same, where their octets
//! differ: servers write into messages that they keep.

use crate::key::Sum;

/// What no server changes in a message that it keeps: what the sender wrote into its header, and
/// how many octets there are behind that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Essence([u8; 32]);

/// So many octets of it are the digest of the header.
const DIGEST: usize = 24;

impl Essence {
    pub(crate) fn new(digest: &Sum, behind: u64) -> Self {
        let mut octets = *digest;
        octets[DIGEST..].copy_from_slice(&behind.to_be_bytes());
        Self(octets)
    }

    /// As the state keeps it.
    pub(crate) fn from_octets(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    pub(crate) fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What a message must have in common with the one that was delivered under its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// The header. What was delivered is the whole message, and the unique-id is the same; some
    /// servers build the parts anew at each RETR.
    Header(Essence),
    /// As much must come behind the header, too: what was delivered may be a part of the message.
    Length(Essence),
}

impl Likeness {
    pub(crate) fn is_met_by(self, Essence(octets): Essence) -> bool {
        match self {
            Self::Header(Essence(known)) => known[..DIGEST] == octets[..DIGEST],
            Self::Length(Essence(known)) => known == octets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e06_a_part_of_a_message_is_not_taken_for_it() {
        let whole = Essence::new(&[1; 32], 1000);
        let part = Essence::new(&[1; 32], 300);
        let other = Essence::new(&[2; 32], 1000);
        for (likeness, is_met) in [
            (Likeness::Header(whole), [true, true, false]),
            (Likeness::Length(whole), [true, false, false]),
            (Likeness::Length(part), [false, true, false]),
        ] {
            assert_eq!(
                [whole, part, other].map(|one| likeness.is_met_by(one)),
                is_met
            );
        }
        assert_eq!(Essence::from_octets(*whole.octets()), whole);
    }
}
