//! A session without its sockets, for `fuzz/` to try at random.

use std::sync::Arc;

use crate::account::{Account, Peer};
use crate::input::{Input, Taken};
use crate::mailbox::Mailbox;
use crate::misbehave::Misbehaviours;
use crate::response::{Next, Response};
use crate::session::{EXCHANGE_OCTETS, Session};
use crate::settings::Settings;

/// What a client is told that sends these octets, answer by answer and the greeting first, by a
/// server where `a` with the password `b` has three messages. `cut` says how many octets arrive at
/// once, of so many that are on their way.
///
/// # Panics
/// When a message cannot be read, or more is kept of what arrived than a line can be.
pub fn answers(mut octets: &[u8], cut: &mut dyn FnMut(usize) -> usize) -> Vec<Vec<u8>> {
    let mut session = session();
    let mut input = Input::default();
    let (greeting, _) = said(session.greeting());
    let mut answers = vec![greeting];
    loop {
        let response = match input.take_line(session.line_limit()) {
            Taken::Line(line) => session.line(&line),
            Taken::TooLong => Response::err("line too long"),
            Taken::Nothing if octets.is_empty() => return answers,
            Taken::Nothing => {
                let (now, later) = octets.split_at(cut(octets.len()));
                let arrived = input.fill(|buffer| {
                    buffer[..now.len()].copy_from_slice(now);
                    Ok(now.len())
                });
                assert_eq!(arrived.expect("nothing that fails"), now);
                assert!(input.waiting() < EXCHANGE_OCTETS + now.len());
                octets = later;
                continue;
            }
        };
        let (answer, next) = said(response);
        answers.push(answer);
        if next != Next::Line {
            return answers;
        }
    }
}

fn session() -> Session {
    let mut settings = Settings {
        allow_rpop: true,
        external: Some("a".to_owned()),
        anonymous: Some("a".to_owned()),
        ..Settings::default()
    };
    let messages = ["Subject: x\n\n.\n..\n.x\n", "", "\n\n8-bit: \u{e9}\nno end"];
    let mailbox = Mailbox::messages(messages);
    let account = Account::new("a".to_owned(), b"b".to_vec(), mailbox);
    settings.accounts.insert(account);
    settings.accounts.insert_token("a", "t");
    let misbehaviours = Arc::new(Misbehaviours::default());
    Session::new(Arc::new(settings), misbehaviours, Arc::new(Present), 1)
}

/// A response as it goes over the wire, and what follows.
fn said(response: Response) -> (Vec<u8>, Next) {
    let mut octets = response.status;
    if let Some(mut body) = response.body {
        while body
            .fill(&mut octets, usize::MAX)
            .expect("messages in memory")
        {}
    }
    (octets, response.next)
}

struct Present;

impl Peer for Present {
    fn is_gone(&self) -> bool {
        false
    }
}
