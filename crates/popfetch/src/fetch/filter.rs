//! Messages that are known by their headers not to be wanted: what the user's filter says of
//! them, and the folder data that some servers show as a message.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Broken, Fetcher, Opened, blocking};
use crate::deliver::Delivery;
use crate::failure::{Failure, Status};
use crate::key::{Key, KeyRef};
use crate::plan::{Fetch, Plan};
use crate::report::Event;
use crate::secret;
use crate::state::Change;

/// So many headers are read before the filter's answers are waited for,
const AT_ONCE: usize = 64;
/// and so many filters run at the same time.
const SIDE_BY_SIDE: usize = 4;
/// A filter that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// UW's servers keep the state of a mailbox in its first message, of some hundred octets (Q28).
const FOLDER_DATA: &[u8] = b"FOLDER INTERNAL DATA";
const FOLDER_DATA_OCTETS: u64 = 4096;

/// What a filter says of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Exit status 0.
    Fetch,
    /// Exit status 1: it is deleted unseen.
    Reject,
    /// Exit status 2: it stays on the server.
    Skip,
}

impl Fetcher<'_> {
    /// Takes out of the plan what is not wanted, and remembers it.
    pub(super) async fn leave_out(
        &self,
        opened: &mut Opened,
        plan: &mut Plan,
        delivery: &Arc<Delivery>,
    ) -> Result<(), Broken> {
        let mut verdicts = Vec::new();
        if self.is_folder_data(opened, &plan.fetch).await? {
            verdicts.push((0, Verdict::Skip));
        }
        if let Some(command) = &self.account.filter {
            // What was delivered before had passed.
            let unknown = |fetch: &&Fetch| fetch.known.is_empty();
            let asked = (plan.fetch.iter().filter(unknown)).map(|fetch| fetch.position);
            let asked: Vec<u32> = asked.filter(|&p| verdicts.is_empty() || p != 0).collect();
            let mut failed = None;
            for some in asked.chunks(AT_ONCE) {
                let answers = self.ask(opened, command, some, &mut failed).await?;
                verdicts.extend(answers);
            }
            if let Some((times, failure)) = failed {
                self.warn_of_filter(times, failure);
            }
        }
        verdicts.retain(|&(_, verdict)| verdict != Verdict::Fetch);
        if verdicts.is_empty() {
            return Ok(());
        }
        verdicts.sort_unstable_by_key(|&(position, _)| position);
        let verdict = |position: u32| {
            let found = verdicts.binary_search_by_key(&position, |&(position, _)| position);
            found.ok().map(|index| verdicts[index].1)
        };
        plan.fetch.retain(|fetch| verdict(fetch.position).is_none());
        let rejected = verdicts.iter().filter(|(_, v)| *v == Verdict::Reject);
        plan.reject.extend(rejected.map(|&(position, _)| position));
        self.remember_verdicts(opened, &verdicts, delivery).await?;
        Ok(())
    }

    /// Whether message 1 is to be fetched and is none.
    async fn is_folder_data(&self, opened: &mut Opened, wanted: &[Fetch]) -> Result<bool, Broken> {
        let listing = &opened.listing;
        let is_small = || {
            listing
                .octets(0)
                .is_none_or(|octets| octets <= FOLDER_DATA_OCTETS)
        };
        let may_be =
            |fetch: &Fetch| fetch.position == 0 && fetch.past.is_none() && fetch.known.is_empty();
        if !wanted.iter().any(may_be) || listing.number(0) != 1 || !is_small() {
            return Ok(false);
        }
        let mut is_folder_data = false;
        self.read_headers(opened, &[0], |_, header| {
            is_folder_data =
                header.is_ok_and(|header| memchr::memmem::find(&header, FOLDER_DATA).is_some());
        })
        .await?;
        if is_folder_data {
            self.event(Event::LeftAlone {
                number: 1,
                why: "it is the server's own data about the mailbox",
            });
        }
        Ok(is_folder_data)
    }

    /// Reads headers and asks the filter about each while the next ones come. How often it failed,
    /// and how, is added to `failed`.
    async fn ask(
        &self,
        opened: &mut Opened,
        command: &str,
        positions: &[u32],
        failed: &mut Option<(usize, Failure)>,
    ) -> Result<Vec<(u32, Verdict)>, Broken> {
        let turns = Arc::new(Semaphore::new(SIDE_BY_SIDE));
        let mut filters = JoinSet::new();
        let listing = Arc::clone(&opened.listing);
        self.read_headers(opened, positions, |position, header| {
            let filter = self.filter(command, listing.key(position).map(KeyRef::to_key));
            let turns = Arc::clone(&turns);
            filters.spawn(async move {
                let _turn = turns.acquire().await;
                let answer = match header {
                    Ok(header) => run(filter, &header).await,
                    Err(failure) => Err(failure),
                };
                (position, answer)
            });
        })
        .await?;
        let mut verdicts = Vec::new();
        loop {
            let joined = tokio::select! {
                joined = filters.join_next() => joined,
                () = sleep(self.noop_every) => {
                    self.say_noop(&mut opened.session).await?;
                    continue;
                }
            };
            match joined {
                Some(Ok((position, Ok(verdict)))) => verdicts.push((position, verdict)),
                Some(Ok((_, Err(failure)))) => failed.get_or_insert((0, failure)).0 += 1,
                Some(Err(_)) => {}
                None => break,
            }
        }
        Ok(verdicts)
    }

    fn filter(&self, command: &str, key: Option<Key>) -> Command {
        let mut filter = Command::from(secret::shell(command));
        filter.env("POPFETCH_ACCOUNT", &self.account.name);
        if let Some(key) = key {
            let identity = key.as_ref().identity.to_string();
            filter.env("POPFETCH_UNIQUE_ID", identity);
        }
        filter.stdin(Stdio::piped()).stdout(Stdio::null());
        filter.kill_on_drop(true);
        filter
    }

    fn warn_of_filter(&self, times: usize, failure: Failure) {
        let message = match times {
            1 => format!("{}; the message is fetched", failure.message),
            _ => format!(
                "{}; so it went with {times} messages, which are fetched",
                failure.message
            ),
        };
        let failure = Failure { message, ..failure };
        self.event(Event::Warning { failure: &failure });
    }

    async fn remember_verdicts(
        &self,
        opened: &Opened,
        verdicts: &[(u32, Verdict)],
        delivery: &Arc<Delivery>,
    ) -> Result<(), Failure> {
        let (listing, delivery) = (Arc::clone(&opened.listing), Arc::clone(delivery));
        let verdicts = verdicts.to_vec();
        blocking(move || {
            let mut changes = verdicts.iter().filter_map(|&(position, verdict)| {
                let key = listing.key(position)?;
                Some(match verdict {
                    Verdict::Reject => Change::Rejected { key },
                    _ => Change::Skipped { key },
                })
            });
            let now = delivery.clock.now();
            Ok(delivery.store.apply(delivery.account, now, &mut changes)?)
        })
        .await
    }
}

/// Runs a filter on a header.
async fn run(mut filter: Command, header: &[u8]) -> Result<Verdict, Failure> {
    let failed = |how: String| Failure::new(Status::Temporary, format!("the filter {how}"));
    let ended = timeout(PATIENCE, async {
        let mut child = filter.spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // A filter need not read all of it.
            let _ = input.write_all(header).await;
        }
        child.wait().await
    });
    match ended.await {
        Ok(Ok(status)) => verdict(status).ok_or_else(|| failed(format!("failed: {status}"))),
        Ok(Err(error)) => Err(failed(format!("could not be run: {error}"))),
        Err(_) => Err(failed("took too long".into())),
    }
}

fn verdict(status: ExitStatus) -> Option<Verdict> {
    match status.code()? {
        0 => Some(Verdict::Fetch),
        1 => Some(Verdict::Reject),
        2 => Some(Verdict::Skip),
        _ => None,
    }
}
