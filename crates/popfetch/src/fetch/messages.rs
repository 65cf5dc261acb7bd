//! Fetching what the plan names, one message after the other.

use std::sync::Arc;

use poplib::tokio::Session;
use poplib::{Error, ProtocolError};

use super::{Fetcher, blocking, trouble};
use crate::deliver::queue::{Queue, Stopped};
use crate::deliver::{Delivery, Ticket};
use crate::failure::{Failure, Status};
use crate::key::Key;
use crate::plan::{ATTEMPTS, Fetch, Listing};
use crate::report::Event;
use crate::state::Change;

/// So many refusals, one behind the other, are no longer about the messages: the server does not
/// want to give more today (Q21).
const REFUSALS: usize = 5;

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
}

/// How one message ended that did not become whole.
enum Trouble {
    /// -ERR; the session goes on.
    Refused(Failure),
    /// The session broke, and perhaps the message is why.
    Broken {
        failure: Failure,
        blames_message: bool,
    },
    /// Somebody wants to stop.
    Asked(Failure),
    /// The disk stopped.
    Disk,
}

impl From<Stopped> for Trouble {
    fn from(_: Stopped) -> Self {
        Self::Disk
    }
}

/// A message that could not be fetched.
struct Lost {
    ticket: Ticket,
    attempts: u32,
    failure: Failure,
    /// Whether it may be given up after too many attempts.
    counts: bool,
}

impl Lost {
    fn quarantined(&self) -> bool {
        self.counts && self.attempts + 1 >= ATTEMPTS
    }
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
        wanted: Vec<Fetch>,
        delivery: &Arc<Delivery>,
    ) -> Result<Fetched, Failure> {
        let mut queue = Queue::start(Arc::clone(delivery));
        let mut run = Run::default();
        for fetch in wanted {
            if let Some(failure) = self.stop.failure() {
                run.failure = Some(failure);
                break;
            }
            let attempts = fetch.attempts;
            let Some(ticket) = ticket(listing, fetch) else {
                continue;
            };
            let ended = self.fetch_one(session, &mut queue, &ticket).await;
            if !run.take(ended, ticket, attempts) {
                break;
            }
        }
        let stored = queue.finish().await?;
        self.settle(&run, delivery).await?;
        Ok(Fetched {
            stored: stored.positions,
            recognised: stored.recognised,
            octets: run.octets,
            not_fetched: run.lost.len(),
            failure: run.failure,
            session_is_good: !run.session_is_broken,
        })
    }

    /// Fetches one message into the queue. How many octets it had.
    async fn fetch_one(
        &self,
        session: &mut Session,
        queue: &mut Queue,
        ticket: &Ticket,
    ) -> Result<u64, Trouble> {
        let mut stop = self.stop.clone();
        let ended = tokio::select! {
            biased;
            ended = self.stream(session, queue, ticket) => ended,
            failure = stop.asked_urgently() => Err(Trouble::Asked(failure)),
        };
        match ended {
            Ok(_) => self.event(Event::Received {
                octets: 0,
                messages: 1,
            }),
            Err(_) => queue.discard()?,
        }
        ended
    }

    async fn stream(
        &self,
        session: &mut Session,
        queue: &mut Queue,
        ticket: &Ticket,
    ) -> Result<u64, Trouble> {
        let number = ticket.number;
        let trouble = |error: Error| trouble(number, &error, &self.account.config);
        let mut body = session.retr(number).await.map_err(trouble)?;
        queue.begin(ticket.clone())?;
        let mut octets = 0;
        while let Some(chunk) = body.chunk().await.map_err(trouble)? {
            queue.write(chunk).await?;
            octets += chunk.len() as u64;
            self.event(Event::Received {
                octets: chunk.len(),
                messages: 0,
            });
        }
        queue.end().await?;
        Ok(octets)
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

/// The messages so far.
#[derive(Default)]
struct Run {
    octets: u64,
    lost: Vec<Lost>,
    /// How many at the end of `lost` were refused one behind the other.
    refused_in_a_row: usize,
    failure: Option<Failure>,
    session_is_broken: bool,
}

impl Run {
    /// Takes the end of one message. Whether to go on with the next.
    fn take(&mut self, ended: Result<u64, Trouble>, ticket: Ticket, attempts: u32) -> bool {
        match ended {
            Ok(octets) => {
                self.octets += octets;
                self.refused_in_a_row = 0;
                true
            }
            Err(Trouble::Refused(failure)) => {
                self.lost.push(Lost {
                    ticket,
                    attempts,
                    failure,
                    counts: true,
                });
                self.refused_in_a_row += 1;
                self.refused_in_a_row < REFUSALS || self.stop_asking()
            }
            Err(Trouble::Broken {
                failure,
                blames_message,
            }) => {
                let reason = Failure::new(failure.status, failure.message.clone());
                self.failure = Some(failure);
                let counts = blames_message;
                self.lost.push(Lost {
                    ticket,
                    attempts,
                    failure: reason,
                    counts,
                });
                self.session_is_broken = true;
                false
            }
            Err(Trouble::Asked(failure)) => {
                self.failure = Some(failure);
                self.session_is_broken = true;
                false
            }
            Err(Trouble::Disk) => {
                self.session_is_broken = true;
                false
            }
        }
    }

    /// The last refusals were not about their messages.
    fn stop_asking(&mut self) -> bool {
        let about_the_session = self.lost.len() - self.refused_in_a_row;
        for lost in &mut self.lost[about_the_session..] {
            lost.counts = false;
        }
        self.failure = self.lost.last().map(|lost| Failure {
            status: Status::Temporary,
            message: format!(
                "the server refused {} messages one behind the other; the rest was left for \
                 another time",
                self.refused_in_a_row
            ),
            server: lost.failure.server.clone(),
            hint: Some("some servers allow only so much a day; run it again later".into()),
        });
        false
    }
}

fn ticket(listing: &Listing, fetch: Fetch) -> Option<Ticket> {
    let Fetch {
        position, known, ..
    } = fetch;
    let key = listing.key(position)?.to_key();
    Some(Ticket {
        position,
        number: listing.number(position),
        key,
        known,
    })
}

fn trouble(number: u32, error: &Error, config: &poplib::Config) -> Trouble {
    let failure = trouble::failure(&format!("fetch message {number}"), config, error);
    match error {
        Error::Protocol(ProtocolError::Refused(_)) => Trouble::Refused(failure),
        Error::Protocol(ProtocolError::Misbehaved(_)) => Trouble::Broken {
            failure,
            blames_message: true,
        },
        _ => Trouble::Broken {
            failure,
            blames_message: false,
        },
    }
}
