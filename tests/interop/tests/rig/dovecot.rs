//! That the rig's Dovecot is what the other tests take it for.

use crate::support::python;
use interop::{
    ClearText, Dovecot, Mailbox, RawClient, Server, ServerCertificate, Tap, User, compare,
};

fn with_user(dovecot: Dovecot, mailbox: &Mailbox) -> Server {
    Dovecot {
        users: vec![User::new("alice", "secret").with(mailbox)],
        ..dovecot
    }
    .start()
    .unwrap()
}

#[test]
fn messages_reach_the_wire_as_they_lie_on_the_disk() {
    let mailbox = Mailbox::nasty();
    let server = with_user(Dovecot::default(), &mailbox);
    let mut client = RawClient::login(server.plain_port(), "alice", "secret").unwrap();
    let received = (1..=mailbox.len())
        .map(|number| client.body(&format!("RETR {number}")).unwrap())
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
    let server = with_user(Dovecot::default(), &mailbox);
    let mut client = RawClient::login(server.plain_port(), "alice", "secret").unwrap();
    client.ok("DELE 2").unwrap();
    assert_eq!(server.maildir("alice").files().unwrap().len(), 3);
    client.ok("QUIT").unwrap();
    let left = server.maildir("alice").messages().unwrap();
    let mut expected: Vec<_> = mailbox.messages().collect();
    expected.remove(1);
    compare::assert_same_messages(expected, left);
}

#[test]
fn every_mechanism_and_apop_are_offered() {
    let server = with_user(Dovecot::default(), &Mailbox::nasty());
    let (mut client, greeting) = RawClient::connect(server.plain_port()).unwrap();
    assert!(greeting.contains('<'), "no APOP stamp: {greeting}");
    let capabilities = String::from_utf8(client.body("CAPA").unwrap()).unwrap();
    assert!(
        capabilities
            .contains("SASL PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 ANONYMOUS"),
        "{capabilities}"
    );
    assert!(capabilities.contains("STLS"), "{capabilities}");
}

#[test]
fn clear_text_is_refused_where_asked() {
    let options = Dovecot {
        clear_text: ClearText::Refused,
        ..Dovecot::default()
    };
    let server = with_user(options, &Mailbox::nasty());
    let (mut client, _) = RawClient::connect(server.plain_port()).unwrap();
    let capabilities = String::from_utf8(client.body("CAPA").unwrap()).unwrap();
    assert!(!capabilities.contains("USER"), "{capabilities}");
    let answer = client.command("USER alice").unwrap();
    assert!(answer.starts_with("-ERR"), "{answer}");
}

#[test]
fn bad_certificates_are_refused_for_the_reason_they_were_made_for() {
    for (certificate, reason) in [
        (ServerCertificate::OtherName, "Hostname mismatch"),
        (ServerCertificate::Expired, "certificate has expired"),
    ] {
        let options = Dovecot {
            certificate,
            ..Dovecot::default()
        };
        let server = with_user(options, &Mailbox::nasty());
        let script = "
try:
    implicit_tls()
except ssl.SSLCertVerificationError as error:
    print(error)
";
        let error = python(&server, script);
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_tap_writes_down_what_a_client_says_and_hears() {
    let server = with_user(Dovecot::default(), &Mailbox::nasty());
    let tap = Tap::before(server.plain_port()).unwrap();
    let mut client = RawClient::login(tap.port(), "alice", "secret").unwrap();
    client.ok("QUIT").unwrap();
    assert_eq!(
        tap.from_clients().escape_ascii().to_string(),
        b"USER alice\r\nPASS secret\r\nQUIT\r\n"
            .escape_ascii()
            .to_string()
    );
    let heard = String::from_utf8(tap.from_server()).unwrap();
    assert!(heard.ends_with("+OK Logging out.\r\n"), "{heard}");
}
