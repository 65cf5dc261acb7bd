//! Many connections, small buffers, and the end.

use std::net::TcpStream;
use std::thread;

use poplib_sandbox::{Generated, Mailbox, Octets, Sandbox};
use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::SockRef;

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
    const COMMANDS: usize = 3000;
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
    // Little room on the way there; the way back is as wide as it usually is.
    let socket = SockRef::from(client.tcp());
    socket.set_send_buffer_size(4096).unwrap();
    let mut writer = client.tcp().try_clone().unwrap();
    let writing = thread::spawn(move || {
        std::io::Write::write_all(&mut writer, "RETR 1\r\n".repeat(COMMANDS).as_bytes())
    });
    // Reading slowly is enough to go on; the answers are three megabytes.
    assert!(client.octets(1000).starts_with(b"+OK 1000 octets\r\n"));
    thread::sleep(std::time::Duration::from_millis(50));
    assert!(!writing.is_finished(), "the kernel's buffers took it all");
    let expected = COMMANDS * (17 + 1000 + 3) - 1000;
    let mut left = expected;
    while left > 0 {
        let octets = left.min(100_000);
        client.octets(octets);
        left -= octets;
    }
    writing.join().unwrap().unwrap();
}
