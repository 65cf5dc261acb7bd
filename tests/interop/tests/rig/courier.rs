//! That the rig's Courier is what the other tests take it for.

use crate::support::{RawClient, python};
use interop::{Courier, Mailbox, Server, User, compare};

fn start(mailbox: &Mailbox) -> Server {
    Courier {
        users: vec![User::new("alice", "secret").with(mailbox)],
        ..Courier::default()
    }
    .start()
    .unwrap()
}

#[test]
fn messages_reach_the_wire_as_they_lie_on_the_disk() {
    let mailbox = Mailbox::ordinary(3);
    let server = start(&mailbox);
    let mut client = RawClient::login(server.plain_port(), "alice", "secret");
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
fn utf8_is_offered_for_messages_and_for_users() {
    let server = start(&Mailbox::ordinary(0));
    let (mut client, _) = RawClient::connect(server.plain_port());
    let capabilities = String::from_utf8(client.body("CAPA")).unwrap();
    assert!(capabilities.contains("UTF8 USER\r\n"), "{capabilities}");
    client.ok("UTF8");
}

#[test]
fn the_certificate_is_good_for_python_by_tls_and_by_stls() {
    let mailbox = Mailbox::ordinary(2);
    let server = start(&mailbox);
    for connect in ["implicit_tls()", "stls()"] {
        let script = format!(
            "
client = {connect}
client.user('alice')
client.pass_('secret')
print(client.stat()[0])
client.quit()
"
        );
        assert_eq!(python(&server, &script).trim(), "2", "{connect}");
    }
}
