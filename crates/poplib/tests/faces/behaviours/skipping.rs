//! What is left of a body when something else is asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use poplib::{Config, Error, Phase, Security, Timeouts};

use super::*;
use crate::support::{patient, sandbox, started};

behaviour! { a10_the_rest_of_a_body_that_nobody_reads_has_the_time_of_a_body {
    let sandbox = started(sandbox().misbehave("stall-in-body=1:5"));
    let mut timeouts = patient();
    timeouts.progress = Duration::from_millis(250);
    let config = plaintext(&sandbox).with_timeouts(timeouts);
    let client = go!(connected(&config));
    let mut session = go!(logged_in(client));
    drop(go!(session.retr(1)).unwrap());
    let error = go!(session.noop()).unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Body)), "{error:?}");
}}

/// A server that takes twice `time` over a body, and never long over a piece of it.
fn leisurely(time: Duration) -> SocketAddr {
    const PIECES: u32 = 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(peer.try_clone().unwrap()).lines();
        peer.write_all(b"+OK\r\n").unwrap();
        while let Some(Ok(line)) = lines.next() {
            if peer.write_all(b"+OK\r\n").is_err() || !line.starts_with("RETR") {
                continue;
            }
            for _ in 0..PIECES {
                let line = "x".repeat(Timeouts::PROGRESS_OCTETS as usize);
                if write!(peer, "{line}\r\n").is_err() {
                    return;
                }
                thread::sleep(time * 2 / PIECES);
            }
            let _ = peer.write_all(b".\r\n");
        }
    });
    address
}

behaviour! { a10_skipping_the_rest_of_a_body_is_not_charged_to_the_next_command {
    // A busy machine may take longer over an answer than the shorter times.
    for millis in [250, 1_000, 5_000, 20_000] {
        let time = Duration::from_millis(millis);
        let mut timeouts = patient();
        timeouts.command = time;
        let config = Config::new("127.0.0.1")
            .with_port(leisurely(time).port())
            .with_timeouts(timeouts)
            .with_security(Security::Plaintext)
            .with_plaintext_credentials();
        let client = go!(connected(&config));
        let mut session = go!(logged_in(client));
        let body = go!(session.retr(1));
        let Ok(body) = body else { continue };
        drop(body);
        if go!(session.noop()).is_ok() {
            return;
        }
    }
    panic!("each command was given up over the body before it");
}}
