//! Calls that are dropped before their answer has been heard. The connection goes on, with the
//! right answer to the next call, or is poisoned; it is never confused (invariant 9).

use poplib_proto::command::{Retr, Survey};
use poplib_proto::error::Misuse;
use poplib_proto::{Connection, Error, Exchange, Pipeline, Planned, Step, Want, Window};

use crate::support::calls::{self, Outcome};
use crate::support::drive::drive_with;
use crate::support::peer::{Pace, Peer};
use crate::support::scenario::{authorization, limits, transaction};

const LINE: &[&str] = &["+OK 1 7\r\n", "-ERR 1 7\r\n"];

/// Lines that look like answers, dots, and a refusal.
const LINES: &[&str] = &[
    "+OK\r\n1 7\r\n..\r\n+OK 9 9\r\n.x\r\n-ERR\r\n\r\n.\r\n",
    "+OK\r\n.\r\n",
    "+OK\r\n1 bare\n.\r\n+OK 9 9\r\n.\r\n",
    "-ERR 1 7\r\n",
];

/// The same where -ERR in a listing ends the session.
const LISTING: &[&str] = &[
    "+OK\r\n+OK 9 9\r\n1 7\r\n..\r\n.x\r\n\r\n.\r\n",
    LINES[1],
    LINES[3],
];

/// What follows the dropped call, and what it must come to.
const NEXT: &str = "+OK 17 the next answer\r\n";

fn facts(fact: &str) -> Result<Outcome, Error> {
    Ok(Outcome {
        facts: vec![fact.into()],
        content: None,
    })
}

/// Resumes an exchange until it wants what comes behind `had`; whether it came to its end, which
/// `resume` tells with `None`.
fn starve(
    connection: &mut Connection,
    had: &[u8],
    piece: usize,
    mut resume: impl FnMut(&mut Connection) -> Option<Want>,
) -> bool {
    let mut pieces = had.chunks(piece);
    loop {
        match resume(connection) {
            Some(Want::Write) => connection.sent(connection.to_send().len()),
            Some(Want::Read) => {
                let Some(piece) = pieces.next() else {
                    return false;
                };
                connection.space()[..piece.len()].copy_from_slice(piece);
                connection.received(piece.len());
            }
            None => return true,
        }
    }
}

/// Drops a call behind `had`; whether it came to its end before.
fn drop_behind(connection: &mut Connection, name: &str, had: &[u8], piece: usize) -> bool {
    let mut call = calls::parse(name);
    let mut upgrade = false;
    let done = starve(connection, had, piece, |it| match call.resume(it) {
        Ok(Step::Want(want)) => Some(want),
        Ok(Step::StartTls) => {
            upgrade = true;
            None
        }
        Ok(Step::Done(_)) | Err(_) => None,
    });
    done && !upgrade
}

/// Two more calls, which the rest of the dropped one's answer must not disturb.
fn assert_goes_on(connection: &mut Connection, rest: &[u8], pace: Pace, place: &str) {
    let turns = [rest, NEXT.as_bytes(), b"+OK\r\nlast\r\n.\r\n"].concat();
    let mut peer = Peer::lenient(&turns, pace);
    // Both are on their way before an answer is looked at, so that none comes unasked.
    let mut next = calls::parse("custom NEXT");
    let mut last = calls::parse("custom-lines LAST");
    next.submit(connection).expect("a connection in order");
    last.submit(connection).expect("a connection in order");
    let outcome = drive_with(connection, &mut peer, |it| next.resume(it));
    assert_eq!(outcome, facts("+OK 17 the next answer"), "{place}");
    let outcome = drive_with(connection, &mut peer, |it| last.resume(it));
    let lines = outcome.map(|outcome| outcome.facts);
    assert_eq!(lines, Ok(vec!["+OK".into(), "last".into()]), "{place}");
    assert_eq!(connection.in_flight(), 0);
}

fn assert_given_up(connection: &mut Connection, place: &str) {
    let mut next = calls::parse("custom NEXT");
    let error = next.resume(connection).expect_err(place);
    let Error::Poisoned(cause) = &error else {
        panic!("{place}: {error}")
    };
    assert!(
        matches!(**cause, Error::Misuse(Misuse::Abandoned { .. })),
        "{place}: {error}"
    );
    assert_eq!(connection.to_send(), b"", "{place}");
    assert!(!connection.is_usable());
}

/// Drops a call behind every octet of its answers, which come in pieces of every kind.
fn drop_everywhere(begin: fn() -> Connection, name: &str, answers: &[&str], is_decisive: bool) {
    for answer in answers {
        for answer in [answer.to_string(), answer.replace("\r\n", "\n")] {
            let answer = answer.as_bytes();
            for at in 0..=answer.len() {
                for (piece, pace) in [(answer.len(), Pace::Whole), (1, Pace::Pieces(1))] {
                    let place = format!("{name} dropped behind octet {at}, {pace:?}");
                    let mut connection = begin();
                    let done = drop_behind(&mut connection, name, &answer[..at], piece);
                    if done || !is_decisive {
                        assert_goes_on(&mut connection, &answer[at..], pace, &place);
                    } else {
                        assert_given_up(&mut connection, &place);
                    }
                }
            }
        }
    }
}

#[test]
fn dropped_commands_with_one_line_for_an_answer_are_skipped() {
    let begin = || transaction(limits());
    for name in [
        "stat", "list 1", "uidl 1", "dele 1", "noop", "rset", "lang es", "custom X",
    ] {
        drop_everywhere(begin, name, LINE, false);
    }
    for name in ["user me", "lang es", "custom X"] {
        drop_everywhere(|| authorization(limits()), name, LINE, false);
    }
}

#[test]
fn dropped_commands_with_a_list_for_an_answer_are_skipped() {
    let begin = || transaction(limits());
    for name in ["list", "uidl", "capa", "lang"] {
        drop_everywhere(begin, name, LISTING, false);
    }
    drop_everywhere(begin, "custom-lines X", &LINES[..2], false);
    drop_everywhere(begin, "custom-lines X", &LINES[3..], false);
    for name in ["capa", "lang", "auth-list"] {
        drop_everywhere(|| authorization(limits()), name, &LISTING[..1], false);
    }
}

#[test]
fn dropped_commands_with_a_message_for_an_answer_are_skipped() {
    let begin = || transaction(limits());
    for name in ["retr 1", "top 1 0", "custom-body X"] {
        drop_everywhere(begin, name, &LINES[..2], false);
        drop_everywhere(begin, name, &LINES[3..], false);
    }
}

#[test]
fn q09_a_dropped_list_ends_where_it_would_have_ended() {
    // A bare LF among CRLF: with LF throughout it would end elsewhere.
    let answer = LINES[2].as_bytes();
    for name in ["uidl", "custom-lines X", "retr 1"] {
        for at in 0..=answer.len() {
            for (piece, pace) in [(answer.len(), Pace::Whole), (1, Pace::Pieces(1))] {
                let mut connection = transaction(limits());
                drop_behind(&mut connection, name, &answer[..at], piece);
                let place = format!("{name} dropped behind octet {at}");
                assert_goes_on(&mut connection, &answer[at..], pace, &place);
            }
        }
    }
}

#[test]
fn a_dropped_decisive_command_gives_the_connection_up() {
    for name in [
        "pass secret",
        "rpop me",
        "utf8",
        "apop me secret <1.2@example.org>",
        "auth PLAIN me secret",
    ] {
        drop_everywhere(|| authorization(limits()), name, LINE, true);
    }
    drop_everywhere(|| transaction(limits()), "quit", &LINE[1..], true);
    let challenges = ["+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n-ERR no\r\n"];
    for name in ["auth LOGIN me secret", "auth CRAM-MD5 me secret"] {
        drop_everywhere(|| authorization(limits()), name, &challenges, true);
    }
    drop_everywhere(|| authorization(limits()), "stls", LINE, true);
}

#[test]
fn a_call_that_was_sent_in_part_is_sent_to_its_end() {
    for name in ["retr 1", "dele 1", "list"] {
        let mut connection = transaction(limits());
        calls::parse(name).submit(&mut connection).unwrap();
        let line = connection.to_send().to_vec();
        for sent in 0..=line.len() {
            let mut connection = transaction(limits());
            let mut call = calls::parse(name);
            assert!(call.resume(&mut connection).is_ok());
            connection.sent(sent);
            drop(call);
            calls::parse("noop").submit(&mut connection).unwrap();
            let expected = [&line[sent..], b"NOOP\r\n"].concat();
            assert_eq!(connection.to_send(), expected, "{name} behind {sent}");
        }
    }
}

#[test]
fn a_dropped_batch_is_skipped() {
    let answers = "+OK\r\nfirst\r\n..\r\n.\r\n-ERR none\r\n+OK\r\n+OK 9 9\r\n.\r\n";
    for at in 0..=answers.len() {
        let planned = (1..=3).map(|number| Planned {
            number,
            command: Retr::new(number),
            octets: 100,
        });
        let mut connection = transaction(limits());
        let mut batch = Pipeline::new(planned, Window::default());
        let (had, rest) = answers.as_bytes().split_at(at);
        // The bodies are left unread, so that the batch skips what the caller dropped.
        starve(&mut connection, had, 64, |it| {
            loop {
                match batch.resume(it) {
                    Ok(Step::Done(Some(_))) => {}
                    Ok(Step::Want(want)) => return Some(want),
                    _ => return None,
                }
            }
        });
        drop(batch);
        assert_goes_on(
            &mut connection,
            rest,
            Pace::Whole,
            &format!("behind octet {at}"),
        );
    }
}

#[test]
fn a_dropped_survey_is_skipped() {
    let answers = "+OK\r\nTOP\r\n.\r\n+OK 1 7\r\n+OK\r\n1 a\r\n.\r\n-ERR no\r\n";
    for at in 0..answers.len() {
        let mut connection = transaction(limits());
        let mut survey = Survey::new(true);
        let (had, rest) = answers.as_bytes().split_at(at);
        let done = starve(&mut connection, had, 7, |it| match survey.resume(it) {
            Ok(Step::Want(want)) => Some(want),
            _ => None,
        });
        assert!(!done);
        drop(survey);
        assert_goes_on(
            &mut connection,
            rest,
            Pace::Whole,
            &format!("behind octet {at}"),
        );
    }
}
