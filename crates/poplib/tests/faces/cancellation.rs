//! Every call of the async face, dropped after each number of polls, over a stream that moves an
//! octet at every other poll. What comes next is the right answer, or an error that says that
//! the session is over: never somebody else's answer.

mod handshake;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use poplib::tokio::{Client, Session};
use poplib::{Error, ProtocolError};
use tokio::io::AsyncReadExt;

use crate::support::in_memory;
use crate::support::memory::{Received, Script};

/// Polls so many times; the output, if that was enough.
fn poll<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

const MESSAGE: &[u8] = b"Subject: x\r\n\r\n.\r\nend\r\n";

fn script() -> Script {
    Script::new()
        .on("CAPA", "+OK\r\nTOP\r\nPIPELINING\r\nX-CAPA\r\n.\r\n")
        .on("UTF8", "+OK UTF8\r\n")
        .on("LANG", "+OK\r\nen English\r\n.\r\n")
        .on("LANG en", "+OK en\r\n")
        .on("AUTH", "+OK\r\nPLAIN\r\n.\r\n")
        .on("XONE", "+OK one\r\n")
        .on("XALL", "+OK\r\nall\r\n.\r\n")
        .on("STAT", "+OK 2 320\r\n")
        .on("LIST", "+OK\r\n1 120\r\n2 200\r\n.\r\n")
        .on("LIST 1", "+OK 1 120\r\n")
        .on("LIST 2", "+OK 2 200\r\n")
        .on("UIDL", "+OK\r\n1 a\r\n2 b\r\n.\r\n")
        .on("UIDL 1", "+OK 1 a\r\n")
        .on("UIDL 2", "+OK 2 b\r\n")
        .on("RETR 1", "+OK\r\nSubject: x\r\n\r\n..\r\nend\r\n.\r\n")
        .on("RETR 2", "-ERR RETR 2\r\n")
        .on("TOP 1 0", "+OK\r\nSubject: x\r\n\r\n.\r\n")
        .on("DELE 1", "+OK DELE 1\r\n")
        .on("DELE 2", "-ERR DELE 2\r\n")
        .on("RSET", "+OK RSET\r\n")
        .on("NOOP", "+OK NOOP\r\n")
        .on("QUIT", "+OK QUIT\r\n")
        .one_octet_at_a_time()
        .hesitant()
}

async fn client() -> (Client, Received) {
    let memory = script().stream();
    let received = memory.received();
    let client = Client::from_stream(memory, &in_memory()).await.unwrap();
    (client, received)
}

async fn session() -> Session {
    let (mut client, _) = client().await;
    client.user("me").await.unwrap();
    client.pass("secret").await.unwrap()
}

fn is_over(error: &Error) -> bool {
    matches!(error, Error::Protocol(ProtocolError::Poisoned(_)))
}

/// The answers to two commands after the one that was dropped.
async fn assert_right(session: &mut Session, polls: usize) {
    let maildrop = session.stat().await.unwrap();
    assert_eq!(
        (maildrop.messages, maildrop.octets),
        (2, Some(320)),
        "{polls}"
    );
    let message = session.retr(1).await.unwrap().collect().await.unwrap();
    assert_eq!(message, MESSAGE, "{polls}");
}

/// Drops the call after every number of polls, and asks something else.
macro_rules! calls_of_a_session {
    ($($name:ident |$session:ident| $call:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            for polls in 0.. {
                let mut session = session().await;
                let outcome = {
                    let $session = &mut session;
                    poll(polls, async { $call })
                };
                assert_right(&mut session, polls).await;
                if let Some(outcome) = outcome {
                    assert!(outcome.is_ok());
                    assert!(polls > 8, "nothing was tried");
                    break;
                }
            }
        }
    )*};
}

calls_of_a_session! {
    capa |session| session.capa().await;
    stat |session| session.stat().await;
    list |session| session.list().await;
    list_one |session| session.list_one(1).await;
    uidl |session| session.uidl().await;
    uidl_one |session| session.uidl_one(1).await;
    retr |session| session.retr(1).await.map(drop);
    retr_in_chunks |session| {
        let mut body = session.retr(1).await.unwrap();
        while let Ok(Some(_)) = body.chunk().await {}
        body.chunk().await.map(drop)
    };
    retr_collected |session| session.retr(1).await.unwrap().collect().await;
    retr_read |session| session.retr(1).await.unwrap().read_to_end(&mut Vec::new()).await;
    retr_copied |session| session.retr(1).await.unwrap().copy_to(&mut Vec::new()).await;
    retr_refused |session| session.retr(2).await.map_or(Ok(()), |_| Err(()));
    top |session| session.top(1, 0).await.unwrap().collect().await;
    dele |session| session.dele(1).await;
    rset |session| session.rset().await;
    noop |session| session.noop().await;
    lang_list |session| session.lang_list().await;
    lang |session| session.lang("en").await;
    custom |session| session.custom("XONE").await;
    custom_lines |session| session.custom_lines("XALL").await;
    custom_body |session| session.custom_body("RETR 1").await.unwrap().collect().await;
    overview |session| session.overview().await;
    retr_many |session| {
        let mut bodies = session.retr_many([1u32, 2, 1]).await.unwrap();
        while let Some((_, body)) = bodies.next_body().await.unwrap() {
            if let Ok(body) = body {
                body.collect().await.unwrap();
            }
        }
        Ok::<_, ()>(())
    };
    top_many |session| {
        let mut bodies = session.top_many([1, 1], 0).await.unwrap();
        while let Some((_, body)) = bodies.next_body().await.unwrap() {
            body.unwrap().collect().await.unwrap();
        }
        Ok::<_, ()>(())
    };
    dele_many |session| session.dele_many([1, 2, 1]).await.unwrap().collect().await;
    list_many |session| session.list_many([1, 2]).await.unwrap().collect().await;
    uidl_many |session| session.uidl_many([1, 2]).await.unwrap().collect().await;
}

/// The same for clients, where the session can be over instead.
macro_rules! calls_of_a_client {
    ($($name:ident |$client:ident| $call:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            for polls in 0.. {
                let (mut client, received) = client().await;
                let outcome = {
                    let $client = &mut client;
                    poll(polls, async { $call })
                };
                match client.custom("XONE").await {
                    Ok(reply) => assert_eq!(reply.text(), b"one", "{polls}"),
                    Err(error) => {
                        assert!(is_over(&error), "{polls}: {error:?}");
                        assert!(!received.text().contains("XONE"));
                        assert!(outcome.is_none() && !client.connection().is_usable());
                    }
                }
                if let Some(outcome) = outcome {
                    assert!(outcome.is_ok());
                    assert!(polls > 8, "nothing was tried");
                    break;
                }
            }
        }
    )*};
}

mod before_login {
    use super::{client, is_over, poll};

    calls_of_a_client! {
        capa |client| client.capa().await;
        user |client| client.user("me").await;
        utf8 |client| client.utf8().await;
        lang_list |client| client.lang_list().await;
        lang |client| client.lang("en").await;
        custom |client| client.custom("NOOP").await;
        custom_lines |client| client.custom_lines("XALL").await;
        custom_body |client| client.custom_body("XALL").await.map(drop);
        auth_list |client| client.auth_list().await;
    }
}

/// What takes the client or the session is gone with it: the connection closes.
macro_rules! last_calls {
    ($($name:ident $expected:literal |$client:ident| $call:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            for polls in 0.. {
                let ($client, received) = client().await;
                let outcome = poll(polls, async { $call });
                let expected = concat!($expected, "\r\n");
                assert!(expected.starts_with(&received.text()), "{polls}: {}", received.text());
                if let Some(outcome) = outcome {
                    assert!(outcome.is_ok());
                    assert_eq!(received.text(), expected);
                    break;
                }
            }
        }
    )*};
}

mod last_calls {
    use super::{client, poll};

    last_calls! {
        pass "PASS secret" |client| client.pass("secret").await;
        quit "QUIT" |client| client.quit().await;
    }
}

#[tokio::test]
async fn a_decisive_command_ends_the_session_once_it_is_on_its_way() {
    let mut over = 0;
    for polls in 0..60 {
        let (mut client, received) = client().await;
        if poll(polls, client.utf8()).is_some() {
            break;
        }
        let was_sent = received.text().contains("UTF8\r\n");
        if client.custom("XONE").await.is_err() {
            over += 1;
        } else {
            assert!(!was_sent, "{polls}");
        }
    }
    assert!(over > 8);
}

#[tokio::test]
async fn a_dropped_chunk_takes_nothing_with_it() {
    for polls in 0..200 {
        let mut session = session().await;
        let mut body = session.retr(1).await.unwrap();
        let mut content = Vec::new();
        loop {
            match poll(polls % 7, body.chunk()) {
                Some(Ok(Some(chunk))) => content.extend_from_slice(chunk),
                Some(Ok(None)) => break,
                Some(Err(error)) => panic!("{error}"),
                None => match body.chunk().await.unwrap() {
                    Some(chunk) => content.extend_from_slice(chunk),
                    None => break,
                },
            }
            if content.len() > polls / 7 {
                content.extend(body.collect().await.unwrap());
                break;
            }
        }
        assert_eq!(content, MESSAGE, "{polls}");
    }
}

#[tokio::test]
async fn a_dropped_read_takes_nothing_with_it() {
    for polls in 0..6 {
        let mut session = session().await;
        let mut body = session.retr(1).await.unwrap();
        let mut content = Vec::new();
        let mut octet = [0];
        loop {
            let octets = match poll(polls, body.read(&mut octet)) {
                Some(octets) => octets.unwrap(),
                None => body.read(&mut octet).await.unwrap(),
            };
            if octets == 0 {
                break;
            }
            content.push(octet[0]);
        }
        assert_eq!(content, MESSAGE, "{polls}");
    }
}

#[tokio::test]
async fn a_batch_goes_on_after_a_dropped_wait() {
    for polls in 0.. {
        let mut session = session().await;
        let mut batch = session.uidl_many([1, 2, 1]).await.unwrap();
        let early = poll(polls, batch.next_outcome());
        let finished = early.is_some();
        let mut outcomes: Vec<_> = early.into_iter().filter_map(Result::unwrap).collect();
        outcomes.extend(batch.collect().await.unwrap());
        let outcomes: Vec<_> = outcomes
            .into_iter()
            .map(|(number, outcome)| (number, outcome.unwrap()))
            .collect();
        let expected = [(1, &b"a"[..]), (2, b"b"), (1, b"a")];
        assert_eq!(
            outcomes,
            expected.map(|(number, uid)| (number, uid.into())),
            "{polls}"
        );
        assert_right(&mut session, polls).await;
        if finished {
            break;
        }
    }
}
