//! Deleting what may go, and the end of the session.

use std::sync::Arc;

use poplib::Error;
use poplib::tokio::Session;

use super::deletion::{self, Keys, Refusal};
use super::{Broken, Fetcher, blocking, is_pipelined, trouble};
use crate::deliver::Delivery;
use crate::evidence::Permit;
use crate::failure::{Failure, Status};
use crate::key::{Key, KeyRef};
use crate::plan::Plan;
use crate::report::Event;
use crate::state::Change;

/// What came of it.
#[derive(Default)]
pub(super) struct Removed {
    pub(super) deleted: usize,
    /// Messages that would go and stay, because a target does not show them or the server refuses.
    pub(super) held_back: usize,
}

/// What may be deleted.
struct Permitted {
    permits: Vec<Permit>,
    /// The positions of those of them that are stored.
    stored: Vec<u32>,
    held_back: usize,
}

impl Fetcher<'_> {
    /// Deletes the messages that the plan names and that may go, and ends the session.
    ///
    /// # Errors
    /// The server did not confirm. The messages stay what they are, and are deleted next time.
    pub(super) async fn remove(
        &self,
        mut session: Session,
        keys: &Keys,
        plan: &Plan,
        delivery: &Arc<Delivery>,
    ) -> Result<Removed, Broken> {
        if self.account.rsets_before_quit {
            // Before any DELE, which it would undo (Q25).
            let attempt = "unmark what was read, so the session was not ended";
            (session.rset().await).map_err(|error| self.later(attempt, &error))?;
        }
        let permitted = self.permit(keys, plan, delivery).await?;
        let held_back = permitted.held_back;
        if permitted.permits.is_empty() {
            // Nothing depends on its answer.
            let _ = session.quit().await;
            let deleted = 0;
            return Ok(Removed { deleted, held_back });
        }
        let record = async |step: fn(KeyRef<'_>) -> Change<'_>, positions: &[u32]| {
            let keys: Vec<Key> = (positions.iter())
                .filter_map(|&position| keys.of(position).map(KeyRef::to_key))
                .collect();
            if keys.is_empty() {
                return Ok(());
            }
            let delivery = Arc::clone(delivery);
            blocking(move || {
                let now = delivery.clock.now();
                let mut changes = keys.iter().map(Key::as_ref).map(step);
                Ok(delivery.store.apply(delivery.account, now, &mut changes)?)
            })
            .await
        };
        let stored = permitted.stored;
        record(|key| Change::Deleting { key }, &stored).await?;
        let mut positions: Vec<u32> = permitted.permits.iter().map(Permit::position).collect();
        let refused = match self.mark_and_quit(session, keys, permitted.permits).await {
            Ok(refused) => refused,
            Err(broken) => {
                record(|key| Change::Undeleted { key }, &stored).await?;
                return Err(broken);
            }
        };
        let is_refused = |position: &u32| refused.contains(position);
        let kept: Vec<u32> = stored.iter().copied().filter(is_refused).collect();
        positions.retain(|position| !is_refused(position));
        record(|key| Change::Undeleted { key }, &kept).await?;
        record(|key| Change::Gone { key }, &positions).await?;
        let deleted = positions.len();
        self.event(Event::Deleted { messages: deleted });
        let held_back = held_back + refused.len();
        Ok(Removed { deleted, held_back })
    }

    /// What may be deleted of what the plan names: the targets are looked at once more.
    async fn permit(
        &self,
        keys: &Keys,
        plan: &Plan,
        delivery: &Arc<Delivery>,
    ) -> Result<Permitted, Failure> {
        let claim = &delivery.claim;
        let rejected = plan
            .reject
            .iter()
            .map(|&position| Permit::on_word(position, claim));
        let mut permitted = Permitted {
            permits: rejected.collect(),
            stored: Vec::new(),
            held_back: 0,
        };
        if plan.delete.is_empty() {
            return Ok(permitted);
        }
        let looking = Arc::clone(delivery);
        let sight = blocking(move || looking.look_at_targets()).await?;
        for failure in sight.failures() {
            self.event(Event::Warning { failure });
        }
        for removal in &plan.delete {
            let position = removal.position;
            let held = keys.of(position).map(|key| sight.held(key));
            let Some(Ok(held)) = held else {
                permitted.held_back += 1;
                continue;
            };
            let permit = Permit::on_evidence(position, held, removal.whole, removal.same, claim);
            permitted.permits.push(permit);
            permitted.stored.push(position);
        }
        Ok(permitted)
    }

    /// DELE for each, and QUIT. The positions of those that the server refused to delete.
    async fn mark_and_quit(
        &self,
        mut session: Session,
        keys: &Keys,
        permits: Vec<Permit>,
    ) -> Result<Vec<u32>, Broken> {
        let refused = (deletion::mark(&mut session, &keys.listing, permits).await)
            .map_err(|error| self.later("delete messages on the server", &error))?;
        self.tell_refused(&refused);
        match session.quit().await {
            Ok(_) => Ok(refused.iter().map(|refusal| refusal.position).collect()),
            Err(error) => {
                let attempt = "end the session, so that the server may have deleted nothing";
                Err(self.later(attempt, &error))
            }
        }
    }

    /// Tells of all refusals in one line.
    fn tell_refused(&self, refused: &[Refusal]) {
        let Some(first) = refused.first() else {
            return;
        };
        let attempt = match refused.len() {
            1 => format!("delete message {} on the server", first.number),
            many => format!("delete {many} messages on the server"),
        };
        let failure = trouble::failure(&attempt, &self.config, &first.error)
            .hint("they are stored; popfetch tries to delete them again next time");
        self.event(Event::Warning { failure: &failure });
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
