//! Pipelining (RFC 2449 §6.6): a bounded window of commands that slides over a batch.

use alloc::collections::VecDeque;
use core::iter::Peekable;

use crate::command::Noop;
use crate::connection::Connection;
use crate::error::{Error, Misbehaviour};
use crate::exchange::{Call, Command, Exchange, Step};

#[cfg(test)]
mod tests;

/// How many commands may be on their way at once.
///
/// All bounds hold together; one command is always allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// Commands without a complete answer.
    pub commands: usize,
    /// Octets of their lines. As long as these fit into the buffers between the two sides,
    /// writing them cannot block, and a server that does not read while it writes cannot
    /// deadlock us. A driver that reads while it writes needs no such bound.
    pub command_octets: usize,
    /// Octets that are expected as answers to them, as far as LIST has told.
    pub answer_octets: u64,
}

impl Window {
    /// One command at a time: no pipelining.
    pub const ONE: Self = Self {
        commands: 1,
        command_octets: 0,
        answer_octets: 0,
    };
}

impl Default for Window {
    /// 2,048 commands, 4,000 octets of lines, 16 MiB of answers.
    fn default() -> Self {
        Self {
            commands: 2_048,
            command_octets: 4_000,
            answer_octets: 16 * 1024 * 1024,
        }
    }
}

/// A command of a batch.
#[derive(Clone, Debug)]
pub struct Planned<C> {
    /// The number of the message it is about; its outcome carries it.
    pub number: u32,
    /// The command.
    pub command: C,
    /// Octets expected as its answer.
    pub octets: u64,
}

/// A batch of commands of one kind.
///
/// It is an exchange that is done again and again: each [`resume`](Exchange::resume) comes to
/// the outcome of the next command in order, and at last to `None`. A body must be read, or is
/// skipped, before the next `resume`.
///
/// A command that is refused has its own outcome and costs the others nothing. An error of
/// framing ends the batch, and so does an answer to another command than the one it should
/// answer; while more than one command was on its way that is [`Error::PipelineBroken`], for the
/// server may be one that advertises PIPELINING and cannot do it ([Q7]).
///
/// [Q7]: crate::rows#q7
pub struct Pipeline<I, C>
where
    I: Iterator<Item = Planned<C>>,
    C: Command,
{
    planned: Peekable<I>,
    window: Window,
    flight: VecDeque<InFlight<C>>,
    command_octets: usize,
    answer_octets: u64,
    /// New commands are submitted when no more than this many are on their way: several in one
    /// write instead of one at a time.
    refill_at: usize,
    pipelined: bool,
    end: End,
}

/// What ends a batch.
enum End {
    /// The last command's answer.
    LastAnswer,
    /// The answer to a NOOP that will follow the last command, if there is a command.
    NoopWanted,
    /// The answer to a NOOP that will follow the last command, of which there is one.
    NoopLater,
    /// The answer to a NOOP that follows the last command.
    Noop(Call<Noop>),
}

#[derive(Debug)]
struct InFlight<C: Command> {
    number: u32,
    call: Call<C>,
    command_octets: usize,
    answer_octets: u64,
}

/// A command's number and what came of it.
pub type Outcome<O> = (u32, Result<O, Error>);

impl<I, C> Pipeline<I, C>
where
    I: Iterator<Item = Planned<C>>,
    C: Command,
{
    /// A batch that has not begun.
    pub fn new(planned: I, window: Window) -> Self {
        Self {
            planned: planned.peekable(),
            window,
            flight: VecDeque::new(),
            command_octets: 0,
            answer_octets: 0,
            refill_at: 0,
            pipelined: false,
            end: End::LastAnswer,
        }
    }

    /// Sends NOOP behind the last command, in the same window, and comes to the end when that is
    /// answered, whatever the answer: an answer where one should be shows that the message before
    /// it was whole.
    #[must_use]
    pub fn ending_with_noop(mut self) -> Self {
        self.end = End::NoopWanted;
        self
    }

    /// Whether more than one command has been on its way at once.
    #[must_use]
    pub fn is_pipelined(&self) -> bool {
        self.pipelined
    }

    fn refill(&mut self, connection: &mut Connection) -> Result<(), Error> {
        if self.flight.len() > self.refill_at {
            return Ok(());
        }
        while let Some(planned) = self.planned.next_if(|next| {
            let Window {
                commands,
                command_octets,
                answer_octets,
            } = self.window;
            self.flight.is_empty()
                || self.flight.len() < commands
                    && self.command_octets < command_octets
                    && self.answer_octets.saturating_add(next.octets) <= answer_octets
        }) {
            self.submit(planned, connection)?;
        }
        self.pipelined |= self.flight.len() > 1;
        self.refill_at = self.flight.len() / 2;
        let has_room = self.flight.is_empty() || self.flight.len() < self.window.commands;
        if matches!(self.end, End::NoopLater) && has_room && self.planned.peek().is_none() {
            let mut noop = Call::new(Noop);
            noop.submit(connection)?;
            self.end = End::Noop(noop);
            self.pipelined |= !self.flight.is_empty();
        }
        Ok(())
    }

    fn submit(&mut self, planned: Planned<C>, connection: &mut Connection) -> Result<(), Error> {
        let before = connection.to_send().len();
        let mut call = Call::new(planned.command);
        call.submit(connection)?;
        let command_octets = connection.to_send().len() - before;
        self.command_octets += command_octets;
        if matches!(self.end, End::NoopWanted) {
            self.end = End::NoopLater;
        }
        self.answer_octets = self.answer_octets.saturating_add(planned.octets);
        self.flight.push_back(InFlight {
            number: planned.number,
            call,
            command_octets,
            answer_octets: planned.octets,
        });
        Ok(())
    }

    fn retire(&mut self) {
        if let Some(retired) = self.flight.pop_front() {
            self.command_octets -= retired.command_octets;
            self.answer_octets = self.answer_octets.saturating_sub(retired.answer_octets);
        }
    }
}

impl<I, C> Exchange for Pipeline<I, C>
where
    I: Iterator<Item = Planned<C>>,
    C: Command,
{
    type Output = Option<Outcome<C::Output>>;

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Self::Output>, Error> {
        self.refill(connection)?;
        let pipelined = self.pipelined;
        let Some(oldest) = self.flight.front_mut() else {
            let End::Noop(noop) = &mut self.end else {
                return Ok(Step::Done(None));
            };
            return Ok(match answer(noop, pipelined, connection)? {
                Ok(_) => {
                    self.end = End::LastAnswer;
                    Step::Done(None)
                }
                Err(waiting) => waiting,
            });
        };
        let number = oldest.number;
        match answer(&mut oldest.call, pipelined, connection)? {
            Ok(outcome) => {
                self.retire();
                Ok(Step::Done(Some((number, outcome))))
            }
            Err(waiting) => Ok(waiting),
        }
    }
}

/// What came of a command, or what it waits for.
type Answer<O, T> = Result<Result<O, Error>, Step<T>>;

/// The next command's answer.
///
/// # Errors
/// Those that end the batch.
fn answer<C: Command, T>(
    call: &mut Call<C>,
    pipelined: bool,
    connection: &mut Connection,
) -> Result<Answer<C::Output, T>, Error> {
    match call.resume(connection).map(Step::into_done) {
        Ok(Err(waiting)) => Ok(Err(waiting)),
        Ok(Ok(output)) => Ok(Ok(Ok(output))),
        Err(error) if pipelined && is_out_of_place(&error) => {
            Err(connection.give_up(Error::PipelineBroken(error.into())))
        }
        Err(error) if error.leaves_framing_intact() => Ok(Ok(Err(error))),
        // What broke it has been told before, and need not be the pipelining.
        Err(error @ Error::Poisoned(_)) => Err(error),
        Err(error) if pipelined => Err(Error::PipelineBroken(error.into())),
        Err(error) => Err(error),
    }
}

/// Whether the answer may be one to another command (Q7).
fn is_out_of_place(error: &Error) -> bool {
    matches!(error, Error::Misbehaved(misbehaved) if misbehaved.how == Misbehaviour::MalformedReply)
}
