//! The driver: moves octets between a stream and the protocol core.

use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use poplib_proto::command::{Greeting, Stls};
use poplib_proto::wire::line::Verb;
use poplib_proto::{Call, Command, Exchange, Step, Want};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::runtime::Handle;
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::stream::{Buffered, Stream, Transport};
use crate::core::{Core, end_of_stream};
use crate::exclusive::Exclusive;
use crate::timeouts::{Deadline, Phase, Progress};
use crate::tls::{TLS_BUFFER, TlsFacts};
use crate::{Config, Error, Security};

/// Octets of commands that may be on their way: those of a window of the shortest ones. They may
/// block, as reading goes on meanwhile.
pub(super) const COMMAND_OCTETS: usize = 24 * 1024;

/// A session and its stream.
pub(super) struct Link {
    pub(super) core: Core,
    stream: Exclusive<Stream>,
    /// Whether something is written that the stream may still hold back.
    unflushed: bool,
}

impl Link {
    pub(super) fn new(transport: Box<dyn Transport>, config: &Config, begun: Instant) -> Self {
        Self {
            core: Core::new(config, begun),
            stream: Exclusive::new(Stream::Plain(transport)),
            unflushed: false,
        }
    }

    /// The handshakes with the proxy, where there is one on the way.
    pub(super) async fn pass_proxy(&mut self) -> Result<(), Error> {
        self.start_proxy_tls().await.map_err(Error::of_proxy)?;
        match self.core.proxy_handshake() {
            Some(handshake) => self.run(handshake, Phase::Proxy).await,
            None => Ok(()),
        }
    }

    /// TLS where it comes first, the greeting, STLS where it is demanded.
    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        if self.core.security() == Security::ImplicitTls {
            self.start_tls().await?;
        }
        self.core.welcome = Some(self.run(Greeting::new(), Phase::Greeting).await?);
        if self.core.security() == Security::Stls {
            self.stls().await.map_err(Error::demanded_stls)?;
        }
        Ok(())
    }

    pub(super) async fn call<C: Command>(&mut self, command: C) -> Result<C::Output, Error> {
        let phase = Phase::Command(command.verb());
        self.run(Call::new(command), phase).await
    }

    pub(super) async fn stls(&mut self) -> Result<(), Error> {
        self.run(Stls::new(), Phase::Command(Stls::VERB)).await
    }

    /// The driver's loop. What is left of a body that nobody reads any more has the time of its
    /// progress, and the exchange's own begins behind it.
    pub(super) async fn run<E: Exchange>(
        &mut self,
        mut exchange: E,
        phase: Phase,
    ) -> Result<E::Output, Error> {
        require_runtime()?;
        let begin = move |core: &Core| core.deadline(phase.clone());
        let mut deadline = begin(&self.core);
        let mut progress = self.core.progress();
        loop {
            match exchange.resume(&mut self.core.connection)? {
                Step::Want(Want::Write) => self.write(&deadline).await?,
                Step::Want(Want::Read) if self.core.connection.is_within_body() => {
                    self.read_body(&mut progress).await?;
                    deadline = begin(&self.core);
                }
                Step::Want(Want::Read) => drop(self.read(&deadline).await?),
                Step::StartTls => self.start_tls().await?,
                Step::Done(output) => return Ok(output),
            }
        }
    }

    /// Writes all that waits to be sent; or reads once, where the server would have us read
    /// first.
    async fn write(&mut self, deadline: &Deadline) -> Result<(), Error> {
        let write = poll_fn(|context| match self.poll_write(context) {
            Poll::Ready(written) => Poll::Ready(written),
            Poll::Pending => self.poll_read(context).map_ok(|_| ()),
        });
        let result = within(deadline, write).await;
        self.settle(result, deadline)
    }

    async fn read(&mut self, deadline: &Deadline) -> Result<usize, Error> {
        let read = poll_fn(|context| self.poll_read(context));
        let result = within(deadline, read).await;
        self.settle(result, deadline)
    }

    /// Reads for a body, within the deadline of its progress.
    pub(super) async fn read_body(&mut self, progress: &mut Progress) -> Result<(), Error> {
        let deadline = progress.deadline();
        let octets = {
            // Counted also where the future is dropped before the read is done.
            let _wait = progress.wait();
            self.read(&deadline).await?
        };
        progress.count(octets);
        Ok(())
    }

    /// Writes all that waits to be sent.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self {
            core,
            stream,
            unflushed,
        } = self;
        while !core.connection.to_send().is_empty() {
            match ready!(stream.get().poll_write(context, core.connection.to_send()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                octets => core.connection.sent(octets),
            }
            *unflushed = true;
        }
        if *unflushed {
            ready!(stream.get().poll_flush(context))?;
            *unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once. What waits to be sent goes out meanwhile, so that neither side can wait for
    /// the other.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Err(error)) = self.poll_write(context) {
            return Poll::Ready(Err(error));
        }
        let connection = &mut self.core.connection;
        let read = ready!(self.stream.get().poll_read(context, connection.space()));
        let octets = end_of_stream(read)?;
        self.core.received(octets);
        Poll::Ready(Ok(octets))
    }

    /// What became of the stream within its deadline.
    fn settle<T>(
        &mut self,
        result: Result<io::Result<T>, Error>,
        deadline: &Deadline,
    ) -> Result<T, Error> {
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(failure)) => Err(self.core.failed(failure, deadline)),
            // Nothing was begun.
            Err(Error::NoRuntime) => Err(Error::NoRuntime),
            Err(_) => Err(self.core.timed_out(deadline)),
        }
    }

    async fn start_tls(&mut self) -> Result<(), Error> {
        let parameters = self.core.tls_parameters()?;
        let stream = self.handshake(parameters, Phase::Tls).await?;
        self.core.protected(TlsFacts::of(stream.get_ref().1));
        *self.stream.get() = Stream::Tls(stream);
        Ok(())
    }

    /// TLS with the proxy, where it speaks that: the stream is a plain one to all that follows.
    async fn start_proxy_tls(&mut self) -> Result<(), Error> {
        let Some(parameters) = self.core.proxy_tls_parameters() else {
            return Ok(());
        };
        let stream = self.handshake(parameters?, Phase::Proxy).await?;
        self.core.reached_proxy_under_tls();
        *self.stream.get() = Stream::Plain(stream);
        Ok(())
    }

    async fn handshake(
        &mut self,
        (config, name): (Arc<ClientConfig>, ServerName<'static>),
        phase: Phase,
    ) -> Result<Box<TlsStream<Buffered>>, Error> {
        let deadline = self.core.deadline(phase);
        // While the handshake lasts, and after one that failed or was cancelled, the stream
        // cannot be used.
        let Stream::Plain(transport) = std::mem::replace(self.stream.get(), Stream::Closed) else {
            return Err(self.core.timed_out(&deadline));
        };
        let transport = Buffered::with_capacity(TLS_BUFFER, transport);
        let handshake = TlsConnector::from(config).connect(name, transport);
        let result = within(&deadline, handshake).await;
        Ok(Box::new(self.settle(result, &deadline)?))
    }

    /// The stream, and what came and nothing was done with. `None` where a command is not answered
    /// yet, or the stream is gone.
    pub(super) fn into_stream(mut self) -> Option<(Box<dyn Transport>, Vec<u8>)> {
        let unread = self.core.unread_at_rest()?;
        Some((self.stream.get().take()?, unread))
    }

    /// Ends the stream after QUIT.
    pub(super) async fn close(&mut self) {
        let deadline = self.core.deadline(Phase::Command(Verb::new("QUIT")));
        drop(within(&deadline, self.stream.get().close()).await);
    }
}

/// Whether there is a runtime: without one, tokio's sockets and clocks panic.
pub(super) fn require_runtime() -> Result<(), Error> {
    match Handle::try_current() {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::NoRuntime),
    }
}

/// What `future` comes to before the deadline.
pub(super) async fn within<F: Future>(deadline: &Deadline, future: F) -> Result<F::Output, Error> {
    match deadline.at() {
        Some(at) => {
            require_runtime()?;
            let outcome = timeout_at(at.into(), future).await;
            outcome.map_err(|_| deadline.passed())
        }
        None => Ok(future.await),
    }
}
