//! Servers at random: nothing panics, nothing goes round in circles, and how the octets are cut
//! makes no difference.

use poplib_proto::Step;
use poplib_proto::Want;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::calls::{self, AnyCall, Outcome, describe};
use crate::support::drive::drive_with;
use crate::support::peer::{Pace, Peer, Turn};
use crate::support::scenario::{limits, transaction};
use crate::support::script::{Deed, LineEnd, Script};
use crate::transcripts::TRANSCRIPTS;

/// What a mutation puts in.
const PIECES: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    ".",
    "..",
    "\r\n.\r\n",
    "\n.\n",
    ".\r\n",
    "+OK",
    "-ERR",
    "+ERR",
    "+ ",
    "+",
    " ",
    "\0",
    "+OK\r\n",
    "-ERR [IN-USE] x\r\n",
    "1 1\r\n",
    "99999999999999999999",
    "<",
    "[",
    "]",
    "\u{16}\u{3}",
    "* OK\r\n",
    "+ Zm9v\r\n",
];

#[derive(Clone, Debug)]
enum Mutation {
    Insert(Index, &'static str),
    Overwrite(Index, u8),
    Remove(Index, usize),
    Repeat(Index, usize),
    Truncate(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    use Mutation::{Insert, Overwrite, Remove, Repeat, Truncate};
    prop_oneof![
        4 => (any::<Index>(), select(PIECES)).prop_map(|(at, piece)| Insert(at, piece)),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, octet)| Overwrite(at, octet)),
        2 => (any::<Index>(), 1..40usize).prop_map(|(at, count)| Remove(at, count)),
        1 => (any::<Index>(), 1..4000usize).prop_map(|(at, count)| Repeat(at, count)),
        1 => any::<Index>().prop_map(Truncate),
    ]
}

fn mutate(octets: &mut Vec<u8>, mutations: &[Mutation]) {
    for mutation in mutations {
        let end = octets.len();
        match *mutation {
            Mutation::Insert(at, piece) => {
                let at = at.index(end + 1);
                octets.splice(at..at, piece.bytes());
            }
            Mutation::Overwrite(at, octet) if end > 0 => octets[at.index(end)] = octet,
            Mutation::Remove(at, count) => {
                let at = at.index(end + 1);
                octets.drain(at..(at + count).min(end));
            }
            Mutation::Repeat(at, count) if end > 0 => {
                let at = at.index(end);
                let octet = octets[at];
                octets.splice(at..at, std::iter::repeat_n(octet, count));
            }
            Mutation::Truncate(at) => octets.truncate(at.index(end + 1)),
            Mutation::Overwrite(..) | Mutation::Repeat(..) => {}
        }
    }
}

fn pace() -> impl Strategy<Value = Pace> {
    prop_oneof![
        Just(Pace::Whole),
        Just(Pace::Pieces(1)),
        (2..100usize).prop_map(Pace::Pieces),
        (0..500usize).prop_map(Pace::Split),
    ]
}

/// Does everything that the client of a transcript does, whatever comes of it.
fn play(script: &Script, wire: &[u8], pace: Pace) {
    let mut connection = script.connection();
    let mut peer = Peer::lenient(wire, pace);
    let mut submitted = std::collections::VecDeque::new();
    let room = connection.limits().buffer;
    for act in &script.acts {
        let mut call = match &act.deed {
            Deed::Call(name) => calls::parse(name),
            Deed::Submit(name) => {
                let mut call = calls::parse(name);
                let _ = call.submit(&mut connection);
                submitted.push_back(call);
                continue;
            }
            Deed::Resume => submitted.pop_front().expect("a submitted call"),
            Deed::Drop => {
                submitted.pop_front();
                continue;
            }
            Deed::Expect(_) => continue,
        };
        let was_given_up = connection.poisoned().is_some();
        let outcome = drive_with(&mut connection, &mut peer, |it| call.resume(it));
        assert!(
            !(was_given_up && outcome.is_ok()),
            "{outcome:?} of a dead connection"
        );
        assert!(connection.space().len() <= room);
    }
}

/// Commands, and answers that fit or do not.
const BATCH: &[&str] = &[
    "stat",
    "list",
    "list 1",
    "uidl",
    "uidl 1",
    "retr 1",
    "top 1 0",
    "dele 1",
    "noop",
    "rset",
    "capa",
    "lang",
    "lang en",
    "custom X",
    "custom-lines X",
    "custom-body X",
];

const ANSWERS: &[&str] = &[
    "+OK 1 7\r\n",
    "-ERR [SYS/TEMP] no\r\n",
    "+OK\r\n.\r\n",
    "+OK\r\n1 7\r\n2 8\r\n.\r\n",
    "+OK\r\nSubject: x\r\n\r\n..\r\n..x\r\n.\r\n",
    "+OK\n1 7\n..\n.\n",
    "+OK\r\n1 7\n.\r\n\n.\n.x\r\n.\r\n",
    "+OK 1 \r\n\r\n.\r\n",
];

fn wire() -> impl Strategy<Value = Vec<u8>> {
    let answers = vec(select(ANSWERS), 0..10).prop_map(|it| it.concat().into_bytes());
    (answers, vec(mutation(), 0..4)).prop_map(|(mut wire, mutations)| {
        mutate(&mut wire, &mutations);
        wire
    })
}

/// What each of a batch comes to, all of it on its way before the first octet comes. Those that
/// `heard` leaves out are dropped.
fn batch(names: &[&str], heard: &[bool], wire: &[u8], pace: Pace) -> Vec<Result<Outcome, String>> {
    let mut connection = transaction(limits());
    let turns = [Turn::Server(wire.to_vec())];
    let mut peer = Peer::new(turns, pace);
    let mut submitted: Vec<Box<dyn AnyCall>> = Vec::new();
    for name in names {
        let mut call = calls::parse(name);
        call.submit(&mut connection).expect("a connection in order");
        submitted.push(call);
    }
    connection.sent(usize::MAX);
    let mut outcomes = Vec::new();
    for (call, heard) in submitted.iter_mut().zip(heard) {
        if !heard {
            continue;
        }
        let outcome = drive_with(&mut connection, &mut peer, |it| {
            let step = call.resume(it);
            assert!(!matches!(
                step,
                Ok(Step::Want(Want::Write) | Step::StartTls)
            ));
            step
        });
        outcomes.push(outcome.map_err(|error| describe(&error)));
    }
    outcomes
}

fn is_fatal(outcome: &Result<Outcome, String>) -> bool {
    outcome.as_ref().is_err_and(|failure| {
        let misbehaved = failure.starts_with("misbehaved") && !failure.contains("MalformedReply");
        let broken = ["closed", "poisoned", "pipeline broken"];
        misbehaved || broken.iter().any(|how| failure.starts_with(how))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a07_mutated_conversations_never_panic_or_go_round_in_circles(
        which: Index,
        lf: bool,
        mutations in vec(mutation(), 0..6),
        pace in pace(),
    ) {
        let (_, text) = TRANSCRIPTS[which.index(TRANSCRIPTS.len())];
        let line_end = if lf { LineEnd::Lf } else { LineEnd::Crlf };
        let script = Script::parse(text, line_end);
        let mut wire = Vec::new();
        for turn in &script.turns {
            if let Turn::Server(octets) = turn {
                wire.extend_from_slice(octets);
            }
        }
        mutate(&mut wire, &mutations);
        play(&script, &wire, pace);
    }

    #[test]
    fn the_cuts_of_the_stream_make_no_difference(
        names in vec(select(BATCH), 1..8),
        wire in wire(),
        pace in pace(),
    ) {
        let heard = vec![true; names.len()];
        let whole = batch(&names, &heard, &wire, Pace::Whole);
        prop_assert_eq!(batch(&names, &heard, &wire, pace), whole.clone());
        prop_assert_eq!(batch(&names, &heard, &wire, Pace::Pieces(1)), whole);
    }

    #[test]
    fn dropping_calls_does_not_change_what_the_others_come_to(
        calls in vec((select(BATCH), any::<bool>()), 1..8),
        wire in wire(),
        pace in pace(),
    ) {
        let (names, heard): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        let all = vec![true; names.len()];
        let full = batch(&names, &all, &wire, Pace::Whole);
        // Behind what gives the connection up nothing is promised: a call that nobody hears has
        // no limits, for what it skips is not kept.
        let in_order = full.iter().take_while(|outcome| !is_fatal(outcome)).count();
        let expected = full.into_iter().take(in_order).zip(&heard);
        let expected: Vec<_> = expected.filter(|(_, heard)| **heard).map(|it| it.0).collect();
        let some = batch(&names, &heard, &wire, pace);
        prop_assert_eq!(&some[..expected.len()], &expected[..]);
    }
}
