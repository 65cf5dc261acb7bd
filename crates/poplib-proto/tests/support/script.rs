//! Transcripts: conversations as text.
//!
//! A line is one of these; the order of the `C:` and `S:` lines is that of the wire, and a call
//! stands before the lines that it sends.
//!
//! ```text
//! # text                   a comment: the RFC's section, or where the behaviour is documented
//! C: text                  the client must send this line, to the octet
//! S: text                  the server sends this line
//! handshake                both go over to TLS here
//! close                    the server closes the connection here
//! call NAME [ARGUMENT]     a call from its beginning to its end
//! submit NAME [ARGUMENT]   a call that is sent and whose answer is not waited for
//! resume                   the oldest such call to its end
//! drop                     the oldest such call is abandoned
//! gives text               a line of the outcome of the call or resume above
//! | text                   a line of the message that it gives
//! fails text               the error that it ends with; of several, any; `…` stands for its end
//! expect WHAT              state NAME, capabilities known, capabilities unknown, utf8, poisoned
//! ```
//!
//! At the beginning may stand `given login` (the conversation begins in the TRANSACTION state),
//! `given TLS` (from the first octet), `given plaintext` (credentials are allowed without TLS),
//! `given LIMIT NUMBER` (one of the limits by its name), `given lf` (the server ends its lines
//! with LF alone) and `given crlf` (the lines' ends are the subject, so that the transcript is
//! not replayed with LF). The escapes are those of Rust; `\b{text}` is the text in base64, and `\c`
//! at the end of an `S:` or `|` line leaves its line end out.

use poplib_proto::{Connection, Limits};

use crate::support::calls::Outcome;
use crate::support::peer::Turn;
use crate::support::scenario;
use crate::support::text::line;

/// How the server ends its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    Crlf,
    Lf,
}

/// A transcript.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// The conversation.
    pub(crate) turns: Vec<Turn>,
    /// What the client does.
    pub(crate) acts: Vec<Act>,
    /// `given lf` or `given crlf`.
    pub(crate) line_end: Option<LineEnd>,
    login: bool,
    tls: bool,
    plaintext: bool,
    limits: Vec<(String, usize)>,
}

/// Something the client does.
#[derive(Debug)]
pub(crate) struct Act {
    /// The line of the file it stands in.
    pub(crate) line: usize,
    /// What it does.
    pub(crate) deed: Deed,
    /// What it comes to.
    pub(crate) outcome: Outcome,
    /// The errors it may end with instead.
    pub(crate) failures: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Deed {
    Call(String),
    Submit(String),
    Resume,
    Drop,
    Expect(String),
}

impl Script {
    /// Reads a transcript whose server ends its lines with `line_end`.
    pub(crate) fn parse(text: &str, line_end: LineEnd) -> Self {
        let mut script = Self::default();
        let end: &[u8] = match line_end {
            LineEnd::Crlf => b"\r\n",
            LineEnd::Lf => b"\n",
        };
        for (at, text) in text.lines().enumerate() {
            let (keyword, rest) = text.split_once(' ').unwrap_or((text, ""));
            match keyword {
                "" | "#" => {}
                "C:" => script.speak(Turn::Client(line(rest, b"\r\n"))),
                "S:" => script.speak(Turn::Server(line(rest, end))),
                "handshake" => script.turns.push(Turn::Handshake),
                "close" => script.turns.push(Turn::Close),
                "given" => script.given(rest),
                "gives" => script.last().facts.push(rest.into()),
                "|" => {
                    let content = script.last().content.get_or_insert_default();
                    content.extend(line(rest, end));
                }
                "fails" => {
                    let act = script.acts.last_mut().expect("a call");
                    act.failures.push(rest.into());
                }
                _ => script.acts.push(Act::parse(at + 1, keyword, rest)),
            }
        }
        script
    }

    /// A connection in the state that the conversation begins in.
    pub(crate) fn connection(&self) -> Connection {
        let mut limits = scenario::limits();
        for (name, value) in &self.limits {
            set_limit(&mut limits, name, *value);
        }
        if self.login {
            return scenario::transaction(limits);
        }
        let mut connection = Connection::new(limits);
        if self.tls {
            connection.protect();
        }
        if self.plaintext {
            connection.allow_plaintext_credentials();
        }
        connection
    }

    /// Octets that the server sends.
    pub(crate) fn served(&self) -> usize {
        let served = self.turns.iter();
        let served = served.filter(|turn| matches!(turn, Turn::Server(_)));
        served.map(Turn::octets).sum()
    }

    fn given(&mut self, what: &str) {
        match what.split_once(' ') {
            None if what == "login" => self.login = true,
            None if what == "TLS" => self.tls = true,
            None if what == "plaintext" => self.plaintext = true,
            None if what == "lf" => self.line_end = Some(LineEnd::Lf),
            None if what == "crlf" => self.line_end = Some(LineEnd::Crlf),
            Some((name, value)) => {
                let value = value.parse().expect("a number");
                self.limits.push((name.into(), value));
            }
            None => panic!("nothing is given as {what:?}"),
        }
    }

    fn speak(&mut self, turn: Turn) {
        match (self.turns.last_mut(), turn) {
            (Some(Turn::Client(before)), Turn::Client(octets))
            | (Some(Turn::Server(before)), Turn::Server(octets)) => before.extend(octets),
            (_, turn) => self.turns.push(turn),
        }
    }

    fn last(&mut self) -> &mut Outcome {
        &mut self.acts.last_mut().expect("a call").outcome
    }
}

impl Act {
    fn parse(line: usize, keyword: &str, rest: &str) -> Self {
        let deed = match keyword {
            "call" => Deed::Call(rest.into()),
            "submit" => Deed::Submit(rest.into()),
            "resume" => Deed::Resume,
            "drop" => Deed::Drop,
            "expect" => Deed::Expect(rest.into()),
            _ => panic!("line {line}: {keyword:?} means nothing"),
        };
        Self {
            line,
            deed,
            outcome: Outcome::default(),
            failures: Vec::new(),
        }
    }
}

fn set_limit(limits: &mut Limits, name: &str, value: usize) {
    let limit = match name {
        "command_line" => &mut limits.command_line,
        "response_line" => &mut limits.response_line,
        "listing_octets" => &mut limits.listing_octets,
        "listing_lines" => &mut limits.listing_lines,
        "capability_octets" => &mut limits.capability_octets,
        "buffer" => &mut limits.buffer,
        _ => panic!("no limit is named {name:?}"),
    };
    *limit = value;
}
