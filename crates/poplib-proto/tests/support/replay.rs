//! Replaying a transcript in every way its octets can arrive.

use std::collections::VecDeque;

use poplib_proto::{Connection, Error};

use crate::support::calls::{self, AnyCall, Outcome, describe};
use crate::support::drive::drive_with;
use crate::support::peer::{Pace, Peer};
use crate::support::script::{Act, Deed, LineEnd, Script};

/// Replays a transcript whole, with a cut at every point, octet by octet, with LF for CRLF where
/// its subject allows, and with the end of the stream at every octet.
pub(crate) fn replay_every_way(text: &str) {
    let given = Script::parse(text, LineEnd::Crlf).line_end;
    let line_ends: &[LineEnd] = match given {
        None => &[LineEnd::Crlf, LineEnd::Lf],
        Some(LineEnd::Crlf) => &[LineEnd::Crlf],
        Some(LineEnd::Lf) => &[LineEnd::Lf],
    };
    for &line_end in line_ends {
        let script = Script::parse(text, line_end);
        assert!(!script.acts.is_empty(), "nothing is called");
        replay(&script, Pace::Whole);
        replay(&script, Pace::Pieces(1));
        for at in 0..=script.served() {
            replay(&script, Pace::Split(at));
            replay(&script, Pace::Cut(at));
        }
    }
}

/// A replay at work.
struct Replay {
    connection: Connection,
    peer: Peer,
    submitted: VecDeque<Box<dyn AnyCall>>,
    cut: bool,
    over: bool,
}

fn replay(script: &Script, pace: Pace) {
    let mut replay = Replay {
        connection: script.connection(),
        peer: Peer::new(script.turns.clone(), pace),
        submitted: VecDeque::new(),
        cut: matches!(pace, Pace::Cut(_)),
        over: false,
    };
    for act in &script.acts {
        let place = || format!("line {}, {pace:?}", act.line);
        match replay.play(act) {
            Some(result) => replay.check(act, result, &place()),
            None => {
                if let Deed::Expect(what) = &act.deed {
                    replay.expect(what, &place());
                }
            }
        }
    }
    if !replay.cut {
        replay
            .peer
            .assert_done(replay.connection.poisoned().is_some());
    }
}

impl Replay {
    /// Does what is to be done; the result, if there is one.
    fn play(&mut self, act: &Act) -> Option<Result<Outcome, Error>> {
        let mut call = match &act.deed {
            Deed::Call(name) => calls::parse(name),
            Deed::Submit(name) => {
                let mut call = calls::parse(name);
                let submitted = call.submit(&mut self.connection);
                self.submitted.push_back(call);
                return submitted.err().map(Err);
            }
            Deed::Resume => self.submitted.pop_front().expect("a submitted call"),
            Deed::Drop => {
                self.submitted.pop_front().expect("a submitted call");
                return None;
            }
            Deed::Expect(_) => return None,
        };
        Some(drive_with(&mut self.connection, &mut self.peer, |it| {
            call.resume(it)
        }))
    }

    fn check(&mut self, act: &Act, result: Result<Outcome, Error>, place: &str) {
        match result {
            Ok(outcome) => {
                assert!(!self.over, "{place}: {outcome:?} behind the end");
                assert!(act.failures.is_empty(), "{place}: {outcome:?}");
                assert_eq!(outcome, act.outcome, "{place}");
            }
            Err(error) => {
                let failure = describe(&error);
                if self.over || act.failures.iter().any(|it| is_as(&failure, it)) {
                    return;
                }
                // The end of the stream must be told as such, or, behind a refusal that would have
                // led to another try, as what the server said last (Q17); and for good.
                self.over = self.cut && self.peer.has_ended();
                assert!(self.over, "{place}: {failure}\nnot {:?}", act.failures);
                assert!(
                    is_closed(&error) || error.refusal().is_some(),
                    "{place}: {failure}"
                );
                assert!(self.connection.poisoned().is_some(), "{place}");
            }
        }
    }

    fn expect(&self, what: &str, place: &str) {
        if self.over {
            return;
        }
        let connection = &self.connection;
        let held = match what {
            "capabilities known" => connection.capabilities().is_some(),
            "capabilities unknown" => connection.capabilities().is_none(),
            "utf8" => connection.is_utf8(),
            "poisoned" => connection.poisoned().is_some(),
            _ => what == format!("state {}", connection.state()),
        };
        assert!(held, "{place}: expected {what}, have {connection:?}");
    }
}

/// Whether a failure is as it is described; `…` stands for any end of it.
fn is_as(failure: &str, described: &str) -> bool {
    match described.strip_suffix('…') {
        Some(beginning) => failure.starts_with(beginning),
        None => failure == described,
    }
}

fn is_closed(error: &Error) -> bool {
    match error {
        Error::Closed(_) => true,
        Error::Poisoned(cause) | Error::PipelineBroken(cause) => is_closed(cause),
        _ => false,
    }
}
