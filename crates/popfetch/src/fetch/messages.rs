//! Fetching what the plan names, pipelined where the server can.
//!
//! A message is whole when its terminator has come *and* the next answer begins as an answer
//! must. A server that does not stuff its messages ends one early, and the rest of it then stands
//! where the next answer should be (Q11).

mod run;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use poplib::tokio::{Body, Session};
use poplib::{Error, ProtocolError, Wanted};

use self::run::{Run, Trouble};
use super::{Fetcher, blocking, trouble};
use crate::deliver::queue::Queue;
use crate::deliver::{Delivery, Ticket};
use crate::failure::Failure;
use crate::key::Key;
use crate::plan::{Fetch, Listing};
use crate::report::Event;
use crate::state::Change;

/// What came of fetching.
pub(super) struct Fetched {
    /// Positions of what is stored now.
    pub(super) stored: Vec<u32>,
    /// How many of these had been stored before.
    pub(super) recognised: usize,
    /// Octets of all whole messages, as received.
    pub(super) octets: u64,
    pub(super) not_fetched: usize,
    /// Why not everything was asked for.
    pub(super) failure: Option<Failure>,
    /// Whether the session can go on.
    pub(super) session_is_good: bool,
    /// Whether the session broke while commands were pipelined, so that it may do without.
    pub(super) pipeline_broke: bool,
}

impl Fetcher<'_> {
    /// Fetches these messages and waits until they are stored.
    ///
    /// # Errors
    /// The disk or the state failed. What was stored before is stored.
    pub(super) async fn fetch_all(
        &mut self,
        session: &mut Session,
        listing: &Listing,
        wanted: &[Fetch],
        delivery: &Arc<Delivery>,
    ) -> Result<Fetched, Failure> {
        let mut queue = Queue::start(Arc::clone(delivery));
        let mut run = Run::default();
        let mut stop = self.stop.clone();
        let ended = {
            let urgently = pin!(stop.asked_urgently());
            tokio::select! {
                biased;
                ended = self.fetch_each(session, listing, wanted, &mut queue, &mut run) => ended,
                failure = urgently => Err(Trouble::Asked(failure)),
            }
        };
        if let Err(trouble) = ended {
            // The disk's own failure is told by `finish`.
            let _ = queue.discard();
            run.end(trouble);
        } else {
            run.failure = run.failure.or_else(|| self.stop.failure());
        }
        let stored = queue.finish().await?;
        // A QUIT may delete what was fetched (P10), and these are not stored.
        let session_is_good = !run.session_is_broken && stored.refused.is_empty();
        for refused in stored.refused {
            let fetch = (wanted.iter()).find(|fetch| fetch.position == refused.ticket.position);
            run.refused_by_target(refused, fetch.map_or(0, |fetch| fetch.attempts));
        }
        self.settle(&run, delivery).await?;
        Ok(Fetched {
            stored: stored.positions,
            recognised: stored.recognised,
            octets: run.octets,
            not_fetched: run.lost.len(),
            failure: run.failure,
            session_is_good,
            pipeline_broke: run.pipeline_broke,
        })
    }

    async fn fetch_each(
        &self,
        session: &mut Session,
        listing: &Listing,
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
            Ok(bodies) => bodies,
            Err(error) => return Err(self.broken("ask what the server can do", &error)),
        };
        for fetch in wanted {
            let number = listing.number(fetch.position);
            let attempt = format!("fetch message {number}");
            let outcome = match bodies.next_body().await {
                Ok(Some((_, outcome))) => outcome,
                Ok(None) => break,
                Err(error) => {
                    self.doubt(&error, run, queue).await?;
                    run.current = ticket(listing, fetch).map(|ticket| (ticket, fetch.attempts));
                    return Err(self.broken(&attempt, &error));
                }
            };
            self.prove(run, queue).await?;
            let Some(ticket) = ticket(listing, fetch) else {
                continue;
            };
            match outcome {
                Ok(body) => {
                    run.current = Some((ticket.clone(), fetch.attempts));
                    self.stream(body, ticket, run, queue).await?;
                }
                Err(error) => {
                    let failure = trouble::failure(&attempt, &self.account.config, &error);
                    let go_on = run.refused(ticket, fetch.attempts, failure);
                    enough.fetch_or(!go_on, Ordering::Relaxed);
                }
            }
        }
        drop(bodies);
        self.prove_the_last(session, run, queue).await
    }

    /// Streams a body into the queue, up to but not including its end.
    async fn stream(
        &self,
        mut body: Body<'_>,
        ticket: Ticket,
        run: &mut Run,
        queue: &mut Queue,
    ) -> Result<(), Trouble> {
        let attempt = format!("fetch message {}", ticket.number);
        queue.begin(ticket)?;
        let mut octets = 0;
        loop {
            match body.chunk().await {
                Ok(Some(chunk)) => {
                    queue.write(chunk).await?;
                    octets += chunk.len() as u64;
                    self.event(Event::Received {
                        octets: chunk.len(),
                        messages: 0,
                    });
                }
                Ok(None) => break,
                Err(error) => return Err(self.broken(&attempt, &error)),
            }
        }
        run.unproven = Some(octets);
        Ok(())
    }

    /// The next answer began as it must: the message before it is whole.
    async fn prove(&self, run: &mut Run, queue: &mut Queue) -> Result<(), Trouble> {
        if run.prove() {
            queue.end().await?;
            self.event(Event::Received {
                octets: 0,
                messages: 1,
            });
        }
        Ok(())
    }

    /// Behind the last message there is no answer to come, so one is asked for.
    async fn prove_the_last(
        &self,
        session: &mut Session,
        run: &mut Run,
        queue: &mut Queue,
    ) -> Result<(), Trouble> {
        if run.unproven.is_none() {
            return Ok(());
        }
        match session.noop().await {
            Ok(_) | Err(Error::Protocol(ProtocolError::Refused(_))) => self.prove(run, queue).await,
            Err(error) => {
                self.doubt(&error, run, queue).await?;
                Err(self.broken("go on behind the last message", &error))
            }
        }
    }

    /// Decides about the message before an answer that did not come or was none. A connection
    /// that ended says nothing about it; octets that are no answer may be its rest.
    async fn doubt(&self, error: &Error, run: &mut Run, queue: &mut Queue) -> Result<(), Trouble> {
        if run.unproven.is_none() {
            run.current = None;
            return Ok(());
        }
        if trouble::is_misbehaviour(error) {
            return Err(self.broken("find the end of the message before", error));
        }
        self.prove(run, queue).await
    }

    fn broken(&self, attempt: &str, error: &Error) -> Trouble {
        Trouble::Broken {
            failure: trouble::failure(attempt, &self.account.config, error),
            blames_message: trouble::is_misbehaviour(error),
            pipelined: matches!(error, Error::Protocol(ProtocolError::PipelineBroken(_))),
        }
    }

    /// Tells of the messages that were not fetched, and remembers them.
    async fn settle(&self, run: &Run, delivery: &Arc<Delivery>) -> Result<(), Failure> {
        for lost in &run.lost {
            self.event(Event::NotFetched {
                number: lost.ticket.number,
                identity: lost.ticket.key.as_ref().identity,
                failure: &lost.failure,
                quarantined: lost.quarantined(),
            });
        }
        // One that does not count is put behind the others, and never given up.
        let remembered: Vec<(Key, bool, String)> = (run.lost.iter())
            .filter(|lost| lost.counts || lost.attempts == 0)
            .map(|lost| {
                (
                    lost.ticket.key.clone(),
                    lost.quarantined(),
                    lost.failure.to_string(),
                )
            })
            .collect();
        if remembered.is_empty() {
            return Ok(());
        }
        let delivery = Arc::clone(delivery);
        blocking(move || {
            let mut changes = remembered.iter().map(|(key, quarantined, reason)| {
                let key = key.as_ref();
                match quarantined {
                    true => Change::Quarantined { key, reason },
                    false => Change::Failed { key, reason },
                }
            });
            let now = delivery.clock.now();
            Ok(delivery.store.apply(delivery.account, now, &mut changes)?)
        })
        .await
    }
}

fn ticket(listing: &Listing, fetch: &Fetch) -> Option<Ticket> {
    Some(Ticket {
        position: fetch.position,
        number: listing.number(fetch.position),
        key: listing.key(fetch.position)?.to_key(),
        known: Arc::clone(&fetch.known),
        excerpt: false,
    })
}
