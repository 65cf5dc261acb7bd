//! E19: a server that sends without end.

use crate::support::{By, Rig, USER, five, names, ran, sorted};

const KEEP_NONE: [&str; 4] = ["--keep", "none", "--timeout", "60"];

fn run(rig: &Rig, options: &[&str], status: i32) -> String {
    let ran = rig.run(&[&KEEP_NONE[..], options].concat()).expect(status);
    ran.err
}

/// All but the third.
fn others() -> Vec<Vec<u8>> {
    let mut others = five();
    others.remove(2);
    sorted(others)
}

#[test]
fn e19_a_body_without_end_ends_at_a_bound_and_gives_the_disk_back() {
    for fault in ["endless-body", "endless-header"] {
        // Once the others are away, it is the first.
        let rig = Rig::five(&[&format!("{fault}=3@1-2"), &format!("{fault}=1@3-")]);
        let limit = ["--largest-message", "200kB"];
        let err = run(&rig, &limit, 75);
        assert!(err.contains("more than 200 kB came, and no end"), "{err}");
        assert!(err.contains("--largest-message"), "{err}");
        assert_eq!(names(&rig.path("mail/tmp")), [""; 0], "{fault}");
        // The others came all the same, and are deleted.
        assert_eq!((rig.delivered(), rig.left()), (others(), 1), "{fault}");
        assert_eq!(rig.states(), ["gone", "pending"]);

        // It counts, over an hour, and is given up.
        run(&rig, &limit, 75);
        rig.pass_hours(1);
        let err = run(&rig, &limit, 75);
        assert!(err.contains("given up"), "{err}");
        assert_eq!(rig.states(), ["gone", "quarantined"]);
        run(&rig, &limit, 0);
        assert_eq!(names(&rig.path("mail/tmp")), [""; 0], "{fault}");
    }
}

#[test]
fn e19_without_any_option_there_is_a_bound_too() {
    let rig = Rig::five(&["endless-body=3@1"]);
    let err = run(&rig, &[], 0);
    assert!(err.contains("more than 74 MB came, and no end"), "{err}");
    rig.assert_five();
    assert_eq!(rig.left(), 0);
}

#[test]
fn e19_a_top_without_end_is_done_without() {
    let rig = Rig::five(&["top-endless"]);
    let filter = "grep -q three && echo skip || echo fetch";
    run(&rig, &["--filter", filter, "--largest-message", "200kB"], 0);
    assert_eq!((rig.delivered(), rig.left()), (others(), 1));
    let mut list = rig.ask(&["list", "--headers"]);
    let listed = ran(&mut list);
    assert_ne!(listed.status, Some(0), "{listed:?}");
}

#[test]
fn e19_a_message_that_lists_as_too_large_is_not_asked_for_and_named() {
    let rig = Rig::five(&[]);
    let limit = ["--largest-message", "10kB"];
    for visit in 1..=4 {
        let err = run(&rig, &limit, 75);
        let is_said = err.contains("it has 72 kB, and 10 kB are allowed");
        assert_eq!(is_said, visit == 1, "{err}");
        assert!(!err.contains("given up"), "{err}");
        rig.pass_hours(1);
    }
    assert_eq!((rig.delivered(), rig.left()), (others(), 1));
    let retrieved: u64 = rig.sandbox.retrievals(USER).unwrap().values().sum();
    assert_eq!(retrieved, 4);
    run(&rig, &[], 0);
    rig.assert_five();
}

#[test]
fn e19_honest_servers_with_odd_sizes_are_bounded_nowhere() {
    for fault in [
        "rounded-octets",
        "halved-octets",
        "negative-octets",
        "growing-octets",
        "unix-octets",
        "more-octets=5000",
        "meaningless-octets",
    ] {
        let rig = Rig::five(&[fault]);
        let mut sync = rig.sync(By::ImplicitTls);
        ran(&mut sync);
        rig.assert_five();
        assert!(!rig.states().contains(&"quarantined".into()), "{fault}");
    }
}
