//! The one place from which DELE is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use poplib::tokio::Session;
use poplib::{Error, ProtocolError};

use crate::evidence::Permit;
use crate::key::{Key, KeyRef};
use crate::plan::Listing;

/// The keys of the messages of a session, those included that got theirs when they came.
pub(super) struct Keys {
    pub(super) listing: Arc<Listing>,
    named: BTreeMap<u32, Key>,
}

impl Keys {
    pub(super) fn new(listing: &Arc<Listing>, named: &[(u32, Key)]) -> Self {
        Self {
            listing: Arc::clone(listing),
            named: named.iter().cloned().collect(),
        }
    }

    /// The key of the message at this position, if it has one.
    pub(super) fn of(&self, position: u32) -> Option<KeyRef<'_>> {
        let listed = self.listing.key(position);
        listed.or_else(|| self.named.get(&position).map(Key::as_ref))
    }
}

/// What the server said to a DELE that it refused.
pub(super) struct Refusal {
    pub(super) position: u32,
    pub(super) number: u32,
    pub(super) error: Error,
}

/// Marks these messages as deleted, which takes effect with QUIT. They go from the highest number
/// to the lowest, so that a server that renumbers at once (Q42) does no harm.
///
/// # Errors
/// The session broke.
#[expect(
    clippy::disallowed_methods,
    reason = "the permits show that these messages may be deleted"
)]
pub(super) async fn mark(
    session: &mut Session,
    listing: &Listing,
    mut permits: Vec<Permit>,
) -> Result<Vec<Refusal>, Error> {
    permits.sort_unstable_by_key(|permit| std::cmp::Reverse(listing.number(permit.position())));
    let numbers = permits
        .iter()
        .map(|permit| listing.number(permit.position()));
    let mut refused = Vec::new();
    let mut deletions = session.dele_many(numbers).await?;
    for permit in &permits {
        let Some((number, outcome)) = deletions.next_outcome().await? else {
            break;
        };
        match outcome {
            Ok(_) => {}
            Err(error @ Error::Protocol(ProtocolError::Refused(_))) => refused.push(Refusal {
                position: permit.position(),
                number,
                error,
            }),
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}
