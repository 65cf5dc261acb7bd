//! How much memory an answer without end can take, under the limits that hold by default. A
//! binary of its own: what is measured is the peak of the whole process.
#![cfg(target_os = "linux")]

use std::fs;

use poplib_proto::command::{Capa, CustomLines, Greeting, LangList, List, Pass, Uidl, User};
use poplib_proto::error::Misbehaviour;
use poplib_proto::{Call, Connection, Error, Exchange, Limits, Secret, Step, Want};

/// What a listing of a million messages may take.
const MOST: usize = 256 << 20;

/// Resumes on `head`, and `tail` again and again.
fn drive<E: Exchange>(
    connection: &mut Connection,
    mut exchange: E,
    head: &[u8],
    tail: &[u8],
) -> Result<E::Output, Error> {
    let block = tail.repeat(1000);
    let mut rest = head;
    loop {
        match exchange.resume(connection)? {
            Step::Want(Want::Write) => connection.sent(connection.to_send().len()),
            Step::Want(Want::Read) => {
                let space = connection.space();
                let octets = rest.len().min(space.len());
                space[..octets].copy_from_slice(&rest[..octets]);
                connection.received(octets);
                rest = if octets < rest.len() {
                    &rest[octets..]
                } else {
                    &block
                };
            }
            Step::StartTls => unreachable!("no command here needs TLS"),
            Step::Done(output) => return Ok(output),
        }
    }
}

/// The most that was ever resident, in octets.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.expect("a peak").parse::<usize>().expect("kB") << 10
}

fn transaction() -> Connection {
    let mut connection = Connection::new(Limits::default());
    connection.allow_plaintext_credentials();
    drive(&mut connection, Greeting::new(), b"+OK\r\n", b"").expect("a greeting");
    drive(
        &mut connection,
        Call::new(User::new(b"me")),
        b"+OK\r\n",
        b"",
    )
    .expect("+OK");
    let pass = Pass::new(Secret::from("secret"));
    drive(&mut connection, Call::new(pass), b"+OK\r\n", b"").expect("+OK");
    connection
}

fn endless<E: Exchange>(name: &str, exchange: E, tail: &[u8]) {
    let outcome = drive(&mut transaction(), exchange, b"+OK\r\n", tail);
    let error = outcome.err().expect("an endless answer has no end");
    let how = Misbehaviour::AnswerTooLong;
    assert!(
        matches!(&error, Error::Misbehaved(it) if it.how == how),
        "{name}: {error}"
    );
    let peak = peak();
    assert!(peak < MOST, "{name}: {} MiB", peak >> 20);
    println!("{name}: {} MiB so far", peak >> 20);
}

#[test]
fn a07_endless_answers_take_bounded_memory() {
    let before = peak();
    endless("CAPA", Call::new(Capa), b"\n");
    endless("LANG", Call::new(LangList), b"a\n");
    assert!(
        peak() - before < 16 << 20,
        "the server's own lists are small"
    );
    endless("LIST", Call::new(List), b"1 1\n");
    let unique_id = [b"1 ", &[b'x'; 70][..], b"\r\n"].concat();
    endless("UIDL", Call::new(Uidl), &unique_id);
    endless("lines", Call::new(CustomLines::new("X")), b"x\n");
}
