//! Fetching what the plan names, pipelined where the server can.
//!
//! A message is whole when its terminator has come *and* the next answer begins as an answer
//! must. A server that does not stuff its messages ends one early, and the rest of it then stands
//! where the next answer should be (Q11).

mod run;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use poplib::tokio::{Body, Session};
use poplib::{Error, Phase, ProtocolError, Wanted};
use tokio::time::{sleep, timeout};

use self::run::{Run, Trouble, Unproven};
use super::lost::Lost;
use super::{Broken, Fetcher, ticket, trouble};
use crate::deliver::queue::{Queue, Stopped};
use crate::deliver::{Delivery, Stored, Ticket};
use crate::failure::{Failure, Status};
use crate::plan::{Fetch, Listing, Plan};
use crate::report::Event;

/// What came of fetching.
pub(super) struct Fetched {
    /// What is stored now.
    pub(super) stored: Stored,
    /// Octets of all whole messages, as received.
    pub(super) octets: u64,
    /// Why not everything was asked for.
    pub(super) failure: Option<Failure>,
    /// The session, if it can go on.
    pub(super) session: Option<Session>,
    /// Whether the session broke while commands were pipelined, so that it may do without.
    pub(super) pipeline_broke: bool,
    /// Whether a message broke it, so that the others may come in another one (Q11, Q12).
    pub(super) blames_message: bool,
    /// Whether a message failed that had not failed in this run.
    pub(super) failed_first: bool,
    /// Whether the session was sound and had to end without QUIT.
    pub(super) is_withheld: bool,
}

/// How long the network waits for the disk in the middle of a message. There is no NOOP then.
const DISK_PATIENCE: Duration = Duration::from_secs(300);

impl Fetcher<'_> {
    /// Fetches these messages and waits until they are stored.
    ///
    /// # Errors
    /// The disk or the state failed. What was stored before is stored.
    pub(super) async fn fetch_all(
        &mut self,
        mut session: Session,
        listing: &Listing,
        plan: &Plan,
        delivery: &Arc<Delivery>,
    ) -> Result<Fetched, Failure> {
        self.movement.restart();
        let mut queue = Queue::start(Arc::clone(delivery));
        let mut run = Run::default();
        let mut stop = self.stop.clone();
        let ended = {
            let urgently = pin!(stop.asked_urgently());
            tokio::select! {
                biased;
                ended = self.fetch_groups(&mut session, listing, plan, &mut queue, &mut run) => ended,
                failure = urgently => Err(Trouble::Asked(failure)),
            }
        };
        let session = match ended {
            Ok(()) => {
                run.failure = run.failure.or_else(|| self.stop.failure());
                Some(session)
            }
            Err(trouble) => {
                run.end(trouble);
                None
            }
        };
        let broke = session.is_none();
        let (mut stored, session) = self.wait_for_disk(queue, session, &mut run).await?;
        run.failure = stored.ended.take().or(run.failure);
        // A QUIT may delete what was fetched (P10), and what a target refused is not stored.
        self.gave_way |= run.gives_way;
        let is_withheld = run.gives_way || session.is_some() && !stored.refused.is_empty();
        let session = session.filter(|_| !is_withheld);
        run.lost.extend(self.not_taken(&mut stored));
        let failed_first = self.settle(&run.lost, delivery).await?;
        for key in stored.positions.iter().filter_map(|&p| listing.key(p)) {
            self.failed.remove(&key.to_key());
        }
        Ok(Fetched {
            stored,
            octets: run.octets,
            failure: run.failure,
            session,
            pipeline_broke: broke
                && !run.gives_way
                && self.config.quirks().pipelining.is_suspicion(),
            blames_message: run.lost.iter().any(Lost::is_blamed),
            failed_first,
            is_withheld,
        })
    }

    /// Waits until everything is stored, and lets the server know meanwhile that somebody is
    /// there (Q27).
    async fn wait_for_disk(
        &self,
        queue: Queue,
        mut session: Option<Session>,
        run: &mut Run,
    ) -> Result<(Stored, Option<Session>), Failure> {
        let mut stored = pin!(queue.finish());
        loop {
            tokio::select! {
                biased;
                stored = &mut stored => return Ok((stored?, session)),
                () = sleep(self.noop_every) => {}
            }
            if let Some(waiting) = &mut session
                && let Err(broken) = self.say_noop(waiting).await
            {
                run.failure.get_or_insert(broken.failure);
                session = None;
            }
        }
    }

    /// Says NOOP, whatever the server thinks of it.
    pub(super) async fn say_noop(&self, session: &mut Session) -> Result<(), Broken> {
        match session.noop().await {
            Ok(_) | Err(Error::Protocol(ProtocolError::Refused(_))) => Ok(()),
            Err(error) => Err(self.broken("keep the session", &error)),
        }
    }

    /// Fetches what never failed, and behind it each message that did by itself, so that nothing
    /// else is on its way if it breaks the session.
    async fn fetch_groups(
        &self,
        session: &mut Session,
        listing: &Listing,
        plan: &Plan,
        queue: &mut Queue,
        run: &mut Run,
    ) -> Result<(), Trouble> {
        let wanted = &*plan.fetch;
        let sound = wanted.iter().take_while(|fetch| fetch.past.is_none());
        let (sound, failed) = wanted.split_at(sound.count());
        let groups = (!sound.is_empty()).then_some(sound).into_iter();
        for group in groups.chain(failed.chunks(1)) {
            if run.failure.is_some() || self.stop.failure().is_some() {
                break;
            }
            (self.fetch_each(session, (listing, plan), group, queue, run)).await?;
        }
        Ok(())
    }

    async fn fetch_each(
        &self,
        session: &mut Session,
        (listing, plan): (&Listing, &Plan),
        wanted: &[Fetch],
        queue: &mut Queue,
        run: &mut Run,
    ) -> Result<(), Trouble> {
        let enough = AtomicBool::new(false);
        let requests = (wanted.iter())
            .take_while(|_| !enough.load(Ordering::Relaxed) && self.stop.failure().is_none())
            .map(|fetch| Wanted {
                number: listing.number(fetch.position),
                octets: listing.octets(fetch.position),
            });
        let mut bodies = match session.retr_many(requests).await {
            Ok(bodies) => bodies.ending_with_noop(),
            Err(error) => {
                return Err(self.session_broke("ask what the server can do", &error));
            }
        };
        run.alone = wanted.len() == 1;
        for fetch in wanted {
            let number = listing.number(fetch.position);
            let attempt = format!("fetch message {number}");
            let outcome = match flushing(queue, bodies.next_body()).await {
                Ok(Some((_, outcome))) => outcome,
                Ok(None) => break,
                Err(error) => {
                    self.doubt(&error, run, queue).await?;
                    run.current = Some(ticket(listing, fetch, plan));
                    return Err(self.session_broke(&attempt, &error));
                }
            };
            self.prove(run, queue).await?;
            // No turn is for nothing.
            if run.has_fetched && self.gives_way() {
                return Err(Trouble::GivesWay);
            }
            let ticket = ticket(listing, fetch, plan);
            match outcome {
                Ok(body) => {
                    run.current = Some(ticket.clone());
                    let expected = listing.octets(fetch.position);
                    self.stream(body, ticket, expected, run, queue).await?;
                }
                Err(error) => {
                    let failure = trouble::failure(&attempt, &self.config, &error);
                    let go_on = run.refused(ticket, failure, trouble::denial(&error));
                    enough.fetch_or(!go_on, Ordering::Relaxed);
                }
            }
        }
        // Behind the last message there is no other answer to come.
        match flushing(queue, bodies.next_body()).await {
            Ok(_) => self.prove(run, queue).await,
            Err(error) => {
                self.doubt(&error, run, queue).await?;
                Err(self.session_broke("go on behind the last message", &error))
            }
        }
    }

    /// Streams a body into the queue, up to but not including its end.
    async fn stream(
        &self,
        mut body: Body<'_>,
        ticket: Ticket,
        expected: Option<u64>,
        run: &mut Run,
        queue: &mut Queue,
    ) -> Result<(), Trouble> {
        let attempt = format!("fetch message {}", ticket.number);
        let mut comparison = self.shown.comparison(ticket.position);
        let mut bound = self.bound(expected);
        in_time(queue.begin(ticket)).await?;
        let mut octets = 0;
        loop {
            match flushing(queue, body.chunk()).await {
                Ok(Some(chunk)) => {
                    if let Err(excess) = bound.take(chunk) {
                        return Err(Trouble::Broken {
                            failure: excess.failure(&attempt),
                            misbehaved: true,
                        });
                    }
                    if let Some(comparison) = &mut comparison {
                        comparison.update(chunk);
                    }
                    in_time(queue.write(chunk)).await?;
                    octets += chunk.len() as u64;
                    self.movement.add(chunk.len());
                    self.event(Event::Received {
                        octets: chunk.len(),
                        messages: 0,
                    });
                }
                Ok(None) => break,
                Err(Error::Timeout(Phase::Body)) if expected.is_some_and(|all| octets >= all) => {
                    return Err(self.endless(&attempt));
                }
                Err(error) => return Err(self.session_broke(&attempt, &error)),
            }
        }
        if let Some(comparison) = comparison {
            self.shown.compared(&comparison);
        }
        run.unproven = Some(Unproven { octets, expected });
        Ok(())
    }

    /// The next answer began as it must: the message before it is whole.
    async fn prove(&self, run: &mut Run, queue: &mut Queue) -> Result<(), Trouble> {
        if run.prove() {
            in_time(queue.end()).await?;
            self.event(Event::Received {
                octets: 0,
                messages: 1,
            });
        }
        Ok(())
    }

    /// Decides about the message before an answer that did not come or was none. A connection
    /// that ended says nothing about it; octets that are no answer may be its rest. Where it was
    /// longer than it should be and no answer comes, that one may be within it (Q12).
    async fn doubt(&self, error: &Error, run: &mut Run, queue: &mut Queue) -> Result<(), Trouble> {
        let Some(Unproven { octets, expected }) = run.unproven else {
            run.current = None;
            return Ok(());
        };
        let is_late = matches!(error, Error::Timeout(_));
        let is_longer = expected.is_some_and(|expected| octets > expected);
        if trouble::is_misbehaviour(error) || is_late && is_longer {
            return Err(self.session_broke("find the end of the message before", error));
        }
        self.prove(run, queue).await
    }

    fn session_broke(&self, attempt: &str, error: &Error) -> Trouble {
        let failure = trouble::failure(attempt, &self.config, error);
        match error {
            // The end of a session's time says nothing of the message that it comes in.
            Error::Timeout(Phase::Session) => Trouble::Asked(failure),
            _ => Trouble::Broken {
                failure,
                misbehaved: trouble::is_misbehaviour(error),
            },
        }
    }

    /// As many octets have come as the message has, and no end: it may stand on the message's
    /// last line, where it is none (Q12).
    fn endless(&self, attempt: &str) -> Trouble {
        let message = format!("could not {attempt}: all of it came, and then no end");
        let hint = "the server may lack a line end before the end of the message";
        Trouble::Broken {
            failure: Failure::new(Status::Protocol, message).hint(hint),
            misbehaved: true,
        }
    }
}

/// Waits for the server, while the disk gets what has come so far.
async fn flushing<T>(queue: &mut Queue, answer: impl Future<Output = T>) -> T {
    let mut answer = pin!(answer);
    poll_fn(|context| {
        let polled = answer.as_mut().poll(context);
        if polled.is_pending() {
            // If the disk has stopped, the next thing it is to take tells.
            let _ = queue.flush();
        }
        polled
    })
    .await
}

/// Waits for the disk, but not for ever.
async fn in_time(work: impl Future<Output = Result<(), Stopped>>) -> Result<(), Trouble> {
    match timeout(DISK_PATIENCE, work).await {
        Ok(done) => Ok(done?),
        Err(_) => {
            let message = "the disk took nothing for several minutes; the session was given up";
            Err(Trouble::Asked(Failure::new(Status::InputOutput, message)))
        }
    }
}
