//! What is listed, deleted, renumbered and locked that should not be.

use std::time::Duration;

use poplib_sandbox::{Mailbox, Sandbox};

use crate::common::{Client, again, alice, bob, bobs, crlf, logged_in, pipelined, reply};

const DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn e07_q42_numbers_can_change_at_dele() {
    let sandbox = bob("renumber-after-dele");
    let mut client = bobs(&sandbox);
    client.ok("DELE 2");
    assert_eq!(client.body("UIDL"), "1 A\r\n2 C\r\n3 D\r\n");
    assert_eq!(client.body("LIST"), "1 3\r\n2 3\r\n3 3\r\n");
    assert_eq!(client.ok("UIDL 2"), "2 C");
    assert_eq!(client.body("RETR 2"), "c\r\n");
    assert_eq!(client.body("TOP 3 1"), "d\r\n");
    assert!(client.err("DELE 4").starts_with("no such message"));
    client.ok("DELE 3");
    client.ok("DELE 2");
    assert_eq!(client.ok("STAT"), "1 3");
    client.ok("RSET");
    assert_eq!(client.ok("STAT"), "4 12");
    client.send("DELE 1\r\nDELE 1\r\nUIDL\r\nQUIT\r\n");
    assert!(String::from_utf8_lossy(&client.rest()).contains("\r\n1 C\r\n2 D\r\n.\r\n"));
    assert_eq!(sandbox.unique_ids("bob").unwrap(), [b"C", b"D"]);
}

#[test]
fn e08_q45_unique_ids_can_be_used_again() {
    let sandbox = bob("numeric-uidl");
    let mut client = bobs(&sandbox);
    assert_eq!(client.body("UIDL"), "1 1\r\n2 2\r\n3 3\r\n4 4\r\n");
    client.ok("DELE 1");
    client.ok("QUIT");
    assert_eq!(bobs(&sandbox).body("UIDL"), "1 1\r\n2 2\r\n3 3\r\n");

    let sandbox = bob("reused-uidl");
    let mut client = bobs(&sandbox);
    assert_eq!(client.body("UIDL"), "1 A\r\n2 B\r\n3 C\r\n4 D\r\n");
    client.ok("DELE 2");
    client.ok("DELE 3");
    client.ok("QUIT");
    sandbox.deliver("bob", "new").unwrap();
    let mut client = bobs(&sandbox);
    assert_eq!(client.body("UIDL"), "1 A\r\n2 D\r\n3 B\r\n");
    assert_eq!(client.body("RETR 3"), "new\r\n");
    client.ok("QUIT");
    sandbox.deliver("bob", "newer").unwrap();
    sandbox.deliver("bob", "newest").unwrap();
    let unique_ids = bobs(&sandbox).body("UIDL");
    assert!(
        unique_ids.starts_with("1 A\r\n2 D\r\n3 B\r\n4 C\r\n5 "),
        "{unique_ids}"
    );
}

#[test]
fn e08_a_mailbox_can_use_a_unique_id_again() {
    let mailbox = Mailbox::messages(["a"]).unique_ids(["A", "A", "B"]);
    let sandbox = Sandbox::builder()
        .mailbox("bob", "secret", mailbox)
        .start()
        .unwrap();
    sandbox.remove("bob", 1).unwrap();
    sandbox.remove("bob", 1).unwrap_err();
    sandbox.deliver("bob", "b").unwrap();
    let mut client = bobs(&sandbox);
    assert_eq!(client.body("UIDL"), "1 A\r\n");
    assert_eq!(client.body("RETR 1"), "b\r\n");
}

#[test]
fn e09_unique_ids_can_be_missing_or_change() {
    let sandbox = bob("uidl-gap=2");
    let mut client = bobs(&sandbox);
    assert_eq!(client.body("UIDL"), "1 A\r\n3 C\r\n4 D\r\n");
    assert_eq!(client.body("LIST").lines().count(), 4);
    client.err("UIDL 2");
    client.ok("LIST 2");

    let sandbox = bob("changed-uidl=2@2-");
    assert_eq!(bobs(&sandbox).body("UIDL"), "1 A\r\n2 B\r\n3 C\r\n4 D\r\n");
    let mut client = bobs(&sandbox);
    assert_eq!(
        client.body("UIDL"),
        "1 changed-A\r\n2 changed-B\r\n3 C\r\n4 D\r\n"
    );
    client.ok("DELE 1");
    client.ok("QUIT");
    let unique_ids = bobs(&sandbox).body("UIDL");
    assert_eq!(unique_ids, "1 changed-B\r\n2 C\r\n3 D\r\n");
}

#[test]
fn e10_q46_mail_can_arrive_between_two_listings() {
    for (first, second) in [("UIDL", "LIST"), ("LIST", "UIDL")] {
        let (_sandbox, mut client) = logged_in("late-message");
        assert_eq!(client.ok("STAT"), "2 58");
        client.err("RETR 3");
        assert_eq!(client.body(first).lines().count(), 2);
        assert_eq!(client.ok("STAT"), "3 94");
        assert_eq!(client.body(second).lines().count(), 3);
        assert_eq!(client.body(first).lines().count(), 3);
        assert_eq!(client.body("RETR 3"), crlf(3));
    }
    let said = pipelined("late-message", "UIDL\r\nLIST\r\n");
    assert!(said.starts_with("+OK 2 messages\r\n"), "{said}");
    assert!(said.contains(".\r\n+OK 3 messages\r\n1 23\r\n2 35\r\n3 36\r\n.\r\n"));
}

#[test]
fn e11_q41_there_can_be_neither_uidl_nor_top() {
    let sandbox = alice()
        .misbehave("no-uidl")
        .misbehave("no-top")
        .start()
        .unwrap();
    let mut client = again(&sandbox);
    client.err("UIDL");
    client.err("TOP 1 0");
    let capabilities = client.body("CAPA");
    assert!(!capabilities.contains("UIDL") && !capabilities.contains("TOP"));
}

#[test]
fn e12_e34_q43_dele_can_be_ignored() {
    for (fault, left) in [("ignore-dele", 3), ("obey-deles=1", 2), ("obey-deles=9", 0)] {
        let (sandbox, mut client) = logged_in(fault);
        for number in [1, 2, 3] {
            client.ok(&format!("DELE {number}"));
        }
        client.ok("QUIT");
        assert_eq!(sandbox.messages_left("alice").unwrap(), left, "{fault}");
    }
}

#[test]
fn e16_refusals_can_have_words_and_an_end() {
    let (sandbox, mut client) = logged_in("refuse-retr=2:[SYS/TEMP] try again later@1");
    client.body("RETR 1");
    for _ in 0..3 {
        assert_eq!(client.err("RETR 2"), "[SYS/TEMP] try again later");
    }
    drop(client);
    again(&sandbox).body("RETR 2");

    let (_sandbox, mut client) = logged_in("refuse-retrs=2:busy");
    for number in [3, 1] {
        assert_eq!(client.err(&format!("RETR {number}")), "busy");
    }
    client.body("RETR 1");
}

#[test]
fn e15_a_message_can_always_break_the_connection() {
    let sandbox = bob("cut-in-body-of=C:1");
    let mut client = bobs(&sandbox);
    client.ok("DELE 1");
    client.ok("QUIT");
    let mut client = bobs(&sandbox);
    assert_eq!(client.body("RETR 3"), "d\r\n");
    client.send("RETR 2\r\n");
    assert_eq!(client.rest(), b"+OK 3 octets\r\nc");
}

#[test]
fn e18_a_listing_can_be_cut() {
    let said = pipelined("cut-in-answer=UIDL:3", "LIST\r\nUIDL\r\nNOOP\r\n");
    assert!(said.ends_with(".\r\n+OK 3 messages\r\n1 0"), "{said}");
    let whole = "+OK\r\n+OK bye\r\n";
    assert_eq!(pipelined("cut-in-answer=UIDL:3", "NOOP\r\n"), whole);
}

#[test]
fn e29_stat_uidl_and_list_can_disagree() {
    for first in ["STAT", "UIDL", "LIST"] {
        let (sandbox, mut client) = logged_in("vanishing-message=2");
        client.ok(first);
        while first != "STAT" && client.line() != ".\r\n" {}
        assert_eq!(client.body("LIST"), "1 23\r\n3 36\r\n");
        assert_eq!(client.ok("STAT"), "2 59");
        client.err("RETR 2");
        client.ok("RSET");
        client.err("RETR 2");
        drop(client);
        assert!(sandbox.wait_ended(1, DEADLINE));
        assert_eq!(sandbox.messages_left("alice").unwrap(), 2);
    }
    for (fault, uidl, list) in [
        ("short-uidl=1", 1, 3),
        ("short-list=2", 3, 2),
        ("list-gap=1", 3, 2),
    ] {
        let (_sandbox, mut client) = logged_in(fault);
        assert!(client.ok("STAT").starts_with("3 "));
        assert_eq!(client.body("UIDL").lines().count(), uidl, "{fault}");
        assert_eq!(client.body("LIST").lines().count(), list, "{fault}");
    }
    assert_eq!(
        reply("nonsense-list=2", "LIST"),
        "1 23\r\nno such thing\r\nno such thing\r\n"
    );
}

#[test]
fn q54_a_question_after_login_can_lock_the_maildrop() {
    let locked = |client: &mut Client| {
        client.ok("USER alice");
        client.err("PASS secret")
    };
    let sandbox = alice()
        .misbehave("close-after-login=CAPA@1")
        .misbehave("hold-lock-for=2@1")
        .start()
        .unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    client.body("CAPA");
    client.ok("USER alice");
    client.ok("PASS secret");
    client.send("CAPA\r\n");
    assert_eq!(client.rest(), b"");
    for _ in 0..2 {
        let mut client = Client::greeted(sandbox.plain_addr());
        assert!(locked(&mut client).starts_with("[IN-USE] "));
    }
    again(&sandbox).ok("STAT");

    let sandbox = alice()
        .misbehave("stall-after-login=TOP@1")
        .misbehave("hold-lock-for=1@1")
        .start()
        .unwrap();
    let mut client = again(&sandbox);
    client.send("TOP 1 0\r\n");
    assert!(client.hears_nothing());
    drop(client);
    assert!(sandbox.wait_ended(1, DEADLINE));
    locked(&mut Client::greeted(sandbox.plain_addr()));
    again(&sandbox).ok("QUIT");
    let mut client = again(&sandbox);
    client.ok("QUIT");
    assert!(sandbox.wait_ended(4, DEADLINE), "after QUIT it is free");
    again(&sandbox).ok("STAT");
}

#[test]
fn q57_a_maildrop_can_fail_to_open() {
    let (_sandbox, mut client) = logged_in("unopened-maildrop");
    assert_eq!(client.ok("STAT"), "no mail, cannot make temporary file");
    for command in ["LIST", "UIDL", "RETR 1", "TOP 1 0", "DELE 1"] {
        assert_eq!(client.err(command), "unable to open mailbox", "{command}");
    }
    client.ok("QUIT");
}

#[test]
fn q58_deletion_can_come_after_the_answer_to_quit() {
    let sandbox = bob("late-deletion=1");
    let mut client = bobs(&sandbox);
    client.ok("DELE 1");
    client.ok("DELE 3");
    client.ok("QUIT");
    let mut client = bobs(&sandbox);
    assert_eq!(client.body("UIDL"), "1 A\r\n2 B\r\n3 C\r\n4 D\r\n");
    client.ok("DELE 1");
    client.ok("QUIT");
    assert_eq!(bobs(&sandbox).body("UIDL"), "1 B\r\n2 D\r\n");
    assert_eq!(bobs(&sandbox).body("UIDL"), "1 B\r\n2 D\r\n");
}

#[test]
fn q59_octets_can_be_told_by_other_rules() {
    let listed = |fault: &str| {
        let (_sandbox, mut client) = logged_in(fault);
        let list = client.body("LIST");
        let octets = list.lines().map(|line| line.split_once(' ').unwrap().1);
        let octets: Vec<u64> = octets.map(|octets| octets.parse().unwrap()).collect();
        let sum: u64 = octets.iter().sum();
        assert_eq!(client.ok("STAT"), format!("3 {sum}"), "{fault}");
        assert_eq!(client.body("RETR 3"), crlf(3), "{fault}");
        octets
    };
    assert_eq!(listed("more-octets=7"), [30, 42, 43]);
    assert_eq!(listed("unix-octets"), [20, 29, 30]);
    let surplus: Vec<_> = listed("hidden-lines")
        .iter()
        .zip([23, 35, 36])
        .map(|(listed, sent)| listed - sent)
        .collect();
    assert!(surplus.iter().all(|octets| (40..69).contains(octets)));
    assert_ne!(surplus[0], surplus[1], "it varies");
    assert_eq!(listed("hidden-lines"), listed("hidden-lines"));
    let meaningless = listed("meaningless-octets");
    assert_eq!(meaningless, listed("meaningless-octets"));
    assert!(meaningless.iter().all(|octets| *octets > 100), "by chance");
}

#[test]
fn q61_dele_can_be_refused_while_another_client_holds_the_lock() {
    let refusal = "answer=DELE:-ERR [IN-USE] locked by another session\\r\\n@1";
    let (sandbox, mut client) = logged_in(refusal);
    for number in [1, 2, 3] {
        let refusal = client.err(&format!("DELE {number}"));
        assert_eq!(refusal, "[IN-USE] locked by another session");
    }
    client.ok("QUIT");
    assert_eq!(sandbox.messages_left("alice").unwrap(), 3);
    again(&sandbox).ok("DELE 1");
}

#[test]
fn a_server_can_have_no_lock() {
    let sandbox = bob("no-lock");
    let (mut one, mut other) = (bobs(&sandbox), bobs(&sandbox));
    one.ok("DELE 1");
    other.ok("DELE 1");
    other.ok("DELE 2");
    other.ok("QUIT");
    assert_eq!(one.body("RETR 2"), "b\r\n");
    one.ok("DELE 3");
    one.ok("QUIT");
    assert_eq!(bobs(&sandbox).body("UIDL"), "1 D\r\n");
}
