//! Pipelining (RFC 2449 §6.6): a bounded window of commands that slides over a batch.

use alloc::collections::VecDeque;
use core::iter::Peekable;

use crate::connection::Connection;
use crate::error::{Error, Misbehaviour};
use crate::exchange::{Call, Command, Exchange, Step};

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
    /// deadlock us.
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
    /// 256 commands, 4,000 octets of lines, 16 MiB of answers.
    fn default() -> Self {
        Self {
            commands: 256,
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
/// server may be one that advertises PIPELINING and cannot do it (Q7).
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
        }
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
        Ok(())
    }

    fn submit(&mut self, planned: Planned<C>, connection: &mut Connection) -> Result<(), Error> {
        let before = connection.to_send().len();
        let mut call = Call::new(planned.command);
        call.submit(connection)?;
        let command_octets = connection.to_send().len() - before;
        self.command_octets += command_octets;
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
        let Some(oldest) = self.flight.front_mut() else {
            return Ok(Step::Done(None));
        };
        let number = oldest.number;
        let outcome = match oldest.call.resume(connection).map(Step::into_done) {
            Ok(Err(waiting)) => return Ok(waiting),
            Ok(Ok(output)) => Ok(output),
            Err(error) if self.pipelined && is_out_of_place(&error) => {
                return Err(connection.give_up(Error::PipelineBroken(error.into())));
            }
            Err(error) if error.leaves_framing_intact() => Err(error),
            // What broke it has been told before, and need not be the pipelining.
            Err(error @ Error::Poisoned(_)) => return Err(error),
            Err(error) if self.pipelined => return Err(Error::PipelineBroken(error.into())),
            Err(error) => return Err(error),
        };
        self.retire();
        Ok(Step::Done(Some((number, outcome))))
    }
}

/// Whether the answer may be one to another command (Q7).
fn is_out_of_place(error: &Error) -> bool {
    matches!(error, Error::Misbehaved(misbehaved) if misbehaved.how == Misbehaviour::MalformedReply)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::command::{Dele, Greeting, ListOne, Login, LoginParameters};
    use crate::exchange::Want;
    use crate::sasl::{Credentials, Policy};
    use crate::wire::limits::Limits;

    fn feed(connection: &mut Connection, octets: &[u8]) {
        connection.space()[..octets.len()].copy_from_slice(octets);
        connection.received(octets.len());
    }

    fn take_sent(connection: &mut Connection) -> Vec<u8> {
        let sent = connection.to_send().to_vec();
        connection.sent(sent.len());
        sent
    }

    /// A connection in the TRANSACTION state.
    fn transaction() -> Connection {
        let mut connection = Connection::new(Limits::default());
        connection.protect();
        feed(&mut connection, b"+OK\r\n");
        let greeted = Greeting::new().resume(&mut connection);
        assert!(matches!(greeted, Ok(Step::Done(_))));
        let parameters = LoginParameters {
            host: "localhost".into(),
            port: 995,
            bindings: Vec::new(),
            policy: Policy::default(),
            timestamp: None,
            entropy: [0; 32],
            except: None,
        };
        let mut login = Login::new(Credentials::password("u", "p"), parameters);
        for answer in [&b"-ERR no CAPA\r\n"[..], b"+OK\r\n", b"+OK\r\n"] {
            assert!(matches!(login.resume(&mut connection), Ok(Step::Want(_))));
            take_sent(&mut connection);
            feed(&mut connection, answer);
        }
        assert!(matches!(login.resume(&mut connection), Ok(Step::Done(_))));
        connection
    }

    fn deletions(numbers: u32) -> impl Iterator<Item = Planned<Dele>> {
        (1..=numbers).map(|number| Planned {
            number,
            command: Dele::new(number),
            octets: 10,
        })
    }

    fn lines(octets: &[u8]) -> usize {
        octets.iter().filter(|&&octet| octet == b'\n').count()
    }

    #[test]
    fn p08_the_window_is_bounded_and_refilled_by_halves() {
        let mut connection = transaction();
        let window = Window {
            commands: 8,
            ..Window::default()
        };
        let mut batch = Pipeline::new(deletions(20), window);
        let step = batch.resume(&mut connection);
        assert!(matches!(step, Ok(Step::Want(Want::Write))));
        assert_eq!(lines(&take_sent(&mut connection)), 8);
        let mut sizes = Vec::new();
        let mut outcomes = Vec::new();
        loop {
            match batch.resume(&mut connection).expect("no error") {
                Step::Done(Some((number, outcome))) => outcomes.push((number, outcome.is_ok())),
                Step::Done(None) => break,
                Step::Want(Want::Write) => sizes.push(lines(&take_sent(&mut connection))),
                Step::Want(Want::Read) => feed(&mut connection, b"+OK\r\n"),
                Step::StartTls => unreachable!("DELE needs no TLS"),
            }
            assert!(connection.in_flight() <= 8);
        }
        assert_eq!(sizes, [4, 4, 4]);
        assert!(
            outcomes
                .into_iter()
                .eq((1..=20).map(|number| (number, true)))
        );
    }

    #[test]
    fn p08_expected_octets_and_line_octets_bound_the_window() {
        for (window, first_flight) in [
            (
                Window {
                    answer_octets: 35,
                    ..Window::default()
                },
                3,
            ),
            (
                Window {
                    answer_octets: 5,
                    ..Window::default()
                },
                1,
            ),
            (
                Window {
                    command_octets: 16,
                    ..Window::default()
                },
                2,
            ),
            (Window::ONE, 1),
        ] {
            let mut connection = transaction();
            let mut batch = Pipeline::new(deletions(20), window);
            assert!(batch.resume(&mut connection).is_ok());
            assert_eq!(lines(&take_sent(&mut connection)), first_flight);
        }
    }

    #[test]
    fn a_refusal_costs_the_others_nothing() {
        let mut connection = transaction();
        let mut batch = Pipeline::new(deletions(3), Window::default());
        assert!(batch.resume(&mut connection).is_ok());
        take_sent(&mut connection);
        feed(&mut connection, b"+OK\r\n-ERR gone already\r\n+OK\r\n");
        let mut outcomes = Vec::new();
        while let Ok(Step::Done(Some((number, outcome)))) = batch.resume(&mut connection) {
            outcomes.push((number, outcome.is_ok()));
        }
        assert_eq!(outcomes, [(1, true), (2, false), (3, true)]);
    }

    #[test]
    fn q07_mixed_answers_end_the_batch_where_they_can_be_seen() {
        let sizes = |count: u32| {
            (1..=count).map(|number| Planned {
                number,
                command: ListOne::new(number),
                octets: 10,
            })
        };
        for (count, is_broken) in [(2, true), (1, false)] {
            let mut connection = transaction();
            let mut batch = Pipeline::new(sizes(count), Window::default());
            assert!(batch.resume(&mut connection).is_ok());
            take_sent(&mut connection);
            feed(&mut connection, b"+OK 2 200\r\n");
            match batch.resume(&mut connection) {
                Err(Error::PipelineBroken(_)) => assert!(is_broken),
                Ok(Step::Done(Some((1, Err(Error::Misbehaved(_)))))) => assert!(!is_broken),
                other => panic!("{other:?}"),
            }
            assert_eq!(connection.poisoned().is_some(), is_broken);
        }
    }

    #[test]
    fn q07_a_server_that_breaks_is_told_apart() {
        for (window, is_broken) in [(Window::default(), true), (Window::ONE, false)] {
            let mut connection = transaction();
            let mut batch = Pipeline::new(deletions(3), window);
            assert!(batch.resume(&mut connection).is_ok());
            take_sent(&mut connection);
            feed(&mut connection, b"+OK\r\n");
            assert!(matches!(
                batch.resume(&mut connection),
                Ok(Step::Done(Some((1, Ok(_)))))
            ));
            if !is_broken {
                assert!(batch.resume(&mut connection).is_ok());
                take_sent(&mut connection);
            }
            connection.received(0);
            let error = batch
                .resume(&mut connection)
                .expect_err("the connection ended");
            assert_eq!(
                matches!(error, Error::PipelineBroken(_)),
                is_broken,
                "{error}"
            );
        }
    }
}
