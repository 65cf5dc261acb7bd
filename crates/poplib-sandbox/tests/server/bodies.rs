//! What RETR and TOP send that is not what was listed.

use poplib_sandbox::{Mailbox, Sandbox};

use crate::common::{again, bobs, crlf, logged_in, pipelined, reply};

#[test]
fn e04_q47_a_body_can_be_shorter_than_it_is_listed() {
    for fault in ["short-body=3:12", "short-bodies=12"] {
        let (_sandbox, mut client) = logged_in(fault);
        assert_eq!(client.ok("LIST 3"), "3 36", "{fault}");
        assert_eq!(client.ok("RETR 3"), "36 octets", "{fault}");
        assert_eq!(client.line() + &client.line(), "Subject: thr\r\n.\r\n");
        assert_eq!(client.body("RETR 1") == crlf(1), fault.ends_with("3:12"));
        assert!(client.body("TOP 3 9").ends_with("\r\n3\r\n"), "{fault}");
    }
    assert_eq!(reply("short-body=3:0", "RETR 3"), "");
    assert_eq!(reply("short-bodies=1000", "RETR 3"), crlf(3));
    assert_eq!(
        reply("error-body=1", "RETR 1"),
        "-ERR temporary failure, try later\r\n"
    );
    assert_eq!(reply("error-body=1", "RETR 3"), crlf(3));
    assert_eq!(
        pipelined("short-body=1:7", "RETR 1\r\nRETR 3\r\n"),
        format!(
            "+OK 23 octets\r\nSubject\r\n.\r\n+OK 36 octets\r\n{}.\r\n+OK bye\r\n",
            crlf(3)
        )
    );
}

#[test]
fn e05_a_body_can_be_another_messages() {
    let bodies = |fault: &str| {
        let (_sandbox, mut client) = logged_in(fault);
        [1, 2, 3].map(|number| {
            let body = client.body(&format!("RETR {number}"));
            let subject = body.lines().next().unwrap();
            subject.rsplit(' ').next().unwrap().to_owned()
        })
    };
    assert_eq!(bodies("next-body"), ["two", "three", "one"]);
    assert_eq!(bodies("first-body"), ["one"; 3]);
    assert_eq!(bodies("body-of=1:3"), ["three", "two", "three"]);
    assert_eq!(bodies("body-of=1:9"), ["one", "two", "three"]);
    let (_sandbox, mut client) = logged_in("next-body");
    assert_eq!(client.ok("RETR 1"), "23 octets");
    assert_eq!(
        pipelined("first-body", "RETR 3\r\nRETR 2\r\n")
            .matches(": one\r\n")
            .count(),
        2
    );
}

#[test]
fn e06_q44_what_was_seen_can_get_a_status_line() {
    for (fault, counted) in [("status-line", 0), ("counted-status-line", 12)] {
        let (sandbox, mut client) = logged_in(fault);
        assert_eq!(client.body("RETR 1"), crlf(1));
        assert_eq!(client.body("RETR 1"), crlf(1), "not in the same session");
        client.ok("QUIT");
        let mut client = again(&sandbox);
        assert_eq!(
            client.body("RETR 1"),
            "Subject: one\r\nStatus: RO\r\n\r\nfirst\r\n"
        );
        assert!(client.body("TOP 1 0").contains("Status: RO\r\n"));
        assert_eq!(client.body("RETR 3"), crlf(3));
        assert_eq!(client.ok("LIST 1"), format!("1 {}", 23 + counted));
        assert_eq!(client.ok("STAT"), format!("3 {}", 94 + counted));
    }
}

#[test]
fn e06_q44_a_stamp_can_be_put_on_top() {
    for (fault, counted) in [("scan-stamp", 0), ("counted-scan-stamp", 32)] {
        let (sandbox, mut client) = logged_in(fault);
        let mut stamps = vec![client.body("RETR 1"), client.body("RETR 1")];
        drop(client);
        let mut client = again(&sandbox);
        stamps.push(client.body("RETR 1"));
        for stamp in &stamps {
            let (stamp, rest) = stamp.split_once("\r\n").unwrap();
            assert!(stamp.starts_with("X-Scanned-At: "));
            assert_eq!(stamp.len(), 30);
            assert_eq!(rest, crlf(1));
        }
        stamps.sort();
        stamps.dedup();
        assert_eq!(stamps.len(), 3, "each is another");
        assert_eq!(client.ok("LIST 1"), format!("1 {}", 23 + counted));
        let top_has_it = client.body("TOP 1 0").contains("X-Scanned-At");
        assert_eq!(top_has_it, counted > 0);
    }
}

#[test]
fn e19_bodies_and_headers_can_be_endless() {
    const PLENTY: usize = 1_000_000;
    let plenty = |fault: &str, command: &str| {
        let (_sandbox, mut client) = logged_in(fault);
        client.ok("LIST 1");
        client.ok(command);
        String::from_utf8(client.octets(PLENTY)).unwrap()
    };
    let endless = plenty("endless-body=1", "RETR 1");
    assert!(endless.starts_with(&(crlf(1) + "and so on\r\nand so on\r\n")));
    let endless = plenty("top-endless", "TOP 1 0");
    assert!(endless.starts_with("Subject: one\r\n\r\nand so on\r\nand so on\r\n"));
    for command in ["RETR 1", "TOP 1 0"] {
        let endless = plenty("endless-header=1", command);
        assert!(endless.starts_with("X-Endless: header\r\nX-Endless: header\r\n"));
        assert!(!endless.contains("\r\n\r\n"));
    }
    assert_eq!(reply("endless-body=1", "RETR 3"), crlf(3));
    assert_eq!(reply("endless-header=1", "RETR 3"), crlf(3));
    assert_eq!(reply("top-endless", "RETR 1"), crlf(1));
}

#[test]
fn e31_an_error_can_break_a_body_off_and_shift_what_follows() {
    assert_eq!(
        pipelined("err-in-body=1:7", "RETR 1\r\nNOOP\r\n"),
        "+OK 23 octets\r\nSubject\r\n-ERR mailbox cannot be read\r\n+OK\r\n+OK bye\r\n"
    );
    assert_eq!(reply("err-in-body=1:7", "RETR 3"), crlf(3));
    let whole = "+OK 23 octets\r\nSubject: one\r\n\r\nfirst\r\n.\r\n+OK bye\r\n";
    assert_eq!(pipelined("err-in-body=1:1000", "RETR 1\r\n"), whole);
}

#[test]
fn q51_real_mail_can_mention_folder_data() {
    let (_sandbox, mut client) = logged_in("mentions-folder-data");
    let mail = client.body("RETR 1");
    let (header, _) = mail.split_once("\r\n\r\n").unwrap();
    assert!(header.contains("FOLDER INTERNAL DATA") && !header.contains("X-IMAP"));
    assert_eq!(client.ok("LIST 1"), format!("1 {}", mail.len()));

    let data = reply("folder-data", "RETR 1");
    let (header, text) = data.split_once("\r\n\r\n").unwrap();
    let subject = "\r\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\n";
    assert!(header.contains(subject) && header.contains("\r\nX-IMAP: "));
    assert!(text.starts_with("This text is part of the internal format of your mail folder, and"));
}

#[test]
fn q52_top_can_be_implausible() {
    assert_eq!(reply("top-empty", "TOP 3 1"), "");
    assert_eq!(
        reply("top-without-end", "TOP 3 1"),
        "Subject: three\r\nTo: you\r\n"
    );
    assert_eq!(reply("top-without-header", "TOP 3 1"), "\r\n1\r\n");
    for fault in ["top-empty", "top-without-end", "top-without-header"] {
        assert_eq!(reply(fault, "RETR 3"), crlf(3), "{fault}");
    }
}

#[test]
fn q53_text_can_be_made_anew() {
    let message = "Subject: s\nContent-Type: text/plain;\n charset=utf-8\nMIME-Version: 1.0\n\
        Message-ID: <m@example.org>\n\nhello\n";
    let mailbox = Mailbox::messages([message, "Subject: plain\n\nx\n", ""]);
    let sandbox = Sandbox::builder()
        .mailbox("bob", "secret", mailbox)
        .misbehave("fresh-boundaries")
        .start()
        .unwrap();
    let mut client = bobs(&sandbox);
    let unique_ids = client.body("UIDL");
    for number in [1, 2, 3] {
        let first = client.body(&format!("RETR {number}"));
        let second = client.body(&format!("RETR {number}"));
        assert_ne!(first, second);
        assert_eq!(
            client.ok(&format!("LIST {number}")),
            format!("{number} {}", first.len())
        );
        let message_id = |message: &str| {
            let mut lines = message.lines();
            lines
                .find(|line| line.starts_with("Message-ID:"))
                .unwrap()
                .to_owned()
        };
        assert_eq!(message_id(&first), message_id(&second));
        let (_, boundary) = first.split_once("boundary=\"").unwrap();
        let (boundary, _) = boundary.split_once('"').unwrap();
        assert!(first.ends_with(&format!("--{boundary}--\r\n")));
        assert_eq!(first.matches(boundary).count(), 3);
    }
    let mail = client.body("RETR 1");
    assert!(mail.starts_with("Subject: s\r\nMessage-ID: <m@example.org>\r\nMIME-Version: 1.0\r\n"));
    assert!(mail.contains("\r\nContent-Type: text/plain;\r\n charset=utf-8\r\n\r\nhello\r\n--=_"));
    client.ok("QUIT");
    assert_eq!(bobs(&sandbox).body("UIDL"), unique_ids);
}
