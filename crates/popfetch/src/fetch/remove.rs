//! Deleting what is stored, and the end of the session.

use std::sync::Arc;

use poplib::tokio::Session;
use poplib::{Error, ProtocolError};

use super::{Broken, Fetcher, blocking, is_pipelined, trouble};
use crate::deliver::Delivery;
use crate::failure::{Failure, Status};
use crate::key::KeyRef;
use crate::plan::{Listing, Plan};
use crate::report::Event;
use crate::state::Change;

impl Fetcher<'_> {
    /// Deletes the messages that the plan names, all of which are stored or rejected, and ends
    /// the session. How many the server deleted.
    ///
    /// # Errors
    /// The server did not confirm. The messages stay what they are, and are deleted next time.
    pub(super) async fn remove(
        &self,
        mut session: Session,
        listing: &Arc<Listing>,
        plan: &Plan,
        delivery: &Arc<Delivery>,
    ) -> Result<usize, Broken> {
        if self.account.rsets_before_quit {
            // Before any DELE, which it would undo (Q25).
            let attempt = "unmark what was read, so the session was not ended";
            (session.rset().await).map_err(|error| self.later(attempt, &error))?;
        }
        if plan.delete.is_empty() && plan.reject.is_empty() {
            // Nothing depends on its answer.
            return session.quit().await.map_or(Ok(0), |_| Ok(0));
        }
        let record = async |step: fn(KeyRef<'_>) -> Change<'_>, positions: &[u32]| {
            if positions.is_empty() {
                return Ok(());
            }
            let (delivery, listing) = (Arc::clone(delivery), Arc::clone(listing));
            let positions = positions.to_vec();
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
        record(|key| Change::Deleting { key }, &plan.delete).await?;
        let mut positions = [&*plan.delete, &*plan.reject].concat();
        positions.sort_unstable();
        let refused = match self.mark_and_quit(session, listing, &positions).await {
            Ok(refused) => refused,
            Err(broken) => {
                record(|key| Change::Undeleted { key }, &plan.delete).await?;
                return Err(broken);
            }
        };
        let is_refused = |position: &u32| refused.binary_search(position).is_ok();
        let kept: Vec<u32> = (plan.delete.iter().copied()).filter(is_refused).collect();
        positions.retain(|position| !is_refused(position));
        record(|key| Change::Undeleted { key }, &kept).await?;
        record(|key| Change::Gone { key }, &positions).await?;
        self.event(Event::Deleted {
            messages: positions.len(),
        });
        Ok(positions.len())
    }

    /// DELE for each, and QUIT. The positions of those that the server refused to delete.
    async fn mark_and_quit(
        &self,
        mut session: Session,
        listing: &Listing,
        positions: &[u32],
    ) -> Result<Vec<u32>, Broken> {
        let mut refused = Vec::new();
        let numbers = (positions.iter()).map(|&position| listing.number(position));
        let later = |error: &Error| self.later("delete messages on the server", error);
        let mut deletions = (session.dele_many(numbers))
            .await
            .map_err(|error| later(&error))?;
        for &position in positions {
            let outcome = deletions.next_outcome().await;
            let Some((number, outcome)) = outcome.map_err(|error| later(&error))? else {
                break;
            };
            let Err(error) = outcome else {
                continue;
            };
            let attempt = format!("delete message {number} on the server");
            if !matches!(error, Error::Protocol(ProtocolError::Refused(_))) {
                return Err(self.later(&attempt, &error));
            }
            let failure = trouble::failure(&attempt, &self.config, &error);
            self.event(Event::Warning { failure: &failure });
            refused.push(position);
        }
        drop(deletions);
        match session.quit().await {
            Ok(_) => Ok(refused),
            Err(error) => {
                let attempt = "end the session, so that the server may have deleted nothing";
                Err(self.later(attempt, &error))
            }
        }
    }

    /// Everything is stored, so that no failure here is worse than temporary.
    fn later(&self, attempt: &str, error: &Error) -> Broken {
        let failure = Failure {
            status: Status::Temporary,
            ..trouble::failure(attempt, &self.config, error)
        };
        Broken {
            failure: failure
                .hint("every message is stored; those left on the server are deleted next time"),
            is_avoidable: is_pipelined(error),
        }
    }
}
