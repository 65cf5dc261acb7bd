//! The driver: moves octets between a stream and the protocol core.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use poplib_proto::command::{Greeting, Stls};
use poplib_proto::{Call, Command, Connection, Exchange, Step, Want};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::stream::{Stream, Transport};
use super::tls::TlsStream;
use crate::core::{Core, end_of_stream};
use crate::exclusive::Exclusive;
use crate::timeouts::{Deadline, Phase, Progress};
use crate::tls::{TlsError, TlsFacts};
use crate::{Config, Error, Security};

/// Octets of commands that may be on their way: such as the smallest of buffers take, so that no
/// write can block where the server would have us read first.
pub(super) const COMMAND_OCTETS: usize = 4_000;

/// A session and its stream.
pub(super) struct Link {
    pub(super) core: Core,
    stream: Exclusive<Stream>,
}

impl Link {
    pub(super) fn new(transport: Box<dyn Transport>, config: &Config, begun: Instant) -> Self {
        Self {
            core: Core::new(config, begun),
            stream: Exclusive::new(Stream::Plain(transport)),
        }
    }

    /// The handshakes with the proxy, where there is one on the way.
    pub(super) fn pass_proxy(&mut self) -> Result<(), Error> {
        self.start_proxy_tls().map_err(Error::of_proxy)?;
        match self.core.proxy_handshake() {
            Some(handshake) => self.run(handshake, Phase::Proxy),
            None => Ok(()),
        }
    }

    /// TLS where it comes first, the greeting, STLS where it is demanded.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        if self.core.security() == Security::ImplicitTls {
            self.start_tls()?;
        }
        self.core.welcome = Some(self.run(Greeting::new(), Phase::Greeting)?);
        if self.core.security() == Security::Stls {
            self.stls().map_err(Error::demanded_stls)?;
        }
        Ok(())
    }

    pub(super) fn call<C: Command>(&mut self, command: C) -> Result<C::Output, Error> {
        let phase = Phase::Command(command.verb());
        self.run(Call::new(command), phase)
    }

    pub(super) fn stls(&mut self) -> Result<(), Error> {
        self.run(Stls::new(), Phase::Command(Stls::VERB))
    }

    /// The driver's loop. What is left of a body that nobody reads any more has the time of its
    /// progress, and the exchange's own begins behind it.
    pub(super) fn run<E: Exchange>(
        &mut self,
        mut exchange: E,
        phase: Phase,
    ) -> Result<E::Output, Error> {
        let begin = move |core: &Core| core.deadline(phase.clone());
        let mut deadline = begin(&self.core);
        let mut progress = self.core.progress();
        loop {
            match exchange.resume(&mut self.core.connection)? {
                Step::Want(Want::Write) => self.write(&deadline)?,
                Step::Want(Want::Read) if self.core.connection.is_within_body() => {
                    self.read_body(&mut progress)?;
                    deadline = begin(&self.core);
                }
                Step::Want(Want::Read) => self.read(&deadline)?,
                Step::StartTls => self.start_tls()?,
                Step::Done(output) => return Ok(output),
            }
        }
    }

    fn write(&mut self, deadline: &Deadline) -> Result<(), Error> {
        let result = self.write_all(deadline);
        result.map_err(|failure| self.fail(failure, deadline))
    }

    fn write_all(&mut self, deadline: &Deadline) -> io::Result<()> {
        while !self.core.connection.to_send().is_empty() {
            let taken = self.step(deadline, |stream, connection| {
                stream.write_step(connection.to_send())
            })?;
            self.core.connection.sent(taken);
        }
        while !self.step(deadline, |stream, _| stream.flush_step())? {}
        Ok(())
    }

    fn read(&mut self, deadline: &Deadline) -> Result<(), Error> {
        match self.read_some(deadline) {
            Ok(octets) => {
                self.core.received(octets);
                Ok(())
            }
            Err(failure) => Err(self.fail(failure, deadline)),
        }
    }

    /// Reads for a body, within the deadline of its progress.
    pub(super) fn read_body(&mut self, progress: &mut Progress) -> Result<(), Error> {
        let deadline = progress.deadline();
        let read = {
            let _wait = progress.wait();
            self.read_some(&deadline)
        };
        let octets = read.map_err(|failure| self.fail(failure, &deadline))?;
        self.core.received(octets);
        progress.count(octets);
        Ok(())
    }

    /// Reads once, after writing what waits to be sent. That cannot block for long: a window
    /// keeps what is on its way small.
    fn read_some(&mut self, deadline: &Deadline) -> io::Result<usize> {
        if !self.core.connection.to_send().is_empty() {
            self.write_all(deadline)?;
        }
        loop {
            let read = self.step(deadline, |stream, connection| {
                stream.read_step(connection.space())
            });
            match read {
                Ok(None) => {}
                Ok(Some(octets)) => return Ok(octets),
                Err(error) => return end_of_stream(Err(error)),
            }
        }
    }

    /// One read or write, in the time that is left.
    fn step<T>(
        &mut self,
        deadline: &Deadline,
        step: impl Fn(&mut Stream, &mut Connection) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            self.stream.get().set_timeout(deadline.remaining()?)?;
            match step(self.stream.get(), &mut self.core.connection) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn fail(&mut self, failure: io::Error, deadline: &Deadline) -> Error {
        self.core.failed(failure, deadline)
    }

    fn start_tls(&mut self) -> Result<(), Error> {
        let parameters = self.core.tls_parameters()?;
        let stream = self.handshake(parameters, Phase::Tls)?;
        self.core.protected(TlsFacts::of(&stream.connection));
        *self.stream.get() = Stream::Tls(stream);
        Ok(())
    }

    /// TLS with the proxy, where it speaks that: the stream is a plain one to all that follows.
    fn start_proxy_tls(&mut self) -> Result<(), Error> {
        let Some(parameters) = self.core.proxy_tls_parameters() else {
            return Ok(());
        };
        let stream = self.handshake(parameters?, Phase::Proxy)?;
        self.core.reached_proxy_under_tls();
        *self.stream.get() = Stream::Plain(stream);
        Ok(())
    }

    fn handshake(
        &mut self,
        (config, name): (Arc<ClientConfig>, ServerName<'static>),
        phase: Phase,
    ) -> Result<Box<TlsStream>, Error> {
        let deadline = self.core.deadline(phase);
        let connection =
            ClientConnection::new(config, name).map_err(TlsError::unversioned_from_rustls)?;
        // While the handshake lasts, and after one that failed, the stream cannot be used.
        let Stream::Plain(transport) = std::mem::replace(self.stream.get(), Stream::Closed) else {
            return Err(self.core.timed_out(&deadline));
        };
        let mut stream = Box::new(TlsStream::new(connection, transport));
        handshake(&mut stream, &deadline).map_err(|failure| self.fail(failure, &deadline))?;
        Ok(stream)
    }

    /// The stream, and what came and nothing was done with. `None` where a command is not answered
    /// yet, or the stream is gone.
    pub(super) fn into_stream(mut self) -> Option<(Box<dyn Transport>, Vec<u8>)> {
        let unread = self.core.unread_at_rest()?;
        Some((self.stream.get().take()?, unread))
    }

    /// Ends the stream after QUIT.
    pub(super) fn close(&mut self) {
        self.stream.get().close();
    }
}

fn handshake(stream: &mut TlsStream, deadline: &Deadline) -> io::Result<()> {
    loop {
        stream.set_timeout(deadline.remaining()?)?;
        match stream.handshake_step() {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(failure) => return Err(failure),
        }
    }
}
