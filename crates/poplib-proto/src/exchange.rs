//! Commands and procedures as values that are resumed until they are done.

use core::{fmt, mem};

use crate::connection::{Connection, Content, ListLine, Shape, State, Subject, Ticket};
use crate::error::{Error, Misbehaviour, Misuse};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::Status;

/// A POP3 command, or a procedure of several, that a driver resumes whenever what it wanted has
/// happened.
///
/// A driver is a loop; this one has its whole conversation in memory:
///
/// ```
/// use poplib_proto::{command::{Greeting, Stat}, Connection, Exchange, Limits, Step, Want};
///
/// fn drive<E: Exchange>(
///     mut exchange: E,
///     connection: &mut Connection,
///     server: &mut &[u8],
/// ) -> Result<E::Output, poplib_proto::Error> {
///     loop {
///         match exchange.resume(connection)? {
///             Step::Want(Want::Read) => {
///                 let space = connection.space();
///                 let octets = space.len().min(server.len());
///                 space[..octets].copy_from_slice(&server[..octets]);
///                 *server = &server[octets..];
///                 connection.received(octets);
///             }
///             Step::Want(Want::Write) => connection.sent(connection.to_send().len()),
///             Step::StartTls => unreachable!("nobody asked for TLS"),
///             Step::Done(output) => return Ok(output),
///         }
///     }
/// }
///
/// let mut connection = Connection::new(Limits::default());
/// let mut server = &b"+OK hello\r\n"[..];
/// drive(Greeting::new(), &mut connection, &mut server)?;
/// # Ok::<(), poplib_proto::Error>(())
/// ```
pub trait Exchange {
    /// What it comes to.
    type Output;

    /// Goes on as far as possible with what has arrived.
    ///
    /// # Errors
    ///
    /// Those of the command. The exchange is over after one.
    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Self::Output>, Error>;
}

impl<E: Exchange + ?Sized> Exchange for &mut E {
    type Output = E::Output;

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Self::Output>, Error> {
        (**self).resume(connection)
    }
}

/// What an exchange needs before it can be resumed, or what it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Octets must move.
    Want(Want),
    /// The stream must be upgraded to TLS; then [`Connection::protect`] is to be called. Not one
    /// octet may be read or written before.
    StartTls,
    /// It is over.
    Done(T),
}

/// Which way octets must move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Something must be read. What is left to write may be written meanwhile.
    Read,
    /// All of [`Connection::to_send`] must be written.
    Write,
}

impl<T> Step<T> {
    /// The output, or what there is to wait for.
    ///
    /// # Errors
    ///
    /// The step itself where it is not over.
    pub fn into_done<U>(self) -> Result<T, Step<U>> {
        match self {
            Self::Want(want) => Err(Step::Want(want)),
            Self::StartTls => Err(Step::StartTls),
            Self::Done(output) => Ok(output),
        }
    }

    /// The same step with another output.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Self::Want(want) => Step::Want(want),
            Self::StartTls => Step::StartTls,
            Self::Done(output) => Step::Done(convert(output)),
        }
    }
}

/// One command: a line out, an answer in. [`Call`] makes an [`Exchange`] of it.
pub trait Command {
    /// What the answer means.
    type Output: fmt::Debug;

    /// How the answer is framed.
    const SHAPE: Shape;

    /// Whether the session's state is unknown until the answer has been heard, so that a
    /// cancelled call costs the connection.
    const DECISIVE: bool = false;

    /// What a multi-line answer lists.
    const SUBJECT: Subject = Subject::Maildrop;

    /// The states it may be sent in (RFC 1939 §3).
    const STATES: &'static [State];

    /// The keyword.
    fn verb(&self) -> Verb;

    /// What is known of the body that answers it.
    fn content(&self) -> Content {
        Content::Anything
    }

    /// The line. Called once.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] where the arguments cannot be sent.
    fn encode(&mut self, connection: &mut Connection) -> Result<CommandLine, Error>;

    /// Reads the +OK line. The answer has the ticket `ticket`.
    ///
    /// # Errors
    ///
    /// [`Malformed`] where it lacks what it must hold.
    fn begin(&mut self, status: Status<'_>, ticket: Ticket) -> Result<Self::Output, Malformed>;

    /// Reads a line of a multi-line answer.
    fn line(&mut self, _output: &mut Self::Output, _line: &[u8]) {}

    /// The answer is complete, or its body begins: what follows from it for the connection.
    fn complete(&mut self, _output: &mut Self::Output, _connection: &mut Connection) {}
}

/// A reply that does not hold what it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The exchange that consists of one command.
#[derive(Debug)]
pub struct Call<C: Command> {
    command: C,
    stage: Stage<C::Output>,
}

#[derive(Debug)]
enum Stage<O> {
    Unsent,
    Status(Ticket),
    Lines(Ticket, O),
    Over,
}

impl<C: Command> Call<C> {
    /// The command, not yet sent.
    #[must_use]
    pub fn new(command: C) -> Self {
        Self {
            command,
            stage: Stage::Unsent,
        }
    }

    /// The command.
    pub(crate) fn command(&self) -> &C {
        &self.command
    }

    /// Puts the command into the queue without waiting for answers to earlier ones: the way to
    /// pipeline calls of different kinds. [`resume`](Exchange::resume) does it otherwise.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] where it cannot be sent, [`Error::Poisoned`].
    pub fn submit(&mut self, connection: &mut Connection) -> Result<(), Error> {
        if let Stage::Unsent = self.stage {
            connection.require(&self.command.verb(), C::STATES)?;
            let line = self.command.encode(connection)?;
            let ticket = connection.submit(&line, C::SHAPE, C::DECISIVE)?;
            connection.expect(self.command.content());
            self.stage = Stage::Status(ticket);
        }
        Ok(())
    }

    /// Reads the status line; the output that it begins, if it has come.
    fn begin(
        &mut self,
        ticket: Ticket,
        connection: &mut Connection,
    ) -> Result<Option<C::Output>, Error> {
        let verb = self.command.verb();
        let Some(status) = connection.accepted(ticket, &verb)? else {
            return Ok(None);
        };
        match self.command.begin(status, ticket) {
            Ok(output) => Ok(Some(output)),
            Err(Malformed) => {
                let how = Misbehaviour::MalformedReply;
                Err(Error::misbehaved(&verb, how, status.line()))
            }
        }
    }

    /// Reads what there is of the lines; whether they are all there.
    fn lines(
        &mut self,
        ticket: Ticket,
        output: &mut C::Output,
        connection: &mut Connection,
    ) -> Result<bool, Error> {
        if C::SHAPE != Shape::Lines {
            return Ok(true);
        }
        loop {
            match connection.list_line(ticket, C::SUBJECT)? {
                Some(ListLine::Line(line)) => self.command.line(output, line),
                Some(ListLine::End) => return Ok(true),
                None => return Ok(false),
            }
        }
    }
}

impl<C: Command> Exchange for Call<C> {
    type Output = C::Output;

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<C::Output>, Error> {
        self.submit(connection)?;
        let (ticket, mut output) = match mem::replace(&mut self.stage, Stage::Over) {
            Stage::Status(ticket) => match self.begin(ticket, connection)? {
                Some(output) => (ticket, output),
                None => {
                    self.stage = Stage::Status(ticket);
                    return Ok(connection.wait());
                }
            },
            Stage::Lines(ticket, output) => (ticket, output),
            Stage::Unsent | Stage::Over => return Err(Misuse::AnswerGone.into()),
        };
        if !self.lines(ticket, &mut output, connection)? {
            self.stage = Stage::Lines(ticket, output);
            return Ok(connection.wait());
        }
        self.command.complete(&mut output, connection);
        Ok(Step::Done(output))
    }
}
