//! The simulated server: a maildrop, and sessions in which answers are refused, cut off or lost.

use std::fmt::Write as _;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, WriteHalf};

use super::random::Random;
use super::sabotage::Sabotage;
use super::world::World;
use crate::key::KeyRef;

/// The messages on the server.
pub(super) struct Maildrop {
    pub(super) messages: Vec<Mail>,
    /// Whether it says so.
    pub(super) pipelines: bool,
    /// Whether QUIT deletes what was fetched, too (P10).
    pub(super) deletes_fetched: bool,
    /// How much goes wrong: nothing, if 0; else something in one of so many sessions.
    pub(super) mischief_in: usize,
    /// Where the connection of the next session ends, if it comes so far; taken when it does.
    pub(super) cut: Option<Cut>,
}

impl Maildrop {
    /// The octets that LIST tells of the message with this key, if it is there.
    pub(super) fn listed(&self, key: KeyRef<'_>) -> Option<u64> {
        let unique_id = key.identity.unique_id()?;
        let mail = self
            .messages
            .iter()
            .find(|mail| mail.unique_id.as_bytes() == unique_id)?;
        Some(mail.content.len() as u64)
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

#[derive(Clone, Debug)]
pub(super) struct Mail {
    pub(super) unique_id: String,
    pub(super) content: Vec<u8>,
    /// How often RETR may be refused.
    pub(super) refusals: u32,
}

/// What goes wrong in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mischief {
    Nothing,
    /// The connection ends before the command with this index is obeyed.
    CutBefore(usize),
    /// It ends in the middle of its answer.
    CutWithin(usize),
    /// The command is obeyed, and its answer lost.
    AnswerLost(usize),
    /// The command with this name is refused.
    Refuses(&'static str),
    /// Messages are refused, for as long as they may be.
    RefusesMessages,
    /// There seems to be nothing.
    SeemsEmpty,
    /// QUIT deletes some messages only, and says -ERR.
    QuitInPart,
    /// QUIT is obeyed, and its answer lost; or the other way round.
    QuitUnanswered {
        is_obeyed: bool,
    },
}

impl Mischief {
    fn draw(random: &mut Random) -> Self {
        let at = random.below(16);
        random.pick(&[
            Self::CutBefore(at),
            Self::CutWithin(at),
            Self::AnswerLost(at),
            Self::Refuses(["LIST", "UIDL", "DELE", "PASS", "STAT"][at % 5]),
            Self::RefusesMessages,
            Self::SeemsEmpty,
            Self::QuitInPart,
            Self::QuitUnanswered { is_obeyed: true },
            Self::QuitUnanswered { is_obeyed: false },
        ])
    }
}

/// One session, from the greeting to the end of the connection.
pub(super) async fn serve(stream: DuplexStream, world: World) {
    let mut session = Session::begin(world);
    let cut = session.world.lock().maildrop.cut;
    let (to_send, to_receive) = match cut {
        None => (usize::MAX, usize::MAX),
        Some(Cut::Sent(octets)) => (octets, usize::MAX),
        Some(Cut::Received(octets)) => (usize::MAX, octets),
    };
    let (read, write) = tokio::io::split(stream);
    let mut lines = BufReader::new(read.take(to_receive as u64));
    let mut answers = Answers {
        stream: write,
        left: to_send,
    };
    let mut is_open = answers.send(b"+OK ready\r\n").await;
    while is_open {
        let mut line = Vec::new();
        let received = lines.read_until(b'\n', &mut line).await;
        // What has no end is no command.
        let Some(line) = received.ok().and_then(|_| line.strip_suffix(b"\r\n")) else {
            break;
        };
        let answer = session.answer(&String::from_utf8_lossy(line));
        is_open = answers.send(&answer.octets).await && !answer.is_last;
    }
    if answers.left == 0 || lines.get_ref().limit() == 0 {
        session.world.lock().maildrop.cut = None;
    }
    session.end();
}

struct Answers {
    stream: WriteHalf<DuplexStream>,
    /// How many octets are sent before the connection is cut.
    left: usize,
}

impl Answers {
    /// Whether there is still somebody at the other end.
    async fn send(&mut self, octets: &[u8]) -> bool {
        let octets = &octets[..octets.len().min(self.left)];
        self.left -= octets.len();
        self.stream.write_all(octets).await.is_ok() && self.left > 0
    }
}

struct Session {
    world: World,
    mischief: Mischief,
    random: Random,
    /// The messages as they were in the beginning.
    messages: Vec<Mail>,
    fetched: Vec<bool>,
    deleted: Vec<bool>,
    /// How many commands there were.
    commands: usize,
    has_quit: bool,
}

struct Answer {
    octets: Vec<u8>,
    is_last: bool,
}

impl Session {
    fn begin(world: World) -> Self {
        let mut inside = world.lock();
        let mischief_in = inside.maildrop.mischief_in;
        let mut random = Random::new(inside.random.next());
        let mischief = match mischief_in > 0 && random.once_in(mischief_in) {
            true => Mischief::draw(&mut random),
            false => Mischief::Nothing,
        };
        inside.tell(|| format!("  a session begins: {mischief:?}"));
        let messages = match mischief {
            Mischief::SeemsEmpty => Vec::new(),
            _ => inside.maildrop.messages.clone(),
        };
        drop(inside);
        Self {
            fetched: vec![false; messages.len()],
            deleted: vec![false; messages.len()],
            commands: 0,
            has_quit: false,
            world,
            mischief,
            random,
            messages,
        }
    }

    fn answer(&mut self, line: &str) -> Answer {
        let nothing = Answer {
            octets: Vec::new(),
            is_last: true,
        };
        let command = self.commands;
        self.commands += 1;
        if self.world.lock().is_dead || self.mischief == Mischief::CutBefore(command) {
            return nothing;
        }
        let mut octets = self.obey(line);
        self.world.tell(|| {
            let status = octets.split(|&octet| octet == b'\r').next();
            let status = String::from_utf8_lossy(status.unwrap_or_default()).into_owned();
            format!("  {line} -> {status}")
        });
        let is_cut = self.mischief == Mischief::CutWithin(command);
        if self.mischief == Mischief::AnswerLost(command)
            || self.has_quit && matches!(self.mischief, Mischief::QuitUnanswered { .. })
        {
            return nothing;
        }
        if is_cut {
            octets.truncate(self.random.below(octets.len()));
        }
        Answer {
            octets,
            is_last: is_cut || self.has_quit,
        }
    }

    fn obey(&mut self, line: &str) -> Vec<u8> {
        let mut words = line.split(' ');
        let verb = words.next().unwrap_or_default();
        let argument = words.next();
        let index = argument.and_then(|word| word.parse::<usize>().ok());
        let index = index.and_then(|number| number.checked_sub(1));
        if self.mischief == (Mischief::Refuses(verb_name(verb))) {
            return b"-ERR [SYS/TEMP] not now\r\n".to_vec();
        }
        match (verb, index.filter(|&index| index < self.messages.len())) {
            ("CAPA", _) => self.capabilities(),
            ("USER" | "PASS" | "NOOP", _) => b"+OK\r\n".to_vec(),
            ("STAT", _) => {
                let octets: usize = self.messages.iter().map(|mail| mail.content.len()).sum();
                format!("+OK {} {octets}\r\n", self.messages.len()).into_bytes()
            }
            ("LIST", None) => self.list(|mail| mail.content.len().to_string()),
            ("UIDL", None) => self.list(|mail| mail.unique_id.clone()),
            ("RETR", Some(index)) => self.retrieve(index),
            ("DELE", Some(index)) => {
                self.deleted[index] = true;
                b"+OK\r\n".to_vec()
            }
            ("RSET", _) => {
                self.deleted.fill(false);
                b"+OK\r\n".to_vec()
            }
            ("QUIT", _) => self.quit(),
            _ => b"-ERR what?\r\n".to_vec(),
        }
    }

    fn capabilities(&self) -> Vec<u8> {
        let pipelining = match self.world.lock().maildrop.pipelines {
            true => "PIPELINING\r\n",
            false => "",
        };
        format!("+OK\r\nUSER\r\nUIDL\r\nRESP-CODES\r\n{pipelining}.\r\n").into_bytes()
    }

    fn list(&self, what: impl Fn(&Mail) -> String) -> Vec<u8> {
        let mut answer = String::from("+OK\r\n");
        for (number, mail) in (1..).zip(&self.messages) {
            let _ = write!(answer, "{number} {}\r\n", what(mail));
        }
        answer.push_str(".\r\n");
        answer.into_bytes()
    }

    fn retrieve(&mut self, index: usize) -> Vec<u8> {
        let mail = &self.messages[index];
        if self.mischief == Mischief::RefusesMessages {
            let mut inside = self.world.lock();
            let there = |other: &&mut Mail| other.content == mail.content;
            if let Some(mail) = inside.maildrop.messages.iter_mut().find(there)
                && mail.refusals > 0
            {
                mail.refusals -= 1;
                return b"-ERR it is being looked for\r\n".to_vec();
            }
        }
        self.fetched[index] = true;
        [b"+OK\r\n", &*mail.content, b".\r\n"].concat()
    }

    fn quit(&mut self) -> Vec<u8> {
        self.has_quit = true;
        match self.mischief {
            Mischief::QuitUnanswered { is_obeyed: false } => {}
            Mischief::QuitInPart => {
                for deleted in &mut self.deleted {
                    *deleted &= self.random.once_in(2);
                }
                self.update(false);
                return b"-ERR some messages were not removed\r\n".to_vec();
            }
            _ => self.update(true),
        }
        b"+OK\r\n".to_vec()
    }

    /// The UPDATE state: what is deleted here had better be safe elsewhere.
    fn update(&self, is_whole: bool) {
        let mut inside = self.world.lock();
        let all_fetched = is_whole && inside.maildrop.deletes_fetched;
        for (index, mail) in self.messages.iter().enumerate() {
            if self.deleted[index] || all_fetched && self.fetched[index] {
                inside.delete(mail);
            }
        }
    }

    /// The connection has ended.
    fn end(&self) {
        let is_sabotaged = self.world.lock().sabotage == Some(Sabotage::AlwaysQuit);
        if is_sabotaged && !self.has_quit {
            self.update(true);
        }
    }
}

/// The verb as a [`Mischief`] names it.
fn verb_name(verb: &str) -> &'static str {
    let verbs = ["LIST", "UIDL", "DELE", "PASS", "STAT"];
    verbs.into_iter().find(|known| *known == verb).unwrap_or("")
}
