//! Mail servers as targets, which refuse this or that.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread::{self, JoinHandle};

use poplib_sandbox::Mailbox;

use crate::support::{Rig, ran};
use crate::targets::run;

/// Plays an LMTP server for so many messages, of which it refuses the one with this subject. The
/// contents of the others as they came, sorted.
fn lmtp(listener: UnixListener, messages: usize, refused: &'static str) -> JoinHandle<Vec<String>> {
    thread::spawn(move || {
        let (mut writer, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(writer.try_clone().unwrap()).lines();
        let mut say = |reply: &str| writer.write_all(format!("{reply}\r\n").as_bytes()).unwrap();
        say("220 here");
        let (mut taken, mut seen) = (Vec::new(), 0);
        while let Some(Ok(line)) = lines.next() {
            match line.split(' ').next().unwrap() {
                "DATA" => {
                    say("354 go");
                    let content = (&mut lines)
                        .map(Result::unwrap)
                        .take_while(|line| line != ".");
                    let content = content.collect::<Vec<_>>().join("\n");
                    seen += 1;
                    if content.contains(refused) {
                        say("552 5.2.2 not this one");
                    } else {
                        say("250 stored");
                        taken.push(content);
                    }
                }
                "QUIT" => break,
                _ => say("250 ok"),
            }
        }
        assert_eq!(seen, messages);
        taken.sort();
        taken
    })
}

#[test]
fn a_mail_server_that_refuses_one_message_gets_the_others_once() {
    let messages =
        ["one", "two", "three"].map(|name| format!("Subject: {name}\n\n.dot\n").into_bytes());
    let rig = Rig::new(Mailbox::messages(messages));
    let options = [
        "--maildir",
        "mail",
        "--lmtp",
        "./socket",
        "--recipient",
        "me@example.org",
    ];
    let content = |name: &str| format!("Subject: {name}\n\n..dot");
    let socket = rig.path("socket");

    let server = lmtp(UnixListener::bind(&socket).unwrap(), 3, "Subject: two");
    let ran = run(&rig, &options).expect(75);
    assert!(ran.err.contains("552 5.2.2 not this one"), "{}", ran.err);
    assert_eq!(server.join().unwrap(), [content("one"), content("three")]);

    // Nobody listens: that is no attempt.
    let ran = run(&rig, &options).expect(75);
    assert!(
        ran.err.contains("could not connect to ./socket"),
        "{}",
        ran.err
    );

    fs::remove_file(&socket).unwrap();
    let server = lmtp(UnixListener::bind(&socket).unwrap(), 1, "nothing");
    run(&rig, &options).expect(0);
    assert_eq!(server.join().unwrap(), [content("two")]);
    assert_eq!(rig.delivered().len(), 3);
}

/// Plays a server that greets, offers no TLS, and hangs up.
fn without_tls(listener: TcpListener) -> JoinHandle<Vec<String>> {
    thread::spawn(move || {
        let (mut writer, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(writer.try_clone().unwrap()).lines();
        writer.write_all(b"220 here\r\n").unwrap();
        let hello = lines.next().unwrap().unwrap();
        writer.write_all(b"250-here\r\n250 AUTH PLAIN\r\n").unwrap();
        [hello]
            .into_iter()
            .chain(lines.map_while(Result::ok))
            .collect()
    })
}

#[test]
fn a02_no_message_and_no_password_goes_to_a_mail_server_without_tls() {
    let messages = ["one", "two"].map(|name| format!("Subject: {name}\n").into_bytes());
    let rig = Rig::new(Mailbox::messages(messages));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "smtp://me@localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let server = without_tls(listener);
    let options = ["--keep", "none", "--recipient", "me@example.org"];
    let mut command = crate::targets::sync(&rig, &["--smtp", &url]);
    command
        .args(options)
        .env("POPFETCH_TARGET_PASSWORD", "hunter2");
    let refused = ran(&mut command).expect(69);
    assert!(refused.err.contains("it offers no TLS"), "{}", refused.err);
    let heard = server.join().unwrap();
    assert!(
        heard.len() == 1 && heard[0].starts_with("EHLO "),
        "{heard:?}"
    );
    assert_eq!(rig.left(), 2);

    let socket = rig.path("socket");
    let server = lmtp(UnixListener::bind(&socket).unwrap(), 2, "nothing");
    run(&rig, &[&["--lmtp", "./socket"], &options[..]].concat()).expect(0);
    assert_eq!(server.join().unwrap(), ["Subject: one", "Subject: two"]);
    assert_eq!(rig.left(), 0);
}

#[test]
fn a13_a_password_in_the_url_of_a_mail_server_is_refused_and_not_shown() {
    let rig = Rig::five(&[]);
    let url = "smtps://me:hunter2@localhost";
    let refused = run(&rig, &["--smtp", url]).expect(64);
    assert!(refused.err.contains("holds no password"), "{}", refused.err);
    assert!(!refused.err.contains("hunter2"), "{}", refused.err);
}
