//! The plan of a session, and what the state is told of the listing.

use std::sync::Arc;

use super::{Broken, Fetcher, Opened, blocking};
use crate::clock::Timestamp;
use crate::deliver::Delivery;
use crate::failure::Failure;
use crate::key::{HeaderDigest, Sum};
use crate::plan::{Listing, Matched, Plan, Planner, Policy, Reset};
use crate::state::{AccountId, Change, StateStore};

impl Fetcher<'_> {
    /// Makes the plan and lets the state know what the listing says.
    pub(super) async fn prepare(
        &self,
        opened: &mut Opened,
        delivery: &Arc<Delivery>,
    ) -> Result<Plan, Broken> {
        let policy = self.account.policy;
        let (listing, here) = (Arc::clone(&opened.listing), Arc::clone(delivery));
        let (policy, mut plan) = blocking(move || {
            let now = here.clock.now();
            let policy = begin(&*here.store, here.account, policy, now)?;
            let plan = plan(&*here.store, Some(here.account), &listing, policy, now)?;
            Ok((policy, plan))
        })
        .await?;
        if plan.count.by_unique_id > 0
            && let Some(refusal) = opened.no_unique_ids.take()
        {
            // Without them every message would look new.
            return Err(refusal.into());
        }
        if plan.shows_reset(&opened.listing) {
            plan = self.recognise(opened, &plan, policy, delivery).await?;
        }
        plan.limit(&opened.listing, policy);
        let (listing, here) = (Arc::clone(&opened.listing), Arc::clone(delivery));
        let plan = blocking(move || {
            let now = here.clock.now();
            remember(&*here.store, here.account, &listing, &plan, now)?;
            Ok(plan)
        });
        Ok(plan.await?)
    }

    /// The plan where the server has made its unique-ids anew: rows move to the new ones where
    /// headers tell that the messages are the same, and what else is new is compared with all
    /// that was delivered (Q15, Q23).
    async fn recognise(
        &self,
        opened: &mut Opened,
        before: &Plan,
        policy: Policy,
        delivery: &Arc<Delivery>,
    ) -> Result<Plan, Broken> {
        let new: Vec<u32> = before.fetch.iter().map(|fetch| fetch.position).collect();
        let mut digests: Vec<(u32, Sum)> = Vec::with_capacity(new.len());
        self.read_headers(opened, &new, |position, header| {
            if let Ok(header) = header {
                let mut digest = HeaderDigest::default();
                digest.update(&header);
                digests.push((position, digest.finish()));
            }
        })
        .await?;
        let (listing, delivery) = (Arc::clone(&opened.listing), Arc::clone(delivery));
        let plan = blocking(move || {
            let (store, account, now) = (&*delivery.store, delivery.account, delivery.clock.now());
            let mut reset = Reset::new(&listing, &digests);
            store.rows(account, &mut |row| reset.row(row))?;
            let Matched { renamed, delivered } = reset.finish();
            let mut changes = renamed.iter().map(|(key, to)| Change::Renamed {
                key: key.as_ref(),
                to: to.as_ref(),
            });
            store.apply(account, now, &mut changes)?;
            let mut plan = plan(store, Some(account), &listing, policy, now)?;
            plan.compare_new_with(&delivered.into());
            Ok(plan)
        });
        Ok(plan.await?)
    }
}

/// A session of the account begins: its time passes, and if it is the first, that is remembered.
/// The policy for this session.
pub(super) fn begin(
    store: &dyn StateStore,
    account: AccountId,
    policy: Policy,
    now: Timestamp,
) -> Result<Policy, Failure> {
    let mut facts = store.facts(account)?;
    let policy = policy.for_session(&facts);
    facts.pass(now);
    // Before what depends on it: fetching old mail is better than missing new mail.
    facts.begun_at.get_or_insert(now);
    store.learn(account, &facts)?;
    Ok(policy)
}

/// Compares the listing with what the store knows of the account.
pub(super) fn plan(
    store: &dyn StateStore,
    account: Option<AccountId>,
    listing: &Listing,
    policy: Policy,
    now: Timestamp,
) -> Result<Plan, Failure> {
    let mut planner = Planner::new(listing, policy, now);
    if let Some(account) = account {
        store.rows(account, &mut |row| planner.row(row))?;
    }
    Ok(planner.finish())
}

/// Lets the store know what the listing says.
pub(super) fn remember(
    store: &dyn StateStore,
    account: AccountId,
    listing: &Listing,
    plan: &Plan,
    now: Timestamp,
) -> Result<(), Failure> {
    let found = (plan.found.iter()).filter_map(|&position| listing.key(position));
    let skip = (plan.skip.iter()).filter_map(|&position| listing.key(position));
    let mut changes = (found.map(|key| Change::Found { key }))
        .chain(skip.map(|key| Change::Skipped { key }))
        .chain(plan.seen.iter().map(|key| Change::Seen { key }))
        .chain(plan.unseen.iter().map(|key| Change::Unseen { key }))
        .chain(plan.gone.iter().map(|key| Change::Gone { key }))
        .chain(plan.forget.iter().map(|key| Change::Forget { key }))
        .peekable();
    if changes.peek().is_some() {
        store.apply(account, now, &mut changes)?;
    }
    Ok(())
}
