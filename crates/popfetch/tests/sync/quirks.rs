//! Servers that are not quite what RFC 1939 describes.

use poplib_sandbox::Mailbox;

use crate::support::{Rig, USER, five, names, sorted};

/// Runs twice, keeps nothing the second time, and has each message once.
fn assert_five_in_spite_of(faults: &[&str]) {
    let rig = Rig::five(faults);
    rig.run(&[]).expect(0);
    rig.assert_five();
    let again = rig.run(&[]).expect(0);
    assert!(
        again.out.contains("nothing new"),
        "{faults:?}: {}",
        again.out
    );
    rig.run(&["--keep", "none"]).expect(0);
    rig.assert_five();
    assert_eq!(rig.left(), 0, "{faults:?}");
}

#[test]
fn q05_capabilities_are_not_needed() {
    assert_five_in_spite_of(&["no-capa"]);
}

#[test]
fn q08_bare_line_feeds() {
    assert_five_in_spite_of(&["lf-only"]);
}

#[test]
fn q13_sizes_are_only_hints() {
    for fault in ["halved-octets", "negative-octets"] {
        assert_five_in_spite_of(&[fault]);
    }
}

#[test]
fn q13_a_server_that_rounds_up_is_understood_at_the_third_visit() {
    let rig = Rig::five(&["rounded-octets"]);
    for (status, left) in [(75, 5), (75, 5), (0, 0)] {
        let ran = rig.run(&["--keep", "none"]).expect(status);
        assert_eq!(rig.left(), left, "{}", ran.err);
        rig.assert_five();
    }
}

#[test]
fn q13_a_constant_difference_of_stat_is_said_once() {
    let rig = Rig::five(&["stat-counts-more=2"]);
    let first = rig.run(&[]).expect(75);
    assert!(
        first.err.contains("STAT counts 7 messages"),
        "{}",
        first.err
    );
    rig.assert_five();
    let again = rig.run(&["--keep", "none"]).expect(0);
    assert_eq!(again.err, "");
    assert_eq!(rig.left(), 0);
}

#[test]
fn q14_odd_listings() {
    for fault in ["number-zero", "extra-spaces", "long-uidl"] {
        assert_five_in_spite_of(&[fault]);
    }
}

#[test]
fn q14_fault_duplicate_unique_ids() {
    assert_five_in_spite_of(&["duplicate-uidl"]);
}

#[test]
fn q14_fault_unique_ids_that_are_not_ascii() {
    assert_five_in_spite_of(&["non-ascii-uidl"]);
}

#[test]
fn q14_a_message_without_a_unique_id_is_told_by_its_header() {
    assert_five_in_spite_of(&["uidl-without-id=3"]);
    assert_five_in_spite_of(&["no-uidl"]);
}

#[test]
fn q14_a_message_that_a_listing_lacks_comes_later() {
    let rig = Rig::five(&["listing-gap=3@1"]);
    // STAT counts it.
    rig.run(&[]).expect(75);
    assert_eq!(rig.delivered().len(), 4);
    rig.run(&[]).expect(0);
    rig.assert_five();
}

#[test]
fn q21_a_quota_gives_up_nothing() {
    let messages: Vec<Vec<u8>> = (0..12)
        .map(|number| format!("Subject: {number}\n\n").into_bytes())
        .collect();
    let rig = Rig::new(Mailbox::messages(messages.clone()));
    rig.misbehave(&["quota=3@1-3"]);
    for session in 1..=3 {
        let ran = rig.run(&[]).expect(75);
        assert_eq!(rig.delivered().len(), 3 * session);
        assert!(!ran.err.contains("given up"), "{}", ran.err);
    }
    rig.run(&[]).expect(0);
    assert_eq!(rig.delivered(), sorted(messages));
}

#[test]
fn q16_a_refused_dele_stops_nobody() {
    let rig = Rig::five(&["err-on-dele=3@1"]);
    let refused = rig.run(&["--keep", "none"]).expect(75);
    assert!(refused.err.contains("delete message 3"), "{}", refused.err);
    assert_eq!(rig.left(), 1);
    rig.run(&["--keep", "none"]).expect(0);
    assert_eq!(rig.left(), 0);
    rig.assert_five();
}

#[test]
fn a09_no_unique_id_leads_out_of_the_maildir() {
    assert_five_in_spite_of(&["path-uidl"]);
    let nasty: [&[u8]; 5] = [b"../../x", b"/etc/passwd", b"a\0b", b".", &[b'u'; 10_000]];
    let rig = Rig::new(Mailbox::messages(five()).unique_ids(nasty));
    rig.run(&["--keep", "none"]).expect(0);
    rig.assert_five();
    let mut here = names(&rig.path("."));
    here.sort();
    assert_eq!(here, ["ca.pem", "mail", "state.db", "state.db.locks"]);
    let mut there = names(&rig.path("mail"));
    there.retain(|name| !name.starts_with("popfetch-"));
    there.sort();
    assert_eq!(there, ["cur", "new", "tmp"]);
}

#[test]
fn a_unique_id_used_again_is_compared() {
    let rig = Rig::new(Mailbox::messages(["Subject: one\n\n"]).unique_ids(["same"; 3]));
    rig.run(&["--keep", "none"]).expect(0);
    for (message, delivered) in [("Subject: one\n\n", 1), ("Subject: two\n\n", 2)] {
        rig.sandbox.deliver(USER, message).unwrap();
        assert_eq!(rig.sandbox.unique_ids(USER).unwrap(), [b"same"]);
        rig.run(&["--keep", "none"]).expect(0);
        assert_eq!((rig.delivered().len(), rig.left()), (delivered, 0));
    }
}
