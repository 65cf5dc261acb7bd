use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::*;
use crate::failure::Failure;
use crate::key::Identity;

struct Nobody;

impl Report for Nobody {
    fn report(&self, _account: &str, _event: Event<'_>) {}
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000)
    }
}

/// Two accounts, of which one has a hostile name.
fn ledger() -> Ledger {
    let ledger = Ledger::new(Arc::new(Nobody), Arc::new(Fixed));
    ledger.keep(&BTreeSet::from(["one", "t\\w\"o\n"]));
    let failure = Failure::new(Status::Protocol, "could not");
    let identity = Identity::from_octets(b"Uabc");
    for event in [
        Event::Began,
        Event::Stored {
            number: 1,
            identity,
            octets: 400,
            sum: &[0; 32],
            file: Some(Path::new("x")),
        },
        Event::NotFetched {
            number: 2,
            identity,
            failure: &failure,
            quarantined: true,
            is_news: true,
        },
        Event::HeldBack {
            number: 2,
            identity,
            why: "came shorter than listed",
            next: "it is fetched again next time",
            is_news: true,
        },
        Event::Deleted { messages: 3 },
        Event::Ended {
            status: None,
            time: Duration::from_millis(1500),
        },
        Event::Waiting {
            time: Duration::from_secs(300),
            failed: false,
        },
    ] {
        ledger.report("one", event);
    }
    ledger.report("t\\w\"o\n", Event::Began);
    // Nobody's page.
    ledger.report("", Event::Polling { accounts: 2 });
    ledger
}

#[test]
fn every_number_has_its_line() {
    insta::assert_snapshot!(ledger().exposition());
}

#[test]
fn the_status_line_tells_what_goes_on_and_what_fails() {
    let ledger = ledger();
    assert_eq!(ledger.to_string(), "2 accounts, 1 being fetched");
    assert_eq!(ledger.in_flight(), 1);
    let status = Some(Status::LoginRefused);
    let time = Duration::from_secs(1);
    ledger.report("one", Event::Ended { status, time });
    assert_eq!(ledger.to_string(), "2 accounts, 1 being fetched, 1 failing");
    ledger.keep(&BTreeSet::from(["one"]));
    assert_eq!(ledger.to_string(), "2 accounts, 1 being fetched, 1 failing");
    ledger.report("t\\w\"o\n", Event::Ended { status, time });
    ledger.keep(&BTreeSet::from(["one"]));
    assert_eq!(ledger.to_string(), "1 account, 1 failing");
}

/// What a server of these metrics answers.
async fn exchange(request: &[u8]) -> String {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    LocalSet::new()
        .run_until(async {
            serve(listener, Arc::new(ledger())).unwrap();
            let mut stream = TcpStream::connect(address).await.unwrap();
            // One octet at a time, as a network may deliver it.
            for octet in request {
                stream.write_all(&[*octet]).await.unwrap();
            }
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        })
        .await
}

#[tokio::test]
async fn a_scrape_is_answered() {
    let answer = exchange(b"GET /metrics?x=1 HTTP/1.1\r\nHost: here\r\n\r\n").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("Content-Type: text/plain; version=0.0.4"));
    assert!(head.contains(&format!("Content-Length: {}", body.len())));
    assert_eq!(body, ledger().exposition());
}

#[tokio::test]
async fn other_requests_are_refused() {
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
        ("GET /metrics\r\n\r\n", "400"),
        ("GET /metrics HTTP/2 x\r\n\r\n", "400"),
        ("\u{1}\u{2}\u{3}\r\n\r\n", "400"),
    ] {
        let answer = exchange(request.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
    let answer = exchange(b"HEAD /metrics HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "));
    assert!(answer.ends_with("\r\n\r\n"), "a body");
}

#[tokio::test]
async fn a08_a_head_without_an_end_is_refused() {
    let request = [
        b"GET /metrics HTTP/1.1\r\nX: ".to_vec(),
        vec![b'x'; 8 * 1024],
    ]
    .concat();
    let answer = exchange(&request).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a10_whoever_says_nothing_is_hung_up_on() {
    assert_eq!(exchange(b"GET /me").await, "");
}

#[test]
fn an_address_that_is_taken_is_told_before_anything_begins() {
    let taken = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let failure = listen(taken.local_addr().unwrap()).unwrap_err();
    assert_eq!(failure.status, Status::Configuration);
}
