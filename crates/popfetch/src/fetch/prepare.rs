//! The plan of a session, and what the state is told of the listing.

use std::sync::Arc;

use super::{Broken, Fetcher, Opened, blocking};
use crate::clock::Timestamp;
use crate::deliver::Delivery;
use crate::failure::{Failure, Status};
use crate::key::{HeaderDigest, Sum};
use crate::plan::{Listing, Plan, Planner, Policy, Reset};
use crate::report::{Event, count};
use crate::state::{AccountId, Change, Doubt, Ignored, Quirks, StateStore};

/// What a plan is made on, beside listing and rows.
#[derive(Clone, Copy)]
pub(super) struct Basis {
    pub(super) policy: Policy,
    pub(super) quirks: Quirks,
    /// Whether a few messages may stand for all whose sizes have changed.
    pub(super) trusts_sample: bool,
    pub(super) now: Timestamp,
}

impl Fetcher<'_> {
    /// Makes the plan and lets the state know what the listing says.
    pub(super) async fn prepare(
        &mut self,
        opened: &mut Opened,
        delivery: &Arc<Delivery>,
    ) -> Result<Plan, Broken> {
        let (policy, trusts_sample) = (self.account.policy, self.trusts_sample);
        let (listing, here) = (Arc::clone(&opened.listing), Arc::clone(delivery));
        let (basis, mut plan) = blocking(move || {
            let now = here.clock.now();
            refuse_what_was_moved(&here, &listing)?;
            let (policy, quirks) = begin(&*here.store, here.account, policy, now)?;
            let basis = Basis {
                policy,
                quirks,
                trusts_sample,
                now,
            };
            let plan = plan(&*here.store, Some(here.account), &listing, basis)?;
            Ok((basis, plan))
        })
        .await?;
        self.sizes = basis.quirks.sizes;
        if plan.count.by_unique_id > 0
            && let Some(refusal) = opened.no_unique_ids.take()
        {
            // Without them every message would look new.
            return Err(refusal.into());
        }
        if plan.shows_reset(&opened.listing) {
            plan = self.recognise(opened, &plan, basis, delivery).await?;
        }
        plan.limit(&opened.listing, basis.policy);
        let quirks = self.learn_from_listing(&mut plan, opened, basis);
        self.sizes = quirks.sizes;
        let (listing, here) = (Arc::clone(&opened.listing), Arc::clone(delivery));
        let plan = blocking(move || {
            if quirks != basis.quirks {
                let mut facts = here.store.facts(here.account)?;
                facts.quirks = quirks;
                here.store.learn(here.account, &facts)?;
            }
            remember(&*here.store, here.account, &listing, &plan, basis.now)?;
            Ok(plan)
        });
        Ok(plan.await?)
    }

    /// What the listing tells of the server. What is noticed for the first time is said.
    fn learn_from_listing(&self, plan: &mut Plan, opened: &Opened, basis: Basis) -> Quirks {
        let Quirks {
            ignores_deletion,
            stat_surplus,
            ..
        } = basis.quirks;
        let kept = plan.kept.len() as u64;
        plan.ignored = Ignored::after(ignores_deletion, kept, plan.obeyed, basis.now);
        if let Some(ignored) = &mut plan.ignored {
            let is_due = ignored.try_again(basis.now) && !plan.delete.is_empty();
            plan.count.ignored = plan.delete.len() as u64;
            plan.delete.truncate(usize::from(is_due));
        }
        // A constant difference is the server's way to count (Q13).
        if opened.stat_surplus != stat_surplus && opened.stat_surplus != 0 {
            plan.count.unlisted = opened.stat_surplus.unsigned_abs();
            let failure = &unlisted(opened);
            self.event(Event::Warning { failure });
        }
        Quirks {
            ignores_deletion: plan.ignored,
            stat_surplus: opened.stat_surplus,
            sizes: plan.sizes,
            ..basis.quirks
        }
    }

    /// The plan where the server has made its unique-ids anew: rows move to the new ones where
    /// headers tell that the messages are the same, and what else is new is compared with all
    /// that was delivered (Q15, Q23).
    async fn recognise(
        &self,
        opened: &mut Opened,
        before: &Plan,
        basis: Basis,
        delivery: &Arc<Delivery>,
    ) -> Result<Plan, Broken> {
        let new: Vec<u32> = before.fetch.iter().map(|fetch| fetch.position).collect();
        let mut digests: Vec<(u32, Sum)> = Vec::with_capacity(new.len());
        self.read_top(opened, &new, 0, |position, header| {
            if let Ok(header) = header {
                let mut digest = HeaderDigest::default();
                digest.update(&header);
                digests.push((position, digest.finish()));
            }
        })
        .await?;
        let (listing, delivery) = (Arc::clone(&opened.listing), Arc::clone(delivery));
        let plan = blocking(move || {
            let (store, account) = (&*delivery.store, delivery.account);
            let mut reset = Reset::new(&listing, &digests);
            store.rows(account, &mut |row| reset.row(row))?;
            let renamed = reset.finish();
            let mut changes = renamed.iter().flat_map(|(key, to)| {
                let (key, to) = (key.as_ref(), to.as_ref());
                let doubt = Some(Doubt::ByHeader);
                [
                    Change::Renamed { key, to },
                    Change::Judged { key: to, doubt },
                ]
            });
            store.apply(account, basis.now, &mut changes)?;
            plan(store, Some(account), &listing, basis)
        });
        Ok(plan.await?)
    }
}

/// STAT and the listing disagree, also when asked again.
fn unlisted(opened: &Opened) -> Failure {
    let listed = opened.listing.len() as u64;
    let counted = listed.saturating_add_signed(opened.stat_surplus);
    let message = format!(
        "STAT counts {}, and LIST and UIDL show {listed}, also when asked again",
        count(counted)
    );
    Failure::new(Status::Temporary, message).hint(
        "what is shown is fetched; if the difference stays the same it is the server's way to \
         count, and is not said again",
    )
}

/// So many messages of a maildrop that is new are looked for in others.
const LOOKED_FOR: usize = 64;

/// Refuses a maildrop that is new, and that the state seems to know by another name: its server may
/// have got another one, and everything would arrive twice (E13).
fn refuse_what_was_moved(delivery: &Delivery, listing: &Listing) -> Result<(), Failure> {
    let step = listing.len().div_ceil(LOOKED_FOR).max(1);
    let sample = listing.positions().step_by(step);
    let sample = sample.filter_map(|position| {
        let key = listing.key(position)?;
        key.identity.unique_id()?;
        Some((key, listing.octets(position)?))
    });
    let sample: Vec<_> = sample.collect();
    let (store, new) = (&delivery.store, &delivery.maildrop);
    let Some(old) = store.resembling(delivery.account, &sample)? else {
        return Ok(());
    };
    let message =
        format!("{new} seems to be {old}, which the state knows: it has the same messages");
    Err(Failure::new(Status::Temporary, message).hint(format!(
        "nothing was fetched. If the server has a new name: popfetch state move {old} {new}. If it \
         is another maildrop: popfetch state separate {new}"
    )))
}

/// A session of the account begins: its time passes, and if it is the first, that is remembered.
/// The policy for this session, and what is known of the server.
pub(super) fn begin(
    store: &dyn StateStore,
    account: AccountId,
    policy: Policy,
    now: Timestamp,
) -> Result<(Policy, Quirks), Failure> {
    let mut facts = store.facts(account)?;
    let policy = policy.for_session(&facts);
    facts.pass(now);
    // Before what depends on it: fetching old mail is better than missing new mail.
    facts.begun_at.get_or_insert(now);
    store.learn(account, &facts)?;
    Ok((policy, facts.quirks))
}

/// Compares the listing with what the store knows of the account.
pub(super) fn plan(
    store: &dyn StateStore,
    account: Option<AccountId>,
    listing: &Listing,
    basis: Basis,
) -> Result<Plan, Failure> {
    let Basis {
        policy,
        quirks,
        trusts_sample,
        now,
    } = basis;
    let mut planner = Planner::new(listing, policy, now)
        .with_sizes(quirks.sizes)
        .with_ignored_deletions(quirks.ignores_deletion.is_some());
    if !trusts_sample {
        planner = planner.without_sample();
    }
    if let Some(account) = account {
        store.rows(account, &mut |row| planner.row(row))?;
    }
    Ok(planner.finish())
}

/// That LIST tells these octets of the message now.
pub(super) fn told_by(listing: &Listing, position: u32) -> Option<Change<'_>> {
    Some(Change::Listed {
        key: listing.key(position)?,
        octets: listing.octets(position)?,
    })
}

/// Lets the store know what the listing says.
pub(super) fn remember(
    store: &dyn StateStore,
    account: AccountId,
    listing: &Listing,
    plan: &Plan,
    now: Timestamp,
) -> Result<(), Failure> {
    let keys = |positions: &[u32]| -> Vec<_> {
        (positions.iter())
            .filter_map(|&position| listing.key(position))
            .collect()
    };
    let (found, skip, kept) = (keys(&plan.found), keys(&plan.skip), keys(&plan.kept));
    let numbered = plan.skip.iter().chain(&plan.listed);
    let listed = numbered.filter_map(|&position| told_by(listing, position));
    // What is missing may come under another key in this session.
    let is_settled = !plan.finds_new();
    let gone = plan.gone.iter().filter(|_| is_settled);
    let forget = plan.forget.iter().filter(|_| is_settled);
    let mut changes = (found.into_iter().map(|key| Change::Found { key }))
        .chain(skip.into_iter().map(|key| Change::Skipped { key }))
        .chain(kept.into_iter().map(|key| Change::Kept { key }))
        .chain(plan.seen.iter().map(|key| Change::Seen { key }))
        .chain(plan.unseen.iter().map(|key| Change::Unseen { key }))
        .chain(
            plan.believed
                .iter()
                .map(|key| Change::Judged { key, doubt: None }),
        )
        .chain(listed)
        .chain(gone.map(|key| Change::Gone { key }))
        .chain(forget.map(|key| Change::Forget { key }))
        .peekable();
    if changes.peek().is_some() {
        store.apply(account, now, &mut changes)?;
    }
    Ok(())
}
