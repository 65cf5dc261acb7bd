//! What TOP shows of many messages, pipelined. It is never trusted for content (Q23).

use poplib::tokio::Body;
use poplib::{Error, ProtocolError};

use super::{Broken, Fetcher, Opened, is_pipelined, trouble};
use crate::failure::Failure;

/// A header that is longer is cut here.
const LONGEST: usize = 1024 * 1024;

impl Fetcher<'_> {
    /// Reads the headers of the messages at these positions, one after the other; none if TOP has
    /// broken a session before.
    pub(super) async fn read_headers(
        &self,
        opened: &mut Opened,
        positions: &[u32],
        mut take: impl FnMut(u32, Result<Vec<u8>, Failure>),
    ) -> Result<(), Broken> {
        if positions.is_empty() || self.without_top.get() {
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
        let mut headers = (opened.session.top_many(numbers, 0))
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
                    (read_head(body, LONGEST, &mut header).await)
                        .map_err(|error| broken(&error))?;
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
pub(crate) async fn read_head(
    mut body: Body<'_>,
    most: usize,
    head: &mut Vec<u8>,
) -> Result<(), Error> {
    head.clear();
    while let Some(chunk) = body.chunk().await? {
        let room = most.saturating_sub(head.len());
        head.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(())
}
