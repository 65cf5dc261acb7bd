//! The headers of messages that are larger than is wanted, stored in their place.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lost::Lost;
use super::{Broken, Fetcher, Opened, ticket};
use crate::deliver::queue::Queue;
use crate::deliver::{Delivery, Ticket};
use crate::plan::{Fetch, Plan};

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
        &mut self,
        opened: &mut Opened,
        plan: &Plan,
        delivery: &Arc<Delivery>,
    ) -> Result<usize, Broken> {
        let wanted = &plan.excerpts;
        if wanted.is_empty() {
            return Ok(0);
        }
        let mut queue = Queue::start(Arc::clone(delivery));
        let mut lost = Vec::new();
        let mut ended = Ok(());
        for some in wanted.chunks(AT_ONCE) {
            ended = self
                .excerpt_some(opened, plan, some, &mut queue, &mut lost)
                .await;
            if ended.is_err() {
                break;
            }
        }
        let mut stored = queue.finish().await?;
        match stored.ended.take() {
            Some(failure) => {
                lost.extend(self.not_taken(&mut stored));
                ended = Err(failure.into());
            }
            None => self.keep_in_view(&mut stored),
        }
        self.settle(&lost, delivery).await?;
        ended.map(|()| stored.positions.len())
    }

    async fn excerpt_some(
        &self,
        opened: &mut Opened,
        plan: &Plan,
        wanted: &[Fetch],
        queue: &mut Queue,
        lost: &mut Vec<Lost>,
    ) -> Result<(), Broken> {
        let listing = Arc::clone(&opened.listing);
        let mut headers = BTreeMap::new();
        let read = self.read_headers(opened, plan, wanted, lost, |position, header| {
            headers.insert(position, header.octets);
        });
        read.await?;
        for fetch in wanted {
            let Some(header) = headers.remove(&fetch.position) else {
                continue;
            };
            let ticket = Ticket {
                excerpt: true,
                ..ticket(&listing, fetch, plan)
            };
            let mark = mark(listing.octets(ticket.position));
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
}

fn mark(octets: Option<u64>) -> String {
    let octets = octets.unwrap_or(0);
    format!(
        "X-Popfetch-Truncated: headers only; the message has {octets} octets and is on the \
         server\r\n"
    )
}
