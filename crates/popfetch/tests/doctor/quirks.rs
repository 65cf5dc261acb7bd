//! Each oddity of a server that `doctor` can find, switched on alone, and found by its name.

use poplib_sandbox::{Builder, Mailbox};

use crate::support::{By, Ran, Rig, USER, five, ran};
use crate::{doctor, examine, names};

/// Five messages, and one way to log in, so that much else need not be tried.
fn rig(faults: &[&str]) -> Rig {
    let build = |builder: Builder| builder.mechanisms(["PLAIN"]);
    let rig = Rig::built(Mailbox::messages(five()), build);
    rig.misbehave(faults);
    rig
}

fn examined(faults: &[&str], options: &[&str]) -> Ran {
    examine(&rig(faults), options)
}

#[track_caller]
fn assert_finds(faults: &[&str], options: &[&str], expected: &[&str], status: i32) {
    let ran = examined(faults, options).expect(status);
    assert_eq!(names(&ran), expected, "{faults:?}\n{}", ran.out);
}

#[test]
fn q04_a_greeting_without_a_text() {
    assert_finds(&["greeting=+OK\\r\\n"], &[], &["Q4"], 0);
}

#[test]
fn q05_capa_refused_or_incomplete() {
    assert_finds(&["no-capa"], &[], &["Q5", "Q6"], 0);
    assert_finds(&["hide-capability=UIDL"], &[], &["Q5"], 0);
    assert_finds(&["hide-capability=TOP"], &[], &["Q5"], 0);
}

#[test]
fn q06_capabilities_that_change_at_login() {
    assert_finds(&["hide-before-login=PIPELINING"], &[], &["Q6"], 0);
    assert_finds(&["hide-after-login=PIPELINING"], &[], &["Q6"], 0);
}

#[test]
fn q07_pipelining_that_breaks() {
    let options = ["--timeout", "2"];
    for fault in ["pipeline-mixed", "pipeline-closes", "pipeline-forgotten"] {
        assert_finds(&[fault], &options, &["Q7"], 1);
    }
}

#[test]
fn q08_bare_line_feeds() {
    let ran = examined(&["lf-only"], &[]).expect(0);
    assert!(names(&ran).contains(&"Q8".into()), "{}", ran.out);
}

#[test]
fn q09_a_dot_between_bare_line_feeds() {
    assert_finds(&["bare-lf-dot"], &[], &["Q9"], 0);
}

#[test]
fn q11_a_dot_that_is_not_stuffed() {
    assert_finds(&["no-stuffing"], &[], &["Q11"], 1);
}

#[test]
fn q12_a_message_without_an_end() {
    let rig = Rig::new(Mailbox::messages(["Subject: x\n\nno newline"]));
    rig.misbehave(&["glued-end"]);
    let ran = examine(&rig, &["--timeout", "2"]).expect(1);
    assert_eq!(names(&ran), ["Q12"], "{}", ran.out);
}

#[test]
fn q13_sizes_and_counts_that_are_wrong() {
    for fault in [
        "rounded-octets",
        "halved-octets",
        "negative-octets",
        "stat-counts-more=2",
    ] {
        let ran = examined(&[fault], &[]).expect(0);
        let names = names(&ran);
        assert!(
            !names.is_empty() && names.iter().all(|name| name == "Q13"),
            "{fault}: {}",
            ran.out
        );
    }
}

#[test]
fn q13_a_message_that_is_larger_than_it_was_said_to_be() {
    let large = format!("Subject: x\n\n{}", "0123456789abcdef\n".repeat(100_000));
    let rig = Rig::new(Mailbox::messages([large]));
    rig.misbehave(&["negative-octets"]);
    let ran = examine(&rig, &["--auth", "user"]).expect(1);
    assert!(
        ran.out
            .contains("care Q13 reading broke the session: message 1 is larger"),
        "{}",
        ran.out
    );
}

#[test]
fn q14_odd_listings() {
    for (fault, status) in [
        ("number-zero", 0),
        ("listing-gap=3", 0),
        ("uidl-without-id=3", 1),
        ("duplicate-uidl", 1),
        ("non-ascii-uidl", 0),
        ("long-uidl", 0),
    ] {
        let ran = examined(&[fault], &[]).expect(status);
        assert!(names(&ran).contains(&"Q14".into()), "{fault}: {}", ran.out);
    }
}

#[test]
fn q15_unique_ids_that_change() {
    // Between the sessions, of which the examinations before the login are some.
    let rig = rig(&[]);
    examine(&rig, &[]).expect(0);
    let sessions = rig.sandbox.sessions().len();
    rig.misbehave(&[&format!("regenerated-uidl@{}", 2 * sessions)]);
    let ran = examine(&rig, &[]).expect(1);
    assert_eq!(names(&ran), ["Q15"], "{}", ran.out);
}

#[test]
fn q16_plus_err() {
    assert_finds(&["plus-err"], &[], &["Q16"], 0);
}

#[test]
fn q18_a_timestamp_that_is_none() {
    assert_finds(&["bad-stamp"], &[], &["Q18"], 0);
    assert_finds(&["two-stamps"], &[], &["Q18"], 0);
}

#[test]
fn q19_a_mechanism_that_is_offered_only() {
    assert_finds(&["unusable-mechanism"], &[], &["Q19"], 0);
}

#[test]
fn q20_logins_that_must_wait() {
    assert_finds(&["refuse-login=[IN-USE] locked"], &[], &["Q20"], 75);
    assert_finds(&["refuse-login=[LOGIN-DELAY] wait"], &[], &["Q20"], 75);
}

#[test]
fn q23_top_that_is_not_retr() {
    for fault in [
        "top-one-line",
        "top-truncated=10",
        "top-two-ok",
        "top-other-header",
    ] {
        let ran = examined(&[fault], &[]);
        assert!(names(&ran).contains(&"Q23".into()), "{fault}: {}", ran.out);
    }
}

#[test]
fn q24_capa_that_ends_the_connection() {
    assert_finds(&["close-on=CAPA"], &[], &["Q24"], 1);
    assert_finds(&["stall=CAPA"], &["--timeout", "2"], &["Q24"], 1);
}

#[test]
fn q25_quit_deletes_what_was_read_only_where_that_is_asked_for() {
    let rig = rig(&["delete-retrieved"]);
    let ran = examine(&rig, &[]).expect(0);
    assert!(names(&ran).is_empty(), "{}", ran.out);
    assert_eq!(rig.left(), 5);
    let ran = examine(&rig, &["--quit-after-reading"]).expect(1);
    assert_eq!(names(&ran), ["Q25"], "{}", ran.out);
    assert_eq!(rig.left(), 4);
}

#[test]
fn q25_a_server_that_keeps_what_was_read() {
    let rig = rig(&[]);
    let ran = examine(&rig, &["--quit-after-reading"]).expect(0);
    assert!(names(&ran).is_empty(), "{}", ran.out);
    assert_eq!(rig.left(), 5);
}

#[test]
fn q28_folder_data() {
    assert_finds(&["folder-data"], &[], &["Q28"], 0);
}

#[test]
fn q29_somebody_else_answers() {
    for fault in [
        "err-greeting",
        "imap-greeting",
        "smtp-greeting",
        "swap-ports",
    ] {
        let ran = examined(&[fault], &[]);
        assert_eq!(names(&ran), ["Q29"], "{fault}: {}", ran.out);
        assert!(ran.status.is_some_and(|status| status >= 64));
    }
}

#[test]
fn p10_what_the_server_promises() {
    let built = |build: fn(Builder) -> Builder| Rig::built(Mailbox::messages(five()), build);
    let rig = built(|builder| builder.expire("0"));
    let ran = examine(&rig, &[]).expect(1);
    assert!(ran.out.contains("care P10 EXPIRE 0"), "{}", ran.out);
    assert_eq!(rig.left(), 5);
    let rig = built(|builder| builder.login_delay("900"));
    let ran = examine(&rig, &[]).expect(0);
    assert!(ran.out.contains("note P10 LOGIN-DELAY 900"), "{}", ran.out);
    let logins = rig
        .sandbox
        .sessions()
        .iter()
        .filter(|session| session.user.is_some())
        .count();
    assert_eq!(logins, 1);
}

#[test]
fn a01_octets_before_tls_are_an_attack() {
    let rig = rig(&["inject-before-tls=+OK\\r\\n"]);
    let ran = ran(&mut doctor(&rig, By::Stls)).expect(76);
    assert!(ran.out.contains("not usable"), "{}", ran.out);
    assert!(rig.sandbox.retrievals(USER).unwrap().is_empty());
}

#[test]
fn there_is_no_uidl_and_no_top() {
    assert_finds(&["no-uidl"], &[], &["-"], 1);
    assert_finds(&["no-top"], &[], &["-"], 0);
}

#[test]
fn q31_octets_that_grow_are_no_sign_of_mixed_answers() {
    let ran = examined(&["growing-octets"], &[]).expect(0);
    let names = names(&ran);
    assert!(names.iter().all(|name| name == "Q13"), "{}", ran.out);
    assert!(ran.out.contains("answered in order"), "{}", ran.out);
}
