//! The simulated maildrop: which messages are on the server, what happens to them between
//! sessions, and what was given of them.

use super::given::Given;
use super::mail::{self, Mail};
use super::random::Random;
use super::server::{Names, Server};
use crate::key::KeyRef;

/// The messages on the server.
pub(super) struct Maildrop {
    pub(super) server: Server,
    /// What its messages are counted from, which tells them from those of another maildrop.
    pub(super) first: usize,
    pub(super) messages: Vec<Mail>,
    /// All that there ever were, as they arrived.
    pub(super) all: Vec<Mail>,
    /// Those of them that somebody else deleted before they were safe.
    pub(super) taken: Vec<usize>,
    /// How many unique-ids have changed.
    renamed: usize,
    /// How much goes wrong: nothing, if 0; else something in one of so many sessions.
    pub(super) mischief_in: usize,
    /// Where the connection of the next session ends, if it comes so far; taken when it does.
    pub(super) cut: Option<Cut>,
    /// A message had no name in a session.
    pub(super) was_nameless: bool,
    pub(super) given: Given,
    /// What the client asked for in this run.
    pub(super) asked: Asked,
}

/// How often a run asked for something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) retr: usize,
    pub(super) dele: usize,
}

impl Asked {
    /// Nothing was fetched, and at most one deletion was tried.
    pub(super) fn is_little(self) -> bool {
        self.retr == 0 && self.dele <= 1
    }
}

/// A place in the octets of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// Behind so many octets of the server's.
    Sent(usize),
    /// Behind so many octets of the client's that reach the server.
    Received(usize),
}

/// So far apart are the numbers of two maildrops' messages.
pub(super) const OWNERS_APART: usize = 1_000_000;
/// What two messages of one unique-id share.
const SHARED: &str = "shared";
/// LIST tells sizes apart by more than what servers write into messages.
const APART: u64 = 40;

impl Maildrop {
    pub(super) fn new(server: Server, first: usize) -> Self {
        Self {
            server,
            first,
            messages: Vec::new(),
            all: Vec::new(),
            taken: Vec::new(),
            renamed: 0,
            mischief_in: 0,
            cut: None,
            was_nameless: false,
            given: Given::default(),
            asked: Asked::default(),
        }
    }

    /// Mail arrives.
    pub(super) fn receive(&mut self, messages: usize, random: &mut Random) {
        let is_first = self.all.is_empty();
        for _ in 0..messages {
            let number = self.first + self.all.len();
            let shares = is_first && self.server.tells_copies();
            let unique_id = match shares && random.once_in(8) {
                // Some servers give a unique-id twice at a time,
                true => SHARED.into(),
                // and some give it to another message when the first is gone.
                false => (self.used_unique_id(random)).unwrap_or_else(|| format!("id{number}")),
            };
            let mail = loop {
                let has_message_id = self.server.needs_message_ids() || random.once_in(2);
                let steps = random.below(48);
                let mail = Mail::new(number, unique_id.clone(), has_message_id, steps, random);
                let listed = self.server.listed(&mail);
                let apart = |other: &Mail| self.server.listed(other).abs_diff(listed);
                let nearest = self.all.iter().map(apart).min().unwrap_or(u64::MAX);
                let differs =
                    (self.all.iter()).all(|other| other.content.len() != mail.content.len());
                // Where a name stands for another message, only the size tells them apart; and
                // messages of one size do not teach how octets are counted.
                let (needs_apart, needs_sizes) =
                    (self.server.needs_sizes(), self.server.overstates());
                if (!needs_apart || nearest >= APART) && (!needs_sizes || differs) {
                    break mail;
                }
            };
            self.all.push(mail.clone());
            self.messages.push(mail);
        }
    }

    /// A unique-id whose message is gone, if the server is to use it again.
    fn used_unique_id(&self, random: &mut Random) -> Option<String> {
        if self.server.names != Names::Reused || !random.once_in(2) {
            return None;
        }
        let is_there = |number: usize| self.messages.iter().any(|mail| mail.number == number);
        let left = || self.all.iter().filter(|mail| is_there(mail.number));
        let gone = self.all.iter().filter(|mail| !is_there(mail.number));
        let free: Vec<&String> = (gone.map(|mail| &mail.unique_id))
            .filter(|&used| left().all(|mail| mail.unique_id != *used) && used != SHARED)
            .collect();
        (!free.is_empty()).then(|| random.pick(&free).clone())
    }

    /// What happens at the server until the next run, for the story.
    pub(super) fn pass(&mut self, random: &mut Random) -> Vec<String> {
        let mut told = Vec::new();
        if random.once_in(8) && matches!(self.server.names, Names::UniqueIds | Names::Reused) {
            // A part of the unique-ids changes (Q15).
            for mail in &mut self.messages {
                if random.once_in(2) && mail.unique_id != SHARED {
                    self.renamed += 1;
                    mail.unique_id = format!("new{}", self.renamed);
                    told.push(format!(
                        "{} is {} from now on",
                        mail.title(),
                        mail.unique_id
                    ));
                }
            }
        }
        if random.once_in(3) {
            self.receive(1, random);
        }
        told
    }

    /// Whether a text in a target is of this maildrop, by the number of its message.
    pub(super) fn may_own(&self, stored: &[u8]) -> bool {
        let owner = |number: usize| number / OWNERS_APART;
        match mail::number_in(stored) {
            Some(number) => owner(number) == owner(self.first),
            // What names no message comes of the first one's mischief alone.
            None => self.first == 0,
        }
    }

    /// Whether what is there is known again without being fetched.
    pub(super) fn is_known_again(&self) -> bool {
        self.server.is_known_again() && !self.is_shared()
    }

    /// Whether a message may have no name in one session.
    pub(super) fn may_be_nameless(&self) -> bool {
        !self.was_nameless && !self.is_shared()
    }

    /// Whether a unique-id was given twice at a time.
    fn is_shared(&self) -> bool {
        self.all.iter().any(|mail| mail.unique_id == SHARED)
    }

    /// The octets that LIST tells of the message with this key, if it is there.
    pub(super) fn listed(&self, key: KeyRef<'_>) -> Option<u64> {
        let unique_id = key.identity.unique_id()?;
        let mail = self
            .messages
            .iter()
            .find(|mail| mail.unique_id.as_bytes() == unique_id)?;
        Some(self.server.listed(mail))
    }
}
