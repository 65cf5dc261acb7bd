//! That the rig's Cyrus is what the other tests take it for.

use crate::support::python;
use interop::{Cyrus, Error, Mailbox, RawClient, Server, User};

fn start(mailbox: &Mailbox) -> Result<Server, Error> {
    Cyrus {
        users: vec![User::new("alice", "secret").with(mailbox)],
        ..Cyrus::default()
    }
    .start()
}

#[test]
fn what_it_does_not_take_it_refuses() {
    let message = b"Subject: x\n\na\0b\n".to_vec();
    assert!(!Cyrus::takes(&message));
    let Err(error) = start(&Mailbox::of([message])) else {
        panic!("it takes NUL");
    };
    assert!(error.to_string().contains("LMTP answer"), "{error}");
}

#[test]
fn capabilities_before_and_under_tls_are_as_documented() {
    let server = start(&Mailbox::ordinary(0)).unwrap();
    let (mut client, greeting) = RawClient::connect(server.plain_port()).unwrap();
    assert!(greeting.contains('<'), "no APOP stamp: {greeting}");
    let before = String::from_utf8(client.body("CAPA").unwrap()).unwrap();
    for line in [
        "SASL PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-512",
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
        "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1-PLUS SCRAM-SHA-1 SCRAM-SHA-256-PLUS SCRAM-SHA-256 \
         SCRAM-SHA-512-PLUS SCRAM-SHA-512"
    );
}
