//! One POP3 connection: its buffers, its requests in flight, its state.

mod adopt;
mod answer;
mod body;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::fmt;
use core::ops::Range;

use self::answer::Part;
pub use self::answer::{ListLine, Subject};
pub use self::body::{BodyStep, Content};
use crate::error::{Error, Misbehaviour, Misuse};
use crate::exchange::{Step, Want};
use crate::observe::{Event, Observer, Shown};
use crate::wire::buffer::{Receive, Transmit};
use crate::wire::capability::Capabilities;
use crate::wire::glued::Glued;
use crate::wire::limits::Limits;
use crate::wire::line::{CommandLine, Verb};

/// A POP3 connection without a socket.
///
/// A driver moves octets between it and the network: it reads into [`space`](Self::space) and
/// says so with [`received`](Self::received), writes [`to_send`](Self::to_send) and says so with
/// [`sent`](Self::sent). Exchanges submit commands and look at the answers in between.
///
/// Answers come in the order of the requests (RFC 2449 §6.6). A request whose exchange was
/// dropped stays in the queue, and its answer is skipped when a later exchange asks for its
/// own; so a cancelled call leaves the connection usable. Where nobody having heard the answer
/// leaves the state unknown (after PASS, say), the connection is poisoned instead.
///
/// After an error of framing the connection is *poisoned*: every later call gives
/// [`Error::Poisoned`].
pub struct Connection {
    limits: Limits,
    receive: Receive,
    transmit: Transmit,
    ended: bool,
    flight: VecDeque<Request>,
    next: Ticket,
    part: Part,
    run: Range<usize>,
    glued: Glued,
    ended_body: Option<Ticket>,
    state: State,
    protected: bool,
    plaintext_credentials: bool,
    utf8: bool,
    bare_lf: bool,
    capabilities: Option<Capabilities>,
    /// Whether PIPELINING was listed before login; what is listed after it counts for more.
    pipelining_before_login: bool,
    poison: Option<Error>,
    observer: Option<Box<dyn Observer>>,
}

/// The states of a session (RFC 1939 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The greeting has not come.
    Greeting,
    /// Nobody has logged in.
    Authorization,
    /// Somebody has, and holds the maildrop.
    Transaction,
    /// QUIT was answered.
    Update,
}

/// The place of a request among all of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

impl Ticket {
    /// That of the greeting, which every connection waits for first.
    pub(crate) const GREETING: Self = Self(0);
}

/// How an answer is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One line.
    Line,
    /// One line, and after +OK lines up to a terminator.
    Lines,
    /// One line, and after +OK a byte-stuffed message.
    Body,
    /// Challenges, then one line (RFC 5034 §4).
    Sasl,
    /// One line, and after +OK the stream is TLS's (RFC 2595 §4). Nothing can be sent behind it.
    Upgrade,
}

struct Request {
    ticket: Ticket,
    verb: Verb,
    shape: Shape,
    content: Content,
    decisive: bool,
}

impl Connection {
    /// A connection that waits for the server's greeting. Nothing comes of one whose limits do not
    /// pass [`Limits::check`]: every call says so.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let poison = limits.check().err().map(Error::Misuse);
        let buffer = limits.buffer.max(limits.response_line);
        let greeting = Request {
            ticket: Ticket::GREETING,
            verb: Verb::GREETING,
            shape: Shape::Line,
            content: Content::Anything,
            decisive: true,
        };
        Self {
            limits,
            receive: Receive::new(buffer),
            transmit: Transmit::default(),
            ended: false,
            flight: VecDeque::from([greeting]),
            next: Ticket(1),
            part: Part::Status,
            run: 0..0,
            glued: Glued::new(),
            ended_body: None,
            state: State::Greeting,
            protected: false,
            plaintext_credentials: false,
            utf8: false,
            bare_lf: false,
            capabilities: None,
            pipelining_before_login: false,
            poison,
            observer: None,
        }
    }

    /// Allows credentials to cross a connection that TLS does not protect.
    pub fn allow_plaintext_credentials(&mut self) {
        self.plaintext_credentials = true;
    }

    /// Shows everything that passes to `observer`, without the secrets.
    pub fn set_observer(&mut self, observer: Box<dyn Observer>) {
        self.observer = Some(observer);
    }

    // The driver's side.

    /// Room for the next read. Empty only on a poisoned connection or before the exchange that
    /// wanted a read has looked at what came.
    pub fn space(&mut self) -> &mut [u8] {
        self.run = 0..0;
        self.receive.space()
    }

    /// Says that a read put `octets` into [`space`](Self::space). Zero is the end of the stream.
    pub fn received(&mut self, octets: usize) {
        if octets == 0 {
            self.ended = true;
        }
        self.receive.filled(octets);
    }

    /// What is to be written.
    #[must_use]
    pub fn to_send(&self) -> &[u8] {
        self.transmit.waiting()
    }

    /// Says that `octets` of [`to_send`](Self::to_send) are written.
    pub fn sent(&mut self, octets: usize) {
        self.transmit.advance(octets);
    }

    /// Says that TLS protects the stream from now on. To be called before the first octet of an
    /// implicit-TLS connection, and when the handshake that
    /// [`Step::StartTls`] asked for has succeeded.
    ///
    /// Capabilities learned before are forgotten (RFC 2595 §4), and octets received before are
    /// an error, which poisons the connection.
    pub fn protect(&mut self) {
        if !self.receive.is_empty() {
            let how = Misbehaviour::InjectedBeforeTls;
            return self.poison(Error::misbehaved(&self.front_verb(), how, b""));
        }
        if matches!(self.part, Part::Handshake) {
            self.finish_front();
        }
        self.protected = true;
        self.capabilities = None;
        self.pipelining_before_login = false;
    }

    /// Says that the stream failed or was given up. Later calls give [`Error::Poisoned`].
    pub fn disconnect(&mut self) {
        self.poison(self.closed());
    }

    fn poison(&mut self, cause: Error) {
        self.transmit.clear();
        self.receive.clear();
        self.run = 0..0;
        self.flight.clear();
        self.poison.get_or_insert(cause);
    }

    // What can be asked.

    /// The session's state.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// The bounds.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What CAPA listed last, if nothing since has made it void (STLS, login, a refused CAPA).
    #[must_use]
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    /// Whether the server lists PIPELINING (RFC 2449 §6.6): now, or, where CAPA has not been
    /// asked since login, before it.
    #[must_use]
    pub fn advertises_pipelining(&self) -> bool {
        match &self.capabilities {
            Some(capabilities) => capabilities.pipelining(),
            None => self.pipelining_before_login,
        }
    }

    /// Whether TLS protects the stream.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.protected
    }

    /// Whether credentials may cross the connection without TLS.
    #[must_use]
    pub fn allows_plaintext_credentials(&self) -> bool {
        self.plaintext_credentials
    }

    /// Whether UTF8 was accepted (RFC 6856 §2).
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        self.utf8
    }

    /// Whether the server has ended a status line with LF alone, where RFC 1939 demands CRLF ([Q8]).
    ///
    /// [Q8]: crate::rows#q8
    #[must_use]
    pub fn has_seen_bare_lf(&self) -> bool {
        self.bare_lf
    }

    /// The error after which nothing is believed from the connection any more.
    #[must_use]
    pub fn poisoned(&self) -> Option<&Error> {
        self.poison.as_ref()
    }

    /// Whether a new exchange could begin.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.poison.is_none() && !self.ended && self.state != State::Update
    }

    // The exchanges' side.

    /// Puts a command into the queue. `decisive`: without its answer the session's state is not
    /// known.
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`]; [`Misuse::LineTooLong`]; [`Misbehaviour::Unsolicited`] where octets
    /// wait that no request asked for.
    pub fn submit(
        &mut self,
        line: &CommandLine,
        shape: Shape,
        decisive: bool,
    ) -> Result<Ticket, Error> {
        self.check_poison()?;
        if let Some(last) = self.flight.back()
            && last.shape == Shape::Upgrade
        {
            let verb = last.verb.clone();
            self.poison(Error::Misuse(Misuse::Abandoned { verb }));
            self.check_poison()?;
        }
        line.check_length(&self.limits)?;
        if self.flight.is_empty() && !self.receive.is_empty() {
            let waiting = self.receive.waiting();
            let error = Error::misbehaved(line.verb(), Misbehaviour::Unsolicited, waiting);
            return Err(self.give_up(error));
        }
        self.observe(Event::Request(Shown::of(line)));
        self.send(line);
        let ticket = self.next;
        self.next = Ticket(ticket.0 + 1);
        self.flight.push_back(Request {
            ticket,
            verb: line.verb().clone(),
            shape,
            content: Content::Anything,
            decisive,
        });
        Ok(ticket)
    }

    /// Says what is known of the body that answers the command submitted last.
    pub fn expect(&mut self, content: Content) {
        if let Some(last) = self.flight.back_mut() {
            last.content = content;
        }
    }

    /// Sends a line that continues the request at hand, as a SASL response does. Its length is
    /// not that of a command (RFC 5034 §4).
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`].
    pub fn respond(&mut self, line: &CommandLine) -> Result<(), Error> {
        self.check_poison()?;
        self.send(line);
        Ok(())
    }

    /// What an exchange waits for that has nothing more to say.
    #[must_use]
    pub fn wait<T>(&self) -> Step<T> {
        Step::Want(if self.transmit.is_empty() {
            Want::Read
        } else {
            Want::Write
        })
    }

    /// # Errors
    ///
    /// [`Misuse::WrongState`] unless the session is in one of `states`; [`Error::Poisoned`].
    pub fn require(&self, verb: &Verb, states: &[State]) -> Result<(), Error> {
        self.check_poison()?;
        if states.contains(&self.state) {
            return Ok(());
        }
        Err(Error::Misuse(Misuse::WrongState {
            verb: verb.clone(),
            state: self.state,
        }))
    }

    /// # Errors
    ///
    /// [`Misuse::PlaintextCredentials`] where credentials may not be sent.
    pub fn require_confidentiality(&self, verb: &Verb) -> Result<(), Misuse> {
        if self.protected || self.plaintext_credentials {
            return Ok(());
        }
        Err(Misuse::PlaintextCredentials { verb: verb.clone() })
    }

    /// What came and was looked at by no exchange. Where nothing is in flight, no command of POP3
    /// was answered with it.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        self.receive.waiting()
    }

    /// Requests whose answers are not complete, abandoned ones included.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.flight.len()
    }

    pub(crate) fn enter(&mut self, state: State) {
        if state == State::Transaction {
            self.pipelining_before_login = self.advertises_pipelining();
            self.capabilities = None;
        }
        self.state = state;
    }

    /// `None`: CAPA is being asked, or was refused.
    pub(crate) fn set_capabilities(&mut self, capabilities: Option<Capabilities>) {
        self.pipelining_before_login = false;
        self.capabilities = capabilities;
    }

    pub(crate) fn set_utf8(&mut self) {
        self.utf8 = true;
    }

    /// # Errors
    ///
    /// [`Error::Poisoned`] unless TLS protects the stream, which by now it must.
    pub(crate) fn require_protection(&mut self, verb: &Verb) -> Result<(), Error> {
        if !self.protected {
            self.poison(Error::Misuse(Misuse::Abandoned { verb: verb.clone() }));
        }
        self.check_poison()
    }

    /// What has come, for a handshake before POP3.
    pub(crate) fn raw(&self) -> &[u8] {
        self.receive.waiting()
    }

    pub(crate) fn take_raw(&mut self, octets: usize) {
        self.receive.take(octets);
    }

    pub(crate) fn push_raw(&mut self, octets: &[u8]) {
        self.transmit.push(octets);
    }

    /// [`wait`](Self::wait) for a handshake before POP3.
    pub(crate) fn wait_raw<T>(&mut self) -> Result<Step<T>, Error> {
        self.check_poison()?;
        if self.ended && self.transmit.is_empty() {
            let error = self.closed();
            return Err(self.give_up(error));
        }
        Ok(self.wait())
    }

    fn send(&mut self, line: &CommandLine) {
        self.observe_line(Event::Sent(Shown::of(line)));
        self.transmit.push(line.as_bytes());
        self.transmit.push(b"\r\n");
    }

    fn check_poison(&self) -> Result<(), Error> {
        match &self.poison {
            Some(cause) => Err(Error::Poisoned(Box::new(cause.clone()))),
            None => Ok(()),
        }
    }

    /// Poisons the connection with `error` where it must be, and gives the error back.
    pub(crate) fn give_up(&mut self, error: Error) -> Error {
        if !error.leaves_framing_intact() {
            self.poison(error.clone());
        }
        error
    }

    fn observe(&self, event: Event<'_>) {
        if let Some(observer) = &self.observer {
            observer.observe(event);
        }
    }

    fn observe_line(&self, event: Event<'_>) {
        if let Some(observer) = &self.observer
            && observer.wants_lines()
        {
            observer.observe(event);
        }
    }
}

impl fmt::Debug for Connection {
    /// The state; never the octets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.state)
            .field("protected", &self.protected)
            .field("in_flight", &self.flight.len())
            .field("poisoned", &self.poison)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "initial",
            Self::Authorization => "AUTHORIZATION",
            Self::Transaction => "TRANSACTION",
            Self::Update => "UPDATE",
        })
    }
}
