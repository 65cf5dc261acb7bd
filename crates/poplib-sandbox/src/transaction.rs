//! The TRANSACTION state: one session's exclusive hold on a maildrop.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use crate::account::Lock;
use crate::command;
use crate::mailbox::Maildrop;
use crate::marks::Marks;
use crate::misbehave::Misbehaviours;
use crate::response::{Body, Interruption, Response};

pub(crate) struct Transaction {
    listed: Listed,
    retrieved: Marks,
    /// Of so many messages, which are all: a sum over a million is not made twice.
    total_octets: Option<(u64, u64)>,
    /// What another client has deleted.
    vanished: Marks,
    /// Given back when the session ends, whichever way.
    lock: Lock,
}

/// What a listing shows; shared with the answer that is being sent.
#[derive(Clone)]
pub(crate) struct Listed {
    maildrop: Arc<dyn Maildrop>,
    pub(crate) misbehaviours: Arc<Misbehaviours>,
    deleted: Arc<Marks>,
}

impl Transaction {
    pub(crate) fn new(lock: Lock, misbehaviours: Arc<Misbehaviours>) -> io::Result<Self> {
        let account = lock.account();
        let mut history = account.history();
        history.delete_what_is_due()?;
        let maildrop = account.source().open()?;
        let maildrop = misbehaviours.alter(maildrop, account.retrievals(), &mut history);
        drop(history);
        Ok(Self {
            listed: Listed {
                maildrop: maildrop.into(),
                misbehaviours,
                deleted: Arc::default(),
            },
            retrieved: Marks::default(),
            total_octets: None,
            vanished: Marks::default(),
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
        self.listed.all() - self.listed.deleted.count()
    }

    /// Messages and octets, those marked as deleted left out.
    pub(crate) fn stat(&mut self) -> io::Result<(u64, u64)> {
        let all = self.listed.all();
        let total = match self.total_octets {
            Some((messages, total)) if messages == all => total,
            _ => self.octets_of(1..=all)?,
        };
        self.total_octets = Some((all, total));
        let deleted = self.octets_of(self.listed.deleted.iter())?;
        let told = (self.messages(), total - deleted);
        self.lose_what_vanishes()?;
        Ok(told)
    }

    /// What another client deletes is gone from now on.
    fn lose_what_vanishes(&mut self) -> io::Result<()> {
        let before = self.vanished.count();
        for number in self.listed.misbehaviours.vanishing() {
            if (1..=self.listed.all()).contains(&number) && self.vanished.set(number) {
                Arc::make_mut(&mut self.listed.deleted).set(number);
            }
        }
        if self.vanished.count() > before {
            self.listed.maildrop.remove(&self.vanished)?;
        }
        Ok(())
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
        if self.listed.is_deleted(number) {
            return Err(Response::err(format!("message {number} already deleted")));
        }
        Ok(number)
    }

    /// The octets and the content of a message.
    pub(crate) fn content(&self, number: u64) -> io::Result<(u64, Box<dyn BufRead + Send>)> {
        let maildrop = &self.listed.maildrop;
        let content = maildrop.content(self.listed.original(number))?;
        Ok((self.listed.octets(number)?, content))
    }

    /// The same for RETR, which may send another message.
    pub(crate) fn retrieved(&self, number: u64) -> io::Result<(u64, Box<dyn BufRead + Send>)> {
        let sent = self
            .misbehaviours()
            .sent_for(number, self.listed.messages());
        let (_, content) = self.content(sent)?;
        let content = self.misbehaviours().retr(number, content);
        Ok((self.listed.octets(number)?, content))
    }

    /// Where the body that RETR sends ends too early.
    pub(crate) fn interruption(&self, number: u64) -> Option<Interruption> {
        let unique_id = self.listed.unique_id(number);
        self.misbehaviours().interruption(&unique_id)
    }

    pub(crate) fn count_retrieval(&mut self, number: u64) {
        self.retrieved.set(self.listed.original(number));
        self.lock
            .account()
            .count_retrieval(self.listed.unique_id(number));
    }

    pub(crate) fn mark_deleted(&mut self, number: u64) {
        let original = self.listed.original(number);
        if self.misbehaviours().obeys_dele() {
            Arc::make_mut(&mut self.listed.deleted).set(original);
        }
    }

    /// Refuses logins of the same user.
    pub(crate) fn refuse_next_logins(&self, logins: u64) {
        self.lock.account().history().lock_for(logins);
    }

    /// RSET: no message is marked.
    pub(crate) fn unmark_all(&mut self) {
        self.listed.deleted = Arc::new(self.vanished.clone());
        if self.misbehaviours().forgets_retrieved() {
            self.retrieved.clear();
        }
    }

    /// Answers LIST or UIDL; `line` writes what stands in the line of a message.
    pub(crate) fn list<L>(&mut self, argument: &[u8], line: L) -> Response
    where
        L: Fn(&Listed, u64, &mut Vec<u8>) -> io::Result<()> + Send + 'static,
    {
        if !argument.is_empty() {
            return match self.select(argument) {
                Ok(number) => self.list_one(number, line),
                Err(refusal) => refusal,
            };
        }
        let response = Response::ok(format!("{} messages", self.messages())).with_body(Listing {
            listed: self.listed.clone(),
            messages: self.listed.messages(),
            next: 0,
            line,
        });
        self.misbehaviours().listed();
        match self.lose_what_vanishes() {
            Ok(()) => response,
            Err(error) => Response::err(format!("[SYS/TEMP] {error}")),
        }
    }

    fn list_one<L>(&self, number: u64, line: L) -> Response
    where
        L: Fn(&Listed, u64, &mut Vec<u8>) -> io::Result<()>,
    {
        let mut answer = b"+OK ".to_vec();
        match line(&self.listed, number, &mut answer) {
            Ok(()) if answer == b"+OK " => Response::err("no such message"),
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
        let Listed {
            maildrop, deleted, ..
        } = self.listed.clone();
        match self.misbehaviours().deletes_later() {
            Some(logins) => {
                let account = self.lock.account();
                account.history().delete_later(logins, maildrop, &deleted);
                Ok(())
            }
            None => maildrop.remove(&deleted),
        }
    }
}

impl Listed {
    /// All that the maildrop has, those marked as deleted included.
    fn all(&self) -> u64 {
        let still_to_come = self.misbehaviours.still_to_come();
        self.maildrop.messages().saturating_sub(still_to_come)
    }

    /// The highest message number.
    fn messages(&self) -> u64 {
        match self.misbehaviours.renumbers() {
            true => self.all() - self.deleted.count(),
            false => self.all(),
        }
    }

    fn is_deleted(&self, number: u64) -> bool {
        !self.misbehaviours.renumbers() && self.deleted.contains(number)
    }

    /// The number that a message had at the beginning of the session.
    fn original(&self, number: u64) -> u64 {
        if !self.misbehaviours.renumbers() {
            return number;
        }
        let mut left = (1..=self.all()).filter(|original| !self.deleted.contains(*original));
        left.nth(number as usize - 1).unwrap_or(number)
    }

    pub(crate) fn octets(&self, number: u64) -> io::Result<u64> {
        self.maildrop.octets(self.original(number))
    }

    pub(crate) fn unique_id(&self, number: u64) -> Vec<u8> {
        self.maildrop.unique_id(self.original(number))
    }
}

/// The body of LIST or UIDL without an argument.
struct Listing<L> {
    listed: Listed,
    /// The last message number.
    messages: u64,
    /// The number of the next message; 0 before the listing has begun.
    next: u64,
    line: L,
}

impl<L> Body for Listing<L>
where
    L: Fn(&Listed, u64, &mut Vec<u8>) -> io::Result<()> + Send,
{
    fn fill(&mut self, output: &mut Vec<u8>, size: usize) -> io::Result<bool> {
        while output.len() < size {
            if self.next == 0 {
                self.listed.misbehaviours.begin_listing(output);
                self.next = 1;
            }
            if self.next > self.messages {
                output.write_all(b".\r\n")?;
                return Ok(false);
            }
            if !self.listed.is_deleted(self.next) {
                (self.line)(&self.listed, self.next, output)?;
            }
            self.next += 1;
        }
        Ok(true)
    }
}
