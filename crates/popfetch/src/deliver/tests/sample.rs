//! Messages as targets get to see them, and in pieces.

use proptest::sample::Index;

use crate::deliver::Ticket;
use crate::deliver::letter::Letter;
use crate::deliver::spool::Spooled;
use crate::key::{Identity, KeyRef};

/// A whole message, the only one of its listing.
pub(in crate::deliver) struct Sample {
    ticket: Ticket,
    content: Spooled,
    octets: u64,
}

impl Sample {
    pub(in crate::deliver) fn new(identity: &[u8], message: &[u8]) -> Self {
        let key = KeyRef {
            identity: Identity::from_octets(identity),
            occurrence: 1,
        };
        let mut content = Spooled::begin(None).unwrap();
        content.write(message).unwrap();
        Self {
            ticket: Ticket::new(0, 1, key.to_key()),
            content,
            octets: message.len() as u64,
        }
    }

    pub(in crate::deliver) fn letter(&self) -> Letter<'_> {
        Letter {
            account: "me",
            ticket: &self.ticket,
            octets: self.octets,
            content: &self.content,
        }
    }
}

/// The octets, cut wherever chance has it.
pub(in crate::deliver) fn pieces<'a>(octets: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
    cuts.extend([0, octets.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| &octets[cut[0]..cut[1]]).collect()
}
