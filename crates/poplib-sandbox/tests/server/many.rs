//! Many connections, small buffers, and the end.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use poplib_sandbox::{Generated, Mailbox, Octets, Sandbox};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::common::{Client, alice};

const CONNECTIONS: usize = 1000;

/// A process may have 1,024 open files by default, and both ends of a thousand connections live in
/// this one.
fn allow_many_files() {
    let mut limits = getrlimit(Resource::Nofile);
    limits.current = limits.maximum;
    setrlimit(Resource::Nofile, limits).unwrap();
}

#[test]
fn a_thousand_connections_are_served_at_once() {
    allow_many_files();
    let mut builder = Sandbox::builder();
    for user in 0..CONNECTIONS {
        builder = builder.mailbox(&format!("user{user}"), "secret", Mailbox::messages(["a\n"]));
    }
    let sandbox = builder.start().unwrap();
    let mut clients: Vec<_> = (0..CONNECTIONS)
        .map(|user| Client::logged_in(&sandbox, &format!("user{user}"), "secret"))
        .collect();
    for client in &mut clients {
        assert_eq!(client.body("RETR 1"), "a\r\n");
    }
    assert_eq!(sandbox.sessions().len(), CONNECTIONS);
}

#[test]
fn the_server_stops_although_clients_stay() {
    let sandbox = alice()
        .misbehave("stall=noop")
        .misbehave("endless-lines=capa")
        .start()
        .unwrap();
    let mut idle = Client::logged_in(&sandbox, "alice", "secret");
    let mut stalled = Client::greeted(sandbox.plain_addr());
    stalled.send("NOOP\r\n");
    let mut deaf = Client::connect(sandbox.plain_addr());
    deaf.send("CAPA\r\n");
    let greeting_unread = Client::connect(sandbox.tls_addr());
    let address = sandbox.plain_addr();
    drop(sandbox);
    assert_eq!(idle.rest(), b"");
    assert_eq!(stalled.rest(), b"");
    drop(greeting_unread);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn p08_with_small_buffers_a_client_that_only_writes_is_blocked() {
    let sandbox = Sandbox::builder()
        .mailbox(
            "bob",
            "secret",
            Mailbox::generated(Generated {
                seed: 1,
                messages: 1,
                octets: Octets::Exactly(1000),
            }),
        )
        .small_buffers()
        .start()
        .unwrap();
    let mut client = Client::logged_in(&sandbox, "bob", "secret");
    client
        .tcp()
        .set_write_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let mut stream = client.tcp();
    // The answers would be a gigabyte, and nobody reads them.
    let blocked = stream.write_all("RETR 1\r\n".repeat(1_000_000).as_bytes());
    assert_eq!(blocked.unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(client.octets(1000).starts_with(b"+OK 1000 octets\r\n"));
}
