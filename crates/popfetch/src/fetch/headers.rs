//! The headers of many messages: what TOP shows, pipelined, and what RETR brings where TOP is not
//! believed (Q23, Q52).

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use poplib::tokio::{Body, Session};
use poplib::{Error, ProtocolError};

use super::bounds::{Bound, Unread};
use super::header::{self, Comparison, LONGEST};
use super::lost::{Lost, Why};
use super::{Broken, Fetcher, Opened, is_pipelined, ticket, trouble};
use crate::failure::Failure;
use crate::key::Sum;
use crate::plan::{Fetch, Listing, Plan};

/// What TOP showed in a session, and whether it was what RETR brought.
#[derive(Default)]
pub(super) struct Shown {
    /// It was once seen to differ.
    pub(super) is_untrusted: Cell<bool>,
    /// It was seen to be the same, in this session.
    agreed: Cell<bool>,
    /// Digests of it, by position.
    headers: RefCell<BTreeMap<u32, Sum>>,
    /// Which messages RETR was asked for, of which only the headers were wanted.
    read: RefCell<BTreeSet<u32>>,
}

impl Shown {
    /// A session begins.
    pub(super) fn begin(&self) {
        self.agreed.set(false);
        self.headers.borrow_mut().clear();
        self.read.borrow_mut().clear();
    }

    /// What TOP showed of a message, to be compared with the message itself.
    pub(super) fn comparison(&self, position: u32) -> Option<Comparison> {
        let shown = self.headers.borrow();
        shown.get(&position).copied().map(Comparison::with)
    }

    /// The message has come.
    pub(super) fn compared(&self, comparison: &Comparison) {
        match comparison.agrees() {
            Some(true) => self.agreed.set(true),
            Some(false) => self.is_untrusted.set(true),
            None => {}
        }
    }

    /// Whether it was seen to show what RETR brings, and nothing else; `None` if nothing was
    /// compared.
    fn verdict(&self) -> Option<bool> {
        match (self.is_untrusted.get(), self.agreed.get()) {
            (true, _) => Some(false),
            (false, true) => Some(true),
            (false, false) => None,
        }
    }

    /// Whether a message was asked for in this session that is neither stored nor to be deleted.
    /// Some servers delete at QUIT what was retrieved (P10).
    pub(super) fn read_more_than(&self, stored: &[u32], rejected: &[u32]) -> bool {
        let read = self.read.borrow();
        read.iter()
            .any(|position| !stored.contains(position) && !rejected.contains(position))
    }
}

/// The header of a message.
pub(super) struct Header {
    pub(super) octets: Vec<u8>,
    /// TOP showed it. Nothing is deleted on that alone.
    pub(super) by_top: bool,
}

impl Fetcher<'_> {
    /// Reads the headers of these messages: what TOP shows, if it looks like a header and TOP was
    /// never seen to differ from RETR; else what RETR brings, one message after the other. What
    /// cannot be read is added to `lost`.
    pub(super) async fn read_headers(
        &self,
        opened: &mut Opened,
        plan: &Plan,
        wanted: &[Fetch],
        lost: &mut Vec<Lost>,
        mut take: impl FnMut(u32, Header),
    ) -> Result<(), Broken> {
        let positions: Vec<u32> = wanted.iter().map(|fetch| fetch.position).collect();
        let mut shown = BTreeMap::new();
        if !self.shown.is_untrusted.get() {
            self.read_top(opened, &positions, 0, |position, header| {
                let Ok(octets) = header else { return };
                if header::is_plausible(&octets) {
                    shown.insert(position, header::digest(&octets));
                    let by_top = true;
                    take(position, Header { octets, by_top });
                }
            })
            .await?;
        }
        let listing = Arc::clone(&opened.listing);
        for fetch in wanted {
            if shown.contains_key(&fetch.position) {
                continue;
            }
            let wanted = (&*listing, plan, fetch);
            let read = self
                .retrieve_header(&mut opened.session, wanted, lost)
                .await;
            if let Some(octets) = read? {
                let by_top = false;
                take(fetch.position, Header { octets, by_top });
            }
        }
        self.shown.headers.borrow_mut().append(&mut shown);
        Ok(())
    }

    /// The header of a message, by RETR.
    async fn retrieve_header(
        &self,
        session: &mut Session,
        (listing, plan, fetch): (&Listing, &Plan, &Fetch),
        lost: &mut Vec<Lost>,
    ) -> Result<Option<Vec<u8>>, Broken> {
        if let Some(failure) = self.stop.failure() {
            return Err(failure.into());
        }
        let number = listing.number(fetch.position);
        let attempt = format!("read the header of message {number}");
        self.shown.read.borrow_mut().insert(fetch.position);
        let mut octets = Vec::new();
        let mut stop = self.stop.clone();
        let bound = self.bound(listing.octets(fetch.position));
        let read = async {
            let body = session.retr(number).await?;
            read_head(body, bound, LONGEST, &mut octets).await
        };
        let read = tokio::select! {
            biased;
            read = read => read,
            failure = stop.asked_urgently() => return Err(failure.into()),
        };
        let Err(unread) = read else {
            octets.truncate(header::alone(&octets).len());
            return Ok(Some(octets));
        };
        let (broken, why) = self.unread(&attempt, &unread);
        let ticket = ticket(listing, fetch, plan);
        let Why::Broke { .. } = why else {
            let failure = broken.failure;
            lost.push(Lost {
                ticket,
                failure,
                why,
            });
            return Ok(None);
        };
        let failure = Failure::new(broken.failure.status, broken.failure.message.clone());
        lost.push(Lost {
            ticket,
            failure,
            why,
        });
        Err(broken)
    }

    /// Why a message that was asked for alone could not be read.
    fn unread(&self, attempt: &str, unread: &Unread) -> (Broken, Why) {
        let alone = true;
        match unread {
            Unread::Excess(excess) => {
                let misbehaved = true;
                let broken = Broken::from(excess.failure(attempt));
                (broken, Why::Broke { misbehaved, alone })
            }
            Unread::Error(error @ Error::Protocol(ProtocolError::Refused(_))) => {
                (self.broken(attempt, error), Why::by(trouble::denial(error)))
            }
            Unread::Error(error) => {
                let misbehaved = trouble::is_misbehaviour(error);
                (
                    self.broken(attempt, error),
                    Why::Broke { misbehaved, alone },
                )
            }
        }
    }

    /// Whether TOP shows what RETR brings, of these messages. Where none was fetched in this
    /// session, one is, for comparison: the smallest that comes.
    pub(super) async fn does_top_agree(
        &self,
        session: &mut Session,
        listing: &Listing,
        plan: &Plan,
        shown: &[Fetch],
        lost: &mut Vec<Lost>,
    ) -> Result<bool, Broken> {
        let mut by_size: Vec<&Fetch> = shown.iter().collect();
        by_size.sort_by_key(|fetch| (listing.octets(fetch.position), fetch.position));
        for fetch in by_size {
            if let Some(verdict) = self.shown.verdict() {
                return Ok(verdict);
            }
            let Some(mut comparison) = self.shown.comparison(fetch.position) else {
                continue;
            };
            let wanted = (listing, plan, fetch);
            if let Some(header) = self.retrieve_header(session, wanted, lost).await? {
                comparison.update(&header);
                self.shown.compared(&comparison);
            }
        }
        Ok(self.shown.verdict() == Some(true))
    }

    /// Reads what TOP shows of the messages at these positions, one after the other, with so many
    /// lines of their bodies; nothing if TOP has broken a session before.
    pub(super) async fn read_top(
        &self,
        opened: &mut Opened,
        positions: &[u32],
        lines: u32,
        mut take: impl FnMut(u32, Result<Vec<u8>, Failure>),
    ) -> Result<(), Broken> {
        if positions.is_empty() || self.avoids_top() {
            return Ok(());
        }
        let listing = &opened.listing;
        let broken = |error: &Error| {
            self.top_broke(is_pipelined(error));
            let broken = self.broken("read the headers of the messages", error);
            Broken {
                is_avoidable: true,
                ..broken
            }
        };
        let numbers = (positions.iter()).map(|&position| listing.number(position));
        let mut headers = (opened.session.top_many(numbers, lines))
            .await
            .map_err(|error| broken(&error))?;
        for &position in positions {
            let Some((number, outcome)) =
                headers.next_body().await.map_err(|error| broken(&error))?
            else {
                break;
            };
            match outcome {
                Ok(body) => {
                    let mut header = Vec::new();
                    let bound = self.bound(listing.octets(position));
                    let read = read_head(body, bound, LONGEST, &mut header).await;
                    read.map_err(|unread| match unread {
                        Unread::Error(error) => broken(&error),
                        Unread::Excess(excess) => {
                            self.top_broke(false);
                            Broken {
                                failure: excess.failure("read the headers of the messages"),
                                is_avoidable: true,
                            }
                        }
                    })?;
                    take(position, Ok(header));
                }
                Err(error @ Error::Protocol(ProtocolError::Refused(_))) => {
                    let attempt = format!("read the header of message {number}");
                    let failure = trouble::failure(&attempt, &self.config, &error);
                    take(position, Err(failure));
                }
                Err(error) => return Err(broken(&error)),
            }
        }
        self.top_worked();
        Ok(())
    }
}

/// Reads a body to its end and keeps so many octets of it, in the place of what was there.
///
/// # Errors
/// After one that the bound gave, more of the body may be on its way, without end.
pub(crate) async fn read_head(
    mut body: Body<'_>,
    mut bound: Bound,
    most: usize,
    head: &mut Vec<u8>,
) -> Result<(), Unread> {
    head.clear();
    while let Some(chunk) = body.chunk().await? {
        bound.take(chunk)?;
        let room = most.saturating_sub(head.len());
        head.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(())
}
