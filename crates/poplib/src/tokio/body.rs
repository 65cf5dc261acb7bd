//! The body of a message, as a stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use poplib_proto::Reply;
use poplib_proto::command::BodyStart;
use poplib_proto::connection::BodyStep;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Sleep, sleep_until};

use super::link::{Link, require_runtime};
use crate::face::body;
use crate::timeouts::{Deadline, Progress};
use crate::{CopyError, Error};

/// The body of a message that RETR or TOP retrieves, unstuffed, as it comes.
///
/// Its octets are the message's own: nothing is decoded, no line end is changed. Read it as
/// borrowed chunks with [`chunk`](Self::chunk), through [`AsyncRead`], or at once with
/// [`collect`](Self::collect). Dropped before its end, the rest is read and thrown away when
/// the session is used next.
pub struct Body<'a> {
    link: &'a mut Link,
    start: BodyStart,
    progress: Progress,
    used: usize,
    waiting: Option<Waiting>,
}

body!(waiting: None);

impl Body<'_> {
    /// The next piece, borrowed from the receive buffer; `None` after the end.
    ///
    /// # Errors
    ///
    /// Where the connection fails before the end. What came before is then not the whole
    /// message.
    pub async fn chunk(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.rest().is_empty() && !self.advance().await? {
            return Ok(None);
        }
        Ok(Some(self.take_rest()))
    }

    /// All that is left, in memory.
    ///
    /// # Errors
    ///
    /// Those of [`chunk`](Self::chunk).
    pub async fn collect(mut self) -> Result<Vec<u8>, Error> {
        let mut message = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            message.extend_from_slice(chunk);
        }
        Ok(message)
    }

    /// Writes all that is left to `sink`, and tells how many octets that was.
    ///
    /// # Errors
    ///
    /// [`CopyError::Read`] for those of [`chunk`](Self::chunk), [`CopyError::Write`] for those of
    /// the sink.
    pub async fn copy_to(
        mut self,
        sink: &mut (impl AsyncWrite + Unpin + ?Sized),
    ) -> Result<u64, CopyError> {
        let mut octets = 0;
        while let Some(chunk) = self.chunk().await? {
            sink.write_all(chunk).await.map_err(CopyError::Write)?;
            octets += chunk.len() as u64;
        }
        Ok(octets)
    }

    /// Goes on to the next piece; whether there is one.
    async fn advance(&mut self) -> Result<bool, Error> {
        loop {
            match self.step()? {
                BodyStep::Run => {
                    self.used = 0;
                    return Ok(true);
                }
                BodyStep::End => return Ok(false),
                BodyStep::Read => self.link.read_body(&mut self.progress).await?,
            }
        }
    }

    /// [`Link::read_body`] for those who poll.
    fn poll_read_body(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let waiting = self
            .waiting
            .get_or_insert_with(|| Waiting::new(self.progress.deadline()));
        match self.link.poll_read(context) {
            Poll::Ready(Ok(octets)) => {
                self.progress.add(waiting.since);
                self.progress.count(octets);
                self.waiting = None;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(failure)) => {
                Poll::Ready(Err(self.link.core.failed(failure, &waiting.deadline)))
            }
            Poll::Pending => {
                ready!(waiting.poll_alarm(context))?;
                Poll::Ready(Err(self.link.core.timed_out(&waiting.deadline)))
            }
        }
    }
}

/// A wait of [`AsyncRead`], which has no future of its own to hold it.
struct Waiting {
    since: Instant,
    deadline: Deadline,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Waiting {
    fn new(deadline: Deadline) -> Self {
        Self {
            since: Instant::now(),
            deadline,
            alarm: None,
        }
    }

    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(at) = self.deadline.at() else {
            return Poll::Pending;
        };
        if self.alarm.is_none() {
            require_runtime()?;
        }
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(sleep_until(at.into())));
        alarm.as_mut().poll(context).map(Ok)
    }
}

impl AsyncBufRead for Body<'_> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let body = self.get_mut();
        while body.rest().is_empty() {
            match body.step()? {
                BodyStep::Run => body.used = 0,
                BodyStep::End => return Poll::Ready(Ok(&[])),
                BodyStep::Read => ready!(body.poll_read_body(context))?,
            }
        }
        Poll::Ready(Ok(body.rest()))
    }

    fn consume(self: Pin<&mut Self>, octets: usize) {
        self.get_mut().used += octets;
    }
}

impl AsyncRead for Body<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = ready!(self.as_mut().poll_fill_buf(context))?;
        let octets = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..octets]);
        self.consume(octets);
        Poll::Ready(Ok(()))
    }
}
