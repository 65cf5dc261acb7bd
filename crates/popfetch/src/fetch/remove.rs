//! Deleting what is stored, and the end of the session.

use std::sync::Arc;

use poplib::tokio::Session;
use poplib::{Error, ProtocolError};

use super::{Fetcher, blocking, trouble};
use crate::deliver::Delivery;
use crate::failure::{Failure, Status};
use crate::key::KeyRef;
use crate::plan::Listing;
use crate::report::Event;
use crate::state::Change;

impl Fetcher<'_> {
    /// Deletes the messages at these positions, all of which are stored, and ends the session.
    /// How many the server deleted.
    ///
    /// # Errors
    /// The server did not confirm. The messages stay stored, and are deleted next time.
    pub(super) async fn remove(
        &self,
        session: Session,
        listing: &Arc<Listing>,
        mut positions: Vec<u32>,
        delivery: &Arc<Delivery>,
    ) -> Result<usize, Failure> {
        if positions.is_empty() {
            // Nothing depends on its answer.
            return session.quit().await.map_or(Ok(0), |_| Ok(0));
        }
        positions.sort_unstable();
        let positions: Arc<[u32]> = positions.into();
        let record = async |step: fn(KeyRef<'_>) -> Change<'_>, positions: Arc<[u32]>| {
            let (delivery, listing) = (Arc::clone(delivery), Arc::clone(listing));
            blocking(move || {
                let keys = positions
                    .iter()
                    .filter_map(|&position| listing.key(position));
                let now = delivery.clock.now();
                Ok(delivery
                    .store
                    .apply(delivery.account, now, &mut keys.map(step))?)
            })
            .await
        };
        record(|key| Change::Deleting { key }, Arc::clone(&positions)).await?;
        let refused = match self.mark_and_quit(session, listing, &positions).await {
            Ok(refused) => refused,
            Err(failure) => {
                record(|key| Change::Undeleted { key }, positions).await?;
                return Err(failure);
            }
        };
        let deleted: Arc<[u32]> = (positions.iter().copied())
            .filter(|position| refused.binary_search(position).is_err())
            .collect();
        record(|key| Change::Undeleted { key }, refused.into()).await?;
        record(|key| Change::Gone { key }, Arc::clone(&deleted)).await?;
        self.event(Event::Deleted {
            messages: deleted.len(),
        });
        Ok(deleted.len())
    }

    /// DELE for each, and QUIT. The positions of those that the server refused to delete.
    async fn mark_and_quit(
        &self,
        mut session: Session,
        listing: &Listing,
        positions: &[u32],
    ) -> Result<Vec<u32>, Failure> {
        let config = &self.account.config;
        let mut refused = Vec::new();
        for &position in positions {
            let number = listing.number(position);
            let Err(error) = session.dele(number).await else {
                continue;
            };
            let attempt = format!("delete message {number} on the server");
            let failure = trouble::failure(&attempt, config, &error);
            if !matches!(error, Error::Protocol(ProtocolError::Refused(_))) {
                return Err(later(failure));
            }
            self.event(Event::Warning { failure: &failure });
            refused.push(position);
        }
        match session.quit().await {
            Ok(_) => Ok(refused),
            Err(error) => {
                let attempt = "end the session, so that the server may have deleted nothing";
                Err(later(trouble::failure(attempt, config, &error)))
            }
        }
    }
}

/// Everything is stored, so that no failure here is worse than temporary.
fn later(failure: Failure) -> Failure {
    Failure {
        status: Status::Temporary,
        ..failure
    }
    .hint("every message is stored; those left on the server are deleted next time")
}
