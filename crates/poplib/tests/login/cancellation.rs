//! Logins and openings of the async face, dropped at every await point. What takes the client is
//! gone with it; nothing is sent after, and nothing is learned.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use poplib::sasl::{CramMd5, Login, Method, Password, Policy};
use poplib::tokio::{Client, Session};
use poplib::{Config, Credentials, Quirks};
use poplib_sandbox::Sandbox;

use crate::support::memory::{Received, Script};
use crate::support::{PASSWORD, USER, implicit_tls, in_memory, plaintext, sandbox, started};

/// Polls so many times; the output, if that was enough.
fn poll<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// The same over sockets, which wake: dropped at the poll after that many.
async fn wait<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

fn script() -> Script {
    Script::new()
        .on("CAPA", "+OK\r\nSASL CRAM-MD5 LOGIN\r\nUSER\r\n.\r\n")
        .on("AUTH CRAM-MD5", "+ no base64!\r\n")
        .on("*", "-ERR cancelled\r\n")
        .on("AUTH LOGIN", "+ VXNlcm5hbWU6\r\n")
        .on("bWU=", "+ UGFzc3dvcmQ6\r\n")
        .on("c2VjcmV0", "+OK logged in\r\n")
        .on("STAT", "+OK 2 320\r\n")
        .one_octet_at_a_time()
        .hesitant()
}

async fn client() -> (Client, Received) {
    let memory = script().stream();
    let received = memory.received();
    let client = Client::from_stream(memory, &in_memory()).await.unwrap();
    (client, received)
}

/// Drops a call that takes the client after every number of polls.
macro_rules! logins {
    ($($name:ident $expected:literal |$client:ident| $call:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let mut dropped = 0;
            for polls in 0.. {
                let ($client, received) = client().await;
                let outcome = poll(polls, async { $call });
                assert!($expected.starts_with(&received.text()), "{polls}: {}", received.text());
                if let Some(outcome) = outcome {
                    let mut session = outcome.unwrap();
                    assert_eq!(received.text(), $expected);
                    assert_eq!(session.stat().await.unwrap().messages, 2);
                    break;
                }
                dropped += 1;
            }
            assert!(dropped > 50, "{dropped}");
        }
    )*};
}

logins! {
    login_by_the_second_mechanism
        "CAPA\r\nAUTH CRAM-MD5\r\n*\r\nAUTH LOGIN\r\nbWU=\r\nc2VjcmV0\r\n"
        |client| client.login(&Credentials::password("me", "secret")).await;
    auth_with_a_mechanism
        "AUTH LOGIN\r\nbWU=\r\nc2VjcmV0\r\n"
        |client| client.auth(Login::new(&Password::new("me", "secret")).unwrap()).await;
}

/// Where a mechanism gives up, the client comes back, at whichever poll that was.
#[tokio::test]
async fn a_cancelled_mechanism_gives_the_client_back() {
    for polls in 0.. {
        let (client, _) = client().await;
        let mechanism = CramMd5::new(&Password::new("me", "secret")).unwrap();
        let Some(outcome) = poll(polls, client.auth(mechanism)) else {
            continue;
        };
        let client = outcome.unwrap_err().client.unwrap();
        let mechanism = Login::new(&Password::new("me", "secret")).unwrap();
        let mut session = client.auth(mechanism).await.unwrap();
        assert_eq!(session.stat().await.unwrap().messages, 2);
        break;
    }
}

/// Opens a session in ever more polls, and drops it until they are enough; how many were not.
async fn dropped_openings(config: &Config, step: usize) -> usize {
    let credentials = Credentials::password(USER, PASSWORD);
    for dropped in 0.. {
        let opening = Session::open(config, &credentials);
        if let Some(outcome) = wait(dropped * step, opening).await {
            let mut session = outcome.unwrap();
            assert_eq!(session.stat().await.unwrap().messages, 3);
            session.quit().await.unwrap();
            return dropped;
        }
        assert_eq!(config.quirks(), Quirks::default());
    }
    unreachable!("numbers do not end")
}

/// Every session but the last was dropped: it was sent no QUIT, and left the maildrop free.
fn assert_left_alone(sandbox: &Sandbox) {
    let mut sessions = sandbox.sessions();
    assert!(sessions.pop().unwrap().lines().contains(&"QUIT".to_owned()));
    for session in sessions {
        assert!(!session.lines().contains(&"QUIT".to_owned()));
    }
}

#[tokio::test]
async fn an_opening_in_clear() {
    let sandbox = started(
        sandbox()
            .mechanisms(["CRAM-MD5"])
            .misbehave("one-byte-writes"),
    );
    let dropped = dropped_openings(&plaintext(&sandbox), 2).await;
    assert!(dropped > 3, "{dropped}");
    assert_left_alone(&sandbox);
}

#[tokio::test]
async fn an_opening_under_tls() {
    let sandbox = started(sandbox().mechanisms(["PLAIN"]).misbehave("one-byte-writes"));
    let dropped = dropped_openings(&implicit_tls(&sandbox), 1).await;
    assert!(dropped > 3, "{dropped}");
    assert_left_alone(&sandbox);
}

/// Dropped between the connection that broke and the one that works, there is a suspicion at most.
#[tokio::test]
async fn an_opening_on_two_connections() {
    let old = sandbox().mechanisms::<&str>([]).apop(false);
    let sandbox = started(old.misbehave("close-on=CAPA"));
    let config = implicit_tls(&sandbox);
    let credentials = Credentials::password(USER, PASSWORD);
    for polls in 0.. {
        let Some(outcome) = wait(polls, Session::open(&config, &credentials)).await else {
            assert_eq!(config.quirks().capa.breaks(), 0);
            continue;
        };
        outcome.unwrap().quit().await.unwrap();
        assert_eq!(config.quirks().to_string(), "capa=1");
        break;
    }
}

/// A SCRAM login is dropped while the server waits for its proof; the next one works.
#[tokio::test]
async fn a_login_dropped_between_proofs_leaves_the_maildrop_free() {
    let sandbox = started(sandbox().misbehave("delay=5"));
    let mut policy = Policy::default();
    policy.only = Some(Method::ScramSha256);
    let config = implicit_tls(&sandbox).with_login_policy(policy);
    let credentials = Credentials::password(USER, PASSWORD);
    for millis in [0, 5, 10, 15, 20, 30] {
        let client = Client::connect(&config).await.unwrap();
        let login = client.login(&credentials);
        drop(tokio::time::timeout(Duration::from_millis(millis), login).await);
    }
    let session = Session::open(&config, &credentials).await.unwrap();
    session.quit().await.unwrap();
}
