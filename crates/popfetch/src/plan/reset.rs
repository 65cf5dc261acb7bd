//! Messages known again whose unique-ids the server has made anew (Q15).

use std::collections::BTreeMap;

use super::Listing;
use crate::key::{Key, Sum};
use crate::state::{Row, State};

/// Compares what is new in a listing with rows whose messages are missing from it. The same header
/// and the same octets are the same message, as they are for one without a unique-id.
pub(crate) struct Reset<'a> {
    listing: &'a Listing,
    /// New messages by the digest of their header and their octets, the oldest last.
    new: BTreeMap<(Sum, u64), Vec<u32>>,
    /// Rows, and the keys that their messages have now.
    renamed: Vec<(Key, Key)>,
}

impl<'a> Reset<'a> {
    /// Of these new messages the header's digest is known.
    pub(crate) fn new(listing: &'a Listing, headers: &[(u32, Sum)]) -> Self {
        let mut new: BTreeMap<_, Vec<u32>> = BTreeMap::new();
        for &(position, header) in headers.iter().rev() {
            if let Some(octets) = listing.octets(position) {
                new.entry((header, octets)).or_default().push(position);
            }
        }
        Self {
            listing,
            new,
            renamed: Vec::new(),
        }
    }

    /// Takes the next row of the state.
    pub(crate) fn row(&mut self, row: Row<'_>) {
        let on_server = matches!(row.state, State::Stored | State::Deleting);
        if !on_server || row.excerpt || self.listing.position(row.key).is_some() {
            return;
        }
        let position = row
            .header
            .zip(row.octets)
            .and_then(|identity| self.new.get_mut(&identity)?.pop());
        if let Some(key) = position.and_then(|position| self.listing.key(position)) {
            self.renamed.push((row.key.to_key(), key.to_key()));
        }
    }

    /// Rows whose messages were found again, and the keys that these have now. What was not found
    /// may still be there, as no answer to TOP proves the contrary (Q23).
    pub(crate) fn finish(self) -> Vec<(Key, Key)> {
        self.renamed
    }
}
