//! The wire trace, with the two levels of Python's poplib.

use super::*;
use crate::support::trace::{Ear, Level};

fn script() -> Script {
    Script::greeting("+OK ready\r\n")
        .on("USER me", "+OK\r\n")
        .on("PASS secret", "+OK in\r\n")
        .on("RETR 1", "+OK 9 octets\r\na\r\n..b\r\n.\r\n")
        .on("UIDL", "+OK\r\n1 \u{1b}[2J\r\n.\r\n")
        .on("QUIT", "+OK bye\r\n")
}

function! {
    fn a_session() {
        let (mut session, _) = go!(scripted_session(script()));
        let body = go!(session.retr(1)).unwrap();
        go!(body.collect()).unwrap();
        go!(session.uidl()).unwrap();
        go!(session.quit()).unwrap();
    }
}

behaviour! { debug_traces_one_line_a_request {
    let (ear, _guard) = Ear::new(Level::DEBUG);
    go!(a_session());
    assert_eq!(
        ear.wire(),
        [
            "request USER me",
            "request PASS (withheld)",
            "request RETR 1",
            "request UIDL",
            "request QUIT",
        ]
    );
}}

behaviour! { trace_traces_every_line_both_ways {
    let (ear, _guard) = Ear::new(Level::TRACE);
    go!(a_session());
    let wire = ear.wire();
    let lines: Vec<_> = wire.iter().filter(|line| !line.starts_with("request")).collect();
    assert_eq!(
        lines,
        [
            "S: +OK ready",
            "C: USER me",
            "S: +OK",
            "C: PASS (withheld)",
            "S: +OK in",
            "C: RETR 1",
            "S: +OK 9 octets",
            "S: a\\u{d}\\u{a}",
            "S: .b\\u{d}\\u{a}",
            "C: UIDL",
            "S: +OK",
            "S: 1 \\u{1b}[2J",
            "C: QUIT",
            "S: +OK bye",
        ]
    );
    assert_eq!(wire.len(), lines.len() + 5);
}}

behaviour! { nothing_is_traced_above_debug {
    let (ear, _guard) = Ear::new(Level::INFO);
    go!(a_session());
    assert_eq!(ear.text(), "");
}}
