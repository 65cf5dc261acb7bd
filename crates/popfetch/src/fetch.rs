//! Sessions with a server: log in, list, fetch what the plan says, make it durable, and only then
//! delete and QUIT; and once more, as long as that brings anything.

mod bounds;
mod deletion;
mod dry_run;
mod excerpts;
mod filter;
mod folder_data;
mod header;
mod headers;
mod judge;
mod lost;
mod maildrop;
mod mark;
mod messages;
mod prepare;
mod put_off;
mod remove;
#[cfg(test)]
mod tests;
pub(crate) mod trouble;
mod turn;
mod weaknesses;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use poplib::tokio::Session;
use poplib::{Config, Error, Evidence, ProtocolError, Secret};
use tokio::task::spawn_blocking;

use crate::account::{self, Account};
use crate::deliver::{Delivery, Refused, Ticket};
use crate::failure::{Failure, Status};
use crate::jobs::Turn;
use crate::key::{Key, KeyRef};
use crate::plan::{Fetch, Listing, Plan};
use crate::report::{Event, Planned, Report, Summary, TlsShown};
use crate::sizes::Sizes;
use crate::state::Target;
use crate::stop::Stop;

pub(crate) use bounds::{Bound, Unread};
pub(crate) use headers::read_head;

use self::deletion::Keys;
use self::filter::Filtered;
use self::headers::Shown;
use self::lost::Failed;
use self::turn::Movement;

/// A session that was shown so many messages may have been shown only a part: some servers list a
/// few hundred at a time (Q22).
const SHOWN_AT_ONCE: RangeInclusive<usize> = 100..=999;

/// How long a session waits for the disk before it says NOOP: servers hang up on clients that are
/// silent for a minute (Q27).
const NOOP_EVERY: Duration = Duration::from_secs(20);

/// Fetches one account once.
pub(crate) struct Fetcher<'a> {
    account: &'a Account,
    report: &'a dyn Report,
    stop: Stop,
    /// The account's, with what has been learned of its server.
    config: Config,
    /// How long the server wants to be left alone between two logins, if it says so.
    login_delay: Option<Duration>,
    noop_every: Duration,
    /// The turn that it has, where others may wait for one.
    turn: Option<&'a Turn>,
    movement: Movement,
    /// It gave its turn away, with more to fetch.
    gave_way: bool,
    /// Messages that failed in this run.
    failed: BTreeMap<Key, Failed>,
    /// Whether a message has broken a session, even if it came in another one.
    blamed_message: bool,
    /// Targets that may refuse a message, and took one in this run.
    working: Vec<Target>,
    /// What a target would not have in this session, until it is known whether it works.
    refused: Vec<Refused>,
    /// What failed before was put off to a session behind the first, in this run.
    put_off: bool,
    /// The next session only deletes, and this follows.
    sweep: Option<Next>,
    /// A session broke at TOP, and no other is to (Q23).
    without_top: Cell<bool>,
    /// What speaks against TOP.
    top: Cell<Evidence>,
    /// What TOP showed, and whether it was what RETR brought.
    shown: Shown,
    /// What the filter came to.
    filtered: Filtered,
    /// How many sessions have been begun anew without what broke the one before.
    begun_anew: u32,
    /// Messages that were doubted in this run. Fetched again at once, they would tell nothing new.
    doubted: BTreeSet<Key>,
    /// Whether a few messages may stand for all whose sizes have changed.
    trusts_sample: bool,
    /// What the state knows of LIST's numbers.
    sizes: Sizes,
}

/// There is pipelining to do without, and TOP.
const BEGIN_ANEW: u32 = 2;

/// How one session or several ended.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) summary: Summary,
    /// Why it ended early. What the summary tells happened all the same.
    pub(crate) failure: Option<Failure>,
    /// How long the server wants to be left alone now, if it says so.
    pub(crate) login_delay: Option<Duration>,
    /// It gave its turn away, and there is more to fetch.
    pub(crate) gave_way: bool,
    /// Whether a session came about.
    is_open: bool,
    next: Next,
}

/// Whether there should be another session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Done,
    /// There is more to do.
    Again,
    /// There may be more than was shown.
    Look,
}

impl Outcome {
    /// Adds what another session came to.
    fn followed_by(mut self, other: Self) -> Self {
        // Whoever merely looks, and is not let in, has missed nothing.
        let is_harmless = self.next == Next::Look && !other.is_open;
        let held_back = other.summary.held_back;
        self.summary += other.summary;
        // Each session counts all that is held back.
        self.summary.held_back = held_back;
        self.failure = other.failure.filter(|_| !is_harmless);
        self.next = other.next;
        self
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure),
            ..Self::default()
        }
    }
}

/// Why a session cannot go on.
struct Broken {
    failure: Failure,
    /// It broke over something that another one does without: pipelining, or TOP.
    is_avoidable: bool,
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        let is_avoidable = false;
        Self {
            failure,
            is_avoidable,
        }
    }
}

/// A session in which nothing has been asked for but what there is.
struct Opened {
    session: Session,
    listing: Arc<Listing>,
    /// Why there are no unique-ids.
    no_unique_ids: Option<Failure>,
    /// How long the server wants to be left alone between two logins, if it says so.
    login_delay: Option<Duration>,
    /// How many messages more STAT counts than are listed, also when asked again.
    stat_surplus: i64,
}

impl<'a> Fetcher<'a> {
    pub(crate) fn new(account: &'a Account, report: &'a dyn Report, stop: Stop) -> Self {
        Self {
            account,
            report,
            stop,
            config: account.config.clone(),
            login_delay: None,
            noop_every: NOOP_EVERY,
            turn: None,
            movement: Movement::new(),
            gave_way: false,
            failed: BTreeMap::new(),
            blamed_message: false,
            working: Vec::new(),
            refused: Vec::new(),
            put_off: false,
            sweep: None,
            without_top: Cell::new(false),
            top: Cell::default(),
            shown: Shown::default(),
            filtered: Filtered::default(),
            begun_anew: 0,
            doubted: BTreeSet::new(),
            trusts_sample: true,
            sizes: Sizes::default(),
        }
    }

    /// Fetches into `delivery`, in as many sessions as it takes.
    pub(crate) async fn fetch(&mut self, password: Secret, delivery: &Arc<Delivery>) -> Outcome {
        let begun = Instant::now();
        let known = match self.recall(delivery).await {
            Ok(known) => known,
            Err(failure) => return failure.into(),
        };
        let mut outcome = self.session(&password, delivery).await;
        while outcome.next != Next::Done && self.stop.failure().is_none() {
            let another = self.session(&password, delivery).await;
            outcome = outcome.followed_by(another);
        }
        if let Err(failure) = self.keep_distrust_in_mind(known, delivery).await {
            outcome.failure.get_or_insert(failure);
        }
        // What a message broke is not the server's weakness.
        if !self.blamed_message
            && let is_through = outcome.failure.is_none()
            && let Err(failure) = self.keep_in_mind(known, is_through, delivery).await
        {
            outcome.failure.get_or_insert(failure);
        }
        outcome.login_delay = self.login_delay;
        outcome.gave_way = self.gave_way;
        outcome.failure = outcome.failure.or_else(|| self.filtered.failure());
        outcome.summary.held_back += self.filtered.held_back();
        outcome.summary.not_fetched = self.failed.len();
        outcome.summary.time = begun.elapsed();
        outcome
    }

    async fn session(&mut self, password: &Secret, delivery: &Arc<Delivery>) -> Outcome {
        let opened = match self.begin(password.clone()).await {
            Ok(opened) => opened,
            Err(broken) => return self.broken_off(broken),
        };
        let outcome = match self.transact(opened, delivery).await {
            Ok(outcome) => outcome,
            Err(broken) => self.broken_off(broken),
        };
        Outcome {
            is_open: true,
            ..outcome
        }
    }

    fn broken_off(&mut self, broken: Broken) -> Outcome {
        Outcome {
            next: self.after_break(broken.is_avoidable),
            ..Outcome::from(broken.failure)
        }
    }

    /// A session that broke over something avoidable is begun anew: it is known by now to do
    /// without (Q7, Q23).
    fn after_break(&mut self, is_avoidable: bool) -> Next {
        if !is_avoidable || self.begun_anew == BEGIN_ANEW {
            return Next::Done;
        }
        self.begun_anew += 1;
        Next::Again
    }

    /// Logs in and lists what is in the maildrop, for whoever wants to look only.
    pub(crate) async fn look(
        &mut self,
        password: Secret,
    ) -> Result<(Session, Arc<Listing>), Failure> {
        match self.begin(password).await {
            Ok(opened) => Ok((opened.session, opened.listing)),
            Err(broken) => Err(broken.failure),
        }
    }

    /// Logs in and lists.
    async fn begin(&mut self, password: Secret) -> Result<Opened, Broken> {
        let mut stop = self.stop.clone();
        let session = stop.or(self.log_in(password)).await?;
        let opened = tokio::select! {
            opened = self.list(session) => opened,
            failure = stop.asked() => Err(failure.into()),
        }?;
        self.login_delay = opened.login_delay;
        Ok(opened)
    }

    /// Logs in.
    pub(crate) async fn log_in(&self, password: Secret) -> Result<Session, Failure> {
        let (config, user) = (&self.config, &self.account.user);
        let host = config.address().0;
        let credentials = account::credentials(config, user, password);
        #[cfg(not(test))]
        let session = Session::open(config, &credentials).await;
        #[cfg(test)]
        let session = crate::simulation::open(config, &credentials).await;
        let session = session.map_err(|error| trouble::opening_failure(user, config, &error))?;
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
        mut opened: Opened,
        delivery: &Arc<Delivery>,
    ) -> Result<Outcome, Broken> {
        self.shown.begin();
        let mut plan = self.prepare(&mut opened, delivery).await?;
        for wanted in [&mut plan.fetch, &mut plan.excerpts] {
            wanted.retain(|fetch| self.may_be_tried(&opened.listing, fetch));
        }
        if self.gave_way {
            // Only what is stored is deleted yet.
            plan.more = false;
        }
        let swept = self.sweep.take();
        let mut has_more = self.put_off(&mut plan, swept.is_some());
        self.tell_plan(&opened.listing, &plan);
        (self.leave_too_large(&opened.listing, &mut plan, delivery)).await?;
        self.leave_out(&mut opened, &mut plan, delivery).await?;
        let excerpts = self.excerpt(&mut opened, &plan, delivery).await?;
        let Opened {
            session, listing, ..
        } = opened;
        let mut fetched = self.fetch_all(session, &listing, &plan, delivery).await?;
        let trusted = self.trusts_sample;
        let judged = self.judge(&fetched, &listing, &plan, delivery).await?;
        // Where the sample was no sample, all the rest is fetched.
        has_more |= trusted && !self.trusts_sample && self.login_delay.is_none();
        let new = fetched.stored.positions.len() - fetched.stored.recognised.len();
        let is_a_part = SHOWN_AT_ONCE.contains(&new) && SHOWN_AT_ONCE.contains(&listing.len());
        let advanced = new + excerpts > 0 || fetched.failed_first || judged.cleared > 0;
        let mut outcome = Outcome {
            summary: Summary {
                stored: new + excerpts,
                octets: fetched.octets,
                held_back: judged.held_back,
                ..Summary::default()
            },
            failure: fetched.failure.take(),
            next: match fetched.blames_message && advanced {
                true => Next::Again,
                false => self.after_break(fetched.pipeline_broke),
            },
            ..Outcome::default()
        };
        match plan.ignored {
            // Those that were just noticed are counted already.
            None if judged.ignores_deletion => {}
            None => plan.delete.extend(judged.removals),
            Some(_) => outcome.summary.held_back += judged.removals.len(),
        }
        if judged.is_shifted {
            plan.delete.clear();
            plan.reject.clear();
        }
        let mut session = fetched.session;
        if let Some(session) = session.as_mut().filter(|_| !judged.is_shifted) {
            match (self.confirm_rejections(session, &listing, &mut plan, delivery)).await {
                Ok(again) => has_more |= again,
                Err(broken) => {
                    outcome.failure.get_or_insert(broken.failure);
                    return Ok(outcome);
                }
            }
        }
        // A QUIT may delete whatever was fetched, on some servers without any DELE (P10, Q22). It
        // is only sent when everything fetched is stored, and believed to be whole.
        let has_unstored = (self.shown).read_more_than(&fetched.stored.positions, &plan.reject);
        let is_withheld = fetched.is_withheld || has_unstored || judged.doubted > 0;
        let Some(session) = session.filter(|_| !is_withheld) else {
            if is_withheld && outcome.failure.is_none() {
                outcome.next = self.delete_in_another(&plan, has_more || plan.more && advanced);
            }
            return Ok(outcome);
        };
        let keys = Keys::new(&listing, &fetched.stored.named);
        match self.remove(session, &keys, &plan, delivery).await {
            Ok(removed) => {
                outcome.summary.deleted = removed.deleted;
                outcome.summary.held_back += removed.held_back;
            }
            Err(broken) => {
                outcome.failure.get_or_insert(broken.failure);
                outcome.next = self.after_break(broken.is_avoidable);
            }
        }
        if outcome.failure.is_none() {
            let advanced = advanced || outcome.summary.deleted > 0;
            outcome.next = match swept {
                Some(next) => next,
                None if has_more || plan.more && advanced => Next::Again,
                None if is_a_part && advanced && self.login_delay.is_none() => Next::Look,
                None => Next::Done,
            };
        }
        Ok(outcome)
    }

    fn tell_plan(&self, listing: &Listing, plan: &Plan) {
        let octets = |fetch: &Fetch| listing.octets(fetch.position).unwrap_or(0);
        self.event(Event::Planned(&Planned {
            messages: listing.len(),
            octets: listing.total_octets(),
            fetch: plan.fetch.len(),
            fetch_octets: plan.fetch.iter().map(octets).fold(0, u64::saturating_add),
            delete: plan.delete.len() + plan.reject.len(),
            quarantined: plan.count.quarantined,
            skipped: plan.count.skipped,
            oversize: plan.count.oversize,
            nameless: plan.count.nameless,
        }));
    }

    fn broken(&self, attempt: &str, error: &Error) -> Broken {
        Broken {
            failure: trouble::failure(attempt, &self.config, error),
            is_avoidable: is_pipelined(error),
        }
    }

    fn event(&self, event: Event<'_>) {
        self.report.report(&self.account.name, event);
    }
}

/// Whether an error came of several commands being on their way at once.
fn is_pipelined(error: &Error) -> bool {
    matches!(error, Error::Protocol(ProtocolError::PipelineBroken(_)))
}

/// What is to be known of a message before it comes.
fn ticket(listing: &Listing, fetch: &Fetch, plan: &Plan) -> Ticket {
    let position = fetch.position;
    let key = listing.key(position).map(KeyRef::to_key);
    let contents = key.is_none().then(|| Arc::clone(&plan.contents));
    let key = key.unwrap_or_else(|| Key::provisional(position));
    Ticket {
        listed: listing.octets(position),
        past: fetch.past.clone(),
        known: Arc::clone(&fetch.known),
        likeness: plan.likenesses.get(&position).copied(),
        is_believed: fetch.is_believed,
        is_new: fetch.is_new,
        vanished: (fetch.is_new || fetch.is_resized).then(|| Arc::clone(&plan.vanished)),
        exchanged: plan
            .exchanged
            .clone()
            .filter(|_| fetch.is_new || fetch.is_resized),
        contents,
        sizes: plan.sizes,
        ..Ticket::new(position, listing.number(position), key)
    }
}

/// Does something that blocks, elsewhere.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let panicked = |_| Failure::new(Status::InputOutput, "a thread of popfetch panicked");
    spawn_blocking(work).await.map_err(panicked)?
}
