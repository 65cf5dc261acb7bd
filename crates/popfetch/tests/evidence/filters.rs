//! E25 and Q52: what a filter decides by, and what it cannot decide.

use std::fs;

use poplib_sandbox::Mailbox;

use crate::support::{PASSWORD, Rig, USER, five, ran, sorted};

const KEEP_NONE: [&str; 2] = ["--keep", "none"];

fn retrieved(rig: &Rig) -> u64 {
    rig.sandbox.retrievals(USER).unwrap().values().sum()
}

fn status(rig: &Rig) -> String {
    ran(&mut rig.with_state(&["status"])).expect(0).out
}

#[test]
fn e25_a_filter_that_breaks_deletes_nothing_and_fetches_nothing() {
    for (filter, how) in [
        ("exit 1", "failed: exit status: 1"),
        ("exit 2", "failed: exit status: 2"),
        ("grep -q Subject /no/such/file", "failed: exit status: 2"),
        ("true", "printed no word"),
        ("echo yes", "printed \"yes\""),
        ("echo delete; kill -9 $$", "was ended by signal 9"),
        ("echo delete; exit 1", "failed: exit status: 1"),
        ("yes delete", "printed more than a word"),
        ("/no/such/filter", "failed: exit status: 127"),
    ] {
        let rig = Rig::five(&[]);
        for visit in 1..=2 {
            let ran = rig.run(&["--filter", filter, "--keep", "none"]).expect(75);
            let errors = ran.err.matches("error: ").count();
            assert!(
                ran.err.contains(&format!("the filter {how}")),
                "{}",
                ran.err
            );
            let form = "a filter prints one word, fetch, skip or delete, and ends with status 0";
            assert!(ran.err.contains(form), "{}", ran.err);
            // Each message is named once, and not at every visit.
            let warnings = ran.err.matches("warning: ").count();
            assert_eq!(
                (errors, warnings),
                (1, if visit == 1 { 5 } else { 0 }),
                "{}",
                ran.err
            );
        }
        assert_eq!((rig.delivered().len(), rig.left()), (0, 5), "{filter}");
        assert_eq!(status(&rig).matches("waits:").count(), 5);
        rig.run(&["--filter", "echo fetch", "--keep", "none"])
            .expect(0);
        rig.assert_five();
        assert!(!status(&rig).contains("waits:"));
    }
}

#[test]
fn e25_what_is_decided_is_done_while_the_rest_waits() {
    let rig = Rig::five(&[]);
    let filter = "case $(cat) in *two*) echo delete;; *three*) echo skip;; *four*) exit 1;; \
        *) echo fetch;; esac";
    let options = ["--filter", filter, "--keep", "none", "--json"];
    let told = rig.run(&options).expect(75);
    let held: Vec<&str> = (told.out.lines())
        .filter(|line| line.contains("\"event\":\"held-back\""))
        .collect();
    assert_eq!(held.len(), 1, "{}", told.out);
    assert!(held[0].contains("\"number\":4,"), "{}", held[0]);
    assert!(told.out.contains("\"held_back\":1"), "{}", told.out);
    let [one, _, _, _, last] = <[Vec<u8>; 5]>::try_from(five()).unwrap();
    assert_eq!((rig.delivered(), rig.left()), (sorted(vec![one, last]), 2));
}

#[test]
fn e17_a_filter_that_decides_nothing_is_not_asked_about_everything() {
    let messages: Vec<Vec<u8>> = (0..100)
        .map(|number| format!("Subject: {number}\n\n").into_bytes())
        .collect();
    let rig = Rig::new(Mailbox::messages(messages.clone()));
    // What is stored already is deleted all the same.
    rig.run(&["--filter", "echo fetch", "--max-messages", "50"])
        .expect(0);
    for _ in 0..10 {
        rig.sandbox.deliver(USER, "Subject: new\n\n").unwrap();
    }
    let filter = "echo x >> asked; kill -9 $$";
    let ran = rig.run(&["--filter", filter, "--keep", "none"]).expect(75);
    assert!(
        ran.err.contains("nothing is fetched until it decides"),
        "{}",
        ran.err
    );
    let asked = fs::read_to_string(rig.path("asked")).unwrap();
    assert_eq!(asked.lines().count(), 5);
    assert_eq!((rig.delivered().len(), rig.left()), (100, 10));
}

#[test]
fn q52_a_filter_judges_what_retr_brings_where_top_is_implausible() {
    // It deletes what has no subject.
    let filter = "grep -q '^Subject: ' && echo fetch || echo delete";
    for fault in [
        "top-empty",
        "top-one-line",
        "top-truncated=9",
        "top-without-end",
        "top-without-header",
        "no-top",
    ] {
        let rig = Rig::five(&[fault]);
        rig.run(&["--filter", filter, "--keep", "none"]).expect(0);
        rig.assert_five();
        assert_eq!(rig.left(), 0, "{fault}");
    }
}

#[test]
fn q52_what_retr_brought_for_its_header_alone_is_followed_by_no_quit() {
    let filter = "grep -q three && echo skip || echo fetch";
    let rig = Rig::five(&["top-empty", "delete-retrieved"]);
    rig.run(&["--filter", filter, "--keep", "none"]).expect(0);
    assert_eq!((rig.delivered().len(), rig.left()), (4, 1));
    // It is remembered, and not asked for again.
    let before = retrieved(&rig);
    rig.run(&["--filter", filter, "--keep", "none"]).expect(0);
    assert_eq!((rig.left(), retrieved(&rig)), (1, before));
}

#[test]
fn q52_nothing_is_deleted_on_top_alone() {
    // It deletes what it sees only by TOP.
    let filter = "grep -q '^X-Altered' && echo delete || echo fetch";
    for messages in [five(), five()[..1].to_vec()] {
        let rig = Rig::new(Mailbox::messages(messages.clone()));
        rig.misbehave(&["top-other-header", "delete-retrieved"]);
        rig.run(&["--filter", filter, "--keep", "none"]).expect(0);
        assert_eq!((rig.delivered(), rig.left()), (sorted(messages), 0));
        // That is remembered: only folder data is looked for by TOP.
        let asked = "cat > /dev/null; echo x >> asked; echo fetch";
        for _ in 0..3 {
            rig.sandbox.deliver(USER, "Subject: new\n\n").unwrap();
        }
        rig.run(&["--filter", asked]).expect(0);
        let asked = fs::read_to_string(rig.path("asked")).unwrap();
        let sessions = rig.sandbox.sessions();
        let lines = sessions.last().unwrap().lines();
        let tops = lines.iter().filter(|line| line.starts_with("TOP")).count();
        assert_eq!((asked.lines().count(), tops), (3, 1));
    }
}

#[test]
fn q52_what_is_deleted_by_its_header_is_compared_with_one_message() {
    // Nothing is fetched that could be compared.
    let rig = Rig::five(&[]);
    rig.run(&["--filter", "cat > /dev/null; echo delete"])
        .expect(0);
    assert_eq!(
        (rig.delivered().len(), rig.left(), retrieved(&rig)),
        (0, 0, 1)
    );
    // Something is.
    let rig = Rig::five(&[]);
    let filter = "grep -q one && echo fetch || echo delete";
    rig.run(&["--filter", filter, "--keep", "none"]).expect(0);
    assert_eq!(
        (rig.delivered().len(), rig.left(), retrieved(&rig)),
        (1, 0, 1)
    );
}

#[test]
fn q52_headers_that_stand_for_a_large_message_are_those_of_retr() {
    for fault in ["top-empty", "top-one-line", "top-without-end", "no-top"] {
        let rig = Rig::five(&[fault, "delete-retrieved"]);
        let options = ["--skip-over", "1kB", "--oversize", "headers"];
        for _ in 0..2 {
            rig.run(&[&options[..], &KEEP_NONE].concat()).expect(0);
        }
        let marked = b"X-Popfetch-Truncated: headers only; the message has 72018 octets and is on \
            the server\nSubject: three\n\n";
        let delivered = rig.delivered();
        let excerpts = delivered.iter().filter(|message| *message == marked);
        assert_eq!(
            (excerpts.count(), delivered.len(), rig.left()),
            (1, 5, 1),
            "{fault}"
        );
    }
}

#[test]
fn q52_an_honest_server_is_asked_for_no_more_than_before() {
    let rig = Rig::five(&[]);
    rig.run(&["--filter", "cat > /dev/null; echo fetch", "--keep", "none"])
        .expect(0);
    rig.assert_five();
    assert_eq!((retrieved(&rig), rig.sandbox.sessions().len()), (5, 1));
    let lines = rig.sandbox.sessions()[0].lines();
    let of = |verb: &str| lines.iter().filter(|line| line.starts_with(verb)).count();
    // One more for message 1, which may be folder data.
    assert_eq!((of("TOP"), of("RETR"), of("DELE")), (6, 5, 5));
}

#[test]
fn e25_a_filter_of_mpop_is_imported_in_the_new_form() {
    let rig = Rig::five(&[]);
    let (host, port) = (rig.sandbox.host(), rig.sandbox.tls_addr().port());
    let mpoprc = format!(
        "account me\nhost {host}\nport {port}\ntls on\ntls_starttls off\ntls_trust_file ~/ca.pem\n\
         user {USER}\npassword \"{PASSWORD}\"\nkeep off\ndelivery maildir ~/mail\n\
         filter case $(cat) in *two*) exit 1;; *three*) exit 2;; *four*) exit 3;; esac\n"
    );
    fs::write(rig.path(".mpoprc"), mpoprc).unwrap();
    let import = ["import", "mpop", "--fetch-again", "--out", "popfetch.toml"];
    ran(&mut rig.bare(&import)).expect(0);
    let config = fs::read_to_string(rig.path("popfetch.toml")).unwrap();
    assert!(config.contains("to delete it, print delete"), "{config}");
    let sync = ["sync", "--config", "popfetch.toml"];
    let told = ran(&mut rig.bare(&sync)).expect(75);
    assert!(
        told.err.contains("waiting on the server: 1 message"),
        "{}",
        told.err
    );
    assert_eq!((rig.delivered().len(), rig.left()), (2, 3));
}
