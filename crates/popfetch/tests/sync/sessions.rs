//! Servers that show a part, forget, hang or break, and the sessions that get everything all the
//! same.

use std::io::{Read, Write};
use std::net::TcpStream;

use poplib_sandbox::Mailbox;

use crate::support::{By, PASSWORD, Rig, USER, five, names, ran};

fn numbered(messages: usize) -> Vec<Vec<u8>> {
    (0..messages)
        .map(|number| format!("Subject: {number:03}\n\n").into_bytes())
        .collect()
}

fn retrieved(rig: &Rig) -> u64 {
    rig.sandbox.retrievals(USER).unwrap().values().sum()
}

/// How many sessions sent this line.
fn sent(rig: &Rig, line: &str) -> usize {
    let sessions = rig.sandbox.sessions();
    let sent = sessions.iter().filter(|session| {
        let lines = session.lines();
        lines.iter().any(|sent| sent == line)
    });
    sent.count()
}

#[test]
fn q11_a_message_that_breaks_the_session_harms_no_other() {
    let rig = Rig::five(&["no-stuffing"]);
    for attempt in 0..2 {
        let ran = rig.run(&["--keep", "none"]);
        // Everything else came in the first run, and the broken one was tried alone.
        assert_eq!((rig.delivered().len(), rig.left()), (4, 1), "{}", ran.err);
        assert_eq!(ran.err.contains("given up"), attempt == 1, "{}", ran.err);
        rig.pass_hours(1);
    }
    let ran = rig.run(&["--keep", "none"]).expect(0);
    assert!(ran.out.contains("1 given up"), "{}", ran.out);
    assert_eq!(rig.states(), ["gone", "quarantined"]);
}

#[test]
fn q12_a_message_whose_end_never_comes_harms_no_other() {
    let messages = ["Subject: one\n\nplain\n", "Subject: two\n\nplain\n"];
    let rig = Rig::new(Mailbox::messages(messages));
    // One session breaks at each of them.
    rig.misbehave(&["glued-end@1-2"]);
    let options = ["--timeout", "1", "--keep", "none"];
    let ran = rig.run(&options).expect(0);
    assert_eq!(ran.err.matches("and then no end").count(), 2, "{}", ran.err);
    assert_eq!(
        rig.delivered(),
        messages.map(|message| message.as_bytes().to_vec())
    );
    assert_eq!(rig.left(), 0);
    // One that never comes is given up in the end.
    let rig = Rig::new(Mailbox::messages(messages.into_iter().take(1)));
    rig.misbehave(&["glued-end"]);
    for status in [76, 75] {
        rig.run(&options).expect(status);
        rig.pass_hours(1);
    }
    assert_eq!((rig.states(), rig.left()), (vec!["quarantined".into()], 1));
    rig.run(&options).expect(0);
}

#[test]
fn q12_an_answer_that_never_comes_takes_no_whole_message_with_it() {
    // The answer behind the last message is the one to NOOP. Where the message is longer than it
    // should be, that answer may be within it.
    for (sizes, delivered, status) in [("stat-counts-more=0", 5, 0), ("halved-octets", 4, 75)] {
        let rig = Rig::five(&["stall=NOOP", sizes]);
        rig.run(&["--timeout", "1"]).expect(status);
        assert_eq!(rig.delivered().len(), delivered, "{sizes}");
        rig.misbehave(&[]);
        rig.run(&[]).expect(0);
        rig.assert_five();
    }
}

#[test]
fn q32_a_refused_message_has_one_turn_in_a_run() {
    let rig = Rig::five(&["err-on-retr=1"]);
    rig.run(&["--max-messages", "1"]).expect(75);
    assert_eq!((rig.delivered().len(), sent(&rig, "RETR 1")), (4, 1));
}

#[test]
fn q15_unique_ids_made_anew_fetch_nothing_twice() {
    let rig = Rig::five(&["regenerated-uidl@2-"]);
    rig.run(&[]).expect(0);
    for _ in 0..2 {
        rig.run(&[]).expect(0);
        rig.assert_five();
        assert_eq!(retrieved(&rig), 5);
    }
    rig.run(&["--keep", "none"]).expect(0);
    rig.assert_five();
    assert_eq!(rig.left(), 0);
}

#[test]
fn q15_q23_what_headers_do_not_tell_content_does() {
    for fault in ["top-other-header", "top-one-line", "no-top", "stall=TOP"] {
        let rig = Rig::five(&[]);
        rig.run(&[]).expect(0);
        rig.misbehave(&["regenerated-uidl", fault]);
        let ran = rig.run(&["--timeout", "2"]).expect(0);
        assert!(!ran.out.contains("stored"), "{}", ran.out);
        rig.assert_five();
        rig.run(&["--timeout", "2", "--keep", "none"]).expect(0);
        rig.assert_five();
        assert_eq!(rig.left(), 0, "{fault}");
    }
}

#[test]
fn q15_new_mail_in_the_place_of_old_is_fetched() {
    let rig = Rig::new(Mailbox::messages(numbered(6)));
    rig.run(&[]).expect(0);
    let others: Vec<Vec<u8>> = numbered(12)[6..].to_vec();
    let other = Rig::new(Mailbox::messages(others));
    // The same account elsewhere: nothing of what was there is there.
    let state = rusqlite::Connection::open(rig.path("state.db")).unwrap();
    let name = format!("{USER}@localhost:{}", other.sandbox.tls_addr().port());
    state
        .execute("UPDATE account SET name = ?", [name])
        .unwrap();
    drop(state);
    std::fs::copy(rig.path("state.db"), other.path("state.db")).unwrap();
    other.run(&[]).expect(0);
    assert_eq!(other.delivered(), numbered(12)[6..]);
}

#[test]
fn q20_a_refusal_for_a_while_is_no_wrong_password() {
    let rig = Rig::five(&["refuse-login=login allowed only every 15 minutes@1"]);
    let refused = rig.run(&[]).expect(75);
    assert!(refused.err.contains("too recent"), "{}", refused.err);
    rig.run(&[]).expect(0);
    rig.assert_five();
}

#[test]
fn q21_a_quota_is_believed_at_once() {
    let rig = Rig::five(&["quota=2@1"]);
    let refused = rig.run(&["--keep", "none"]).expect(75);
    assert!(
        refused.err.contains("gives no more for now"),
        "{}",
        refused.err
    );
    assert_eq!((rig.delivered().len(), rig.left()), (2, 3));
    rig.run(&["--keep", "none"]).expect(0);
    rig.assert_five();
}

#[test]
fn q21_a_server_without_pipelining_is_asked_for_no_more() {
    let refused = |fault| Rig::five(&["hide-capability=PIPELINING", fault]);
    let rig = refused("quota=2");
    rig.run(&[]).expect(75);
    // One is on its way when the refusal is read.
    assert_eq!((sent(&rig, "RETR 4"), sent(&rig, "RETR 5")), (1, 0));
    // One message that it refuses says nothing about the others.
    let rig = refused("err-on-retr=1");
    rig.run(&[]).expect(75);
    assert_eq!(
        (rig.delivered().len(), rig.sandbox.sessions().len()),
        (4, 1)
    );
}

#[test]
fn q22_sessions_follow_until_nothing_new_is_shown() {
    let messages = numbered(250);
    let rig = Rig::new(Mailbox::messages(messages.clone()));
    // It hides what was fetched, as Gmail does.
    rig.misbehave(&["first-only=100", "delete-retrieved"]);
    rig.run(&[]).expect(0);
    assert_eq!(rig.delivered(), messages);
    assert_eq!(rig.sandbox.sessions().len(), 3);
}

#[test]
fn q22_a_look_that_is_not_granted_is_no_failure() {
    let rig = Rig::new(Mailbox::messages(numbered(100)));
    rig.misbehave(&["refuse-login=[LOGIN-DELAY] wait@2"]);
    rig.run(&[]).expect(0);
    assert_eq!(rig.sandbox.sessions().len(), 2);
}

#[test]
fn q22_a_look_that_breaks_at_what_it_is_shown_is_a_failure() {
    let rig = Rig::new(Mailbox::messages(numbered(101)));
    rig.misbehave(&[
        "first-only=100@1",
        "close-on=RETR@2",
        "hide-capability=PIPELINING",
    ]);
    let ran = rig.run(&[]).expect(75);
    assert!(ran.err.contains("what is stored is safe"), "{}", ran.err);
    assert_eq!(
        (rig.delivered().len(), rig.sandbox.sessions().len()),
        (100, 2)
    );
}

#[test]
fn q22_one_new_message_among_many_is_no_reason_to_look_again() {
    let rig = Rig::new(Mailbox::messages(numbered(100)));
    for (delivered, sessions) in [(100, 2), (101, 3)] {
        rig.run(&[]).expect(0);
        assert_eq!(rig.delivered().len(), delivered);
        assert_eq!(rig.sandbox.sessions().len(), sessions);
        rig.sandbox.deliver(USER, "Subject: new\n\n").unwrap();
    }
}

#[test]
fn q22_nobody_looks_where_logins_must_lie_apart() {
    for (delay, sessions) in [("900", 1), ("0", 2)] {
        let messages = Mailbox::messages(numbered(100));
        let rig = Rig::built(messages, |builder| builder.login_delay(delay));
        rig.run(&[]).expect(0);
        assert_eq!(rig.sandbox.sessions().len(), sessions, "{delay}");
    }
}

#[test]
fn q24_e18_a_server_that_cannot_bear_capa_is_asked_twice() {
    for fault in ["close-on=CAPA", "stall=CAPA"] {
        let rig = Rig::five(&[fault]);
        for _ in 0..3 {
            ran(rig
                .sync(By::ImplicitTls)
                .args(["--auth", "user", "--timeout", "2"]))
            .expect(0);
            rig.assert_five();
        }
        assert_eq!(
            (rig.sandbox.sessions().len(), sent(&rig, "CAPA")),
            (5, 2),
            "{fault}"
        );
    }
}

#[test]
fn e18_what_breaks_once_is_used_again() {
    for (fault, seen) in [
        ("close-on=CAPA@1", "capa=1"),
        ("pipeline-closes@1", "pipelining=1"),
    ] {
        let rig = Rig::five(&[fault]);
        for (sessions, seen) in [(2, seen), (3, "")] {
            rig.run(&[]).expect(0);
            rig.assert_five();
            assert_eq!(rig.sandbox.sessions().len(), sessions, "{fault}");
            assert_eq!(quirks(&rig), seen, "{fault}");
        }
    }
}

/// What the state holds against the server, but for how far sessions had got.
fn quirks(rig: &Rig) -> String {
    let state = rusqlite::Connection::open(rig.path("state.db")).unwrap();
    let entries = "SELECT group_concat(name || '=' || value, ' ') FROM quirk";
    let entries: Option<String> = state.query_row(entries, [], |row| row.get(0)).unwrap();
    let entries = entries.unwrap_or_default();
    let without_point = |entry: &str| entry.split('@').next().unwrap().to_owned();
    let entries: Vec<_> = entries.split(' ').map(without_point).collect();
    entries.join(" ")
}

#[test]
fn q07_a_server_that_breaks_under_pipelining_is_remembered() {
    let rig = Rig::five(&["pipeline-closes"]);
    // Once may be the network's fault.
    for more in [2, 2, 1, 1] {
        let sessions = rig.sandbox.sessions().len();
        rig.run(&[]).expect(0);
        rig.assert_five();
        assert_eq!(rig.sandbox.sessions().len(), sessions + more);
    }
}

#[test]
fn q07_q11_what_a_message_breaks_is_not_put_down_to_pipelining() {
    for (faults, seen) in [
        (&["no-stuffing"][..], ""),
        (&["glued-end@1-2"], ""),
        (&["pipeline-closes"], "pipelining=1"),
        // A message that is refused breaks nothing.
        (&["pipeline-closes", "err-on-retr=1"], "pipelining=1"),
    ] {
        let rig = Rig::five(faults);
        rig.run(&["--timeout", "1"]);
        assert_eq!(quirks(&rig), seen, "{faults:?}");
    }
}

#[test]
fn q11_a_message_at_which_the_session_is_cut_keeps_nobody_waiting() {
    let rig = Rig::five(&["cut-in-body=3:1000", "hide-capability=PIPELINING"]);
    for (status, delivered) in [(75, 2), (75, 4), (75, 4)] {
        rig.run(&[]).expect(status);
        assert_eq!(rig.delivered().len(), delivered);
        // Nothing is left of its beginning.
        assert_eq!(names(&rig.path("mail/tmp")), [""; 0]);
    }
    // It is never given up for that.
    rig.misbehave(&[]);
    rig.run(&[]).expect(0);
    rig.assert_five();
}

#[test]
fn q25_rset_before_quit_keeps_what_was_read() {
    let rig = Rig::five(&["delete-retrieved-since-rset"]);
    rig.run(&["--rset-before-quit"]).expect(0);
    rig.assert_five();
    assert_eq!(rig.left(), 5);
    // And what is to be deleted is deleted.
    rig.run(&["--rset-before-quit", "--keep", "none"]).expect(0);
    assert_eq!(rig.left(), 0);
}

#[test]
fn q26_back_ends_that_take_turns_fetch_nothing_twice() {
    let rig = Rig::five(&["regenerated-uidl@2", "regenerated-uidl@4"]);
    for _ in 1..=4 {
        rig.run(&[]).expect(0);
        rig.assert_five();
    }
    rig.run(&["--keep", "none"]).expect(0);
    rig.assert_five();
    // What was known again by its header is fetched once more before it goes.
    assert_eq!((rig.left(), retrieved(&rig)), (0, 10));
}

#[test]
fn q28_folder_data_is_no_message() {
    let rig = Rig::five(&["folder-data"]);
    for run in 0..2 {
        let ran = rig.run(&["--keep", "none"]).expect(0);
        let said = ran.out.contains("left message 1 alone");
        assert_eq!(said, run == 0, "{}", ran.out);
        assert_eq!((rig.delivered().len(), rig.left()), (4, 1));
    }
}

#[test]
fn q28_the_first_message_is_looked_at_once() {
    let rig = Rig::five(&["err-on-retr=1@2"]);
    let looks = |rig: &Rig| sent(rig, "TOP 1 0");
    rig.run(&[]).expect(0);
    assert_eq!(looks(&rig), 1);
    // It is known, and another one is new.
    rig.sandbox.deliver(USER, "Subject: six\n\n").unwrap();
    rig.run(&[]).expect(0);
    assert_eq!(looks(&rig), 1);
    // One that failed has been looked at.
    let rig = Rig::five(&["err-on-retr=1@1"]);
    rig.run(&[]).expect(75);
    rig.run(&[]).expect(0);
    assert_eq!(looks(&rig), 1);
    // A large one is none of the server's own.
    let rig = Rig::new(Mailbox::messages([five()[2].clone()]));
    rig.run(&[]).expect(0);
    assert_eq!(looks(&rig), 0);
}

#[test]
fn q14_a_listing_in_any_order_tells_the_same() {
    let large = "x".repeat(2_000);
    for (list, uidl) in [
        ("2 18\r\n1 2000", "1 a\r\n2 b"),
        ("1 2000\r\n2 18", "2 b\r\n1 a"),
    ] {
        let rig = Rig::new(Mailbox::messages([&*large, "Subject: small\n\n"]));
        let answers = [("LIST", list), ("UIDL", uidl)]
            .map(|(command, lines)| format!("answer={command}:+OK\r\n{lines}\r\n.\r\n"));
        rig.misbehave(&answers.each_ref().map(String::as_str));
        rig.run(&["--skip-over", "1kB"]).expect(0);
        assert_eq!(rig.delivered(), [b"Subject: small\n\n"], "{uidl}");
    }
}

#[test]
fn a_refused_uidl_is_no_other_mailbox() {
    let rig = Rig::five(&["refuse=UIDL@2"]);
    rig.run(&[]).expect(0);
    let refused = rig.run(&[]).expect(75);
    assert!(refused.err.contains("what is new"), "{}", refused.err);
    rig.run(&[]).expect(0);
    rig.assert_five();
}

#[test]
fn fault_no_unique_ids_and_messages_kept_for_a_day() {
    let rig = Rig::five(&["no-uidl"]);
    for _ in 0..2 {
        rig.run(&["--keep", "1d"]).expect(0);
        rig.assert_five();
    }
    assert_eq!((rig.left(), retrieved(&rig)), (5, 5));
    assert_eq!(names(&rig.path("mail/tmp")), [""; 0]);
}

/// Another program deletes a message.
fn somebody_deletes(rig: &Rig, number: u32) {
    let mut stream = TcpStream::connect(rig.address(By::Plaintext)).unwrap();
    let session = format!("USER {USER}\r\nPASS {PASSWORD}\r\nDELE {number}\r\nQUIT\r\n");
    stream.write_all(session.as_bytes()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn fault_no_unique_ids_and_a_message_in_the_place_of_another() {
    let rig = Rig::five(&["no-uidl"]);
    rig.run(&[]).expect(0);
    somebody_deletes(&rig, 2);
    rig.sandbox.deliver(USER, "Subject: six\n\n").unwrap();
    rig.run(&[]).expect(0);
    assert_eq!((rig.delivered().len(), rig.left()), (6, 5));
    assert_eq!(retrieved(&rig), 6);
}

#[test]
fn p10_expire_0_what_is_not_stored_is_not_lost() {
    // Refused and garbled messages, and excerpts, are not fetched; everything else is stored.
    let rig = Rig::built(Mailbox::messages(five()), |builder| builder.expire("0"));
    rig.misbehave(&["no-stuffing@1-2"]);
    rig.run(&["--skip-over", "1kB", "--oversize", "headers"]);
    for session in rig.sandbox.sessions().iter().take(2) {
        let lines = session.lines();
        assert!(!lines.iter().any(|line| line == "QUIT"), "{lines:?}");
    }
    rig.run(&[]).expect(0);
    let delivered = rig.delivered();
    assert!(five().iter().all(|message| delivered.contains(message)));
    // What came in the sessions without QUIT is still there, and known.
    assert_eq!((delivered.len(), rig.left()), (6, 3));
}
