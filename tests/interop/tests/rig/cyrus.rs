//! That the rig's Cyrus is what the other tests take it for.

use crate::support::{RawClient, python};
use interop::{Cyrus, Mailbox, Server, User, compare};

fn start(mailbox: &Mailbox) -> Server {
    Cyrus {
        users: vec![User::new("alice", "secret").with(mailbox)],
        ..Cyrus::default()
    }
    .start()
    .unwrap()
}

#[test]
fn messages_arrive_behind_header_lines_of_the_servers_own() {
    let mailbox = Mailbox::ordinary(3);
    let server = start(&mailbox);
    let mut client = RawClient::login(server.plain_port(), "alice", "secret");
    for (index, message) in mailbox.messages().enumerate() {
        let received = client.body(&format!("RETR {}", index + 1));
        let message = compare::on_the_wire(&message);
        assert!(received.ends_with(&message), "{}", received.escape_ascii());
    }
}

#[test]
fn capabilities_before_and_under_tls_are_as_documented() {
    let server = start(&Mailbox::ordinary(0));
    let (mut client, greeting) = RawClient::connect(server.plain_port());
    assert!(greeting.contains('<'), "no APOP stamp: {greeting}");
    let before = String::from_utf8(client.body("CAPA")).unwrap();
    for line in [
        "SASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256",
        "EXPIRE NEVER\r\n",
        "LOGIN-DELAY 0\r\n",
        "IMPLEMENTATION Cyrus POP3 3.6.1",
    ] {
        assert!(before.contains(line), "{line} is not in {before}");
    }
    let under_tls = python(
        &server,
        "
client = implicit_tls()
print(' '.join(client.capa()['SASL']))
client.apop('alice', 'secret')
",
    );
    assert_eq!(
        under_tls.trim(),
        "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1-PLUS SCRAM-SHA-1 SCRAM-SHA-256-PLUS SCRAM-SHA-256"
    );
}
