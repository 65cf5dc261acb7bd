//! The disk on threads of its own, behind a bounded queue: the network waits for it only when
//! every parcel is on its way to the disk.
//!
//! ```text
//! session ──parcels──▶ writer: tmp/, SHA-256 ──batches──▶ committer: durable, state, rename
//!    ▲                    │
//!    └──empty parcels─────┘
//! ```
//!
//! A parcel holds many small messages or a part of a large one, so that neither side wakes the
//! other for each message.

use std::sync::Arc;
use std::sync::mpsc::{self as blocking, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::batch::{Batch, Incoming};
use super::parcel::{Content, Mark, Parcel};
use super::recognition::Recognition;
use super::{Delivery, Stored, Ticket};
use crate::failure::{Failure, Status};
use crate::jobs::Limits;

/// How many parcels an account has,
const PARCELS: usize = 48;
/// and how many all accounts together that have their turn, unless these are so many that
const ALL_PARCELS: usize = 8 * PARCELS;
/// each has only so many.
const FEWEST_PARCELS: usize = 4;

/// A batch has so many messages at most,
const BATCH_MESSAGES: usize = 2048;
/// or so many octets and a message more,
const BATCH_OCTETS: u64 = 64 * 1024 * 1024;
/// and is made durable when its first message has waited for so long.
const BATCH_TIME: Duration = Duration::from_secs(5);

/// What may be on its way to the disk at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) parcels: usize,
    /// A batch is made durable when it has this many messages,
    pub(crate) batch_messages: usize,
    /// or this many octets.
    pub(crate) batch_octets: u64,
}

impl Bounds {
    /// Those of each account, if so many have their turn.
    pub(crate) fn of(limits: Limits) -> Self {
        let jobs = usize::from(limits.numbers().0.get());
        Self {
            parcels: (ALL_PARCELS / jobs).clamp(FEWEST_PARCELS, PARCELS),
            batch_messages: BATCH_MESSAGES,
            batch_octets: BATCH_OCTETS,
        }
    }
}

/// The network's side of the queue.
pub(crate) struct Queue {
    /// What is being packed.
    parcel: Option<Parcel>,
    empty: mpsc::UnboundedReceiver<Parcel>,
    parcels: blocking::Sender<Parcel>,
    outcome: oneshot::Receiver<Result<Stored, Failure>>,
    writer: JoinHandle<()>,
}

/// The disk stopped; [`Queue::finish`] says why.
#[derive(Debug)]
pub(crate) struct Stopped;

impl Queue {
    /// Starts the threads.
    pub(crate) fn start(delivery: Arc<Delivery>) -> Self {
        let (parcels, arriving) = blocking::channel();
        let (give_back, empty) = mpsc::unbounded_channel();
        for _ in 0..delivery.bounds.parcels {
            // Cannot fail: the receiver is right here.
            let _ = give_back.send(Parcel::default());
        }
        let (tell, outcome) = oneshot::channel();
        let writer = thread::spawn(move || {
            let outcome = run(&delivery, &arriving, &give_back);
            // Before anybody hears of the end, so that the state is closed when the program ends.
            drop(delivery);
            // Whoever no longer waits for the outcome does not miss it.
            let _ = tell.send(outcome);
        });
        Self {
            parcel: None,
            empty,
            parcels,
            outcome,
            writer,
        }
    }

    /// Starts a message.
    pub(crate) async fn begin(&mut self, ticket: Ticket) -> Result<(), Stopped> {
        self.mark(Mark::Begin(ticket)).await
    }

    /// Takes the next octets of the message.
    pub(crate) async fn write(&mut self, mut octets: &[u8]) -> Result<(), Stopped> {
        while !octets.is_empty() {
            self.open().await?.fill(&mut octets);
            self.send_full()?;
        }
        Ok(())
    }

    /// The message is whole.
    pub(crate) async fn end(&mut self) -> Result<(), Stopped> {
        self.mark(Mark::End).await
    }

    /// Sends what is packed if a message begins or ends in it, as nothing may follow for a while.
    pub(crate) fn flush(&mut self) -> Result<(), Stopped> {
        match &self.parcel {
            Some(parcel) if parcel.has_marks() => self.send(),
            _ => Ok(()),
        }
    }

    async fn mark(&mut self, mark: Mark) -> Result<(), Stopped> {
        self.open().await?.mark(mark);
        self.send_full()
    }

    /// The parcel that is being packed, or else an empty one, when there is one.
    async fn open(&mut self) -> Result<&mut Parcel, Stopped> {
        let parcel = match self.parcel.take() {
            Some(parcel) => parcel,
            None => self.empty.recv().await.ok_or(Stopped)?,
        };
        Ok(self.parcel.insert(parcel))
    }

    fn send_full(&mut self) -> Result<(), Stopped> {
        match &self.parcel {
            Some(parcel) if parcel.is_full() => self.send(),
            _ => Ok(()),
        }
    }

    fn send(&mut self) -> Result<(), Stopped> {
        let sent = self.parcel.take().map(|parcel| self.parcels.send(parcel));
        sent.unwrap_or(Ok(())).map_err(|_| Stopped)
    }

    /// Waits until every whole message is stored. One that was not ended is discarded.
    ///
    /// # Errors
    /// What stopped the disk. Some messages may be stored all the same; the state knows.
    pub(crate) async fn finish(mut self) -> Result<Stored, Failure> {
        // If the disk has stopped, the outcome says why.
        let _ = self.send();
        drop(self.parcels);
        let outcome = self.outcome.await.unwrap_or_else(|_| Err(stopped()));
        // It has nothing left to do but to end. Who has the next turn starts threads, which are
        // not to come on top of this one.
        let _ = self.writer.join();
        outcome
    }
}

fn stopped() -> Failure {
    Failure::new(Status::InputOutput, "writing to disk stopped unexpectedly")
}

/// The writer, with the committer beside it.
fn run(
    delivery: &Delivery,
    parcels: &blocking::Receiver<Parcel>,
    give_back: &mpsc::UnboundedSender<Parcel>,
) -> Result<Stored, Failure> {
    let partly = delivery.store.partly_delivered(delivery.account)?;
    thread::scope(|scope| {
        let (batches, receive) = blocking::sync_channel::<Batch>(1);
        let committer = scope.spawn(move || {
            let mut stored = Stored::default();
            for batch in receive {
                delivery.commit(batch, &mut stored)?;
                if stored.ended.is_some() {
                    break;
                }
            }
            Ok(stored)
        });
        let written = Writer {
            delivery,
            batches,
            batch: Batch::default(),
            since: None,
            recognition: Recognition::new(partly),
        }
        .run(parcels, give_back);
        // If the committer failed, that is why the writer could not go on.
        let stored = committer.join().unwrap_or_else(|_| Err(stopped()))?;
        match stored.ended {
            // That is why the writer could not go on.
            Some(_) => Ok(stored),
            None => written.map(|()| stored),
        }
    })
}

struct Writer<'a> {
    delivery: &'a Delivery,
    batches: blocking::SyncSender<Batch>,
    batch: Batch,
    /// When the batch got its first message.
    since: Option<Instant>,
    recognition: Recognition,
}

impl Writer<'_> {
    fn run(
        mut self,
        parcels: &blocking::Receiver<Parcel>,
        give_back: &mpsc::UnboundedSender<Parcel>,
    ) -> Result<(), Failure> {
        let mut current = None;
        let written = self.write(parcels, give_back, &mut current);
        // A message that was never ended was cut off. Those before it are whole.
        let discarded = current.map_or(Ok(()), |incoming| self.delivery.abandon(&incoming));
        written.and(discarded).and(self.pass_on())
    }

    fn write(
        &mut self,
        parcels: &blocking::Receiver<Parcel>,
        give_back: &mpsc::UnboundedSender<Parcel>,
        current: &mut Option<Incoming>,
    ) -> Result<(), Failure> {
        while let Some(mut parcel) = self.next(parcels)? {
            parcel.unpack(|content| self.take(content, current))?;
            // The session may have ended; then nobody needs the parcel.
            let _ = give_back.send(parcel);
        }
        Ok(())
    }

    fn take(
        &mut self,
        content: Content<'_>,
        current: &mut Option<Incoming>,
    ) -> Result<(), Failure> {
        match (content, &mut *current) {
            (Content::Mark(Mark::Begin(ticket)), _) => {
                *current = Some(self.delivery.begin(&self.batch, ticket)?);
                Ok(())
            }
            (Content::Octets(octets), Some(incoming)) => incoming.write(octets),
            (Content::Octets(_), None) => unreachable!("no message was begun"),
            (Content::Mark(Mark::End), _) => self.end(current.take()),
        }
    }

    /// The next parcel; `None` when there will be no more. Passes the batch on when it is time.
    fn next(&mut self, parcels: &blocking::Receiver<Parcel>) -> Result<Option<Parcel>, Failure> {
        while let Some(since) = self.since {
            let left = BATCH_TIME.saturating_sub(since.elapsed());
            if !left.is_zero() {
                match parcels.recv_timeout(left) {
                    Ok(parcel) => return Ok(Some(parcel)),
                    Err(RecvTimeoutError::Disconnected) => return Ok(None),
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
            self.pass_on()?;
        }
        Ok(parcels.recv().ok())
    }

    fn end(&mut self, current: Option<Incoming>) -> Result<(), Failure> {
        let Some(incoming) = current else {
            return Ok(());
        };
        (self.delivery).finish(&mut self.batch, incoming, &mut self.recognition)?;
        self.since.get_or_insert_with(Instant::now);
        let bounds = self.delivery.bounds;
        if self.batch.len() >= bounds.batch_messages || self.batch.octets >= bounds.batch_octets {
            self.pass_on()?;
        }
        Ok(())
    }

    fn pass_on(&mut self) -> Result<(), Failure> {
        self.since = None;
        if self.batch.len() == 0 {
            return Ok(());
        }
        // If the committer is gone it has failed, and knows better why.
        self.batches
            .send(std::mem::take(&mut self.batch))
            .map_err(|_| stopped())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Count;

    #[test]
    fn many_accounts_share_what_few_would_have() {
        for (jobs, expected) in [(1, 48), (8, 48), (16, 24), (64, 6), (1_000, 4)] {
            let limits = Limits {
                jobs: jobs.try_into().ok().map(Count),
                per_host: None,
            };
            assert_eq!(Bounds::of(limits).parcels, expected, "{jobs}");
        }
    }
}
