//! Marking what is on the server, so that it is never fetched.

use std::sync::Arc;
use std::time::Instant;

use poplib::Secret;

use super::prepare::{self, Basis};
use super::{Broken, Fetcher, Outcome, blocking};
use crate::clock::Timestamp;
use crate::failure::{Failure, Status};
use crate::plan::{Plan, Policy};
use crate::report::{Event, Summary, count};
use crate::state::{AccountId, Quirks, StateStore};

impl Fetcher<'_> {
    /// Leaves alone, for good, what is on the server now and was not fetched. `account` is `None`
    /// where nothing may change, and what would be marked is only shown.
    pub(crate) async fn mark_seen(
        &mut self,
        password: Secret,
        store: Arc<dyn StateStore>,
        account: Option<AccountId>,
        now: Timestamp,
    ) -> Outcome {
        let begun = Instant::now();
        let marked = self.mark(password, store, account, now).await;
        Outcome {
            summary: Summary {
                dry_run: account.is_none(),
                time: begun.elapsed(),
                ..Summary::default()
            },
            failure: marked.err().map(|broken| broken.failure),
            ..Outcome::default()
        }
    }

    async fn mark(
        &mut self,
        password: Secret,
        store: Arc<dyn StateStore>,
        account: Option<AccountId>,
        now: Timestamp,
    ) -> Result<(), Broken> {
        let opened = self.begin(password).await?;
        let policy = Policy {
            only_new: true,
            ..self.account.policy
        };
        let (listing, maildrop) = (Arc::clone(&opened.listing), self.account.maildrop.clone());
        let plan = blocking(move || {
            let known = match account {
                Some(account) => Some(account),
                None => store.account(&maildrop)?,
            };
            let basis = Basis {
                policy,
                quirks: Quirks::default(),
                trusts_sample: true,
                now,
            };
            let plan = prepare::plan(&*store, known, &listing, basis)?;
            if let Some(account) = account {
                prepare::begin(&*store, account, policy, now)?;
                prepare::remember(&*store, account, &listing, &plan, now)?;
            }
            Ok(plan)
        })
        .await?;
        if plan.count.nameless > 0 {
            let failure = &unmarked(plan.count.nameless);
            self.event(Event::Warning { failure });
        }
        match account {
            Some(_) => self.event(Event::Marked {
                messages: plan.skip.len(),
            }),
            None => self.tell_actions(
                &opened.listing,
                &Plan {
                    skip: plan.skip,
                    ..Plan::default()
                },
            ),
        }
        // Nothing depends on its answer.
        let _ = opened.session.quit().await;
        Ok(())
    }
}

/// Messages that nothing but their content tells from others cannot be marked before they come.
fn unmarked(messages: u64) -> Failure {
    let message = format!(
        "{} cannot be marked: the server tells neither unique-ids nor headers of them",
        count(messages)
    );
    Failure::new(Status::Temporary, message)
        .hint("popfetch sync --only-new fetches them once to know them, and delivers none")
}
