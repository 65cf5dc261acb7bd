use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::thread::{self, JoinHandle};

use super::*;
use crate::deliver::tests::sample::Sample;

mod encrypted;

const LONG: Duration = Duration::from_secs(60);

/// Plays a server once, until the client goes away. What it was sent.
fn play(stream: impl Read + Write, answers: &[&str]) -> Vec<String> {
    let mut stream = BufReader::new(stream);
    let mut heard = answer(&mut stream, answers);
    while let Some(line) = line(&mut stream) {
        heard.push(line);
    }
    heard
}

/// Says the first answer unasked, and each other one behind a line, content being one line. What
/// it was sent.
fn answer(stream: &mut BufReader<impl Read + Write>, answers: &[&str]) -> Vec<String> {
    let mut heard = Vec::new();
    for (index, answer) in answers.iter().enumerate() {
        if index > 0 && !hear(stream, &mut heard) {
            break;
        }
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            break;
        }
    }
    heard
}

/// Listens to a line, or to content if that is what follows. Whether there was any.
fn hear(stream: &mut impl BufRead, heard: &mut Vec<String>) -> bool {
    let is_content = heard.last().is_some_and(|line| line == "DATA\r\n");
    while let Some(line) = line(stream) {
        let is_whole = !is_content || line == ".\r\n";
        heard.push(line);
        if is_whole {
            return true;
        }
    }
    false
}

fn line(stream: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    matches!(stream.read_line(&mut line), Ok(1..)).then_some(line)
}

/// Plays a server on a port of its own. How it is reached, and what it is sent.
fn listen(
    play: impl FnOnce(TcpStream) -> Vec<String> + Send + 'static,
) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || play(listener.accept().unwrap().0));
    (port, server)
}

fn serve(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<String>>) {
    let (port, server) = listen(|stream| play(stream, answers));
    (format!("127.0.0.1:{port}"), server)
}

fn access(recipient: &str) -> Access {
    Access {
        account: "work".into(),
        recipient: recipient.into(),
        tls: Tls::platform(),
        password: Source::Given(Secret::from("hunter2")),
    }
}

fn server(address: &str) -> MailServer {
    let address = Address::parse(address, Protocol::Lmtp).unwrap();
    MailServer::new(Protocol::Lmtp, &address, &access("me@example.org"), LONG).unwrap()
}

/// Hands over messages one behind the other.
fn hand_over(server: &MailServer, messages: &[&[u8]]) -> Vec<Result<(), Refusal>> {
    let mut courier = match server.begin() {
        Ok(courier) => courier,
        Err(failure) => return vec![Err(Refusal::Everything(failure))],
    };
    let hand_over = |message: &&[u8]| courier.hand_over(&Sample::new(b"Ux", message).letter());
    messages.iter().map(hand_over).collect()
}

const HELLO: &str = "250-there\r\n250-8BITMIME\r\n250 SIZE 1000\r\n";

#[test]
fn a_message_is_handed_over_as_it_is() {
    let (address, heard) = serve(&[
        "220 here\r\n",
        HELLO,
        "250 ok\r\n",
        "250 ok\r\n",
        "354 go\r\n",
        "250 2.0.0 stored\r\n",
    ]);
    let server = server(&address);
    let message = b"Return-Path: <ada@example.org>\r\n\r\n.dot\nbare LF, \xc3\xa9\r\nno end";
    hand_over(&server, &[message]).remove(0).unwrap();
    let heard = heard.join().unwrap();
    assert!(heard[0].starts_with("LHLO "), "{heard:?}");
    assert_eq!(
        heard[1..],
        [
            &format!(
                "MAIL FROM:<ada@example.org> BODY=8BITMIME SIZE={}\r\n",
                message.len()
            ),
            "RCPT TO:<me@example.org>\r\n",
            "DATA\r\n",
            "Return-Path: <ada@example.org>\r\n",
            "\r\n",
            "..dot\r\n",
            "bare LF, \u{e9}\r\n",
            "no end\r\n",
            ".\r\n",
            "QUIT\r\n"
        ]
    );
}

#[test]
fn a_refused_message_does_not_keep_the_next_one() {
    let (address, heard) = serve(&[
        "220 here\r\n",
        "250 there\r\n",
        "250 ok\r\n",
        "550 5.1.1 no \x1b[31msuch user\r\n",
        "250 reset\r\n",
        "250 ok\r\n",
        "250 ok\r\n",
        "354 go\r\n",
        "452 4.2.2 over quota\r\n",
        "250 ok\r\n",
        "250 ok\r\n",
        "354 go\r\n",
        "552 5.2.2 too large\r\n",
        "250 ok\r\n",
        "250 ok\r\n",
        "354 go\r\n",
        "250 ok\r\n",
    ]);
    let server = server(&address);
    let handed = hand_over(&server, &[b"a\r\n".as_slice(); 4]);
    let [
        Err(Refusal::Message(no_user)),
        Err(Refusal::ForNow(quota)),
        Err(Refusal::Message(_)),
        Ok(()),
    ] = &handed[..]
    else {
        panic!("{handed:?}");
    };
    assert!(
        no_user.message.contains(r"550 5.1.1 no \x1b[31msuch user"),
        "{no_user}"
    );
    assert_eq!(quota.status, Status::Temporary);
    let heard = heard.join().unwrap();
    assert!(heard.contains(&"RSET\r\n".into()));
    // Nobody is to be told about a message without a sender.
    assert_eq!(heard[1], "MAIL FROM:<>\r\n");
}

#[test]
fn a_server_that_goes_away_stops_everything() {
    const CASES: [(&[&str], &str); 7] = [
        (&["421 not now\r\n"], "it said 421 not now"),
        (&["554 never\r\n"], "it said 554 never"),
        (&["220 here\r\n", "502 what?\r\n"], "it said 502 what?"),
        (
            &["no reply at all\r\n"],
            "it sent no reply: no reply at all",
        ),
        (
            &["220 here\r\n", "250-one\r\n550 two\r\n"],
            "it sent no reply: 550 two",
        ),
        (
            &["220 here\r\n", "250 there\r\n", "421 shutting down\r\n"],
            "421 shutting down",
        ),
        (
            &[
                "220 here\r\n",
                "250 there\r\n",
                "250 ok\r\n",
                "250 ok\r\n",
                "354 go\r\n",
                "421 bye\r\n",
            ],
            "421 bye",
        ),
    ];
    for (answers, why) in CASES {
        let (address, heard) = serve(answers);
        let server = server(&address);
        let handed = hand_over(&server, &[b"a\r\n"]);
        let [Err(Refusal::Everything(failure))] = &handed[..] else {
            panic!("{handed:?}");
        };
        assert_eq!(failure.status, Status::Temporary);
        assert!(failure.message.contains(why), "{failure}");
        heard.join().unwrap();
    }
    let handed = hand_over(&server("/no/such/socket"), &[b""]);
    assert!(matches!(handed[..], [Err(Refusal::Everything(_))]));
}

#[test]
fn a_server_that_hangs_up_is_told() {
    for (said, why) in [
        ("", "it closed the connection"),
        ("220 he", "without an end"),
    ] {
        let (port, heard) = listen(move |mut stream| {
            stream.write_all(said.as_bytes()).unwrap();
            Vec::new()
        });
        let failure = server(&format!("127.0.0.1:{port}")).begin().err().unwrap();
        assert!(failure.message.contains(why), "{failure}");
        heard.join().unwrap();
    }
}

#[test]
fn each_reply_has_its_own_time() {
    let (port, heard) = listen(|mut stream| {
        // Together longer than the limit.
        for answer in [
            "220 here\r\n",
            "250 there\r\n",
            "250 ok\r\n",
            "250 ok\r\n",
            "354 go\r\n",
            "250 ok\r\n",
        ] {
            thread::sleep(Duration::from_millis(600));
            stream.write_all(answer.as_bytes()).unwrap();
        }
        let mut heard = String::new();
        stream.read_to_string(&mut heard).unwrap();
        vec![heard]
    });
    let mut server = server(&format!("127.0.0.1:{port}"));
    server.time_limit = Duration::from_secs(3);
    hand_over(&server, &[b"a\r\n"]).remove(0).unwrap();
    heard.join().unwrap();
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let (address, heard) = serve(&[]);
    let mut server = server(&address);
    server.time_limit = Duration::from_millis(20);
    let failure = server.begin().err().unwrap();
    assert!(failure.message.contains("too long"), "{failure}");
    heard.join().unwrap();
}

#[test]
fn a_server_that_says_a_little_now_and_then_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let dripping = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // Until nobody listens any more.
        while stream.write_all(b"2").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    let mut server = server(&address);
    server.time_limit = Duration::from_millis(100);
    let failure = server.begin().err().unwrap();
    assert!(failure.message.contains("too long"), "{failure}");
    dripping.join().unwrap();
}

#[test]
fn a_line_without_end_is_not_collected() {
    let long: &'static str = "2".repeat(1_000_000).leak();
    let (address, heard) = serve(vec![long].leak());
    let failure = server(&address).begin().err().unwrap();
    assert!(failure.message.contains("without an end"), "{failure}");
    heard.join().unwrap();
}

#[test]
fn a_unix_socket_will_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("smtp");
    let listener = UnixListener::bind(&path).unwrap();
    let heard = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let answers = [
            "220 x\r\n",
            "250 x\r\n",
            "250 x\r\n",
            "250 x\r\n",
            "354 x\r\n",
            "250 x\r\n",
        ];
        play(stream, &answers)
    });
    let address = Address::parse(path.to_str().unwrap(), Protocol::Smtp).unwrap();
    let server = MailServer::new(Protocol::Smtp, &address, &access("me"), LONG).unwrap();
    hand_over(&server, &[b"a\r\n"]).remove(0).unwrap();
    assert!(heard.join().unwrap()[0].starts_with("EHLO "));
}

#[test]
fn a_recipient_that_would_break_the_command_is_refused() {
    let address = Address::parse("/x", Protocol::Lmtp).unwrap();
    for recipient in ["", "a b", "a>\r\nDATA", "j\u{fc}rgen"] {
        let failure = MailServer::new(Protocol::Lmtp, &address, &access(recipient), LONG)
            .err()
            .unwrap();
        assert_eq!(failure.status, Status::Usage);
    }
}
