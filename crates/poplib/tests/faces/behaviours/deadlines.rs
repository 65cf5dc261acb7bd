//! A10: whatever stalls, whichever way, ends at its deadline, and the error names the phase.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use poplib::{Config, Error, Fault, Phase, Timeouts};
use poplib_sandbox::{Generated, Mailbox};

use super::*;
use crate::support::{implicit_tls, patient, sandbox, started, stls, wire};

const SOON: Duration = Duration::from_millis(250);
/// Between two octets of a server that drips.
const PAUSE: Duration = Duration::from_millis(20);

/// One deadline that passes soon, all others that do not.
fn hasty(set: impl FnOnce(&mut Timeouts)) -> Timeouts {
    let mut timeouts = patient();
    set(&mut timeouts);
    timeouts
}

#[track_caller]
fn assert_timeout(error: &Error, phase: &str) {
    let Error::Timeout(actual) = error else {
        panic!("{phase}: {error:?}");
    };
    assert_eq!(actual.to_string(), phase);
    assert_eq!(error.fault(), Fault::Network);
    assert!(error.is_retryable());
}

#[track_caller]
fn assert_io_timeout(error: std::io::Error, phase: &str) {
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    let inner = error.into_inner().unwrap();
    assert_timeout(inner.downcast_ref().unwrap(), phase);
}

fn at(address: SocketAddr, timeouts: Timeouts) -> Config {
    Config::new("127.0.0.1")
        .with_port(address.port())
        .with_timeouts(timeouts)
}

behaviour! { a10_connecting {
    let unanswered = wire::Unanswered::new();
    let config = at(unanswered.address(), hasty(|timeouts| timeouts.connect = SOON));
    assert_timeout(&go!(not_connected(&config)), "connecting");
}}

behaviour! { a10_the_session_while_connecting {
    let unanswered = wire::Unanswered::new();
    let timeouts = hasty(|timeouts| timeouts.session = Some(SOON));
    let config = at(unanswered.address(), timeouts);
    assert_timeout(&go!(not_connected(&config)), "the whole session");
}}

behaviour! { a10_the_greeting {
    let sandbox = started(sandbox().misbehave("stall=greeting"));
    let timeouts = hasty(|timeouts| timeouts.greeting = SOON);
    for config in [plaintext(&sandbox), implicit_tls(&sandbox), stls(&sandbox)] {
        let error = go!(not_connected(&config.with_timeouts(timeouts.clone())));
        assert_timeout(&error, "waiting for the greeting");
    }
}}

behaviour! { a10_a_greeting_that_drips {
    let sandbox = started(sandbox().misbehave("drip=100"));
    let config = plaintext(&sandbox).with_timeouts(hasty(|timeouts| timeouts.greeting = SOON));
    assert_timeout(&go!(not_connected(&config)), "waiting for the greeting");
}}

behaviour! { a10_the_answer_to_stls {
    let sandbox = started(sandbox().misbehave("stall=stls"));
    let config = stls(&sandbox).with_timeouts(hasty(|timeouts| timeouts.command = SOON));
    assert_timeout(&go!(not_connected(&config)), "STLS");
}}

behaviour! { a10_the_handshake {
    let sandbox = started(sandbox().misbehave("stall=tls"));
    let timeouts = hasty(|timeouts| timeouts.tls = SOON);
    for config in [implicit_tls(&sandbox), stls(&sandbox)] {
        let error = go!(not_connected(&config.with_timeouts(timeouts.clone())));
        assert_timeout(&error, "the TLS handshake");
    }
}}

behaviour! { a10_a_handshake_that_drips {
    let sandbox = started(sandbox());
    // The first record of the server comes octet by octet.
    let address = wire::dripping(sandbox.tls_addr(), 3, PAUSE);
    let config = implicit_tls(&sandbox)
        .with_port(address.port())
        .with_timeouts(hasty(|timeouts| timeouts.tls = SOON));
    assert_timeout(&go!(not_connected(&config)), "the TLS handshake");
}}

behaviour! { a10_a_handshake_after_stls_that_drips_ends_the_connection {
    let sandbox = started(sandbox());
    let greeting_and_ok = go!(octets_before_tls());
    let address = wire::dripping(sandbox.plain_addr(), greeting_and_ok, PAUSE);
    let config = plaintext(&sandbox)
        .with_port(address.port())
        .with_tls(crate::support::trusting(&sandbox))
        .with_timeouts(hasty(|timeouts| timeouts.tls = SOON));
    let mut client = go!(connected(&config));
    assert_timeout(&go!(client.stls()).unwrap_err(), "the TLS handshake");
    assert!(!client.connection().is_usable());
    let error = go!(client.capa()).unwrap_err();
    assert!(error.to_string().contains("given up"), "{error}");
}}

function! {
    /// What a sandbox says before the handshake of STLS.
    fn octets_before_tls() -> usize {
        let sandbox = started(sandbox());
        let client = go!(connected(&plaintext(&sandbox)));
        let greeting = client.greeting().unwrap().reply().line().len();
        greeting + "\r\n".len() + "+OK begin TLS\r\n".len()
    }
}

behaviour! { a10_each_command_before_login {
    let timeouts = hasty(|timeouts| timeouts.command = SOON);
    for command in ["CAPA", "USER", "UTF8", "LANG", "QUIT"] {
        let fault = format!("stall={}", command.to_lowercase());
        let sandbox = started(sandbox().misbehave(&*fault));
        let config = plaintext(&sandbox).with_timeouts(timeouts.clone());
        let mut client = go!(connected(&config));
        let error = match command {
            "CAPA" => go!(client.capa()).unwrap_err(),
            "USER" => go!(client.user(USER)).unwrap_err(),
            "UTF8" => go!(client.utf8()).unwrap_err(),
            "LANG" => go!(client.lang_list()).unwrap_err(),
            _ => go!(client.quit()).unwrap_err(),
        };
        assert_timeout(&error, command);
    }
}}

behaviour! { a10_each_login {
    let timeouts = hasty(|timeouts| timeouts.command = SOON);
    for command in ["PASS", "APOP", "RPOP"] {
        let fault = format!("stall={}", command.to_lowercase());
        let sandbox = started(sandbox().misbehave(&*fault));
        let config = plaintext(&sandbox).with_timeouts(timeouts.clone());
        let mut client = go!(connected(&config));
        go!(client.user(USER)).unwrap();
        let refused = match command {
            "PASS" => go!(client.pass(PASSWORD)).unwrap_err(),
            "APOP" => go!(client.apop(USER, PASSWORD)).unwrap_err(),
            _ => go!(client.rpop(USER)).unwrap_err(),
        };
        assert_timeout(&refused.error, command);
        assert!(refused.client.is_none());
    }
}}

behaviour! { a10_each_command_after_login {
    let timeouts = hasty(|timeouts| timeouts.command = SOON);
    for command in ["STAT", "LIST", "UIDL", "RETR", "TOP", "DELE", "RSET", "NOOP", "QUIT"] {
        let fault = format!("stall={}", command.to_lowercase());
        let sandbox = started(sandbox().misbehave(&*fault));
        let config = plaintext(&sandbox).with_timeouts(timeouts.clone());
        let client = go!(connected(&config));
        let mut session = go!(logged_in(client));
        let error = match command {
            "STAT" => go!(session.stat()).unwrap_err(),
            "LIST" => go!(session.list()).unwrap_err(),
            "UIDL" => go!(session.uidl_one(1)).unwrap_err(),
            "RETR" => go!(session.retr(1)).err().unwrap(),
            "TOP" => go!(session.top(1, 0)).err().unwrap(),
            "DELE" => go!(session.dele(1)).unwrap_err(),
            "RSET" => go!(session.rset()).unwrap_err(),
            "NOOP" => go!(session.noop()).unwrap_err(),
            _ => go!(session.quit()).unwrap_err(),
        };
        assert_timeout(&error, command);
    }
}}

behaviour! { a10_after_a_deadline_nothing_is_believed {
    let sandbox = started(sandbox().misbehave("stall=stat"));
    let config = plaintext(&sandbox).with_timeouts(hasty(|timeouts| timeouts.command = SOON));
    let client = go!(connected(&config));
    let mut session = go!(logged_in(client));
    assert_timeout(&go!(session.stat()).unwrap_err(), "STAT");
    assert!(!session.connection().is_usable());
    let error = go!(session.noop()).unwrap_err();
    assert!(error.to_string().contains("given up"), "{error}");
}}

behaviour! { a10_a_listing_that_drips {
    let uids: Vec<_> = (0..50).map(|uid| format!("unique-id-{uid}")).collect();
    let mailbox = Mailbox::from_fn(50, |_| b"x\n".to_vec()).unique_ids(uids);
    let sandbox = started(
        Sandbox::builder().mailbox(USER, PASSWORD, mailbox).apop(false),
    );
    let up_to_listing = "+OK poplib-sandbox ready\r\n+OK send PASS\r\n".len() + 60;
    let address = wire::dripping(sandbox.plain_addr(), up_to_listing, PAUSE);
    let config = plaintext(&sandbox)
        .with_port(address.port())
        .with_timeouts(hasty(|timeouts| timeouts.command = 4 * SOON));
    let client = go!(connected(&config));
    let mut session = go!(logged_in(client));
    assert_timeout(&go!(session.uidl()).unwrap_err(), "UIDL");
}}

function! {
    /// In the middle of the body of a message of 100,000 octets.
    fn stalled(fault: &str, timeouts: Timeouts) -> (Sandbox, Session) {
        let generated = Generated { seed: 1, messages: 1, octets: 100_000.into() };
        let mailbox = Mailbox::generated(generated);
        let builder = Sandbox::builder().mailbox(USER, PASSWORD, mailbox).misbehave(fault);
        let sandbox = started(builder);
        let client = go!(connected(&plaintext(&sandbox).with_timeouts(timeouts)));
        let session = go!(logged_in(client));
        (sandbox, session)
    }
}

behaviour! { a10_a_body_that_stalls {
    let timeouts = hasty(|timeouts| timeouts.progress = SOON);
    for octets in [0, 1, 999, 50_000] {
        let fault = format!("stall-in-body=1:{octets}");
        let (_sandbox, mut session) = go!(stalled(&fault, timeouts.clone()));
        let body = go!(session.retr(1)).unwrap();
        assert_timeout(&go!(body.collect()).unwrap_err(), "reading a message");
        go!(session.noop()).unwrap_err();

        let (_sandbox, mut session) = go!(stalled(&fault, timeouts.clone()));
        let body = go!(session.retr(1)).unwrap();
        assert_io_timeout(go!(read_all(body)).unwrap_err(), "reading a message");
        go!(session.noop()).unwrap_err();
    }
}}

behaviour! { a10_a_body_that_drips {
    let timeouts = hasty(|timeouts| timeouts.progress = SOON);
    let (sandbox, session) = go!(stalled("lf-only", patient()));
    drop(session);
    let address = wire::dripping(sandbox.plain_addr(), 2000, PAUSE);
    let config = plaintext(&sandbox).with_port(address.port()).with_timeouts(timeouts);
    let client = go!(connected(&config));
    let mut session = go!(logged_in(client));
    let body = go!(session.retr(1)).unwrap();
    assert_timeout(&go!(body.collect()).unwrap_err(), "reading a message");
}}

behaviour! { a10_a_body_that_drips_inside_a_tls_record {
    let timeouts = hasty(|timeouts| timeouts.progress = SOON);
    let (sandbox, session) = go!(stalled("lf-only", patient()));
    drop(session);
    for through_read in [false, true] {
        // Beyond handshake, login and the first record of the body.
        let address = wire::dripping(sandbox.tls_addr(), 40_000, PAUSE);
        let config = implicit_tls(&sandbox)
            .with_port(address.port())
            .with_timeouts(timeouts.clone());
        let client = go!(connected(&config));
        let mut session = go!(logged_in(client));
        let body = go!(session.retr(1)).unwrap();
        if through_read {
            assert_io_timeout(go!(read_all(body)).unwrap_err(), "reading a message");
        } else {
            assert_timeout(&go!(body.collect()).unwrap_err(), "reading a message");
        }
    }
}}

/// Logs anybody in, and answers the next command with a body that is slow and not too slow.
fn slow_but_alive(mut stream: TcpStream) {
    let commands = stream.try_clone().unwrap();
    let mut commands = BufReader::new(commands).lines();
    for _ in 0..3 {
        stream.write_all(b"+OK\r\n").unwrap();
        commands.next().unwrap().unwrap();
    }
    stream.write_all(b"+OK\r\n").unwrap();
    for _ in 0..12 {
        thread::sleep(Duration::from_millis(100));
        stream.write_all(&[b'x'; 4096]).unwrap();
    }
    stream.write_all(b"\r\n.\r\n").unwrap();
    wire::await_end(&stream);
}

behaviour! { a10_a_slow_body_that_goes_on_is_no_stall {
    let address = wire::server(slow_but_alive);
    // Less than the body takes as a whole, and much more than each KiB of it.
    let timeouts = hasty(|timeouts| timeouts.progress = Duration::from_secs(1));
    let config = at(address, timeouts)
        .with_security(poplib::Security::Plaintext)
        .with_plaintext_credentials();
    let client = go!(connected(&config));
    let mut session = go!(logged_in(client));
    let body = go!(session.retr(1)).unwrap();
    assert_eq!(go!(body.collect()).unwrap().len(), 12 * 4096 + 2);
}}

behaviour! { a10_a_caller_who_takes_long_is_no_stall {
    let timeouts = hasty(|timeouts| timeouts.progress = SOON);
    let (_sandbox, mut session) = go!(stalled("lf-only@2-", timeouts));
    let body = go!(session.retr(1)).unwrap();
    // Between any two reads passes more than the server is allowed.
    let mut body = body;
    let mut octets = 0;
    while let Some(chunk) = go!(body.chunk()).unwrap() {
        octets += chunk.len();
        if octets < 90_000 {
            thread::sleep(SOON + PAUSE);
        }
    }
    assert_eq!(octets, 100_000);
    let mut body = go!(session.retr(1)).unwrap();
    let mut buffer = [0; 40_000];
    let mut octets = 0;
    while octets < 100_000 {
        octets += go!(read_some(&mut body, &mut buffer)).unwrap();
        if octets < 90_000 {
            thread::sleep(SOON + PAUSE);
        }
    }
}}

behaviour! { a10_the_whole_session {
    let timeouts = hasty(|timeouts| timeouts.session = Some(2 * SOON));
    let (_sandbox, mut session) = go!(stalled("drip=1", timeouts));
    // Each command is quick enough; all of them together are not.
    let error = loop {
        if let Err(error) = go!(session.noop()) {
            break error;
        }
    };
    assert_timeout(&error, "the whole session");
}}

behaviour! { a10_the_whole_session_in_a_body {
    let timeouts = hasty(|timeouts| timeouts.session = Some(4 * SOON));
    let (_sandbox, mut session) = go!(stalled("stall-in-body=1:5000", timeouts));
    let body = go!(session.retr(1)).unwrap();
    assert_timeout(&go!(body.collect()).unwrap_err(), "the whole session");
}}

#[test]
fn every_phase_has_its_name() {
    let names: Vec<_> = [
        Phase::Connect,
        Phase::Greeting,
        Phase::Tls,
        Phase::Body,
        Phase::Session,
    ]
    .iter()
    .map(Phase::to_string)
    .collect();
    assert_eq!(
        names,
        [
            "connecting",
            "waiting for the greeting",
            "the TLS handshake",
            "reading a message",
            "the whole session",
        ]
    );
}
