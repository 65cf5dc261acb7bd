//! Each command, from the outside.

use poplib_sandbox::{Mailbox, Sandbox, Stage};

use crate::common::{Client, MESSAGES, alice, unstuffed};

#[test]
fn stat_list_and_retr_agree_on_the_octets() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    let listing = client.body("LIST");
    let mut total = 0;
    for (line, message) in listing.lines().zip(MESSAGES) {
        let (number, octets) = line.split_once(' ').unwrap();
        let body = unstuffed(&client.body(&format!("RETR {number}")));
        assert_eq!(body.len(), octets.parse::<usize>().unwrap());
        assert_eq!(body.replace("\r\n", "\n").trim_end(), message.trim_end());
        total += body.len();
        assert_eq!(client.ok(&format!("LIST {number}")), line);
    }
    assert_eq!(client.ok("STAT"), format!("3 {total}"));
}

#[test]
fn lines_that_begin_with_a_dot_are_stuffed() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    assert_eq!(
        client.body("RETR 2"),
        "Subject: two\r\n\r\n..dot\r\n...\r\n..\r\nlast\r\n"
    );
}

#[test]
fn top_sends_the_header_and_so_many_lines() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    let header = "Subject: three\r\nTo: you\r\n\r\n";
    assert_eq!(client.body("TOP 3 0"), header);
    assert_eq!(client.body("TOP 3 2"), format!("{header}1\r\n2\r\n"));
    assert_eq!(client.body("TOP 3 9"), format!("{header}1\r\n2\r\n3\r\n"));
    client.err("TOP 3");
    client.err("TOP 4 1");
}

#[test]
fn p04_unique_ids_are_stable_and_can_be_chosen() {
    let listing = || {
        let sandbox = alice().start().unwrap();
        Client::logged_in(&sandbox, "alice", "secret").body("UIDL")
    };
    assert_eq!(listing(), listing());

    let mailbox = Mailbox::messages(MESSAGES).unique_ids(["a", "b", "b"]);
    let sandbox = Sandbox::builder()
        .mailbox("bob", "secret", mailbox)
        .start()
        .unwrap();
    let mut client = Client::logged_in(&sandbox, "bob", "secret");
    assert_eq!(client.body("UIDL"), "1 a\r\n2 b\r\n3 b\r\n");
    assert_eq!(client.ok("UIDL 3"), "3 b");
}

#[test]
fn p03_deletions_happen_at_quit_and_only_there() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    client.ok("DELE 1");
    client.err("DELE 1");
    client.err("RETR 1");
    assert_eq!(client.body("LIST").lines().count(), 2);
    assert!(client.ok("STAT").starts_with("2 "));
    client.ok("RSET");
    client.ok("RETR 1");
    drop(client);

    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    client.ok("DELE 2");
    drop(client);
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    assert_eq!(sandbox.messages_left("alice").unwrap(), 3);
    client.ok("DELE 2");
    client.ok("QUIT");
    assert_eq!(client.rest(), b"");
    assert_eq!(sandbox.messages_left("alice").unwrap(), 2);
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    assert!(client.body("RETR 2").starts_with("Subject: three\r\n"));
}

#[test]
fn p09_a_maildrop_has_one_session_at_a_time() {
    let sandbox = alice().start().unwrap();
    let holder = Client::logged_in(&sandbox, "alice", "secret");
    let mut second = Client::greeted(sandbox.plain_addr());
    second.ok("USER alice");
    assert!(second.err("PASS secret").starts_with("[IN-USE] "));
    drop(holder);
    second.ok("USER alice");
    second.ok("PASS secret");
}

#[test]
fn wrong_credentials_are_refused_and_can_be_corrected() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    client.err("PASS secret");
    client.ok("USER alice");
    assert!(client.err("PASS wrong").starts_with("[AUTH] "));
    client.ok("USER nobody");
    assert!(client.err("PASS secret").starts_with("[AUTH] "));
    client.ok("USER alice");
    client.ok("PASS secret");
}

#[test]
fn passwords_may_contain_spaces() {
    let sandbox = Sandbox::builder()
        .mailbox("bob", " two  words ", Mailbox::empty())
        .start()
        .unwrap();
    let mut client = Client::logged_in(&sandbox, "bob", " two  words ");
    assert_eq!(client.ok("STAT"), "0 0");
    assert_eq!(client.body("UIDL"), "");
}

#[test]
fn p06_commands_are_refused_in_the_wrong_state() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    for command in [
        "STAT", "LIST", "UIDL", "RETR 1", "TOP 1 0", "DELE 1", "RSET", "NOOP",
    ] {
        client.err(command);
    }
    client.ok("USER alice");
    client.ok("PASS secret");
    for command in [
        "USER alice",
        "PASS secret",
        "APOP alice x",
        "STLS",
        "UTF8",
        "AUTH PLAIN",
    ] {
        client.err(command);
    }
    client.err("XYZZY");
    client.ok("noop");
    client.ok("QUIT");
}

#[test]
fn p01_long_lines_are_refused() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    assert_eq!(client.err(&format!("NOOP{:251}", "")), "line too long");
    client.ok(&format!("NOOP{:249}", ""));
}

#[test]
fn p08_many_commands_in_one_segment_are_all_answered() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    client.send("NOOP\r\n".repeat(10_000) + "STAT\r\nQUIT\r\n");
    for _ in 0..10_000 {
        assert_eq!(client.line(), "+OK\r\n");
    }
    assert!(client.line().starts_with("+OK 3 "));
    assert!(client.line().starts_with("+OK "));
    assert_eq!(client.rest(), b"");
}

#[test]
fn what_comes_behind_quit_does_not_destroy_its_answer() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    client.send("QUIT\r\n".to_owned() + &"NOOP\r\n".repeat(1_000_000));
    assert_eq!(client.rest(), b"+OK bye\r\n");
}

#[test]
fn p07_capabilities_depend_on_the_state() {
    let sandbox = alice().expire("30").login_delay("900").start().unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    let before = client.body("CAPA");
    for line in [
        "TOP",
        "UIDL",
        "PIPELINING",
        "STLS",
        "USER",
        "EXPIRE 30",
        "LOGIN-DELAY 900",
    ] {
        assert!(
            before.lines().any(|capability| capability == line),
            "{line}"
        );
    }
    client.ok("USER alice");
    client.ok("PASS secret");
    let after = client.body("CAPA");
    assert!(after.contains("PIPELINING\r\n"));
    assert!(!after.contains("STLS") && !after.contains("SASL"));

    let sandbox = alice()
        .capabilities(Stage::BeforeTls, ["X-ONLY", ".X-DOT"])
        .start()
        .unwrap();
    assert_eq!(
        Client::greeted(sandbox.plain_addr()).body("CAPA"),
        "X-ONLY\r\n..X-DOT\r\n"
    );
}

#[test]
fn p18_utf8_and_lang() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    assert!(client.body("LANG").contains("de Deutsch\r\n"));
    assert_eq!(client.ok("LANG de"), "de Deutsch");
    client.ok("LANG *");
    client.err("LANG tlh");
    client.ok("UTF8");
    assert_eq!(client.err("STLS"), "no STLS after UTF8");
}

#[test]
fn rpop_needs_permission() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    client.ok("USER alice");
    client.err("RPOP alice");
    let sandbox = alice().allow_rpop(true).start().unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    client.ok("USER alice");
    client.ok("RPOP alice");
}

#[test]
fn p10_expire_0_deletes_at_quit_what_was_retrieved() {
    let sandbox = alice().expire("0 USER").start().unwrap();
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    client.body("RETR 2");
    drop(client);
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    assert_eq!(
        client.body("LIST").lines().count(),
        3,
        "a dropped connection deletes nothing"
    );
    client.body("RETR 2");
    client.ok("QUIT");
    assert_eq!(sandbox.messages_left("alice").unwrap(), 2);
}
