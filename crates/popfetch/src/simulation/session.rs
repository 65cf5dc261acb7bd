//! A session at the simulated server, in which answers are refused, cut off, lost or wrong.

use std::fmt::Write as _;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, WriteHalf};

use super::given::{Giving, Name};
use super::mail::Mail;
use super::maildrop::Cut;
use super::mischief::{Instead, Mischief};
use super::random::Random;
use super::sabotage::Sabotage;
use super::server::{Names, Obeys, Server};
use super::world::World;

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
    server: Server,
    mischief: Mischief,
    random: Random,
    /// The messages as they were in the beginning.
    messages: Vec<Mail>,
    /// Which of them have a number, in the order of the numbers.
    numbered: Vec<usize>,
    fetched: Vec<bool>,
    /// Those to delete, in the order of DELE.
    deleted: Vec<usize>,
    /// The numbers that DELE was sent for.
    dele: Vec<usize>,
    /// How many commands there were.
    commands: usize,
    /// The client asked for headers: it does without TOP where that has broken a session (Q54).
    asked_top: bool,
    has_quit: bool,
}

struct Answer {
    octets: Vec<u8>,
    is_last: bool,
}

/// What RETR gives.
struct Body {
    text: Vec<u8>,
    /// Which message it is, if it is one.
    whole: Option<usize>,
}

impl Session {
    fn begin(world: World) -> Self {
        let mut inside = world.lock();
        let mischief_in = inside.maildrop.mischief_in;
        let mut random = Random::new(inside.random.next());
        let mischief = match mischief_in > 0 && random.once_in(mischief_in) {
            true => Mischief::draw(&mut random, &inside.maildrop),
            false => Mischief::Nothing,
        };
        inside.tell(|| format!("  a session begins: {mischief:?}"));
        let server = inside.maildrop.server;
        inside.maildrop.was_nameless |=
            matches!(mischief, Mischief::UniqueIdMissing { .. }) && !server.has_top;
        let messages = match mischief {
            Mischief::SeemsEmpty => Vec::new(),
            _ => inside.maildrop.messages.clone(),
        };
        drop(inside);
        Self {
            numbered: (0..messages.len()).collect(),
            fetched: vec![false; messages.len()],
            deleted: Vec::new(),
            dele: Vec::new(),
            commands: 0,
            asked_top: false,
            has_quit: false,
            world,
            server,
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
            format!("  {line} -> {status}, {} octets", octets.len())
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
        let number = words.next().and_then(|word| word.parse::<usize>().ok());
        let index = number.and_then(|number| self.index(number));
        if self.mischief == (Mischief::Refuses(verb_name(verb))) {
            return b"-ERR [SYS/TEMP] not now\r\n".to_vec();
        }
        if self.mischief == Mischief::MailBefore(verb_name(verb)) {
            self.receive();
        }
        match (verb, index) {
            ("CAPA", _) => self.capabilities(),
            ("USER" | "PASS" | "NOOP", _) => b"+OK\r\n".to_vec(),
            ("STAT", _) => {
                let octets: u64 = (self.messages.iter())
                    .map(|mail| self.server.listed(mail))
                    .sum();
                format!("+OK {} {octets}\r\n", self.messages.len()).into_bytes()
            }
            ("LIST", None) => self.list(|mail, _| Some(self.server.listed(mail).to_string())),
            ("UIDL", None) if self.server.has_unique_ids() => {
                self.list(|mail, index| self.unique_id_line(mail, index))
            }
            ("TOP", Some(index)) if self.server.has_top => {
                self.asked_top = true;
                let top = self.server.top(&self.messages[index]);
                [b"+OK\r\n", &*top, b".\r\n"].concat()
            }
            // What some servers call a header.
            ("TOP", Some(_)) if self.server.pipelines => b"+OK\r\n\r\n.\r\n".to_vec(),
            ("RETR", Some(index)) => self.retrieve(index),
            ("DELE", Some(index)) => self.mark(number.unwrap_or(0), index),
            ("RSET", _) => {
                self.unmark();
                b"+OK\r\n".to_vec()
            }
            ("QUIT", _) => self.quit(),
            _ => b"-ERR what?\r\n".to_vec(),
        }
    }

    /// Which message has this number now.
    fn index(&self, number: usize) -> Option<usize> {
        self.numbered.get(number.checked_sub(1)?).copied()
    }

    /// A message arrives, and is in this session.
    fn receive(&mut self) {
        self.mischief = Mischief::Nothing;
        let mut inside = self.world.lock();
        inside.maildrop.receive(1, &mut self.random);
        self.messages
            .extend(inside.maildrop.messages.last().cloned());
        inside.tell(|| "  a message arrives".into());
        self.numbered.push(self.fetched.len());
        self.fetched.push(false);
    }

    fn capabilities(&self) -> Vec<u8> {
        let mut answer = String::from("+OK\r\nUSER\r\nRESP-CODES\r\n");
        for (is_so, capability) in [
            (self.server.has_unique_ids(), "UIDL\r\n"),
            (self.server.has_top, "TOP\r\n"),
            (self.server.pipelines, "PIPELINING\r\n"),
        ] {
            answer += if is_so { capability } else { "" };
        }
        (answer + ".\r\n").into_bytes()
    }

    fn list(&self, what: impl Fn(&Mail, usize) -> Option<String>) -> Vec<u8> {
        let mut answer = String::from("+OK\r\n");
        for (index, mail) in self.messages.iter().enumerate() {
            if let Some(what) = what(mail, index) {
                let _ = write!(answer, "{} {what}\r\n", index + 1);
            }
        }
        answer.push_str(".\r\n");
        answer.into_bytes()
    }

    /// What UIDL says behind the number; `None` where there is no line.
    fn unique_id_line(&self, mail: &Mail, index: usize) -> Option<String> {
        match self.mischief {
            Mischief::UniqueIdMissing { at, has_line } if at % self.messages.len() == index => {
                has_line.then(String::new)
            }
            _ => self.unique_id(mail, index),
        }
    }

    /// What a client knows the message by before it comes.
    fn name(&self, mail: &Mail, index: usize) -> Name {
        let has_uidl = self.server.has_unique_ids() && self.mischief != Mischief::Refuses("UIDL");
        let line = has_uidl.then(|| self.unique_id_line(mail, index)).flatten();
        let unique_id = line.filter(|unique_id| !unique_id.is_empty());
        let header = (unique_id.is_none() && self.asked_top)
            .then(|| (self.server.top(mail), self.server.listed(mail)));
        Name {
            unique_id,
            header,
            is_number: self.server.names == Names::Numbers,
        }
    }

    fn unique_id(&self, mail: &Mail, index: usize) -> Option<String> {
        match self.server.names {
            Names::UniqueIds | Names::Reused => Some(mail.unique_id.clone()),
            Names::Numbers => Some((index + 1).to_string()),
            Names::Nothing => None,
        }
    }

    fn retrieve(&mut self, index: usize) -> Vec<u8> {
        let number = self.messages[index].number;
        {
            let mut inside = self.world.lock();
            inside.maildrop.asked.retr += 1;
            let there = |other: &&mut Mail| other.number == number;
            if let Some(mail) = inside.maildrop.messages.iter_mut().find(there) {
                mail.is_asked = true;
                if self.mischief == Mischief::RefusesMessages && mail.refusals > 0 {
                    mail.refusals -= 1;
                    return b"-ERR it is being looked for\r\n".to_vec();
                }
            }
        }
        if self.mischief == Mischief::RefusesForNow && self.random.once_in(2) {
            return b"-ERR [SYS/TEMP] try again later\r\n".to_vec();
        }
        self.fetched[index] = true;
        let Body { text, whole } = self.body(index);
        if !matches!(self.mischief, Mischief::CutWithin(at) | Mischief::AnswerLost(at) if at + 1 == self.commands)
        {
            let asked = &self.messages[index];
            let name = self.name(asked, index);
            self.world.lock().maildrop.given.record(Giving {
                asked,
                name,
                whole: whole.map(|index| &self.messages[index]),
                text: &text,
            });
        }
        [b"+OK\r\n", &*text, b".\r\n"].concat()
    }

    /// What comes for the message at this index.
    fn body(&mut self, index: usize) -> Body {
        let instead = match self.mischief {
            Mischief::Gives(instead @ (Instead::TheNext | Instead::TheFirst)) => Some(instead),
            Mischief::Gives(instead) => self.random.once_in(3).then_some(instead),
            _ => None,
        };
        let index = match instead {
            Some(Instead::TheNext) => (index + 1).min(self.messages.len() - 1),
            Some(Instead::TheFirst) => 0,
            _ => index,
        };
        let is_listed = self.mischief != Mischief::Refuses("LIST");
        let mail = &self.messages[index];
        let text = self.server.given(mail, &mut self.random);
        let left = match instead {
            Some(Instead::Nothing) => Some(Vec::new()),
            Some(Instead::ErrorText) => Some(b"-ERR temporary failure, try later\r\n".to_vec()),
            Some(Instead::Beginning) => {
                let mut attempts = (0..8).map(|_| self.random.below(text.len()));
                attempts.find_map(|at| self.server.cut(mail, &text, at, is_listed))
            }
            _ if self.world.lock().maildrop.mischief_in > 0 => {
                (self.server.cuts_at).and_then(|at| self.server.cut(mail, &text, at, is_listed))
            }
            _ => None,
        };
        match left {
            Some(text) => Body { text, whole: None },
            None => Body {
                text,
                whole: Some(index),
            },
        }
    }

    fn mark(&mut self, number: usize, index: usize) -> Vec<u8> {
        let mut inside = self.world.lock();
        inside.maildrop.asked.dele += 1;
        self.dele.push(number);
        if inside.sabotage != Some(Sabotage::AscendingDeletions) {
            self.deleted.push(index);
            if self.server.renumbers {
                self.numbered.retain(|&other| other != index);
            }
        }
        b"+OK\r\n".to_vec()
    }

    fn unmark(&mut self) {
        self.deleted.clear();
        self.dele.clear();
        self.numbered = (0..self.messages.len()).collect();
    }

    /// As if DELE had come for the lowest number first.
    fn mark_ascending(&mut self) {
        self.dele.sort_unstable();
        for number in std::mem::take(&mut self.dele) {
            if let Some(index) = self.index(number) {
                self.deleted.push(index);
                if self.server.renumbers {
                    self.numbered.retain(|&other| other != index);
                }
            }
        }
    }

    fn quit(&mut self) -> Vec<u8> {
        self.has_quit = true;
        if self.world.lock().sabotage == Some(Sabotage::AscendingDeletions) {
            self.mark_ascending();
        }
        match self.mischief {
            Mischief::QuitUnanswered { is_obeyed: false } => {}
            Mischief::QuitInPart => {
                self.deleted.retain(|_| self.random.once_in(2));
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
        let most = match self.server.obeys {
            Obeys::All => usize::MAX,
            Obeys::First(most) => most,
            Obeys::Nothing => 0,
        };
        let all_fetched = is_whole && self.server.deletes_fetched;
        let marked = &self.deleted[..self.deleted.len().min(most)];
        for (index, mail) in self.messages.iter().enumerate() {
            if marked.contains(&index) || all_fetched && self.fetched[index] {
                inside.delete(mail);
            } else if is_whole && self.deleted.contains(&index) {
                let messages = &mut inside.maildrop.messages;
                let there = messages
                    .iter_mut()
                    .find(|other| other.number == mail.number);
                there.into_iter().for_each(|mail| mail.is_denied = true);
            }
        }
    }

    /// The connection has ended.
    fn end(&self) {
        let mut inside = self.world.lock();
        let is_sabotaged = inside.sabotage == Some(Sabotage::AlwaysQuit);
        for (mail, fetched) in self.messages.iter().zip(&self.fetched) {
            let there = |other: &&mut Mail| other.number == mail.number;
            if let Some(mail) = inside.maildrop.messages.iter_mut().find(there) {
                mail.is_read |= fetched;
            }
        }
        drop(inside);
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
