//! The misbehaviours that imitate real servers, each under its quirk's number.

use std::time::{Duration, Instant};

use poplib_sandbox::{Builder, Mailbox, Sandbox};

use crate::common::{Client, alice};

const DEADLINE: Duration = Duration::from_secs(20);

fn start(fault: &str) -> Sandbox {
    alice().misbehave(fault).start().unwrap()
}

fn logged_in(fault: &str) -> (Sandbox, Client) {
    let sandbox = start(fault);
    let client = Client::logged_in(&sandbox, "alice", "secret");
    (sandbox, client)
}

/// Everything that a client reads who says all this at once.
fn said(builder: Builder, commands: &str) -> String {
    let sandbox = builder.apop(false).start().unwrap();
    let mut client = Client::connect(sandbox.plain_addr());
    client.send(commands);
    String::from_utf8_lossy(&client.rest()).into_owned()
}

fn greeting(fault: &str) -> String {
    Client::connect(start(fault).plain_addr()).line()
}

#[test]
fn q01_a_long_initial_response_can_be_refused() {
    let response = "AGFsaWNlAHNlY3JldA==";
    let sandbox = start("initial-response-limit=19");
    let mut client = Client::greeted(sandbox.plain_addr());
    let refusal = client.err(&format!("AUTH PLAIN {response}"));
    assert_eq!(refusal, "Protocol error");
    assert_eq!(client.command("AUTH PLAIN"), "+ ");
    client.ok(response);

    let sandbox = start("initial-response-limit=20");
    Client::greeted(sandbox.plain_addr()).ok(&format!("AUTH PLAIN {response}"));
}

#[test]
fn q02_a_refused_token_can_be_explained_otherwise() {
    let sandbox = start("oauth-explanation=expired");
    for answer in ["", "AQ=="] {
        let mut client = Client::greeted(sandbox.plain_addr());
        client.command("AUTH XOAUTH2");
        // user=alice, auth=Bearer stale
        let response = "dXNlcj1hbGljZQFhdXRoPUJlYXJlciBzdGFsZQEB";
        assert_eq!(client.command(response), "+ ZXhwaXJlZA==");
        assert!(client.err(answer).starts_with("[AUTH] "));
    }
}

#[test]
fn q03_a_challenge_can_be_words() {
    let sandbox = start("text-challenge");
    let mut client = Client::greeted(sandbox.plain_addr());
    assert_eq!(client.command("AUTH PLAIN"), "+ go ahead");
    client.ok("AGFsaWNlAHNlY3JldA==");
}

#[test]
fn q04_spaces_and_texts_can_be_missing() {
    let sandbox = start("bare-plus");
    assert_eq!(
        Client::greeted(sandbox.plain_addr()).command("AUTH PLAIN"),
        "+"
    );
    let (_sandbox, mut client) = logged_in("no-texts");
    assert_eq!(client.command("NOOP"), "+OK");
    assert_eq!(client.command("RETR 9"), "-ERR");
    assert!(client.command("STAT").starts_with("+OK 3 "));
    assert!(client.command("LIST 1").starts_with("+OK 1 "));
}

#[test]
fn q05_q06_capabilities_can_be_hidden() {
    let tags = |fault: &str| {
        let sandbox = start(fault);
        let mut client = Client::greeted(sandbox.plain_addr());
        let before = client.body("CAPA").contains("UIDL\r\n");
        client.ok("USER alice");
        client.ok("PASS secret");
        client.body("UIDL");
        (before, client.body("CAPA").contains("UIDL\r\n"))
    };
    assert_eq!(tags("hide-capability=uidl"), (false, false));
    assert_eq!(tags("hide-before-login=UIDL"), (false, true));
    assert_eq!(tags("hide-after-login=UIDL"), (true, false));
}

#[test]
fn q07_pipelining_can_be_broken() {
    let (_sandbox, mut client) = logged_in("pipeline-mixed");
    client.send("STAT\r\nNOOP\r\n");
    assert_eq!(client.line(), "+OK\r\n");
    assert!(client.line().starts_with("+OK 3 "));

    let (sandbox, mut client) = logged_in("pipeline-forgotten");
    client.send("STAT\r\nNOOP\r\nQUIT\r\n");
    assert!(client.line().starts_with("+OK 3 "));
    assert!(client.hears_nothing());
    drop((sandbox, client));

    let commands = "USER alice\r\nPASS secret\r\n";
    let closed = said(alice().misbehave("pipeline-closes"), commands);
    assert_eq!(closed.lines().count(), 1);
}

#[test]
fn q09_a_dot_between_bare_line_feeds_is_content() {
    let (_sandbox, mut client) = logged_in("bare-lf-dot");
    let octets = client.ok("LIST 1");
    client.send("RETR 1\r\nQUIT\r\n");
    let answers = String::from_utf8(client.rest()).unwrap();
    let body = answers
        .split_once("\r\n")
        .unwrap()
        .1
        .split_once("\r\n.\r\n")
        .unwrap()
        .0;
    assert!(body.ends_with("first\r\nbefore\n.\nafter"), "{body:?}");
    assert_eq!(octets, format!("1 {}", body.len() + 2));
}

#[test]
fn q10_q11_q12_stuffing_can_be_wrong() {
    let body = |fault: &str| {
        let login = "USER alice\r\nPASS secret\r\nRETR 2\r\nQUIT\r\n";
        let said = said(alice().misbehave(fault), login);
        let (_, body) = said.split_once("Subject: two\r\n\r\n").unwrap();
        body.strip_suffix("+OK bye\r\n").unwrap().to_owned()
    };
    assert_eq!(
        body("stuff-lone-dots-only"),
        ".dot\r\n..\r\n..\r\nlast\r\n.\r\n"
    );
    assert_eq!(body("no-stuffing"), ".dot\r\n..\r\n.\r\nlast\r\n.\r\n");
    assert_eq!(body("glued-end"), "..dot\r\n...\r\n..\r\nlast.\r\n");
}

#[test]
fn q13_octets_and_counts_can_be_wrong() {
    let one = |fault: &str| {
        let (_sandbox, mut client) = logged_in(fault);
        (client.ok("LIST 1"), client.ok("STAT"))
    };
    let (listed, stat) = one("err-on-quit");
    assert_eq!((&*listed, &*stat), ("1 23", "3 94"));
    assert_eq!(one("rounded-octets").0, "1 1024");
    assert_eq!(one("halved-octets").0, "1 11");
    assert_eq!(
        one("negative-octets"),
        ("1 -23".to_owned(), "3 -94".to_owned())
    );
    assert_eq!(one("stat-counts-more=2").1, "5 94");
}

#[test]
fn q14_listings_can_be_odd() {
    let uidl = |fault: &str| {
        let mailbox = Mailbox::messages(["a", "b"]).unique_ids(["A", "B"]);
        let sandbox = Sandbox::builder()
            .mailbox("bob", "secret", mailbox)
            .misbehave(fault)
            .start()
            .unwrap();
        let mut client = Client::logged_in(&sandbox, "bob", "secret");
        client.body("UIDL")
    };
    assert_eq!(uidl("listing-gap=1"), "2 B\r\n");
    assert_eq!(uidl("number-zero"), "0 0\r\n1 A\r\n2 B\r\n");
    assert_eq!(uidl("extra-spaces"), " 1   A  \r\n 2   B  \r\n");
    assert_eq!(uidl("uidl-without-id=2"), "1 A\r\n2 \r\n");
    assert_eq!(uidl("duplicate-uidl"), "1 the-same\r\n2 the-same\r\n");
    assert_eq!(uidl("path-uidl"), "1 ../../A\r\n2 ../../B\r\n");
    assert_eq!(uidl("regenerated-uidl"), "1 new-A\r\n2 new-B\r\n");
    assert_eq!(uidl("long-uidl").lines().next().unwrap().len(), 202);
    assert!(uidl("non-ascii-uidl").starts_with("1 \u{fffd}\u{fffd}éA\r\n"));
    let (_sandbox, mut client) = logged_in("uidl-without-number");
    assert!(!client.ok("UIDL 1").contains(' '));
    let (_sandbox, mut client) = logged_in("no-uidl");
    client.err("UIDL");
    assert!(!client.body("CAPA").contains("UIDL"));
}

#[test]
fn q16_answers_can_be_malformed() {
    let (_sandbox, mut client) = logged_in("empty-dele-answer");
    assert_eq!(client.command("DELE 1"), "");
    assert!(client.ok("STAT").starts_with("2 "));
    let (_sandbox, mut client) = logged_in("plus-err");
    assert!(client.command("RETR 9").starts_with("+ERR no such message"));
}

#[test]
fn q17_a_wrong_password_can_end_the_connection() {
    for wrong in [
        "USER alice\r\nPASS wrong",
        "APOP alice wrong",
        "AUTH PLAIN AGFsaWNlAHdyb25n",
    ] {
        let sandbox = start("close-on-wrong-password");
        let mut client = Client::greeted(sandbox.plain_addr());
        client.send(format!("{wrong}\r\n"));
        let said = String::from_utf8(client.rest()).unwrap();
        assert!(said.contains("-ERR [AUTH] "), "{said}");
    }
}

#[test]
fn q18_timestamps_can_be_wrong() {
    assert!(greeting("bad-stamp").ends_with("ready <1896 697170952>\r\n"));
    assert_eq!(greeting("two-stamps").matches('@').count(), 2);
    let stamp = "<1896.697170952\\x40dbc.mtview.ca.us>";
    let sandbox = Sandbox::builder()
        .mailbox("mrose", "tanstaaf", Mailbox::empty())
        .misbehave(format!("stamp={stamp}"))
        .start()
        .unwrap();
    // RFC 1939 §7.
    let mut client = Client::greeted(sandbox.plain_addr());
    client.ok("APOP mrose c4c9334bac560ecc979e58001b3e22fb");
}

#[test]
fn q19_a_mechanism_can_be_unusable() {
    let sandbox = start("unusable-mechanism");
    let mut client = Client::greeted(sandbox.plain_addr());
    assert!(client.body("CAPA").contains("SASL GSSAPI "));
    assert_eq!(client.command("AUTH GSSAPI"), "+ ");
    client.err("*");
    client.ok("AUTH PLAIN AGFsaWNlAHNlY3JldA==");
    drop(client);
    let mut client = Client::greeted(sandbox.plain_addr());
    client.command("AUTH GSSAPI");
    assert!(!client.err("YIIB").contains("[AUTH]"));
}

#[test]
fn q20_right_credentials_can_be_refused() {
    let sandbox = start("refuse-login=[LOGIN-DELAY] too soon");
    let mut client = Client::greeted(sandbox.plain_addr());
    client.ok("USER alice");
    assert_eq!(client.err("PASS secret"), "[LOGIN-DELAY] too soon");
}

#[test]
fn p10_q20_a_login_can_come_too_soon() {
    let mailbox = || Mailbox::messages(["a"]);
    let mut builder = alice().login_delay("900 USER");
    builder = builder.mailbox("bob", "secret", mailbox());
    let sandbox = builder.start().unwrap();
    Client::logged_in(&sandbox, "alice", "secret").ok("QUIT");
    let mut client = Client::greeted(sandbox.plain_addr());
    client.ok("USER alice");
    assert!(client.err("PASS wrong").starts_with("[AUTH] "));
    client.ok("USER alice");
    assert!(client.err("PASS secret").starts_with("[LOGIN-DELAY] "));
    Client::logged_in(&sandbox, "bob", "secret");

    // A refused login does not put the next one off: at some time it is no longer too soon.
    let sandbox = alice().login_delay("1").start().unwrap();
    Client::logged_in(&sandbox, "alice", "secret").ok("QUIT");
    let end = Instant::now() + DEADLINE;
    let mut client = Client::greeted(sandbox.plain_addr());
    loop {
        client.ok("USER alice");
        let answer = client.command("PASS secret");
        if answer.starts_with("+OK") {
            break;
        }
        assert!(answer.starts_with("-ERR [LOGIN-DELAY] "), "{answer}");
        assert!(Instant::now() < end);
    }
}

#[test]
fn q20_a_lost_connection_can_keep_the_lock() {
    let (sandbox, client) = logged_in("hold-lock=600000@1");
    drop(client);
    let mut client = Client::greeted(sandbox.plain_addr());
    client.ok("USER alice");
    assert!(client.err("PASS secret").starts_with("[IN-USE] "));
    drop((sandbox, client));

    let (sandbox, client) = logged_in("hold-lock=1");
    drop(client);
    assert!(sandbox.wait_ended(1, DEADLINE));
    Client::logged_in(&sandbox, "alice", "secret");
}

#[test]
fn q21_there_can_be_a_quota() {
    let (_sandbox, mut client) = logged_in("quota=2");
    client.body("RETR 1");
    client.body("RETR 2");
    assert_eq!(client.err("RETR 3"), "Download exceed");
    client.ok("QUIT");
}

#[test]
fn q22_q25_retrieved_messages_can_vanish_and_others_be_hidden() {
    let sandbox = alice()
        .misbehave("first-only=2")
        .misbehave("delete-retrieved")
        .start()
        .unwrap();
    for left in [2, 1, 0] {
        let mut client = Client::logged_in(&sandbox, "alice", "secret");
        let listed = client.body("LIST").lines().count();
        assert_eq!(listed, 2.min(left + 1));
        client.body("RETR 1");
        client.ok("QUIT");
        assert_eq!(sandbox.messages_left("alice").unwrap(), left as u64);
    }
}

#[test]
fn q23_top_can_be_wrong() {
    let top = |fault: &str| logged_in(fault).1.body("TOP 3 1");
    let header = "Subject: three\r\nTo: you\r\n\r\n";
    assert_eq!(top("top-one-line"), "Subject: three\r\n");
    assert_eq!(top("top-truncated=20"), "Subject: three\r\nTo: \r\n");
    assert_eq!(
        top("top-other-header"),
        format!("X-Altered: by TOP\r\n{header}1\r\n")
    );
    let (_sandbox, mut client) = logged_in("top-two-ok");
    client.ok("TOP 3 0");
    assert!(client.line().starts_with("+OK "));
    let (_sandbox, mut client) = logged_in("no-top");
    client.err("TOP 3 0");
}

#[test]
fn q24_a_command_can_end_the_connection() {
    let sandbox = start("close-on=capa");
    let mut client = Client::greeted(sandbox.plain_addr());
    client.send("CAPA\r\n");
    assert_eq!(client.rest(), b"");
}

#[test]
fn q27_silence_can_end_the_connection() {
    let (_sandbox, mut client) = logged_in("idle-timeout=50");
    assert_eq!(client.rest(), b"");
}

#[test]
fn q28_message_1_can_be_folder_data() {
    let (_sandbox, mut client) = logged_in("folder-data");
    let body = client.body("RETR 1");
    assert!(body.contains("DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA"));
    assert_eq!(client.ok("LIST 1"), format!("1 {}", body.len()));
}

#[test]
fn q29_greetings_can_be_wrong() {
    assert!(greeting("err-greeting").starts_with("-ERR "));
    assert!(greeting("imap-greeting").starts_with("* OK "));
    assert!(greeting("smtp-greeting").starts_with("220 "));
    assert_eq!(greeting("greeting=hello\\r\\n"), "hello\r\n");
    let sandbox = start("swap-ports");
    assert!(
        Client::connect(sandbox.tls_addr())
            .line()
            .starts_with("+OK ")
    );
}

#[test]
fn q30_messages_can_have_any_octets() {
    let (_sandbox, mut client) = logged_in("odd-octets");
    client.send("RETR 1\r\nQUIT\r\n");
    let said = client.rest();
    for odd in [&b"nul \0"[..], b"bare \r 8", b"\xff\xfe"] {
        assert!(said.windows(odd.len()).any(|window| window == odd));
    }
    let (_sandbox, mut client) = logged_in("long-line=1000000");
    assert!(
        client
            .body("RETR 1")
            .ends_with(&("x".repeat(1_000_000) + "\r\n"))
    );
}

#[test]
fn listings_can_be_empty_once() {
    let sandbox = start("empty-listing@1");
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    assert_eq!(client.ok("STAT"), "0 0");
    assert_eq!(client.body("LIST") + &client.body("UIDL"), "");
    drop(client);
    let mut client = Client::logged_in(&sandbox, "alice", "secret");
    assert_eq!(client.body("LIST").lines().count(), 3);
}

#[test]
fn p03_quit_can_fail() {
    for (fault, left) in [
        ("err-on-quit", 3),
        ("close-on=quit", 3),
        ("lose-quit-answer", 2),
    ] {
        let (sandbox, mut client) = logged_in(fault);
        client.ok("DELE 1");
        client.send("QUIT\r\n");
        assert_eq!(
            client.rest().starts_with(b"-ERR"),
            fault == "err-on-quit",
            "{fault}"
        );
        assert_eq!(sandbox.messages_left("alice").unwrap(), left, "{fault}");
    }
}

#[test]
fn commands_can_be_refused_or_answered_otherwise() {
    let (_sandbox, mut client) = logged_in("refuse=dele");
    client.err("DELE 1");
    let (_sandbox, mut client) = logged_in("err-on-dele=2");
    client.ok("DELE 1");
    client.err("DELE 2");
    let (_sandbox, mut client) = logged_in("answer=stat:+OK many\\r\\n");
    assert_eq!(client.ok("STAT"), "many");
}

#[test]
fn a07_answers_can_be_endless() {
    const PLENTY: usize = 1_000_000;
    let (_sandbox, mut client) = logged_in("endless-line=stat");
    client.send("STAT\r\n");
    assert!(client.octets(PLENTY).ends_with(b"xxxx"));
    let (_sandbox, mut client) = logged_in("endless-lines=uidl");
    client.ok("UIDL");
    assert!(
        client
            .octets(PLENTY)
            .starts_with(b"1 endless\r\n1 endless\r\n")
    );
    let sandbox = start("endless-challenge");
    let mut client = Client::greeted(sandbox.plain_addr());
    client.send("AUTH PLAIN\r\n");
    assert!(client.octets(PLENTY).starts_with(b"+ AAAA"));
}

#[test]
fn q31_octets_can_grow_in_mid_session() {
    let (_sandbox, mut client) = logged_in("growing-octets");
    assert_eq!(client.ok("LIST 1"), "1 23");
    assert_eq!(client.ok("LIST 1"), "1 24");
    assert_eq!(client.ok("STAT"), "3 96");
}
