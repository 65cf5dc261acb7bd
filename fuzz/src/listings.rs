//! STAT, LIST and UIDL (RFC 1939 §5, §7): of all messages, and of one.

use poplib_proto::Call;
use poplib_proto::command::{List, ListOne, Maildrop, Stat, Uidl, UidlOne};

use crate::plain::{self, words};

/// Each line is kept or counted as unreadable, says what a plain reading of it says, and says the
/// same where one message is asked about.
pub fn check(input: &[u8]) {
    let lines = plain::lines(input);
    list(&lines);
    uidl(&lines);
    for line in lines.iter().take(4) {
        one(line);
    }
}

/// A message's number and octets.
fn scan(line: &[u8]) -> Option<(u32, Option<u64>)> {
    let words = words(line);
    let octets = words.get(1).and_then(|word| plain::number(word));
    // The largest number there is stands for none.
    let octets = octets.filter(|octets| *octets != u64::MAX);
    Some((plain::message_number(words.first()?)?, octets))
}

fn list(lines: &[&[u8]]) {
    let listing = plain::answer_of_lines(Call::new(List), lines);
    let scans = listing.scans().iter();
    let scans = scans.map(|scan| (scan.number(), scan.octets()));
    assert!(scans.eq(lines.iter().filter_map(|line| scan(line))));
    let kept = listing.scans().len() + listing.unreadable();
    assert_eq!(kept, lines.len(), "a line was lost");
}

/// A message's number and unique-id, which may be of any octets but has no white space around it.
fn unique_id(line: &[u8]) -> Option<(u32, &[u8])> {
    let first = *words(line).first()?;
    let line = line.trim_ascii();
    Some((
        plain::message_number(first)?,
        line[first.len()..].trim_ascii(),
    ))
}

fn uidl(lines: &[&[u8]]) {
    let unique_ids = plain::answer_of_lines(Call::new(Uidl), lines);
    let kept = unique_ids.iter().map(|id| (id.number, id.uid));
    assert!(kept.eq(lines.iter().filter_map(|line| unique_id(line))));
    for id in unique_ids.iter() {
        let allowed = (b'!'..=b'~').collect::<Vec<u8>>();
        let is_good = id.uid.iter().all(|octet| allowed.contains(octet));
        let length = id.uid.len();
        assert_eq!(
            id.is_conformant(),
            is_good && (1..=70).contains(&length),
            "{id:?}"
        );
    }
    let kept = unique_ids.len() + unique_ids.unreadable();
    assert_eq!(kept, lines.len(), "a line was lost");
}

fn one(line: &[u8]) {
    let wire = [b"+OK ", line, b"\r\n"].concat();
    let maildrop = scan(line).map(|(messages, octets)| Maildrop {
        messages,
        // Here the largest number is one like any other.
        octets: words(line)
            .get(1)
            .and_then(|word| plain::number(word))
            .or(octets),
    });
    assert_eq!(plain::answer(Call::new(Stat), &wire).ok(), maildrop);
    let Some((number, octets)) = scan(line).filter(|(number, _)| *number > 0) else {
        return;
    };
    let scan = plain::answer(Call::new(ListOne::new(number)), &wire).expect("what was asked for");
    assert_eq!((scan.number(), scan.octets()), (number, octets));
    let other = number.checked_add(1).unwrap_or(1);
    let answer = plain::answer(Call::new(ListOne::new(other)), &wire);
    assert!(answer.is_err(), "the answer to another command");
    let uid = unique_id(line).map_or(&b""[..], |(_, uid)| uid);
    let answer = plain::answer(Call::new(UidlOne::new(number)), &wire);
    match uid {
        b"" => assert!(answer.is_err(), "no unique-id"),
        uid => assert_eq!(answer.as_deref(), Ok(uid)),
    }
}
