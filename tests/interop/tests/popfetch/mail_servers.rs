//! Mail servers as targets: every message arrives there as it came, and once.

use std::fs;

use interop::{Mailbox, Server, Taker, compare};

use crate::support::{Home, dovecot, pops};

const RECIPIENT: [&str; 2] = ["--recipient", "bob@example.org"];
const PASSWORD: [&str; 2] = ["--target-password-command", "echo sesame"];

/// A home that trusts the mail server in `taker.pem`.
fn home(server: &Server, taker: &Taker) -> Home {
    let home = Home::trusting(server);
    fs::write(home.path().join("taker.pem"), taker.ca_pem()).unwrap();
    home
}

/// Fetches everything, twice. What the recipient has then.
fn taken(taker: &Taker, mailbox: &Mailbox, recipient: &str, options: &[&str]) -> Vec<Vec<u8>> {
    let server = dovecot(mailbox);
    let home = home(&server, taker);
    let options = [options, &RECIPIENT].concat();
    for _ in 0..2 {
        home.sync(&pops(&server), &options).ok(&server);
        home.assert_holds(mailbox);
        let files = taker.maildir(recipient).files().unwrap();
        assert_eq!(files.len(), mailbox.len(), "{}", taker.log());
    }
    taker.maildir(recipient).messages().unwrap()
}

/// What Dovecot has taken, without what it puts on top.
fn taken_by_dovecot(taker: &Taker, mailbox: &Mailbox, options: &[&str]) -> Vec<Vec<u8>> {
    let messages = taken(taker, mailbox, "bob", options).into_iter();
    let without_trace = |message: Vec<u8>| {
        let mut rest = &message[..];
        for field in ["Return-Path: ", "Delivered-To: "] {
            assert!(
                rest.starts_with(field.as_bytes()),
                "{}",
                rest.escape_ascii()
            );
            let end = rest.iter().position(|&octet| octet == b'\n').unwrap();
            rest = &rest[end + 1..];
        }
        rest.to_vec()
    };
    messages.map(without_trace).collect()
}

/// Small messages, among them everything that breaks mail clients.
fn small() -> Mailbox {
    let messages = Mailbox::mixed(4, 60);
    let is_small = |message: &Vec<u8>| message.len() < 500_000;
    Mailbox::of(messages.messages().filter(is_small))
}

fn as_in_a_maildir(mailbox: &Mailbox) -> Vec<Vec<u8>> {
    let message = |stored: Vec<u8>| compare::in_a_maildir(&compare::on_the_wire(&stored));
    mailbox.messages().map(message).collect()
}

#[test]
fn dovecot_takes_mail_by_a_unix_socket() {
    let (taker, mailbox) = (Taker::dovecot().unwrap(), Mailbox::mixed(3, 50));
    let socket = taker.socket();
    let options = ["--lmtp", socket.to_str().unwrap()];
    let taken = taken_by_dovecot(&taker, &mailbox, &options);
    compare::assert_same_messages(as_in_a_maildir(&mailbox), taken);
}

#[test]
fn dovecot_takes_mail_by_tcp_with_and_without_tls() {
    for (scheme, is_tls) in [("", false), ("lmtp://", false), ("lmtps://", true)] {
        let (taker, mailbox) = (Taker::dovecot().unwrap(), small());
        let port = if is_tls {
            taker.tls_port()
        } else {
            taker.starttls_port()
        };
        let address = format!("{scheme}localhost:{port}");
        let options = ["--lmtp", &address, "--target-ca-file", "taker.pem"];
        let taken = taken_by_dovecot(&taker, &mailbox, &options);
        compare::assert_same_messages(as_in_a_maildir(&mailbox), taken);
    }
}

#[test]
fn aiosmtpd_takes_mail_after_starttls_and_a_login() {
    for scheme in ["smtp", "smtps"] {
        let (taker, mailbox) = (Taker::aiosmtpd().unwrap(), small());
        let port = match scheme {
            "smtps" => taker.tls_port(),
            _ => taker.starttls_port(),
        };
        let url = format!("{scheme}://me@localhost:{port}");
        let options = ["--smtp", &url, "--target-ca-file", "taker.pem"];
        let taken = taken(
            &taker,
            &mailbox,
            RECIPIENT[1],
            &[&options, &PASSWORD[..]].concat(),
        );
        let expected = mailbox
            .messages()
            .map(|stored| compare::on_the_wire(&stored));
        compare::assert_same_messages(expected.collect(), taken);
    }
}

#[test]
fn what_aiosmtpd_refuses_stays_on_the_server() {
    let (taker, mailbox) = (Taker::aiosmtpd().unwrap(), Mailbox::ordinary(3));
    let server = dovecot(&mailbox);
    let home = home(&server, &taker);
    let url = format!("smtp://me@localhost:{}", taker.starttls_port());
    let plaintext = format!("smtp+plaintext://localhost:{}", taker.starttls_port());
    let trust = ["--target-ca-file", "taker.pem"];
    let wrong = ["--target-password-command", "echo guess"];
    let keep = ["--keep", "none"];
    for (options, statuses, words) in [
        (
            [["--smtp", &url], PASSWORD],
            &[69],
            "no authority that is trusted",
        ),
        ([["--smtp", &plaintext], trust], &[75], "530"),
    ] {
        let options = [options.as_flattened(), &keep, &RECIPIENT].concat();
        home.sync(&pops(&server), &options)
            .failed(statuses, &[words]);
    }
    let refused = [["--smtp", &url], trust, wrong, keep, RECIPIENT];
    let refused = home.sync(&pops(&server), refused.as_flattened());
    refused.failed(&[77], &["535"]);
    assert!(!refused.text().contains("guess\n"), "{}", refused.text());
    assert_eq!(server.maildir("alice").files().unwrap().len(), 3);

    let accepted = [["--smtp", &url], trust, PASSWORD, keep, RECIPIENT];
    home.sync(&pops(&server), accepted.as_flattened())
        .ok(&server);
    assert_eq!(taker.maildir(RECIPIENT[1]).files().unwrap().len(), 3);
    assert_eq!(server.maildir("alice").files().unwrap().len(), 0);
}
