//! Answers as somebody reads them who has the RFC before them and no thought for speed: the judge of
//! the client's own reading.

use poplib_proto::{Connection, Exchange, Limits, State};

use crate::peer::Peer;

/// The lines of `input`. None is long enough to be refused.
pub(crate) fn lines(input: &[u8]) -> Vec<&[u8]> {
    input
        .split(|octet| *octet == b'\n')
        .map(|line| &line[..line.len().min(400)])
        .collect()
}

pub(crate) fn words(line: &[u8]) -> Vec<&[u8]> {
    line.split(|octet| b" \t\r\n\x0c".contains(octet))
        .filter(|word| !word.is_empty())
        .collect()
}

pub(crate) fn number(word: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(word).ok()?;
    let digits = !text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

pub(crate) fn message_number(word: &[u8]) -> Option<u32> {
    number(word).and_then(|number| number.try_into().ok())
}

/// What a client makes of these lines as the answer to its command, which the server sends stuffed
/// and ended as RFC 1939 has it.
pub(crate) fn answer_of_lines<E: Exchange>(exchange: E, lines: &[&[u8]]) -> E::Output {
    let mut wire = b"+OK\r\n".to_vec();
    for line in lines {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    answer(exchange, &wire).expect("an answer in its right form")
}

pub(crate) fn answer<E: Exchange>(
    exchange: E,
    wire: &[u8],
) -> Result<E::Output, poplib_proto::Error> {
    let mut limits = Limits::default();
    // Whatever fits into an input of the fuzzer fits here.
    limits.capability_octets = limits.listing_octets;
    let mut peer = Peer {
        connection: Connection::adopted(limits, State::Transaction, true),
        wire,
        cut: &mut |left| left,
    };
    peer.drive(exchange)
}
