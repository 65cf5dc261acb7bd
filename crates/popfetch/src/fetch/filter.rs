//! Messages that are known by their headers not to be wanted: what the user's filter says of
//! them, and the folder data that some servers show as a message.

mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use poplib::tokio::Session;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::header;
use super::headers::Header;
use super::lost::{self, Lost};
use super::{Broken, Fetcher, Opened, blocking};
use crate::deliver::Delivery;
use crate::failure::{Failure, Status};
use crate::key::{Key, KeyRef};
use crate::plan::{Fetch, Listing, Plan};
use crate::report::{Event, count};
use crate::state::Change;

use program::Verdict;

/// So many headers are read before the filter's answers are waited for,
const AT_ONCE: usize = 64;
/// but few at first: a filter that decides nothing about any of these is broken (E17).
const AT_FIRST: usize = 5;
/// So many filters run at the same time.
const SIDE_BY_SIDE: usize = 4;

/// What the filter said in one session.
#[derive(Default)]
struct Answers {
    verdicts: BTreeMap<u32, (Verdict, bool)>,
    /// It decided nothing about these.
    undecided: BTreeMap<u32, Failure>,
    /// Their headers could not be read.
    lost: Vec<Lost>,
}

/// What the filter came to in this run.
#[derive(Default)]
pub(super) struct Filtered {
    /// Messages that it decided nothing about. They are not asked about again.
    undecided: BTreeSet<Key>,
    /// How it failed first.
    why: Option<Failure>,
    /// It decided about one.
    works: bool,
    /// It decided nothing at all, and is not asked any more.
    is_broken: bool,
    /// Messages of this session that it wants deleted by what TOP showed.
    by_top: Vec<Fetch>,
}

impl Filtered {
    /// Why the visit did not end well, if it did not.
    pub(super) fn failure(&self) -> Option<Failure> {
        let first = self.why.as_ref()?;
        let message = match self.is_broken {
            true => format!("{}; nothing is fetched until it decides", first.message),
            false => format!(
                "{}; waiting on the server: {}",
                first.message,
                count(self.undecided.len() as u64)
            ),
        };
        let mut failure = Failure::new(Status::Temporary, message);
        failure.hint.clone_from(&first.hint);
        Some(failure)
    }

    /// Whether the message waits: nothing was decided about it, or is decided at all.
    fn lets_wait(&self, listing: &Listing, fetch: &Fetch) -> bool {
        let key = listing.key(fetch.position).map(KeyRef::to_key);
        let is_undecided = key.is_some_and(|key| self.undecided.contains(&key));
        is_undecided || self.is_broken && fetch.known.is_empty()
    }

    /// How many messages wait.
    pub(super) fn held_back(&self) -> usize {
        self.undecided.len()
    }
}

impl Fetcher<'_> {
    /// Takes out of the plan what is not wanted, and what nothing was decided about, and remembers
    /// it.
    pub(super) async fn leave_out(
        &mut self,
        opened: &mut Opened,
        plan: &mut Plan,
        delivery: &Arc<Delivery>,
    ) -> Result<(), Broken> {
        let mut answers = Answers::default();
        if self.is_folder_data(opened, &plan.fetch).await? {
            answers.verdicts.insert(0, (Verdict::Skip, false));
        }
        if let Some(command) = &self.account.filter {
            let asked = self.asks_about(&opened.listing, plan, &answers);
            let ended = (self.ask_all(opened, command, plan, &asked, &mut answers)).await;
            self.settle(&answers.lost, delivery).await?;
            ended?;
            let lost = answers.lost.iter().map(|lost| lost.ticket.position);
            let lost: Vec<u32> = lost.collect();
            plan.fetch.retain(|fetch| !lost.contains(&fetch.position));
            self.hold_back(&opened.listing, plan, &mut answers, delivery)
                .await?;
        }
        let mut skipped = Vec::new();
        for (&position, &(verdict, by_top)) in &answers.verdicts {
            match verdict {
                Verdict::Fetch => {}
                Verdict::Skip => skipped.push(position),
                Verdict::Delete if by_top => {
                    let shown = plan.fetch.iter().filter(|fetch| fetch.position == position);
                    self.filtered.by_top.extend(shown.cloned());
                }
                Verdict::Delete => plan.reject.push(position),
            }
        }
        let is_wanted = |fetch: &Fetch| {
            let verdict = answers.verdicts.get(&fetch.position);
            verdict.is_none_or(|&(verdict, _)| verdict == Verdict::Fetch)
        };
        let rejected = plan.reject.clone();
        plan.fetch.retain(is_wanted);
        self.remember_verdicts(&opened.listing, skipped, rejected, delivery)
            .await?;
        Ok(())
    }

    /// The messages that the filter is to be asked about. What was delivered before had passed.
    fn asks_about(&self, listing: &Listing, plan: &mut Plan, answers: &Answers) -> Vec<Fetch> {
        (plan.fetch).retain(|fetch| !self.filtered.lets_wait(listing, fetch));
        let is_open = |fetch: &&Fetch| {
            fetch.known.is_empty() && !answers.verdicts.contains_key(&fetch.position)
        };
        plan.fetch.iter().filter(is_open).cloned().collect()
    }

    async fn ask_all(
        &self,
        opened: &mut Opened,
        command: &str,
        plan: &Plan,
        asked: &[Fetch],
        answers: &mut Answers,
    ) -> Result<(), Broken> {
        let (first, rest) = asked.split_at(asked.len().min(AT_FIRST));
        for some in std::iter::once(first).chain(rest.chunks(AT_ONCE)) {
            self.ask(opened, command, plan, some, answers).await?;
            let is_mute = answers.verdicts.is_empty() && !self.filtered.works;
            if is_mute && answers.undecided.len() == AT_FIRST {
                break;
            }
        }
        Ok(())
    }

    /// Reads headers and asks the filter about each while the next ones come.
    async fn ask(
        &self,
        opened: &mut Opened,
        command: &str,
        plan: &Plan,
        asked: &[Fetch],
        answers: &mut Answers,
    ) -> Result<(), Broken> {
        let turns = Arc::new(Semaphore::new(SIDE_BY_SIDE));
        let mut filters = JoinSet::new();
        let listing = Arc::clone(&opened.listing);
        self.read_headers(
            opened,
            plan,
            asked,
            &mut answers.lost,
            |position, header| {
                let key = listing.key(position);
                let unique_id = key.map(|key| key.identity.to_string());
                let filter = program::command(command, &self.account.name, unique_id);
                let turns = Arc::clone(&turns);
                filters.spawn(async move {
                    let _turn = turns.acquire().await;
                    let answer = program::ask(filter, &header.octets).await;
                    (position, believed(answer, &header), header.by_top)
                });
            },
        )
        .await?;
        loop {
            let joined = tokio::select! {
                joined = filters.join_next() => joined,
                () = sleep(self.noop_every) => {
                    self.say_noop(&mut opened.session).await?;
                    continue;
                }
            };
            match joined {
                Some(Ok((position, Ok(verdict), by_top))) => {
                    answers.verdicts.insert(position, (verdict, by_top));
                }
                Some(Ok((position, Err(failure), _))) => {
                    answers.undecided.insert(position, failure);
                }
                Some(Err(_)) => {
                    let message = "a task of popfetch panicked";
                    return Err(Failure::new(Status::InputOutput, message).into());
                }
                None => return Ok(()),
            }
        }
    }

    /// Takes out of the plan what the filter decided nothing about. It waits.
    async fn hold_back(
        &mut self,
        listing: &Arc<Listing>,
        plan: &mut Plan,
        answers: &mut Answers,
        delivery: &Arc<Delivery>,
    ) -> Result<(), Failure> {
        let undecided = std::mem::take(&mut answers.undecided);
        self.filtered.works |= !answers.verdicts.is_empty();
        self.filtered.is_broken |= undecided.len() >= AT_FIRST && !self.filtered.works;
        let mut waiting = Vec::with_capacity(undecided.len());
        for fetch in &plan.fetch {
            let Some(failure) = undecided.get(&fetch.position) else {
                continue;
            };
            let past = fetch.past.as_deref().cloned().unwrap_or_default();
            let key = listing.key(fetch.position).map(KeyRef::to_key);
            let has_row = key.is_some();
            let key = key.unwrap_or_else(|| Key::provisional(fetch.position));
            let reason = failure.to_string();
            self.event(Event::HeldBack {
                number: listing.number(fetch.position),
                identity: key.as_ref().identity,
                why: &format!("waits, as {}", failure.message),
                next: "the filter is asked again next time",
                is_news: !lost::is_same(&past.reason, &reason),
            });
            waiting.extend(has_row.then(|| (key.clone(), reason, past.failing)));
            self.filtered.undecided.insert(key);
        }
        (plan.fetch).retain(|fetch| !undecided.contains_key(&fetch.position));
        let why = undecided.into_values().next();
        self.filtered.why = self.filtered.why.take().or(why);
        (plan.fetch).retain(|fetch| !self.filtered.lets_wait(listing, fetch));
        if waiting.is_empty() {
            return Ok(());
        }
        let delivery = Arc::clone(delivery);
        blocking(move || {
            let mut changes = (waiting.iter()).map(|(key, reason, failing)| Change::Delayed {
                key: key.as_ref(),
                reason,
                failing: *failing,
            });
            let now = delivery.clock.now();
            Ok(delivery.store.apply(delivery.account, now, &mut changes)?)
        })
        .await
    }

    async fn remember_verdicts(
        &self,
        listing: &Arc<Listing>,
        skipped: Vec<u32>,
        rejected: Vec<u32>,
        delivery: &Arc<Delivery>,
    ) -> Result<(), Failure> {
        if skipped.is_empty() && rejected.is_empty() {
            return Ok(());
        }
        let (listing, delivery) = (Arc::clone(listing), Arc::clone(delivery));
        blocking(move || {
            let key = |&position: &u32| listing.key(position);
            let skipped = (skipped.iter().filter_map(key)).map(|key| Change::Skipped { key });
            let rejected = (rejected.iter().filter_map(key)).map(|key| Change::Rejected { key });
            let now = delivery.clock.now();
            let mut changes = skipped.chain(rejected);
            Ok(delivery.store.apply(delivery.account, now, &mut changes)?)
        })
        .await
    }

    /// Adds to the plan what the filter wants deleted by what TOP showed, if TOP was seen to show
    /// what RETR brings. Else nothing of it is remembered, and the filter is to be asked again in
    /// another session, with what RETR brings: whether that is to follow.
    pub(super) async fn confirm_rejections(
        &mut self,
        session: &mut Session,
        listing: &Arc<Listing>,
        plan: &mut Plan,
        delivery: &Arc<Delivery>,
    ) -> Result<bool, Broken> {
        let shown = std::mem::take(&mut self.filtered.by_top);
        if shown.is_empty() {
            return Ok(false);
        }
        let mut lost = Vec::new();
        let agrees = self
            .does_top_agree(session, listing, plan, &shown, &mut lost)
            .await;
        self.settle(&lost, delivery).await?;
        if !agrees? {
            return Ok(self.shown.is_untrusted.get());
        }
        let rejected: Vec<u32> = shown.iter().map(|fetch| fetch.position).collect();
        plan.reject.extend(&rejected);
        self.remember_verdicts(listing, Vec::new(), rejected, delivery)
            .await?;
        Ok(false)
    }
}

/// A filter that wants a message deleted has seen its header.
fn believed(answer: Result<Verdict, Failure>, header: &Header) -> Result<Verdict, Failure> {
    match answer {
        Ok(Verdict::Delete) if !header::is_plausible(&header.octets) => {
            let message = "the filter wants it deleted by a header that is none";
            let hint = "the server did not send the header whole; it is asked for again next time";
            Err(Failure::new(Status::Temporary, message).hint(hint))
        }
        answer => answer,
    }
}
