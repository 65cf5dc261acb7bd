//! What arrived is believed to be the whole message, or is not.

use poplib_sandbox::Mailbox;

use crate::support::{By, Rig, ran, sorted};

/// So many messages of different size, with Message-IDs. Line ends as a Maildir has them.
pub(crate) fn mail(messages: usize) -> Vec<Vec<u8>> {
    let message = |number: usize| {
        let body = format!("line {number} of this message\n").repeat(17 * number * number);
        format!("Message-ID: <{number}@test.example>\nSubject: {number}\nDate: d\n\n{body}")
    };
    (1..=messages)
        .map(|number| message(number).into_bytes())
        .collect()
}

/// A server with so many messages and these faults.
pub(crate) fn server(messages: usize, faults: &[&str]) -> Rig {
    let rig = Rig::new(Mailbox::messages(mail(messages)));
    rig.misbehave(faults);
    rig
}

pub(crate) const NONE: [&str; 2] = ["--keep", "none"];

#[test]
fn e04_a_message_that_comes_short_stays_until_it_comes_whole() {
    for fault in ["short-body=3:155", "short-body=3:0", "error-body=3"] {
        for pipeline in ["auto", "off"] {
            let options = ["--keep", "none", "--pipeline", pipeline];
            let rig = server(5, &[fault]);
            let first = rig.run(&options).expect(75);
            assert!(first.err.contains("message 3 "), "{}", first.err);
            assert!(first.err.contains("kept on the server"), "{}", first.err);
            assert_eq!((rig.delivered().len(), rig.left()), (5, 1), "{fault}");
            // It is fetched again at the next visit, and is the same.
            rig.misbehave(&[&fault.replace('3', "1")]);
            let again = rig.run(&options).expect(75);
            assert!(!again.err.contains("message 1 "), "no news: {}", again.err);
            assert_eq!((rig.delivered().len(), rig.left()), (5, 1), "{fault}");
            // Within the hour it is left in peace, and nothing ends as if all were well.
            let before = rig.sandbox.retrievals("alice").unwrap();
            rig.run(&options).expect(75);
            assert_eq!(rig.sandbox.retrievals("alice").unwrap(), before);
            // The server gives all of it.
            rig.misbehave(&[]);
            rig.pass_hours(1);
            rig.run(&options).expect(0);
            assert_eq!(rig.left(), 0, "{fault}");
            let delivered = rig.delivered();
            assert_eq!(delivered.len(), 6);
            assert!(mail(5).iter().all(|message| delivered.contains(message)));
        }
    }
}

#[test]
fn e04_a_proxy_that_cuts_everything_loses_nothing() {
    let rig = server(12, &["short-bodies=300"]);
    for visit in 0..4 {
        rig.run(&NONE).expect(75);
        assert_eq!(rig.left(), 12, "visit {visit}");
        assert_eq!(rig.delivered().len(), 12);
        rig.pass_hours(25);
    }
    rig.misbehave(&[]);
    rig.run(&NONE).expect(0);
    assert_eq!(rig.left(), 0);
    let delivered = rig.delivered();
    assert!(mail(12).iter().all(|message| delivered.contains(message)));
}

#[test]
fn e04_an_honest_server_with_an_arithmetic_of_its_own_is_not_punished() {
    for fault in [
        "rounded-octets",
        "unix-octets",
        "more-octets=7",
        "halved-octets",
        "hidden-lines",
    ] {
        let rig = server(10, &[fault]);
        let ran = rig.run(&NONE).expect(0);
        assert_eq!(ran.err, "", "{fault}");
        assert_eq!(
            (rig.delivered(), rig.left()),
            (sorted(mail(10)), 0),
            "{fault}"
        );
        let retrieved: u64 = rig.sandbox.retrievals("alice").unwrap().values().sum();
        assert_eq!(retrieved, 10, "{fault}");
    }
}

#[test]
fn e04_few_messages_of_an_honest_server_go_within_three_visits() {
    for fault in ["rounded-octets", "more-octets=7"] {
        let rig = server(3, &[fault]);
        let mut left = 3;
        for _ in 0..3 {
            rig.run(&NONE);
            left = rig.left();
            rig.pass_hours(1);
        }
        assert_eq!((rig.delivered(), left), (sorted(mail(3)), 0), "{fault}");
    }
}

#[test]
fn e04_sizes_that_mean_nothing_are_no_evidence_after_two_equal_fetches() {
    let rig = server(12, &["meaningless-octets"]);
    rig.run(&NONE).expect(75);
    rig.run(&NONE).expect(75);
    rig.pass_hours(1);
    rig.run(&NONE).expect(75);
    rig.pass_hours(1);
    rig.run(&NONE).expect(0);
    assert_eq!((rig.delivered(), rig.left()), (sorted(mail(12)), 0));
}

#[test]
fn e05_the_next_message_in_the_place_of_each_deletes_nothing() {
    for fault in ["next-body", "first-body"] {
        for pipeline in ["auto", "off"] {
            let options = ["--keep", "none", "--pipeline", pipeline];
            let rig = server(6, &[fault]);
            let ran = rig.run(&options).expect(75);
            assert!(ran.err.contains("another message"), "{}", ran.err);
            assert_eq!(rig.left(), 6, "{fault}");
            rig.misbehave(&[]);
            rig.pass_hours(1);
            rig.run(&options).expect(0);
            assert_eq!(rig.left(), 0, "{fault}");
            let delivered = rig.delivered();
            assert!(
                mail(6).iter().all(|message| delivered.contains(message)),
                "{fault}"
            );
            // The next message's content came once, under whatever unique-id.
            if fault == "next-body" {
                assert_eq!(delivered, sorted(mail(6)));
            }
        }
    }
}

#[test]
fn q47_a_short_message_is_told_to_programs_once() {
    let rig = server(4, &["short-body=2:200"]);
    let mut sync = rig.sync(By::ImplicitTls);
    let told = ran(sync.arg("--json")).expect(75).out;
    let held: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("held-back"))
        .collect();
    assert_eq!(held.len(), 1, "{told}");
    for part in [
        "came shorter than listed (",
        r#""number":2"#,
        r#""is_news":true"#,
    ] {
        assert!(held[0].contains(part), "{}", held[0]);
    }
}

#[test]
fn e31_an_error_in_the_middle_of_a_body_ends_the_session() {
    let rig = server(6, &["err-in-body=3:1000@1"]);
    let options = ["--keep", "none", "--timeout", "1"];
    for _ in 0..3 {
        rig.run(&options);
        // Nothing of the session in which it happened counts.
        let delivered = rig.delivered();
        assert!(delivered.iter().all(|message| mail(6).contains(message)));
        rig.pass_hours(1);
    }
    assert!(rig.delivered() == sorted(mail(6)));
    assert_eq!(rig.left(), 0);
}
