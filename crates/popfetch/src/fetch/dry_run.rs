//! What a session would do, shown and not done.

use std::sync::Arc;
use std::time::Instant;

use poplib::Secret;

use super::prepare::{self, Basis};
use super::{Broken, Fetcher, Opened, Outcome, blocking};
use crate::clock::Timestamp;
use crate::plan::{Listing, Plan};
use crate::report::{Action, Event, Summary};
use crate::state::{Quirks, StateStore};

impl Fetcher<'_> {
    /// Shows what [`fetch`](Self::fetch) would do, and changes nothing. A filter is not asked.
    pub(crate) async fn dry_run(
        &mut self,
        password: Secret,
        store: Arc<dyn StateStore>,
        now: Timestamp,
    ) -> Outcome {
        let begun = Instant::now();
        let shown = match self.begin(password).await {
            Ok(opened) => self.show_plan(opened, store, now).await,
            Err(broken) => Err(broken),
        };
        let summary = Summary {
            dry_run: true,
            time: begun.elapsed(),
            ..Summary::default()
        };
        Outcome {
            summary,
            failure: shown.err().map(|broken| broken.failure),
            ..Outcome::default()
        }
    }

    async fn show_plan(
        &self,
        opened: Opened,
        store: Arc<dyn StateStore>,
        now: Timestamp,
    ) -> Result<(), Broken> {
        let (maildrop, mut policy) = (self.account.maildrop.clone(), self.account.policy);
        let listing = Arc::clone(&opened.listing);
        let plan = blocking(move || {
            let account = store.account(&maildrop)?;
            let mut quirks = Quirks::default();
            if let Some(account) = account {
                let facts = store.facts(account)?;
                policy = policy.for_session(&facts);
                quirks = facts.quirks;
            }
            let basis = Basis {
                policy,
                quirks,
                trusts_sample: true,
                now,
            };
            let mut plan = prepare::plan(&*store, account, &listing, basis)?;
            plan.limit(&listing, policy);
            Ok(plan)
        })
        .await?;
        self.tell_plan(&opened.listing, &plan);
        self.tell_actions(&opened.listing, &plan);
        // Nothing was changed that its failure could leave undone.
        let _ = opened.session.quit().await;
        Ok(())
    }

    /// Tells what a plan would do with each message.
    pub(super) fn tell_actions(&self, listing: &Listing, plan: &Plan) {
        let fetch = plan.fetch.iter().map(|fetch| fetch.position);
        let excerpts = plan.excerpts.iter().map(|fetch| fetch.position);
        let delete = (plan.to_delete().into_iter()).chain(plan.reject.iter().copied());
        let actions = (fetch.map(|position| (Action::Fetch, position)))
            .chain(excerpts.map(|position| (Action::FetchHeaders, position)))
            .chain(plan.skip.iter().map(|&position| (Action::Skip, position)))
            .chain(delete.map(|position| (Action::Delete, position)));
        for (action, position) in actions {
            if let Some(key) = listing.key(position) {
                self.event(Event::Would {
                    action,
                    number: listing.number(position),
                    identity: key.identity,
                    octets: listing.octets(position),
                });
            }
        }
    }
}
