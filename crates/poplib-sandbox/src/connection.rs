//! One connection: reads lines, asks the session, writes answers.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use crate::account::Peer;
use crate::input::{Input, Taken};
use crate::misbehave::{Misbehaviours, Pipelined};
use crate::output::Output;
use crate::record::Recorder;
use crate::response::{Ending, Next, Response};
use crate::server::Server;
use crate::session::Session;
use crate::stream::{Stream, Tcp};

pub(crate) struct Connection<'a> {
    server: &'a Server,
    misbehaviours: Arc<Misbehaviours>,
    tcp: Tcp,
    stream: Stream,
    input: Input,
    output: Output,
    session: Session,
    recorder: Recorder,
    login_recorded: bool,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(
        server: &'a Server,
        tcp: Arc<TcpStream>,
        number: u64,
        recorder: Recorder,
    ) -> Self {
        let misbehaviours = Arc::new(server.misbehaviours(number));
        let tcp = Tcp(tcp);
        let peer: Arc<dyn Peer> = match misbehaviours.holds_lock() {
            Some(_) => Arc::new(Immortal),
            None => Arc::new(tcp.clone()),
        };
        Self {
            server,
            stream: Stream::Plain(Arc::clone(&tcp.0)),
            input: Input::default(),
            output: Output::new(misbehaviours.wire(), tcp.clone()),
            session: Session::new(server.settings(), Arc::clone(&misbehaviours), peer, number),
            misbehaviours,
            tcp,
            recorder,
            login_recorded: false,
        }
    }

    /// Serves the client until one of the two has enough.
    pub(crate) fn serve(mut self, implicit_tls: bool) {
        let ending = match self.converse(implicit_tls) {
            Ok(never) => match never {},
            Err(ending) => ending,
        };
        if ending == Ending::Close {
            self.stream.close_notify().ok();
        }
        if ending == Ending::Stall {
            self.tcp.wait_gone(None);
        }
        if let Some(duration) = self.misbehaviours.holds_lock()
            && self.session.user().is_some()
        {
            self.server.pause(duration);
        }
        if let Some(logins) = self.misbehaviours.holds_lock_for() {
            self.session.refuse_next_logins(logins);
        }
        let tcp = self.tcp.clone();
        // The maildrop is free before the client can see the end.
        drop(self);
        match ending {
            Ending::Reset => tcp.reset_on_close(),
            _ => tcp.finish(),
        }
    }

    fn converse(&mut self, implicit_tls: bool) -> Result<std::convert::Infallible, Ending> {
        if implicit_tls != self.misbehaviours.swaps_ports() {
            self.start_tls()?;
        }
        let idle_timeout = self.misbehaviours.idle_timeout();
        self.tcp
            .0
            .set_read_timeout(idle_timeout)
            .map_err(|_| Ending::Cut)?;
        let greeting = self.session.greeting();
        self.answer(greeting)?;
        loop {
            match self.input.take_line(self.session.line_limit()) {
                Taken::Line(line) if self.input.has_line() => self.pipelined_line(&line)?,
                Taken::Line(line) => self.line(&line)?,
                Taken::TooLong => self.answer(Response::err("line too long"))?,
                Taken::Nothing => self.read()?,
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Ending> {
        if let Some(delay) = self.misbehaviours.delay() {
            self.output.flush(&mut self.stream, &self.recorder)?;
            if self.tcp.wait_gone(Some(delay)) {
                return Err(Ending::Cut);
            }
        }
        let response = self.session.line(line);
        self.record_login();
        self.answer(response)
    }

    fn pipelined_line(&mut self, line: &[u8]) -> Result<(), Ending> {
        match self.misbehaviours.pipelined() {
            Pipelined::Answered => {}
            Pipelined::AnsweredSecond => {
                if let Taken::Line(second) = self.input.take_line(self.session.line_limit()) {
                    self.line(&second)?;
                }
            }
            Pipelined::AnsweredAlone => self.input.clear(),
            Pipelined::Closed => return Err(Ending::Cut),
        }
        self.line(line)
    }

    fn record_login(&mut self) {
        if !self.login_recorded
            && let Some(user) = self.session.user()
        {
            self.recorder.logged_in(user);
            self.login_recorded = true;
        }
    }

    /// Sends what is at hand before it waits for more.
    fn read(&mut self) -> Result<(), Ending> {
        self.output.flush(&mut self.stream, &self.recorder)?;
        let octets = self.input.fill(|buffer| self.stream.read(buffer));
        let octets = octets.map_err(|_| Ending::Cut)?;
        self.recorder.received(octets, self.stream.is_tls());
        if octets.is_empty() {
            Err(Ending::Close)
        } else {
            Ok(())
        }
    }

    fn answer(&mut self, response: Response) -> Result<(), Ending> {
        self.output.push(&response.status);
        if let Some(mut body) = response.body {
            self.output.push_body(
                &mut *body,
                response.interruption,
                &mut self.stream,
                &self.recorder,
            )?;
        }
        match response.next {
            Next::Line => Ok(()),
            Next::StartTls => {
                self.output.flush(&mut self.stream, &self.recorder)?;
                self.start_tls()
            }
            Next::End(ending) => {
                self.output.flush(&mut self.stream, &self.recorder)?;
                Err(ending)
            }
        }
    }

    /// What the client sent before the handshake must not count after it: it is dropped.
    fn start_tls(&mut self) -> Result<(), Ending> {
        let injected = self.misbehaviours.injected_before_handshake();
        if !injected.is_empty() {
            self.output.push(injected);
            self.output.flush(&mut self.stream, &self.recorder)?;
        }
        if let Some(octets) = self.misbehaviours.instead_of_handshake() {
            // An answer: the client begins.
            self.tcp.0.peek(&mut [0]).map_err(|_| Ending::Cut)?;
            self.output.push(octets);
            self.output.flush(&mut self.stream, &self.recorder)?;
            return Err(Ending::Cut);
        }
        if self.misbehaviours.stalls_handshake() {
            return Err(Ending::Stall);
        }
        self.input.clear();
        match self.server.tls().accept(Arc::clone(&self.tcp.0)) {
            Ok((tls, handshake)) => {
                self.stream = Stream::Tls(Box::new(tls));
                self.recorder.tls(handshake.facts);
                self.session
                    .tls_established(handshake.bindings, handshake.client);
                Ok(())
            }
            Err(error) => {
                self.recorder.handshake_failed(&error);
                Err(Ending::Cut)
            }
        }
    }
}

/// What a maildrop is locked for that nobody will give back.
struct Immortal;

impl Peer for Immortal {
    fn is_gone(&self) -> bool {
        false
    }
}

/// Serves a connection in this thread.
pub(crate) fn serve(
    server: &Server,
    tcp: TcpStream,
    number: u64,
    implicit_tls: bool,
) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let recorder = server.records().begin(number, tcp.peer_addr()?);
    let tcp = Arc::new(tcp);
    let _live = server.register(number, &tcp);
    Connection::new(server, tcp, number, recorder).serve(implicit_tls);
    Ok(())
}
