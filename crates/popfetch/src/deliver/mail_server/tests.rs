use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread::{self, JoinHandle};

use super::*;
use crate::deliver::tests::sample::Sample;

const LONG: Duration = Duration::from_secs(60);

/// Plays a server once: greets, and answers each line as it is told, content being one answer.
/// What it was sent.
fn play(stream: impl io::Read + Write, split: impl io::Read, answers: &[&str]) -> Vec<String> {
    let (mut writer, mut reader) = (stream, BufReader::new(split));
    let mut heard = Vec::new();
    let mut answers = answers.iter();
    let mut say = |writer: &mut dyn Write| match answers.next() {
        Some(answer) => writer.write_all(answer.as_bytes()).is_ok() && answer.starts_with('3'),
        None => false,
    };
    let mut in_data = say(&mut writer);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return heard;
        }
        let is_end = line == ".\r\n";
        heard.push(line);
        if !in_data || is_end {
            in_data = say(&mut writer);
        }
    }
}

fn serve(answers: &'static [&'static str]) -> (Address, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let split = stream.try_clone().unwrap();
        play(stream, split, answers)
    });
    let host = "127.0.0.1".into();
    (Address::Tcp { host, port }, server)
}

fn server(address: &Address) -> MailServer {
    MailServer::new(Protocol::Lmtp, address, "me@example.org", LONG).unwrap()
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
    const CASES: [&[&str]; 7] = [
        &["421 not now\r\n"],
        &["554 never\r\n"],
        &["220 here\r\n", "502 what?\r\n"],
        &["no reply at all\r\n"],
        &["220 here\r\n", "250-one\r\n550 two\r\n"],
        &["220 here\r\n", "250 there\r\n", "421 shutting down\r\n"],
        &[
            "220 here\r\n",
            "250 there\r\n",
            "250 ok\r\n",
            "250 ok\r\n",
            "354 go\r\n",
            "421 bye\r\n",
        ],
    ];
    for answers in CASES {
        let (address, heard) = serve(answers);
        let server = server(&address);
        let handed = hand_over(&server, &[b"a\r\n"]);
        let [Err(Refusal::Everything(failure))] = &handed[..] else {
            panic!("{handed:?}");
        };
        assert_eq!(failure.status, Status::Temporary);
        heard.join().unwrap();
    }
    let gone = Address::Unix("/no/such/socket".into());
    let handed = hand_over(&server(&gone), &[b""]);
    assert!(matches!(handed[..], [Err(Refusal::Everything(_))]));
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
        let split = stream.try_clone().unwrap();
        let answers = [
            "220 x\r\n",
            "250 x\r\n",
            "250 x\r\n",
            "250 x\r\n",
            "354 x\r\n",
            "250 x\r\n",
        ];
        play(stream, split, &answers)
    });
    let address = Address::Unix(path);
    let server = MailServer::new(Protocol::Smtp, &address, "me", LONG).unwrap();
    hand_over(&server, &[b"a\r\n"]).remove(0).unwrap();
    assert!(heard.join().unwrap()[0].starts_with("EHLO "));
}

#[test]
fn a_recipient_that_would_break_the_command_is_refused() {
    let address = Address::Unix("/x".into());
    for recipient in ["", "a b", "a>\r\nDATA", "j\u{fc}rgen"] {
        let failure = MailServer::new(Protocol::Lmtp, &address, recipient, LONG)
            .err()
            .unwrap();
        assert_eq!(failure.status, Status::Usage);
    }
}
