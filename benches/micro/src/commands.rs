//! Command lines, status lines, listings.

use std::fmt::Write as _;

use poplib_proto::command::{List, Uidl};
use poplib_proto::wire::line::{CommandLine, Verb};
use poplib_proto::wire::reply::Status;
use poplib_proto::{Call, Connection, Exchange, Limits, State, Step, Want};

use crate::Case;
use crate::bodies::read;

const MESSAGES: u32 = 1_000_000;

pub(crate) fn cases() -> Vec<Case> {
    let list = answer(|text, number| writeln!(text, "{number} {}\r", 1000 + number));
    let uidl = answer(|text, number| writeln!(text, "{number} {number:016x}\r"));
    let replies = [
        "+OK",
        "+OK 120 octets",
        "-ERR [SYS/TEMP] try again later",
        "-ERR no such message",
    ];
    vec![
        Case::new("write 1,000 commands", 0, || {
            (1..=1_000)
                .map(|number| {
                    let line = CommandLine::new(Verb::of_line("RETR")).number(number);
                    line.map_or(0, |line| line.as_bytes().len() as u64)
                })
                .sum()
        }),
        Case::new("read 1,000 status lines", 0, move || {
            (replies.iter().cycle().take(1_000))
                .filter_map(|line| Status::parse(line.as_bytes()))
                .map(|status| u64::from(status.to_reply().code().is_some()))
                .sum()
        }),
        Case::new("read a LIST of 1,000,000", list.len(), move || {
            complete(Call::new(List), &list).scans().len() as u64
        }),
        Case::new("read a UIDL of 1,000,000", uidl.len(), move || {
            complete(Call::new(Uidl), &uidl).len() as u64
        }),
    ]
}

fn answer(line: impl Fn(&mut String, u32) -> std::fmt::Result) -> Vec<u8> {
    let mut text = String::from("+OK\r\n");
    for number in 1..=MESSAGES {
        line(&mut text, number).expect("a String takes everything");
    }
    text.push_str(".\r\n");
    text.into_bytes()
}

/// Runs an exchange whose answers are in memory.
fn complete<E: Exchange>(mut exchange: E, mut wire: &[u8]) -> E::Output {
    let mut connection = Connection::adopted(Limits::default(), State::Transaction, true);
    loop {
        match exchange.resume(&mut connection).expect("a good server") {
            Step::Done(output) => return output,
            Step::Want(Want::Read | Want::Write) => read(&mut connection, &mut wire),
            Step::StartTls => unreachable!("nobody asked for TLS"),
        }
    }
}
