//! That the rig's Dovecot is what the other tests take it for.

#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

mod common;

use std::{
    fs,
    process::{Command, Output},
};

use common::RawClient;
use interop::{
    ClearText, Dovecot, DovecotOptions, Error, Mailbox, ServerCertificate, Tap, User, compare,
};

fn with_user(options: DovecotOptions, mailbox: &Mailbox) -> Result<Dovecot, Error> {
    Dovecot::start(&DovecotOptions {
        users: vec![User::new("alice", "secret").with(mailbox)],
        ..options
    })
}

#[test]
fn messages_reach_the_wire_as_they_lie_on_the_disk() {
    let mailbox = Mailbox::nasty();
    let dovecot = with_user(DovecotOptions::default(), &mailbox).unwrap();
    let mut client = RawClient::login(dovecot.plain_port(), "alice", "secret");
    let received = (1..=mailbox.len())
        .map(|number| client.body(&format!("RETR {number}")))
        .collect();
    let expected = mailbox
        .messages()
        .map(|stored| compare::on_the_wire(&stored))
        .collect();
    compare::assert_same_messages(expected, received);
}

#[test]
fn deletions_happen_at_quit_and_can_be_seen_on_the_disk() {
    let mailbox = Mailbox::mixed(1, 3);
    let dovecot = with_user(DovecotOptions::default(), &mailbox).unwrap();
    let mut client = RawClient::login(dovecot.plain_port(), "alice", "secret");
    client.ok("DELE 2");
    assert_eq!(dovecot.maildir("alice").files().unwrap().len(), 3);
    client.ok("QUIT");
    let left = dovecot.maildir("alice").messages().unwrap();
    let mut expected: Vec<_> = mailbox.messages().collect();
    expected.remove(1);
    compare::assert_same_messages(expected, left);
}

#[test]
fn every_mechanism_and_apop_are_offered() {
    let dovecot = with_user(DovecotOptions::default(), &Mailbox::nasty()).unwrap();
    let (mut client, greeting) = RawClient::connect(dovecot.plain_port());
    assert!(greeting.contains('<'), "no APOP stamp: {greeting}");
    let capabilities = String::from_utf8(client.body("CAPA")).unwrap();
    assert!(
        capabilities.contains("SASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 ANONYMOUS"),
        "{capabilities}"
    );
    assert!(capabilities.contains("STLS"), "{capabilities}");
}

#[test]
fn clear_text_is_refused_where_asked() {
    let options = DovecotOptions {
        clear_text: ClearText::Refused,
        ..DovecotOptions::default()
    };
    let dovecot = with_user(options, &Mailbox::nasty()).unwrap();
    let (mut client, _) = RawClient::connect(dovecot.plain_port());
    let capabilities = String::from_utf8(client.body("CAPA")).unwrap();
    assert!(!capabilities.contains("USER"), "{capabilities}");
    let answer = client.command("USER alice");
    assert!(answer.starts_with("-ERR"), "{answer}");
}

/// Python's own client as the judge: it verifies the certificate with OpenSSL.
fn python_login(dovecot: &Dovecot, stls: bool) -> Output {
    const SCRIPT: &str = "
import poplib, ssl, sys
ca, plain, tls, stls = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
if stls == 'true':
    client = poplib.POP3('localhost', int(plain), timeout=60)
    client.stls(context)
else:
    client = poplib.POP3_SSL('localhost', int(tls), context=context, timeout=60)
client.user('alice')
client.pass_('secret')
print(client.stat()[0])
client.quit()
";
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, dovecot.ca_pem()).unwrap();
    Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(ca)
        .args([dovecot.plain_port(), dovecot.tls_port()].map(|port| port.to_string()))
        .arg(stls.to_string())
        .output()
        .unwrap()
}

#[test]
fn the_certificate_is_good_for_python_by_tls_and_by_stls() {
    let mailbox = Mailbox::nasty();
    let dovecot = with_user(DovecotOptions::default(), &mailbox).unwrap();
    for stls in [false, true] {
        let output = python_login(&dovecot, stls);
        assert!(output.status.success(), "{output:?}\n{}", dovecot.log());
        let stat = String::from_utf8(output.stdout).unwrap();
        assert_eq!(stat.trim(), mailbox.len().to_string());
    }
}

#[test]
fn bad_certificates_are_refused_for_the_reason_they_were_made_for() {
    for (certificate, reason) in [
        (ServerCertificate::OtherName, "Hostname mismatch"),
        (ServerCertificate::Expired, "certificate has expired"),
    ] {
        let options = DovecotOptions {
            certificate,
            ..DovecotOptions::default()
        };
        let dovecot = with_user(options, &Mailbox::nasty()).unwrap();
        let output = python_login(&dovecot, false);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(reason), "{error}");
        assert!(!dovecot.log().contains("Login:"), "{}", dovecot.log());
    }
}

#[test]
fn a_tap_writes_down_what_a_client_says_and_hears() {
    let dovecot = with_user(DovecotOptions::default(), &Mailbox::nasty()).unwrap();
    let tap = Tap::before(dovecot.plain_port()).unwrap();
    let mut client = RawClient::login(tap.port(), "alice", "secret");
    client.ok("QUIT");
    assert_eq!(
        tap.from_clients().escape_ascii().to_string(),
        b"USER alice\r\nPASS secret\r\nQUIT\r\n"
            .escape_ascii()
            .to_string()
    );
    let heard = String::from_utf8(tap.from_server()).unwrap();
    assert!(heard.ends_with("+OK Logging out.\r\n"), "{heard}");
}
