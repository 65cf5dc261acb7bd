//! Message bodies: unstuffing by itself, and a pipelined batch through a whole connection.

use poplib_proto::command::Retr;
use poplib_proto::connection::BodyStep;
use poplib_proto::wire::unstuff::{Decoded, LineEnd, Unstuff};
use poplib_proto::{Connection, Exchange, Limits, Pipeline, Planned, State, Step, Want, Window};

use crate::Case;

const OCTETS: usize = 1 << 20;
/// What a read brings.
const PIECE: usize = 64 * 1024;

/// A line of text.
pub(crate) const TEXT: &[u8] =
    b"The quick brown fox jumps over the lazy dog, and then it does so again.\r\n";

pub(crate) fn cases() -> Vec<Case> {
    let text = lines(TEXT);
    let base64 = lines(&[&[b'A'; 76][..], b"\r\n"].concat());
    let dots = lines(b"..\r\n");
    let endless = vec![b'x'; OCTETS];
    let pass = text.clone();
    vec![
        Case::new("one pass of memchr over text", pass.len(), move || {
            memchr::memchr(0, &pass).map_or(0, |found| found as u64)
        }),
        unstuffing("unstuff text", text),
        unstuffing("unstuff base64", base64),
        unstuffing("unstuff all dots", dots),
        unstuffing("unstuff without a line end", endless),
        batch("fetch 256 messages of 4 KiB in a window", 256, 4096),
    ]
}

pub(crate) fn lines(line: &[u8]) -> Vec<u8> {
    line.repeat(OCTETS / line.len())
}

fn unstuffing(name: &'static str, body: Vec<u8>) -> Case {
    Case::new(name, body.len(), move || {
        let mut unstuff = Unstuff::new(LineEnd::Crlf);
        let mut content = 0;
        for mut piece in body.chunks(PIECE) {
            while let Decoded::Run { run, consumed } = unstuff.decode(piece) {
                content += run.len() as u64;
                piece = &piece[consumed..];
            }
        }
        content
    })
}

fn batch(name: &'static str, messages: u32, octets: usize) -> Case {
    let mut answer = b"+OK message follows\r\nSubject: text\r\n\r\n".to_vec();
    answer.extend(TEXT.repeat(octets / TEXT.len()));
    answer.extend(b".\r\n");
    let wire = answer.repeat(messages as usize);
    Case::new(name, wire.len(), move || fetch(messages, &wire))
}

/// Content octets of a batch whose answers are in memory.
fn fetch(messages: u32, mut wire: &[u8]) -> u64 {
    let mut connection = Connection::adopted(Limits::default(), State::Transaction, true);
    let planned = (1..=messages).map(|number| Planned {
        number,
        command: Retr::new(number),
        octets: 4096,
    });
    let mut pipeline = Pipeline::new(planned, Window::default());
    let mut content = 0;
    loop {
        match pipeline.resume(&mut connection).expect("a good server") {
            Step::Done(Some((_, body))) => {
                let ticket = body.expect("a message").ticket;
                loop {
                    match connection.advance_body(ticket).expect("a good server") {
                        BodyStep::Run => content += connection.run().len() as u64,
                        BodyStep::Read => read(&mut connection, &mut wire),
                        BodyStep::End => break,
                    }
                }
            }
            Step::Done(None) => return content,
            Step::Want(Want::Read) => read(&mut connection, &mut wire),
            Step::Want(Want::Write) => connection.sent(connection.to_send().len()),
            Step::StartTls => unreachable!("nobody asked for TLS"),
        }
    }
}

pub(crate) fn read(connection: &mut Connection, wire: &mut &[u8]) {
    connection.sent(connection.to_send().len());
    let space = connection.space();
    let octets = space.len().min(wire.len());
    space[..octets].copy_from_slice(&wire[..octets]);
    *wire = &wire[octets..];
    connection.received(octets);
}
