//! The disk on threads of its own, behind a bounded queue: the network waits for it only when
//! every buffer is on its way to the disk.
//!
//! ```text
//! session ──buffers──▶ writer: tmp/, SHA-256 ──batches──▶ committer: durable, state, rename
//!    ▲                    │
//!    └──empty buffers─────┘
//! ```

use std::sync::Arc;
use std::sync::mpsc::{self as blocking, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::batch::{Batch, Incoming};
use super::partly::Partly;
use super::{Delivery, Stored, Ticket};
use crate::failure::{Failure, Status};

/// How many octets travel together.
const BUFFER: usize = 128 * 1024;
/// How many buffers there are.
const BUFFERS: usize = 48;

/// A batch is made durable when it has this many messages,
const BATCH_MESSAGES: usize = 2048;
/// or this many octets,
const BATCH_OCTETS: u64 = 64 * 1024 * 1024;
/// or when its first message has waited for so long.
const BATCH_TIME: Duration = Duration::from_secs(5);

enum Job {
    Begin(Ticket),
    Piece(Vec<u8>),
    /// The message is whole, and these are its last octets.
    End(Vec<u8>),
    Discard,
}

/// The network's side of the queue.
pub(crate) struct Queue {
    /// A message's octets are collected here first.
    buffer: Vec<u8>,
    empty: mpsc::UnboundedReceiver<Vec<u8>>,
    jobs: blocking::Sender<Job>,
    outcome: oneshot::Receiver<Result<Stored, Failure>>,
}

/// The disk stopped; [`Queue::finish`] says why.
#[derive(Debug)]
pub(crate) struct Stopped;

impl Queue {
    /// Starts the threads.
    pub(crate) fn start(delivery: Arc<Delivery>) -> Self {
        let (jobs, todo) = blocking::channel();
        let (give_back, empty) = mpsc::unbounded_channel();
        for _ in 0..BUFFERS {
            // Cannot fail: the receiver is right here.
            let _ = give_back.send(Vec::new());
        }
        let (tell, outcome) = oneshot::channel();
        thread::spawn(move || {
            let outcome = run(&delivery, &todo, &give_back);
            // Before anybody hears of the end, so that the state is closed when the program ends.
            drop(delivery);
            // Whoever no longer waits for the outcome does not miss it.
            let _ = tell.send(outcome);
        });
        Self {
            buffer: Vec::new(),
            empty,
            jobs,
            outcome,
        }
    }

    /// Starts a message.
    pub(crate) fn begin(&self, ticket: Ticket) -> Result<(), Stopped> {
        self.send(Job::Begin(ticket))
    }

    /// Takes the next octets of the message.
    pub(crate) async fn write(&mut self, mut octets: &[u8]) -> Result<(), Stopped> {
        while !octets.is_empty() {
            if self.buffer.capacity() == 0 {
                self.buffer = self.empty.recv().await.ok_or(Stopped)?;
                self.buffer.reserve_exact(BUFFER);
            }
            let (now, later) = octets.split_at(octets.len().min(BUFFER - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            octets = later;
            if self.buffer.len() == BUFFER {
                let full = std::mem::take(&mut self.buffer);
                self.send(Job::Piece(full))?;
            }
        }
        Ok(())
    }

    /// The message is whole.
    pub(crate) async fn end(&mut self) -> Result<(), Stopped> {
        if self.buffer.capacity() == 0 {
            // Every message takes a buffer along, so that empty ones cannot flood the queue.
            self.buffer = self.empty.recv().await.ok_or(Stopped)?;
        }
        let last = std::mem::take(&mut self.buffer);
        self.send(Job::End(last))
    }

    /// The message will not become whole.
    pub(crate) fn discard(&mut self) -> Result<(), Stopped> {
        self.buffer.clear();
        self.send(Job::Discard)
    }

    fn send(&self, job: Job) -> Result<(), Stopped> {
        self.jobs.send(job).map_err(|_| Stopped)
    }

    /// Waits until every whole message is stored.
    ///
    /// # Errors
    /// What stopped the disk. Some messages may be stored all the same; the state knows.
    pub(crate) async fn finish(self) -> Result<Stored, Failure> {
        drop(self.jobs);
        self.outcome.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> Failure {
    Failure::new(Status::InputOutput, "writing to disk stopped unexpectedly")
}

/// The writer, with the committer beside it.
fn run(
    delivery: &Delivery,
    jobs: &blocking::Receiver<Job>,
    give_back: &mpsc::UnboundedSender<Vec<u8>>,
) -> Result<Stored, Failure> {
    let partly = delivery.store.partly_delivered(delivery.account)?;
    thread::scope(|scope| {
        let (batches, receive) = blocking::sync_channel::<Batch>(1);
        let committer = scope.spawn(move || {
            let mut stored = Stored::default();
            for batch in receive {
                delivery.commit(batch, &mut stored)?;
            }
            Ok(stored)
        });
        let written = Writer {
            delivery,
            batches,
            batch: Batch::default(),
            since: None,
            partly: Partly::new(partly),
        }
        .run(jobs, give_back);
        // If the committer failed, that is why the writer could not go on.
        let stored = committer.join().unwrap_or_else(|_| Err(stopped()))?;
        written.map(|()| stored)
    })
}

struct Writer<'a> {
    delivery: &'a Delivery,
    batches: blocking::SyncSender<Batch>,
    batch: Batch,
    /// When the batch got its first message.
    since: Option<Instant>,
    /// What earlier sessions delivered to some of the targets.
    partly: Partly,
}

impl Writer<'_> {
    fn run(
        mut self,
        jobs: &blocking::Receiver<Job>,
        give_back: &mpsc::UnboundedSender<Vec<u8>>,
    ) -> Result<(), Failure> {
        let mut current = None;
        let written = self.write(jobs, give_back, &mut current);
        // A message that was never ended was cut off. Those before it are whole.
        let discarded = self.discard(current.take());
        written.and(discarded).and(self.pass_on())
    }

    fn write(
        &mut self,
        jobs: &blocking::Receiver<Job>,
        give_back: &mpsc::UnboundedSender<Vec<u8>>,
        current: &mut Option<Incoming>,
    ) -> Result<(), Failure> {
        while let Some(job) = self.next(jobs)? {
            match (job, &mut *current) {
                (Job::Begin(ticket), _) => {
                    *current = Some(self.delivery.begin(&self.batch, ticket)?);
                }
                (Job::Piece(mut piece), Some(incoming)) => {
                    incoming.write(&mut piece)?;
                    recycle(give_back, piece);
                }
                (Job::End(mut piece), Some(incoming)) => {
                    incoming.write(&mut piece)?;
                    recycle(give_back, piece);
                    self.end(current.take())?;
                }
                (Job::Discard, _) => self.discard(current.take())?,
                (Job::Piece(_) | Job::End(_), None) => unreachable!("no message was begun"),
            }
        }
        Ok(())
    }

    /// The next job; `None` when there will be no more. Passes the batch on when it is time.
    fn next(&mut self, jobs: &blocking::Receiver<Job>) -> Result<Option<Job>, Failure> {
        while let Some(since) = self.since {
            let left = BATCH_TIME.saturating_sub(since.elapsed());
            if !left.is_zero() {
                match jobs.recv_timeout(left) {
                    Ok(job) => return Ok(Some(job)),
                    Err(RecvTimeoutError::Disconnected) => return Ok(None),
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
            self.pass_on()?;
        }
        Ok(jobs.recv().ok())
    }

    fn end(&mut self, current: Option<Incoming>) -> Result<(), Failure> {
        let Some(incoming) = current else {
            return Ok(());
        };
        (self.delivery).finish(&mut self.batch, incoming, &mut self.partly)?;
        self.since.get_or_insert_with(Instant::now);
        if self.batch.len() >= BATCH_MESSAGES || self.batch.octets >= BATCH_OCTETS {
            self.pass_on()?;
        }
        Ok(())
    }

    fn discard(&self, current: Option<Incoming>) -> Result<(), Failure> {
        current.map_or(Ok(()), |incoming| self.delivery.abandon(&incoming))
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

fn recycle(give_back: &mpsc::UnboundedSender<Vec<u8>>, mut buffer: Vec<u8>) {
    buffer.clear();
    // The session may have ended; then nobody needs the buffer.
    let _ = give_back.send(buffer);
}
