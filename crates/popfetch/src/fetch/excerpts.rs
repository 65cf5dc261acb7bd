//! The headers of messages that are larger than is wanted, stored in their place.

use std::sync::Arc;

use super::{Broken, Fetcher, Opened, remember_failed};
use crate::deliver::queue::Queue;
use crate::deliver::{Delivery, Ticket};
use crate::failure::Failure;
use crate::plan::{ATTEMPTS, Fetch};
use crate::report::Event;

/// So many headers are read before the disk takes them.
const AT_ONCE: usize = 64;

impl Fetcher<'_> {
    /// Stores the headers of these messages, each with a field on top that says so:
    ///
    /// ```text
    /// X-Popfetch-Truncated: headers only; the message has 73400320 octets and is on the server
    /// ```
    ///
    /// How many were stored.
    pub(super) async fn excerpt(
        &self,
        opened: &mut Opened,
        wanted: &[Fetch],
        delivery: &Arc<Delivery>,
    ) -> Result<usize, Broken> {
        if wanted.is_empty() {
            return Ok(0);
        }
        let mut queue = Queue::start(Arc::clone(delivery));
        let mut refused = Vec::new();
        let mut ended = Ok(());
        for some in wanted.chunks(AT_ONCE) {
            ended = self
                .excerpt_some(opened, some, &mut queue, &mut refused)
                .await;
            if ended.is_err() {
                break;
            }
        }
        let stored = queue.finish().await?;
        for by_target in stored.refused {
            let position = by_target.ticket.position;
            let fetch = wanted.iter().find(|fetch| fetch.position == position);
            refused.extend(fetch.map(|fetch| (fetch.clone(), by_target.failure)));
        }
        self.remember_refused(opened, refused, delivery).await?;
        ended.map(|()| stored.positions.len())
    }

    async fn excerpt_some(
        &self,
        opened: &mut Opened,
        wanted: &[Fetch],
        queue: &mut Queue,
        refused: &mut Vec<(Fetch, Failure)>,
    ) -> Result<(), Broken> {
        let positions: Vec<u32> = wanted.iter().map(|fetch| fetch.position).collect();
        let mut headers = Vec::new();
        let mut fetches = wanted.iter();
        self.read_headers(opened, &positions, |_, header| {
            match (fetches.next(), header) {
                (Some(fetch), Ok(header)) => headers.push((fetch.position, header)),
                (Some(fetch), Err(failure)) => refused.push((fetch.clone(), failure)),
                (None, _) => {}
            }
        })
        .await?;
        for (position, header) in headers {
            let Some(key) = opened.listing.key(position) else {
                continue;
            };
            let ticket = Ticket {
                position,
                number: opened.listing.number(position),
                key: key.to_key(),
                known: Arc::default(),
                excerpt: true,
            };
            let mark = mark(opened.listing.octets(position));
            // If the disk has stopped, the end of the queue tells why.
            let _ = async {
                queue.begin(ticket).await?;
                queue.write(mark.as_bytes()).await?;
                queue.write(&header).await?;
                queue.end().await
            }
            .await;
        }
        Ok(())
    }

    /// A header that the server refuses counts as a failed attempt.
    async fn remember_refused(
        &self,
        opened: &Opened,
        refused: Vec<(Fetch, Failure)>,
        delivery: &Arc<Delivery>,
    ) -> Result<(), Failure> {
        let mut reasons = Vec::new();
        for (fetch, failure) in refused {
            let Some(key) = opened.listing.key(fetch.position) else {
                continue;
            };
            let quarantined = fetch.attempts + 1 >= ATTEMPTS;
            self.event(Event::NotFetched {
                number: opened.listing.number(fetch.position),
                identity: key.identity,
                failure: &failure,
                quarantined,
            });
            reasons.push((key.to_key(), quarantined, failure.to_string()));
        }
        remember_failed(reasons, delivery).await
    }
}

fn mark(octets: Option<u64>) -> String {
    let octets = octets.unwrap_or(0);
    format!(
        "X-Popfetch-Truncated: headers only; the message has {octets} octets and is on the \
         server\r\n"
    )
}
