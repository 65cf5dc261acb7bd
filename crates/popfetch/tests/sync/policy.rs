//! Which messages are fetched, which stay, which go.

use std::fs;

use poplib_sandbox::Mailbox;

use crate::support::{By, PASSWORD, Ran, Rig, USER, five, ran, sorted};

/// Lets the account's own time pass as if the last session had been so long ago.
fn wait(rig: &Rig, seconds: i64) {
    let state = rusqlite::Connection::open(rig.path("state.db")).unwrap();
    let pass = "UPDATE facts SET passed_at = passed_at - ?";
    assert_eq!(state.execute(pass, [seconds]).unwrap(), 1);
}

fn mark_seen(rig: &Rig, options: &[&str]) -> Ran {
    let url = rig.url(By::ImplicitTls);
    let mut command = rig.bare(&["mark-seen", "--server", &url, "--ca-file", "ca.pem"]);
    command.args(["--maildir", "mail", "--state", "state.db"]);
    ran(command.args(options).env("POPFETCH_PASSWORD", PASSWORD))
}

#[test]
fn messages_stay_for_a_time_and_go() {
    let rig = Rig::five(&[]);
    let keep = ["--keep", "6h"];
    rig.run(&keep).expect(0);
    for (hours, left) in [(0, 5), (11, 5), (1, 0)] {
        wait(&rig, hours * 3_600);
        rig.run(&keep).expect(0);
        assert_eq!(rig.left(), left, "after {hours} more hours");
    }
    rig.assert_five();
}

#[test]
fn a_clock_that_jumps_deletes_nothing_too_early() {
    let rig = Rig::five(&[]);
    let keep = ["--keep", "2d"];
    rig.run(&keep).expect(0);
    // A century is a day, and so is the one back.
    for years in [100, -100] {
        wait(&rig, years * 365 * 86_400);
        rig.run(&keep).expect(0);
        assert_eq!(rig.left(), 5);
    }
}

#[test]
fn the_newest_messages_stay_as_long_as_there_is_room() {
    let rig = Rig::five(&[]);
    rig.run(&["--keep", "1kB"]).expect(0);
    // What has just come is looked at next time. The third is too large.
    assert_eq!(rig.left(), 5);
    rig.run(&["--keep", "1kB"]).expect(0);
    assert_eq!(rig.left(), 2);
    rig.assert_five();
}

#[test]
fn a_message_that_is_too_large_stays_on_the_server() {
    let rig = Rig::five(&[]);
    let ran = rig.run(&["--skip-over", "1kB", "--keep", "none"]).expect(0);
    assert!(ran.out.contains("1 larger than is wanted"), "{}", ran.out);
    assert_eq!((rig.delivered().len(), rig.left()), (4, 1));
    rig.run(&["--keep", "none"]).expect(0);
    rig.assert_five();
    assert_eq!(rig.left(), 0);
}

#[test]
fn of_a_message_that_is_too_large_the_headers_are_stored_once() {
    let rig = Rig::five(&[]);
    let options = [
        "--skip-over",
        "1kB",
        "--oversize",
        "headers",
        "--keep",
        "none",
    ];
    for _ in 0..2 {
        rig.run(&options).expect(0);
        assert_eq!((rig.delivered().len(), rig.left()), (5, 1));
    }
    let marked = b"X-Popfetch-Truncated: headers only; the message has 72018 octets and is on the \
        server\nSubject: three\n\n";
    let excerpt = |message: &Vec<u8>| message == marked;
    assert_eq!(rig.delivered().iter().filter(|m| excerpt(m)).count(), 1);
    // The whole message comes when it is wanted, and only then it goes.
    rig.run(&["--keep", "none"]).expect(0);
    let whole: Vec<Vec<u8>> = (rig.delivered().into_iter())
        .filter(|message| !excerpt(message))
        .collect();
    assert_eq!((whole, rig.left()), (sorted(five()), 0));
}

#[test]
fn a_session_may_have_nothing_but_headers_to_store() {
    let [_, _, large, _, _] = <[Vec<u8>; 5]>::try_from(five()).unwrap();
    let rig = Rig::new(Mailbox::messages([large]));
    let options = ["--skip-over", "1kB", "--oversize", "headers"];
    let ran = rig.run(&options).expect(0);
    assert!(ran.out.contains("stored 1 message"), "{}", ran.out);
    assert_eq!((rig.delivered().len(), rig.left()), (1, 1));
}

#[test]
fn a_headers_answer_that_is_refused_stops_nobody() {
    let rig = Rig::five(&["no-top", "err-on-retr=3"]);
    let options = ["--skip-over", "1kB", "--oversize", "headers"];
    for attempt in 1..=3 {
        let ran = rig.run(&options).expect(75);
        assert_eq!(ran.err.contains("given up"), attempt == 3, "{}", ran.err);
        rig.pass_hours(1);
        assert_eq!(rig.delivered().len(), 4);
    }
    assert_eq!(rig.run(&options).expect(0).err, "");
    // However many sessions a run has, it is one attempt.
    let rig = Rig::five(&["no-top", "err-on-retr=3"]);
    let options = [&options[..], &["--max-messages", "1"]].concat();
    for attempt in 1..=3 {
        let ran = rig.run(&options).expect(75);
        assert_eq!(ran.err.contains("given up"), attempt == 3, "{}", ran.err);
        rig.pass_hours(1);
    }
}

#[test]
fn limits_of_a_session_make_several() {
    let messages: Vec<Vec<u8>> = (0..10)
        .map(|number| format!("Subject: {number}\n\n").into_bytes())
        .collect();
    for (limit, sessions) in [
        (["--max-messages", "4"], 3),
        // 15 octets each; one that is larger than the limit still comes.
        (["--max-octets", "40"], 5),
        (["--max-octets", "1"], 10),
    ] {
        let rig = Rig::new(Mailbox::messages(messages.clone()));
        rig.run(&[limit[0], limit[1], "--keep", "none"]).expect(0);
        assert_eq!(rig.delivered(), messages);
        assert_eq!((rig.left(), rig.sandbox.sessions().len()), (0, sessions));
    }
}

#[test]
fn messages_that_fail_in_each_session_do_not_make_them_endless() {
    for (faults, delivered, sessions) in [
        (["err-on-retr=1", "err-on-retr=1"], 4, 6),
        (["err-on-retr=1", "err-on-retr=2"], 3, 6),
    ] {
        let rig = Rig::five(&faults);
        rig.run(&["--max-messages", "1"]).expect(75);
        assert_eq!(rig.delivered().len(), delivered);
        assert_eq!(rig.sandbox.sessions().len(), sessions, "{faults:?}");
    }
}

#[test]
fn a_filter_that_rejects_everything_goes_on_behind_a_limit() {
    let rig = Rig::five(&[]);
    rig.run(&["--max-messages", "1", "--filter", "echo delete"])
        .expect(0);
    assert_eq!((rig.delivered().len(), rig.left()), (0, 0));
}

#[test]
fn whoever_only_looks_is_told_that_the_login_was_refused() {
    let rig = Rig::five(&[]);
    let mut dry = rig.sync(By::ImplicitTls);
    dry.arg("--dry-run").env("POPFETCH_PASSWORD", "wrong");
    ran(&mut dry).expect(77);
    let mut mark = rig.ask(&["mark-seen", "--maildir", "mail", "--state", "state.db"]);
    ran(mark.env("POPFETCH_PASSWORD", "wrong")).expect(77);
}

#[test]
fn the_first_session_can_leave_alone_what_it_finds() {
    let rig = Rig::five(&[]);
    let options = ["--only-new", "--keep", "none"];
    rig.run(&options).expect(0);
    assert_eq!((rig.delivered().len(), rig.left()), (0, 5));
    rig.sandbox.deliver(USER, "Subject: six\n\n").unwrap();
    for _ in 0..2 {
        let ran = rig.run(&options).expect(0);
        assert!(ran.out.contains("5 left alone"), "{}", ran.out);
        assert_eq!((rig.delivered().len(), rig.left()), (1, 5));
    }
    // Nor does it matter later that nobody asks for that any more.
    rig.run(&["--keep", "none"]).expect(0);
    assert_eq!((rig.delivered().len(), rig.left()), (1, 5));
}

#[test]
fn what_is_marked_as_seen_is_neither_fetched_nor_deleted() {
    let rig = Rig::five(&["err-on-retr=4"]);
    let dry = mark_seen(&rig, &["--dry-run"]).expect(0);
    assert_eq!(dry.out.matches("would leave alone").count(), 5);
    rig.run(&["--keep", "none"]).expect(75);
    assert_eq!((rig.delivered().len(), rig.left()), (4, 1));
    rig.sandbox.deliver(USER, "Subject: six\n\n").unwrap();
    let marked = mark_seen(&rig, &[]).expect(0);
    assert!(marked.out.contains("2 messages"), "{}", marked.out);
    rig.misbehave(&[]);
    let ran = rig.run(&["--keep", "none"]).expect(0);
    assert!(ran.out.contains("nothing new"), "{}", ran.out);
    assert_eq!((rig.delivered().len(), rig.left()), (4, 2));
}

/// Rejects the second message, skips the third, and counts.
const FILTER: &str = "echo asked >> asked; case $(cat) in *two*) echo delete;; *three*) echo skip;; \
    *) echo fetch;; esac";

fn asked(rig: &Rig) -> usize {
    let log = fs::read_to_string(rig.path("asked")).unwrap_or_default();
    log.lines().count()
}

#[test]
fn a_filter_decides_by_the_headers() {
    let rig = Rig::five(&[]);
    assert_eq!(rig.run(&["--filter", FILTER]).expect(0).err, "");
    let [one, _, _, four, five_] = <[Vec<u8>; 5]>::try_from(five()).unwrap();
    let wanted = sorted(vec![one, four, five_]);
    assert_eq!(rig.delivered(), wanted);
    assert_eq!((rig.left(), asked(&rig)), (4, 5));
    // What it said is remembered, and what it wants to keep is kept.
    rig.run(&["--filter", FILTER, "--keep", "none"]).expect(0);
    assert_eq!(rig.delivered(), wanted);
    assert_eq!((rig.left(), asked(&rig)), (1, 5));
    let retrieved: u64 = rig.sandbox.retrievals(USER).unwrap().values().sum();
    assert_eq!(retrieved, 3);
}

#[test]
fn p03_what_a_filter_rejects_is_gone_only_after_a_confirmed_quit() {
    let rig = Rig::five(&["err-on-quit@1"]);
    rig.run(&["--filter", "echo delete"]).expect(75);
    assert_eq!((rig.left(), rig.states()), (5, vec!["rejected".into()]));
    // It is not asked again, and not needed any more.
    rig.run(&[]).expect(0);
    assert_eq!((rig.left(), rig.states()), (0, vec!["gone".into()]));
    assert_eq!(rig.delivered().len(), 0);
}

#[test]
fn q28_a_filter_is_not_asked_about_folder_data() {
    let rig = Rig::five(&["folder-data"]);
    let filter = format!("cat >> headers; {FILTER}");
    rig.run(&["--filter", &filter]).expect(0);
    let headers = fs::read_to_string(rig.path("headers")).unwrap();
    assert_eq!((asked(&rig), headers.matches("Subject: ").count()), (4, 4));
    assert!(!headers.contains("FOLDER INTERNAL DATA"), "{headers}");
}
