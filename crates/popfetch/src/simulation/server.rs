//! What a server always is: how it names messages and counts their octets, what it writes into
//! them, and what it makes of DELE.

use super::mail::Mail;
use super::random::Random;

/// A server's nature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    /// Whether it takes several commands at once, and says so.
    pub(super) pipelines: bool,
    /// Whether QUIT deletes what was fetched, too (P10).
    pub(super) deletes_fetched: bool,
    pub(super) names: Names,
    pub(super) has_top: bool,
    pub(super) counts: Counts,
    pub(super) writes: Writes,
    pub(super) obeys: Obeys,
    /// A message that is marked as deleted leaves its number to the next one at once (Q42).
    pub(super) renumbers: bool,
    /// A proxy in front of it cuts off what is behind so many octets, until the undisturbed runs.
    pub(super) cuts_at: Option<usize>,
}

/// What tells its messages from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    UniqueIds,
    /// Unique-ids that are given to another message once the first is gone (Q45).
    Reused,
    /// Unique-ids that are the numbers of the messages.
    Numbers,
    /// There is no UIDL.
    Nothing,
}

/// What its LIST says of the octets of a message (Q13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    Octets,
    LineEndsAsOne,
    RoundedUp(usize),
    Plus(isize),
    /// What the message takes on its disk, after no rule that a client could find.
    Storage,
}

/// What it writes into messages that it keeps, and whether LIST counts that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writes {
    Nothing,
    /// That a message was read, from the next session on.
    Status {
        is_counted: bool,
    },
    /// Something else at each RETR.
    Stamp {
        is_counted: bool,
    },
}

/// What it makes of DELE, which it answers with +OK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obeys {
    All,
    /// So many in a session.
    First(usize),
    Nothing,
}

impl Server {
    /// A server as it should be.
    pub(super) fn honest(pipelines: bool) -> Self {
        Self {
            pipelines,
            deletes_fetched: false,
            names: Names::UniqueIds,
            has_top: false,
            counts: Counts::Octets,
            writes: Writes::Nothing,
            obeys: Obeys::All,
            renumbers: false,
            cuts_at: None,
        }
    }

    pub(super) fn draw(random: &mut Random) -> Self {
        let mut server = Self::honest(random.once_in(2));
        server.has_top = random.once_in(2);
        if random.once_in(3) {
            server.names = random.pick(&[
                Names::Reused,
                Names::Reused,
                Names::Numbers,
                Names::Nothing,
                Names::Nothing,
            ]);
        }
        if random.once_in(4) {
            server.counts = random.pick(&[
                Counts::LineEndsAsOne,
                Counts::RoundedUp(512),
                Counts::RoundedUp(1024),
                Counts::Plus(3),
                Counts::Plus(-17),
                Counts::Storage,
            ]);
        }
        if random.once_in(4) {
            let is_counted = random.once_in(2);
            server.writes =
                random.pick(&[Writes::Status { is_counted }, Writes::Stamp { is_counted }]);
        }
        match random.below(12) {
            0 => server.obeys = Obeys::Nothing,
            1 => server.obeys = Obeys::First(2 + random.below(2)),
            2 | 3 => server.deletes_fetched = true,
            _ => {}
        }
        server.renumbers = random.once_in(6);
        server.cuts_at = random.once_in(8).then(|| 80 + random.below(400));
        server.tellable()
    }

    /// The same without what nobody could notice: where a name stands for another message, LIST is
    /// all that tells.
    fn tellable(self) -> Self {
        let tells = !matches!(self.counts, Counts::RoundedUp(_) | Counts::Storage);
        let is_still = !matches!(
            self.writes,
            Writes::Status { is_counted: true } | Writes::Stamp { is_counted: true }
        );
        let names = match self.names {
            Names::Reused | Names::Numbers if !(tells && is_still) => Names::UniqueIds,
            names => names,
        };
        let is_bare = names == Names::Nothing && !self.has_top;
        let counts = match self.writes {
            // Nothing that comes is ever equal to anything.
            Writes::Stamp { .. } if is_bare && self.overstates() => Counts::Octets,
            _ => self.counts,
        };
        Self {
            names,
            counts,
            ..self
        }
    }

    /// Whether messages of equal size could be taken for each other.
    pub(super) fn needs_sizes(self) -> bool {
        matches!(self.names, Names::Reused | Names::Numbers)
    }

    /// Whether LIST tells more octets than come, so that a client has to learn how it counts.
    pub(super) fn overstates(self) -> bool {
        match self.counts {
            Counts::Octets | Counts::LineEndsAsOne => false,
            Counts::Plus(more) => more > 0,
            Counts::RoundedUp(_) | Counts::Storage => true,
        }
    }

    /// Whether a client cannot but fetch its messages again and again, and each time others come.
    pub(super) fn needs_message_ids(self) -> bool {
        let is_fetched_again = self.counts == Counts::Storage || self.obeys != Obeys::All;
        is_fetched_again && matches!(self.writes, Writes::Stamp { .. })
    }

    /// Whether messages that share a unique-id can be told apart. What is written into one of them
    /// makes it a new one, and what it keeps against its word is as if it had come back.
    pub(super) fn tells_copies(self) -> bool {
        self.writes == Writes::Nothing && self.obeys != Obeys::Nothing
    }

    /// Whether its messages are known again without being fetched.
    pub(super) fn is_known_again(self) -> bool {
        match self.names {
            Names::UniqueIds | Names::Reused => true,
            Names::Numbers => self.obeys == Obeys::All,
            Names::Nothing => self.has_top,
        }
    }

    pub(super) fn has_unique_ids(self) -> bool {
        self.names != Names::Nothing
    }

    /// The message as it is on the server now.
    pub(super) fn kept(self, mail: &Mail) -> Vec<u8> {
        match self.writes {
            Writes::Status { .. } if mail.is_read => mail.with_status(),
            _ => mail.content.clone(),
        }
    }

    /// The header of the message as TOP gives it.
    pub(super) fn top(self, mail: &Mail) -> Vec<u8> {
        let mut kept = self.kept(mail);
        let end = memchr::memmem::find(&kept, b"\r\n\r\n").map_or(0, |end| end + 4);
        kept.truncate(end);
        kept
    }

    /// The message as RETR gives it.
    pub(super) fn given(self, mail: &Mail, random: &mut Random) -> Vec<u8> {
        match self.writes {
            Writes::Stamp { .. } => mail.with_stamp(random.below(1000)),
            _ => self.kept(mail),
        }
    }

    /// What LIST tells of the message.
    pub(super) fn listed(self, mail: &Mail) -> u64 {
        let text = match self.writes {
            Writes::Status { is_counted: true } => self.kept(mail),
            Writes::Stamp { is_counted: true } => mail.with_stamp(0),
            _ => mail.content.clone(),
        };
        self.count(&text, mail)
    }

    fn count(self, text: &[u8], mail: &Mail) -> u64 {
        let octets = text.len();
        let octets = match self.counts {
            Counts::Octets => octets,
            Counts::LineEndsAsOne => octets - memchr::memchr_iter(b'\n', text).count(),
            Counts::RoundedUp(to) => octets.next_multiple_of(to),
            Counts::Plus(more) => octets.saturating_add_signed(more),
            Counts::Storage => octets * (5 + mail.number % 5) / 4 + 1,
        };
        octets as u64
    }

    /// What is left of a text that is cut off there, if it shows that something is missing: by
    /// its size, whatever a client knows of how this server counts, or by the text itself.
    pub(super) fn cut(
        self,
        mail: &Mail,
        text: &[u8],
        at: usize,
        is_listed: bool,
    ) -> Option<Vec<u8>> {
        let left = [text.get(..at)?, b"\r\n"].concat();
        let (listed, count) = (self.listed(mail), self.count(&left, mail));
        let size = left.len() as u64;
        let (is_less, shows) = match self.counts {
            Counts::Storage => (size != listed, false),
            // Who has seen few messages may believe in another unit.
            Counts::RoundedUp(_) => (
                size < listed,
                [512, 1024]
                    .iter()
                    .all(|&to| size.next_multiple_of(to) < listed),
            ),
            _ => (size < listed && count < listed, true),
        };
        let is_seen = is_listed && shows || mail.is_open(&left);
        (left.len() < text.len() && is_less && is_seen).then_some(left)
    }
}
