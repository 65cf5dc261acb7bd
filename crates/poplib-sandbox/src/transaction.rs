//! The TRANSACTION state: one session's exclusive hold on a maildrop.

use std::io::{self, BufRead, Write};
use std::sync::{Arc, OnceLock};

use crate::account::Lock;
use crate::command;
use crate::mailbox::Maildrop;
use crate::marks::Marks;
use crate::misbehave::Misbehaviours;
use crate::response::{Body, Response};

pub(crate) struct Transaction {
    listed: Listed,
    retrieved: Marks,
    /// Of the whole maildrop: a sum over a million messages is not made twice.
    total_octets: OnceLock<u64>,
    /// Given back when the session ends, whichever way.
    lock: Lock,
}

/// What a listing shows; shared with the answer that is being sent.
#[derive(Clone)]
pub(crate) struct Listed {
    pub(crate) maildrop: Arc<dyn Maildrop>,
    pub(crate) misbehaviours: Arc<Misbehaviours>,
    deleted: Arc<Marks>,
}

impl Transaction {
    pub(crate) fn new(lock: Lock, misbehaviours: Arc<Misbehaviours>) -> io::Result<Self> {
        let maildrop = misbehaviours.alter(lock.account().source().open()?);
        Ok(Self {
            listed: Listed {
                maildrop: maildrop.into(),
                misbehaviours,
                deleted: Arc::default(),
            },
            retrieved: Marks::default(),
            total_octets: OnceLock::new(),
            lock,
        })
    }

    pub(crate) fn misbehaviours(&self) -> &Misbehaviours {
        &self.listed.misbehaviours
    }

    pub(crate) fn user(&self) -> &str {
        self.lock.account().name()
    }

    /// Messages that are not marked as deleted.
    pub(crate) fn messages(&self) -> u64 {
        self.listed.messages() - self.listed.deleted.count()
    }

    /// Messages and octets, those marked as deleted left out.
    pub(crate) fn stat(&self) -> io::Result<(u64, u64)> {
        let total = match self.total_octets.get() {
            Some(total) => *total,
            None => {
                let total = self.octets_of(1..=self.listed.messages())?;
                *self.total_octets.get_or_init(|| total)
            }
        };
        let deleted = self.octets_of(self.listed.deleted.iter())?;
        Ok((self.messages(), total - deleted))
    }

    fn octets_of(&self, mut numbers: impl Iterator<Item = u64>) -> io::Result<u64> {
        numbers.try_fold(0, |sum, number| {
            Ok(sum + self.listed.maildrop.octets(number)?)
        })
    }

    /// The message number in an argument, if there is such a message.
    pub(crate) fn select(&self, argument: &[u8]) -> Result<u64, Response> {
        let number = command::number(argument)
            .ok_or_else(|| Response::err("that is not a message number"))?;
        if !(1..=self.listed.messages()).contains(&number) {
            return Err(Response::err(format!(
                "no such message, only {} in maildrop",
                self.listed.messages()
            )));
        }
        if self.listed.deleted.contains(number) {
            return Err(Response::err(format!("message {number} already deleted")));
        }
        Ok(number)
    }

    /// The octets and the content of a message.
    pub(crate) fn content(&self, number: u64) -> io::Result<(u64, Box<dyn BufRead + Send>)> {
        let maildrop = &self.listed.maildrop;
        Ok((maildrop.octets(number)?, maildrop.content(number)?))
    }

    pub(crate) fn count_retrieval(&mut self, number: u64) {
        self.retrieved.set(number);
        self.lock
            .account()
            .count_retrieval(self.listed.maildrop.unique_id(number));
    }

    pub(crate) fn mark_deleted(&mut self, number: u64) {
        Arc::make_mut(&mut self.listed.deleted).set(number);
    }

    /// RSET: no message is marked.
    pub(crate) fn unmark_all(&mut self) {
        Arc::make_mut(&mut self.listed.deleted).clear();
        if self.misbehaviours().forgets_retrieved() {
            self.retrieved.clear();
        }
    }

    /// Answers LIST or UIDL; `line` writes what stands in the line of a message.
    pub(crate) fn list<L>(&self, argument: &[u8], line: L) -> Response
    where
        L: Fn(&Listed, u64, &mut Vec<u8>) -> io::Result<()> + Send + 'static,
    {
        if !argument.is_empty() {
            return match self.select(argument) {
                Ok(number) => self.list_one(number, line),
                Err(refusal) => refusal,
            };
        }
        Response::ok(format!("{} messages", self.messages())).with_body(Listing {
            listed: self.listed.clone(),
            next: 0,
            line,
        })
    }

    fn list_one<L>(&self, number: u64, line: L) -> Response
    where
        L: Fn(&Listed, u64, &mut Vec<u8>) -> io::Result<()>,
    {
        let mut answer = b"+OK ".to_vec();
        match line(&self.listed, number, &mut answer) {
            Ok(()) => Response::raw(answer),
            Err(error) => Response::err(format!("[SYS/TEMP] {error}")),
        }
    }

    /// The UPDATE state: deletes what is marked, and with `retrieved_too` what was retrieved. The
    /// maildrop is free for the next session when this returns.
    pub(crate) fn update(mut self, retrieved_too: bool) -> io::Result<()> {
        if retrieved_too {
            let deleted = Arc::make_mut(&mut self.listed.deleted);
            for number in self.retrieved.iter() {
                deleted.set(number);
            }
        }
        self.listed.maildrop.remove(&self.listed.deleted)
    }
}

impl Listed {
    fn messages(&self) -> u64 {
        self.maildrop.messages()
    }
}

/// The body of LIST or UIDL without an argument.
struct Listing<L> {
    listed: Listed,
    /// The number of the next message; 0 before the listing has begun.
    next: u64,
    line: L,
}

impl<L> Body for Listing<L>
where
    L: Fn(&Listed, u64, &mut Vec<u8>) -> io::Result<()> + Send,
{
    fn fill(&mut self, output: &mut Vec<u8>, size: usize) -> io::Result<bool> {
        let messages = self.listed.messages();
        while output.len() < size {
            if self.next == 0 {
                self.listed.misbehaviours.begin_listing(output);
                self.next = 1;
            }
            if self.next > messages {
                output.write_all(b".\r\n")?;
                return Ok(false);
            }
            if !self.listed.deleted.contains(self.next) {
                (self.line)(&self.listed, self.next, output)?;
            }
            self.next += 1;
        }
        Ok(true)
    }
}
