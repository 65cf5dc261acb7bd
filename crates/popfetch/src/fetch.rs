//! One session with a server: log in, list, fetch what the plan says, make it durable, and only
//! then delete and QUIT.

mod maildrop;
mod messages;
mod remove;
pub(crate) mod trouble;

use std::sync::Arc;
use std::time::{Duration, Instant};

use poplib::tokio::{Client, Session};
use poplib::{Capabilities, Secret};
use tokio::task::spawn_blocking;

use crate::account::{self, Account};
use crate::clock::Timestamp;
use crate::deliver::Delivery;
use crate::failure::{Failure, Status};
use crate::plan::{Keep, Listing, Plan, Planner, Policy};
use crate::report::{Action, Event, Planned, Report, Summary, TlsShown};
use crate::state::{AccountId, Change, StateStore};
use crate::stop::Stop;

/// Fetches one account once.
pub(crate) struct Fetcher<'a> {
    pub(crate) account: &'a Account,
    pub(crate) report: &'a dyn Report,
    pub(crate) stop: Stop,
    /// How long the server wants to be left alone between two logins, if it says so.
    pub(crate) login_delay: Option<Duration>,
}

/// How a session ended.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) summary: Summary,
    /// Why it ended early. What the summary tells happened all the same.
    pub(crate) failure: Option<Failure>,
    /// How long the server wants to be left alone now, if it says so.
    pub(crate) login_delay: Option<Duration>,
    /// Whether the session broke while commands were pipelined.
    pipeline_broke: bool,
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure),
            ..Self::default()
        }
    }
}

impl<'a> Fetcher<'a> {
    pub(crate) fn new(account: &'a Account, report: &'a dyn Report, stop: Stop) -> Self {
        Self {
            account,
            report,
            stop,
            login_delay: None,
        }
    }

    /// Fetches into `delivery`.
    pub(crate) async fn fetch(&mut self, password: Secret, delivery: &Arc<Delivery>) -> Outcome {
        let begun = Instant::now();
        let mut outcome = self.session(password.clone(), delivery).await;
        if outcome.pipeline_broke && self.stop.failure().is_none() {
            // The configuration knows by now to do without pipelining (Q7).
            let before = outcome.summary;
            outcome = self.session(password, delivery).await;
            outcome.summary.stored += before.stored;
            outcome.summary.octets += before.octets;
        }
        outcome.summary.time = begun.elapsed();
        outcome
    }

    async fn session(&mut self, password: Secret, delivery: &Arc<Delivery>) -> Outcome {
        match self.begin(password).await {
            Ok((session, listing)) => {
                let outcome = self.transact(session, &listing, delivery).await;
                outcome.unwrap_or_else(Outcome::from)
            }
            Err(failure) => failure.into(),
        }
    }

    /// Shows what [`fetch`](Self::fetch) would do, and changes nothing.
    pub(crate) async fn dry_run(
        &mut self,
        password: Secret,
        store: Arc<dyn StateStore>,
        now: Timestamp,
    ) -> Outcome {
        let begun = Instant::now();
        let result = match self.begin(password).await {
            Ok((session, listing)) => self.show_plan(session, listing, store, now).await,
            Err(failure) => Err(failure),
        };
        let summary = Summary {
            dry_run: true,
            time: begun.elapsed(),
            ..Summary::default()
        };
        Outcome {
            summary,
            failure: result.err(),
            ..Outcome::default()
        }
    }

    async fn show_plan(
        &self,
        session: Session,
        listing: Arc<Listing>,
        store: Arc<dyn StateStore>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let (maildrop, policy) = (self.account.maildrop.clone(), self.account.policy);
        let listed = Arc::clone(&listing);
        let plan = blocking(move || {
            let account = store.account(&maildrop)?;
            plan(&*store, account, &listed, policy, now)
        })
        .await?;
        self.tell_plan(&listing, &plan);
        let fetch = plan
            .fetch
            .iter()
            .map(|fetch| (Action::Fetch, fetch.position));
        let delete = plan
            .delete
            .iter()
            .map(|&position| (Action::Delete, position));
        for (action, position) in fetch.chain(delete) {
            if let Some(key) = listing.key(position) {
                self.event(Event::Would {
                    action,
                    number: listing.number(position),
                    identity: key.identity,
                    octets: listing.octets(position),
                });
            }
        }
        // Nothing was changed that its failure could leave undone.
        session.quit().await.map_or(Ok(()), |_| Ok(()))
    }

    /// Logs in and lists what is in the maildrop.
    pub(crate) async fn begin(
        &mut self,
        password: Secret,
    ) -> Result<(Session, Arc<Listing>), Failure> {
        let mut stop = self.stop.clone();
        let mut session = stop.or(self.log_in(password)).await?;
        let listing = stop
            .or(maildrop::list(&mut session, &self.account.config))
            .await?;
        Ok((session, Arc::new(listing)))
    }

    /// Logs in.
    pub(crate) async fn log_in(&mut self, password: Secret) -> Result<Session, Failure> {
        let Account { config, user, .. } = self.account;
        let (host, port) = config.address();
        let attempt = format!("connect to {host}, port {port}");
        let mut client = Client::connect(config)
            .await
            .map_err(|error| trouble::failure(&attempt, config, &error))?;
        // A refusal is nothing to the login, which needs not ask again; any other failure is its
        // own, too.
        let capabilities = client.capa().await.ok();
        self.login_delay = capabilities.and_then(|listed| login_delay(&listed));
        let credentials = account::credentials(config, user, password);
        let attempt = format!("log in to {host} as {user}");
        let session = client
            .login(&credentials)
            .await
            .map_err(|refused| trouble::login_failure(&attempt, config, &refused.error))?;
        let tls = session.tls().map(|facts| TlsShown {
            version: facts.version(),
            cipher_suite: facts.cipher_suite(),
        });
        self.event(Event::Connected { server: host, tls });
        Ok(session)
    }

    /// Everything between the listing and the end of the session.
    async fn transact(
        &mut self,
        mut session: Session,
        listing: &Arc<Listing>,
        delivery: &Arc<Delivery>,
    ) -> Result<Outcome, Failure> {
        let mut plan = self.prepare(listing, delivery).await?;
        self.tell_plan(listing, &plan);
        let wanted = std::mem::take(&mut plan.fetch);
        let fetched = self
            .fetch_all(&mut session, listing, &wanted, delivery)
            .await?;
        let mut outcome = Outcome {
            summary: Summary {
                stored: fetched.stored.len() - fetched.recognised,
                octets: fetched.octets,
                not_fetched: fetched.not_fetched,
                ..Summary::default()
            },
            failure: fetched.failure,
            pipeline_broke: fetched.pipeline_broke,
            ..Outcome::default()
        };
        // A QUIT may delete whatever was fetched, on some servers without any DELE (P10, Q22). It
        // is only sent when everything fetched is stored.
        if !fetched.session_is_good {
            return Ok(outcome);
        }
        let mut delete = plan.delete;
        if self.account.policy.keep == Keep::None {
            delete.extend(fetched.stored);
        }
        match self.remove(session, listing, delete, delivery).await {
            Ok(deleted) => outcome.summary.deleted = deleted,
            Err(failure) => outcome.failure = outcome.failure.or(Some(failure)),
        }
        Ok(outcome)
    }

    /// Makes the plan and lets the state know what the listing says.
    async fn prepare(
        &self,
        listing: &Arc<Listing>,
        delivery: &Arc<Delivery>,
    ) -> Result<Plan, Failure> {
        let (listing, delivery) = (Arc::clone(listing), Arc::clone(delivery));
        let policy = self.account.policy;
        blocking(move || {
            let (store, account, now) = (&*delivery.store, delivery.account, delivery.clock.now());
            let mut facts = store.facts(account)?;
            let policy = Policy {
                only_new: policy.only_new && facts.begun_at.is_none(),
                ..policy
            };
            // Before what depends on them: fetching old mail is better than missing new mail.
            facts.pass(now);
            facts.begun_at.get_or_insert(now);
            store.learn(account, &facts)?;
            let plan = plan(store, Some(account), &listing, policy, now)?;
            remember(store, account, &listing, &plan, now)?;
            Ok(plan)
        })
        .await
    }

    fn tell_plan(&self, listing: &Listing, plan: &Plan) {
        let octets = |fetch: &crate::plan::Fetch| listing.octets(fetch.position).unwrap_or(0);
        self.event(Event::Planned(&Planned {
            messages: listing.len(),
            octets: listing.total_octets(),
            fetch: plan.fetch.len(),
            fetch_octets: plan.fetch.iter().map(octets).fold(0, u64::saturating_add),
            delete: plan.delete.len(),
            quarantined: plan.count.quarantined,
            nameless: plan.count.nameless,
        }));
    }

    fn event(&self, event: Event<'_>) {
        self.report.report(&self.account.name, event);
    }
}

/// The time between two logins that the server asks for (RFC 2449, section 6.5); no longer than a
/// day, whatever it says.
fn login_delay(capabilities: &Capabilities) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let delay = capabilities.login_delay()?;
    Some(Duration::from_secs(delay.value.into()).min(LONGEST))
}

/// Compares the listing with what the store knows of the account.
fn plan(
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
fn remember(
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

/// Does something that blocks, elsewhere.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let panicked = |_| Failure::new(Status::InputOutput, "a thread of popfetch panicked");
    spawn_blocking(work).await.map_err(panicked)?
}
