//! A10: whatever stalls, whichever way, ends at its deadline, and the error names the phase.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use poplib::{Config, Error, Fault, Phase, Timeouts};
use poplib_sandbox::{Generated, Mailbox};

use super::*;
use crate::support::{implicit_tls, patient, sandbox, started, stls, wire};

const SOON: Duration = Duration::from_millis(250);
/// Between two octets of a server that drips.
const PAUSE: Duration = Duration::from_millis(20);

/// Deadlines to be tried one after the other where something must get through first: a busy machine
/// may take longer over that than the shorter ones.
const SOON_OR_LATER: [Duration; 4] = [
    SOON,
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(20),
];

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

/// Shows that something ended at its deadline, and not when the server had got through.
struct Watch(Instant);

impl Watch {
    #[track_caller]
    fn assert_ended_early(&self) {
        assert!(
            self.0.elapsed() < Duration::from_secs(60),
            "{:?}",
            self.0.elapsed()
        );
    }
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

function! {
    /// A client that has named its user, with a deadline set by `set` that it has met so far.
    fn hurried_client(
        sandbox: &Sandbox,
        port: impl Fn() -> u16,
        set: impl Fn(&mut Timeouts, Duration),
    ) -> Client {
        for soon in SOON_OR_LATER {
            let config = plaintext(sandbox)
                .with_port(port())
                .with_timeouts(hasty(|timeouts| set(timeouts, soon)));
            if let Ok(mut client) = go!(Client::connect(&config))
                && go!(client.user(USER)).is_ok()
            {
                return client;
            }
        }
        panic!("not even USER got through");
    }
}

function! {
    /// The same, logged in.
    fn hurried(
        sandbox: &Sandbox,
        port: impl Fn() -> u16,
        set: impl Fn(&mut Timeouts, Duration),
    ) -> Session {
        for soon in SOON_OR_LATER {
            let at_least = |timeouts: &mut Timeouts, time: Duration| set(timeouts, time.max(soon));
            let client = go!(hurried_client(sandbox, &port, at_least));
            if let Ok(session) = go!(client.pass(PASSWORD)) {
                return session;
            }
        }
        panic!("not even the login got through");
    }
}

fn each_command(timeouts: &mut Timeouts, soon: Duration) {
    timeouts.command = soon;
}

fn whole_session(timeouts: &mut Timeouts, soon: Duration) {
    timeouts.session = Some(2 * soon);
}

behaviour! { a10_each_login {
    for command in ["PASS", "APOP", "RPOP"] {
        let fault = format!("stall={}", command.to_lowercase());
        let sandbox = started(sandbox().misbehave(&*fault));
        let port = || sandbox.plain_addr().port();
        let client = go!(hurried_client(&sandbox, port, each_command));
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
    for command in ["STAT", "LIST", "UIDL", "RETR", "TOP", "DELE", "RSET", "NOOP", "QUIT"] {
        let fault = format!("stall={}", command.to_lowercase());
        let sandbox = started(sandbox().misbehave(&*fault));
        let port = || sandbox.plain_addr().port();
        let mut session = go!(hurried(&sandbox, port, each_command));
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
    let port = || sandbox.plain_addr().port();
    let mut session = go!(hurried(&sandbox, port, each_command));
    assert_timeout(&go!(session.stat()).unwrap_err(), "STAT");
    assert!(!session.connection().is_usable());
    let error = go!(session.noop()).unwrap_err();
    assert!(error.to_string().contains("given up"), "{error}");
}}

behaviour! { a10_a_listing_that_drips {
    let uids: Vec<_> = (0..4000).map(|uid| format!("unique-id-{uid}")).collect();
    let mailbox = Mailbox::from_fn(4000, |_| b"x\n".to_vec()).unique_ids(uids);
    let sandbox = started(Sandbox::builder().mailbox(USER, PASSWORD, mailbox).apop(false));
    // Beyond the login, and within the listing.
    let port = || wire::dripping(sandbox.plain_addr(), 2000, PAUSE).port();
    let mut session = go!(hurried(&sandbox, port, each_command));
    let watch = Watch(Instant::now());
    assert_timeout(&go!(session.uidl()).unwrap_err(), "UIDL");
    watch.assert_ended_early();
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
    let watch = Watch(Instant::now());
    assert_timeout(&go!(body.collect()).unwrap_err(), "reading a message");
    watch.assert_ended_early();
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
        let watch = Watch(Instant::now());
        if through_read {
            assert_io_timeout(go!(read_all(body)).unwrap_err(), "reading a message");
        } else {
            assert_timeout(&go!(body.collect()).unwrap_err(), "reading a message");
        }
        watch.assert_ended_early();
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
        thread::sleep(Duration::from_millis(300));
        stream.write_all(&[b'x'; 4096]).unwrap();
    }
    stream.write_all(b"\r\n.\r\n").unwrap();
    wire::await_end(&stream);
}

behaviour! { a10_a_slow_body_that_goes_on_is_no_stall {
    let address = wire::server(slow_but_alive);
    // Less than the body takes as a whole, and much more than each KiB of it.
    let timeouts = hasty(|timeouts| timeouts.progress = Duration::from_secs(3));
    let config = at(address, timeouts)
        .with_security(poplib::Security::Plaintext)
        .with_plaintext_credentials();
    let client = go!(connected(&config));
    let mut session = go!(logged_in(client));
    let body = go!(session.retr(1)).unwrap();
    assert_eq!(go!(body.collect()).unwrap().len(), 12 * 4096 + 2);
}}

function! {
    /// Reads a message in chunks and once more through a small buffer, and rests for longer than
    /// `progress` after each of the first reads.
    fn read_at_leisure(progress: Duration) -> std::io::Result<()> {
        let timeouts = hasty(|timeouts| timeouts.progress = progress);
        let (_sandbox, mut session) = go!(stalled("lf-only@2-", timeouts));
        let mut body = go!(session.retr(1))?;
        for _ in 0..2 {
            go!(body.chunk())?;
            thread::sleep(progress + PAUSE);
        }
        while go!(body.chunk())?.is_some() {}
        let mut body = go!(session.retr(1))?;
        for _ in 0..3 {
            go!(read_some(&mut body, &mut [0; 40_000]))?;
            thread::sleep(progress + PAUSE);
        }
        while go!(read_some(&mut body, &mut [0; 40_000]))? > 0 {}
        Ok(())
    }
}

behaviour! { a10_a_caller_who_takes_long_is_no_stall {
    // A busy machine may make the server late by itself.
    let mut last = Ok(());
    for progress in SOON_OR_LATER {
        last = go!(read_at_leisure(progress));
        if last.is_ok() {
            break;
        }
    }
    last.unwrap();
}}

behaviour! { a10_the_whole_session {
    let sandbox = started(sandbox());
    let port = || sandbox.plain_addr().port();
    let mut session = go!(hurried(&sandbox, port, whole_session));
    // Each command is quick enough; all of them together are not.
    let error = loop {
        if let Err(error) = go!(session.noop()) {
            break error;
        }
    };
    assert_timeout(&error, "the whole session");
}}

behaviour! { a10_the_whole_session_in_a_body {
    let sandbox = started(sandbox().misbehave("stall-in-body=1:20"));
    let port = || sandbox.plain_addr().port();
    let mut session = go!(hurried(&sandbox, port, whole_session));
    let error = match go!(session.retr(1)) {
        Ok(body) => go!(body.collect()).unwrap_err(),
        Err(error) => error,
    };
    assert_timeout(&error, "the whole session");
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
