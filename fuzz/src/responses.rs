//! The stream of a server's answers.

use poplib_proto::command::{Capa, Dele, List, Noop, Retr, Stat, Uidl};
use poplib_proto::connection::BodyStep;
use poplib_proto::{Call, Connection, Exchange, Limits, State};

use crate::peer::Peer;

/// Plays `input` to a client whose first octet chooses its commands, whole, octet by octet, and in
/// pieces of changing length.
pub fn check(input: &[u8]) {
    let Some((&choice, wire)) = input.split_first() else {
        return;
    };
    let whole = play(choice, wire, &mut |left| left);
    let octets = play(choice, wire, &mut |_| 1);
    assert_eq!(whole, octets, "octet by octet it means something else");
    let mut length = 1;
    let pieces = play(choice, wire, &mut |left| {
        length = length * 7 % 13 + 1;
        length.min(left)
    });
    assert_eq!(whole, pieces, "in pieces it means something else");
    let content: Vec<u8> = whole.bodies.concat();
    assert!(is_subsequence(&content, wire), "content that nobody sent");
}

/// What a client made of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    outputs: Vec<String>,
    bodies: Vec<Vec<u8>>,
}

fn play(choice: u8, wire: &[u8], cut: &mut dyn FnMut(usize) -> usize) -> Heard {
    let mut limits = Limits::default();
    limits.response_line = 128;
    limits.buffer = 256;
    limits.listing_lines = 64;
    let mut peer = Peer {
        connection: Connection::adopted(limits, State::Transaction, true),
        wire,
        cut,
    };
    // All are on their way before the first answer: what comes before its command is an error,
    // and when it comes depends on the cut.
    let mut asked: Vec<Asked> = (0..4)
        .map(|step| Asked::chosen(choice >> (2 * step), step))
        .collect();
    for asked in &mut asked {
        asked.submit(&mut peer.connection);
    }
    let mut heard = Heard::default();
    for asked in asked {
        if !peer.hear(&mut heard, asked) {
            break;
        }
    }
    heard
}

enum Asked {
    Noop(Call<Noop>),
    Stat(Call<Stat>),
    List(Call<List>),
    Uidl(Call<Uidl>),
    Capa(Call<Capa>),
    Dele(Call<Dele>),
    Retr(Call<Retr>),
}

impl Asked {
    fn chosen(choice: u8, step: u8) -> Self {
        match (choice & 3, step % 2) {
            (0, 0) => Self::Noop(Call::new(Noop)),
            (0, _) => Self::Stat(Call::new(Stat)),
            (1, 0) => Self::List(Call::new(List)),
            (1, _) => Self::Uidl(Call::new(Uidl)),
            (2, _) => Self::Retr(Call::new(Retr::new(1))),
            (_, 0) => Self::Capa(Call::new(Capa)),
            (_, _) => Self::Dele(Call::new(Dele::new(1))),
        }
    }

    fn submit(&mut self, connection: &mut Connection) {
        let submitted = match self {
            Self::Noop(call) => call.submit(connection),
            Self::Stat(call) => call.submit(connection),
            Self::List(call) => call.submit(connection),
            Self::Uidl(call) => call.submit(connection),
            Self::Capa(call) => call.submit(connection),
            Self::Dele(call) => call.submit(connection),
            Self::Retr(call) => call.submit(connection),
        };
        submitted.expect("a command in its state");
    }
}

impl Peer<'_> {
    fn hear(&mut self, heard: &mut Heard, asked: Asked) -> bool {
        match asked {
            Asked::Noop(call) => self.say(heard, call),
            Asked::Stat(call) => self.say(heard, call),
            Asked::List(call) => self.say(heard, call),
            Asked::Uidl(call) => self.say(heard, call),
            Asked::Capa(call) => self.say(heard, call),
            Asked::Dele(call) => self.say(heard, call),
            Asked::Retr(call) => self.body(heard, call),
        }
    }

    /// Whether the session can go on.
    fn say<E: Exchange<Output: std::fmt::Debug>>(
        &mut self,
        heard: &mut Heard,
        exchange: E,
    ) -> bool {
        let outcome = self.drive(exchange);
        heard.outputs.push(format!("{outcome:?}"));
        self.connection.is_usable()
    }

    fn body(&mut self, heard: &mut Heard, call: Call<Retr>) -> bool {
        let ticket = match self.drive(call) {
            Ok(start) => start.ticket,
            Err(error) => {
                heard.outputs.push(format!("{error:?}"));
                return self.connection.is_usable();
            }
        };
        let mut body = Vec::new();
        let end = loop {
            match self.connection.advance_body(ticket) {
                Ok(BodyStep::Run) => body.extend_from_slice(self.connection.run()),
                Ok(BodyStep::Read) => self.read(),
                Ok(BodyStep::End) => break "whole".to_owned(),
                Err(error) => break format!("{error:?}"),
            }
        };
        // A body that was cut off is not content: only its end has to be the same.
        if end == "whole" {
            heard.bodies.push(body);
        }
        heard.outputs.push(end);
        self.connection.is_usable()
    }
}

fn is_subsequence(part: &[u8], whole: &[u8]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|octet| rest.any(|other| other == octet))
}
