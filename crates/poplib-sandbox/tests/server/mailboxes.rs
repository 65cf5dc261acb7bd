//! The kinds of mailboxes.

use std::fs;

use poplib_sandbox::{Generated, Mailbox, Octets, Sandbox};

use crate::common::{Client, unstuffed};

fn serve(mailbox: Mailbox) -> Sandbox {
    Sandbox::builder()
        .mailbox("bob", "secret", mailbox)
        .start()
        .unwrap()
}

fn log_in(sandbox: &Sandbox) -> Client {
    Client::logged_in(sandbox, "bob", "secret")
}

#[test]
fn generated_messages_have_their_sizes_and_stay_the_same() {
    let mailbox = || {
        Mailbox::generated(Generated {
            seed: 42,
            messages: 20,
            octets: Octets::Uniform(300..=100_000),
        })
    };
    let fetch = || {
        let sandbox = serve(mailbox());
        let mut client = log_in(&sandbox);
        let sizes = client.body("LIST");
        let bodies: Vec<_> = (1..=20)
            .map(|number| client.body(&format!("RETR {number}")))
            .collect();
        (sizes, client.body("UIDL"), bodies)
    };
    let (sizes, unique_ids, bodies) = fetch();
    assert_eq!((sizes.clone(), unique_ids, bodies.clone()), fetch());
    for (line, body) in sizes.lines().zip(&bodies) {
        let octets = line.split_once(' ').unwrap().1;
        assert_eq!(unstuffed(body).len().to_string(), octets);
    }
    assert!(
        bodies.iter().any(|body| body.contains("\r\n..")),
        "some line is stuffed"
    );
}

#[test]
fn a_million_messages_can_be_listed_and_deleted() {
    let sandbox = serve(Mailbox::generated(Generated {
        seed: 1,
        messages: 1_000_000,
        octets: Octets::Exactly(4096),
    }));
    let mut client = log_in(&sandbox);
    assert_eq!(client.ok("STAT"), "1000000 4096000000");
    client.ok("DELE 1000000");
    client.ok("DELE 1");
    assert_eq!(client.ok("STAT"), "999998 4095991808");
    client.ok("QUIT");
    let mut client = log_in(&sandbox);
    assert_eq!(sandbox.messages_left("bob").unwrap(), 999_998);
    assert!(
        client
            .body("TOP 1 0")
            .contains("Generated message 00000000000000000002\r\n")
    );
    client.send("UIDL\r\nQUIT\r\n");
    let lines = client
        .rest()
        .iter()
        .filter(|octet| **octet == b'\n')
        .count();
    assert_eq!(lines, 999_998 + 3);
}

#[test]
fn a_function_can_make_the_messages() {
    let sandbox = serve(Mailbox::from_fn(5, |number| {
        format!("Subject: {number}\n\n").into_bytes()
    }));
    let mut client = log_in(&sandbox);
    client.ok("DELE 3");
    assert_eq!(client.body("RETR 4"), "Subject: 4\r\n\r\n");
    client.ok("QUIT");
    assert_eq!(log_in(&sandbox).body("RETR 3"), "Subject: 4\r\n\r\n");
}

#[test]
fn verbatim_messages_keep_their_line_ends() {
    let sandbox = serve(Mailbox::verbatim(["a\nb\rc\n.\n"]));
    let mut client = log_in(&sandbox);
    assert_eq!(client.ok("STAT"), "1 10");
    client.send("RETR 1\r\nQUIT\r\n");
    assert_eq!(
        client.rest(),
        b"+OK 10 octets\r\na\nb\rc\n.\n\r\n.\r\n+OK bye\r\n"
    );
}

#[test]
fn mail_can_arrive_between_sessions() {
    let sandbox = serve(Mailbox::empty());
    let mut client = log_in(&sandbox);
    sandbox.deliver("bob", "Subject: new\n\n").unwrap();
    assert_eq!(client.ok("STAT"), "0 0");
    client.ok("QUIT");
    let mut client = log_in(&sandbox);
    assert_eq!(client.body("RETR 1"), "Subject: new\r\n\r\n");
    client.ok("DELE 1");
    sandbox.deliver("bob", "Subject: newer\n\n").unwrap();
    client.ok("QUIT");
    assert_eq!(log_in(&sandbox).body("RETR 1"), "Subject: newer\r\n\r\n");
    sandbox.deliver("nobody", "").unwrap_err();
}

#[test]
fn a_maildir_is_served_and_really_emptied() {
    let directory = tempfile::tempdir().unwrap();
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir(directory.path().join(folder)).unwrap();
    }
    let put = |name: &str, content: &str| fs::write(directory.path().join(name), content).unwrap();
    put("new/1700000002.b.host", "Subject: second\n\n.\nno end");
    put("cur/1700000001.a.host:2,S", "Subject: first\r\n\r\n");
    put("new/1700000003.with space", "");
    put("new/.hidden", "not a message");
    put("tmp/1700000000.c", "not a message yet");

    let sandbox = serve(Mailbox::maildir(directory.path()));
    let mut client = log_in(&sandbox);
    assert_eq!(client.body("LIST"), "1 18\r\n2 30\r\n3 0\r\n");
    let unique_ids = client.body("UIDL");
    assert!(unique_ids.starts_with("1 1700000001.a.host\r\n2 1700000002.b.host\r\n3 "));
    assert_eq!(unique_ids.lines().last().unwrap().len(), 66, "a digest");
    assert_eq!(
        client.body("RETR 2"),
        "Subject: second\r\n\r\n..\r\nno end\r\n"
    );
    assert_eq!(client.body("RETR 3"), "");
    client.ok("DELE 1");
    client.ok("DELE 2");
    assert_eq!(sandbox.messages_left("bob").unwrap(), 3);
    client.ok("QUIT");
    assert!(directory.path().join("new/1700000003.with space").exists());
    assert!(!directory.path().join("cur/1700000001.a.host:2,S").exists());
    assert!(!directory.path().join("new/1700000002.b.host").exists());

    sandbox.deliver("bob", "Subject: new\n\n").unwrap();
    assert_eq!(log_in(&sandbox).body("RETR 2"), "Subject: new\r\n\r\n");
}

#[test]
fn p09_a_missing_maildir_is_a_temporary_problem() {
    let sandbox = serve(Mailbox::maildir("/nowhere"));
    let mut client = Client::greeted(sandbox.plain_addr());
    client.ok("USER bob");
    assert!(client.err("PASS secret").starts_with("[SYS/TEMP] "));
}
