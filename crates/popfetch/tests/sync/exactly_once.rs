//! Whatever happens, each message is there exactly once after a rerun.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};

use poplib_sandbox::Mailbox;

use crate::support::{
    By, PASSWORD, Rig, USER, finish, five, kill, names, ran, sorted, start, wait_until,
};

#[test]
fn everything_once_however_it_is_reached() {
    for by in [By::ImplicitTls, By::Stls, By::Plaintext] {
        let rig = Rig::five(&[]);
        let ran = ran(&mut rig.sync(by)).expect(0);
        assert!(ran.out.contains("stored 5 messages"), "{}", ran.out);
        rig.assert_five();
        assert_eq!(rig.left(), 5);
    }
}

#[test]
fn a_rerun_fetches_nothing() {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    let again = rig.run(&[]).expect(0);
    assert!(again.out.contains("nothing new"), "{}", again.out);
    rig.assert_five();
    let fetched: u64 = rig.sandbox.retrievals(USER).unwrap().values().sum();
    assert_eq!(fetched, 5);
}

#[test]
fn fault_the_connection_is_cut_in_message_3() {
    for (cut, keep) in [
        ("cut-in-body=3:1000@1", "forever"),
        ("cut-in-body=3:1000@1", "none"),
        ("reset-in-body=3:1000@1", "none"),
    ] {
        let rig = Rig::five(&[cut]);
        let ran = rig.run(&["--keep", keep]).expect(75);
        assert!(ran.err.contains("hint: "), "{}", ran.err);
        // A reset may take what had arrived before.
        let before = rig.delivered().len();
        assert!(
            before == 2 || before < 2 && cut.starts_with("reset"),
            "{before}"
        );
        assert_eq!(rig.left(), 5);
        rig.run(&["--keep", keep]).expect(0);
        rig.assert_five();
        assert_eq!(rig.left(), if keep == "none" { 0 } else { 5 });
    }
}

#[test]
fn fault_the_server_stalls_in_message_3() {
    let rig = Rig::five(&["stall-in-body=3:1000@1"]);
    let ran = rig.run(&["--timeout", "1"]).expect(75);
    assert!(ran.err.contains("took too long"), "{}", ran.err);
    rig.run(&[]).expect(0);
    rig.assert_five();
}

/// A run in the middle of the third of five messages, the rest of which takes a minute.
fn in_message_3(faults: &[&str]) -> (Rig, Child) {
    let rig = Rig::five(&[&["stall-in-body=3:60000@1"], faults].concat());
    let child = start(&mut rig.sync(By::ImplicitTls));
    // Two are whole under tmp/ and the third has begun.
    wait_until("the third message", || {
        names(&rig.path("mail/tmp")).len() == 3
    });
    (rig, child)
}

#[test]
fn fault_it_is_killed_in_message_3() {
    let (rig, mut child) = in_message_3(&[]);
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    rig.run(&[]).expect(0);
    rig.assert_five();
}

fn is_stopped_in_message_3(stop: impl Fn(&Child), status: i32) {
    let (rig, child) = in_message_3(&[]);
    stop(&child);
    let ran = finish(child).expect(status);
    assert!(ran.err.contains("stopped by") && ran.err.contains("nothing is lost"));
    // What was whole is delivered, what was not is not.
    assert_eq!(rig.delivered().len(), 2);
    assert_eq!(names(&rig.path("mail/tmp")), [""; 0]);
    rig.run(&[]).expect(0);
    rig.assert_five();
}

#[test]
fn it_is_stopped_in_message_3() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        is_stopped_in_message_3(|child| kill(child, signal), status);
    }
}

#[test]
fn a_signal_that_comes_twice_at_once_as_timeout_sends_it_is_one() {
    let twice = |child: &Child| {
        let process = child.id().to_string();
        let mut kill = Command::new("kill");
        kill.args(["-s", "TERM", &process, &process]);
        assert!(kill.status().unwrap().success());
    };
    is_stopped_in_message_3(twice, 143);
}

#[test]
fn p10_no_quit_follows_a_message_that_was_given_up() {
    // The rest of the message would come if one waited for it, half a minute.
    let slow = [
        b"Subject: slow\n\n".to_vec(),
        b"0123456789abcde\n".repeat(2_000),
    ]
    .concat();
    let rig = Rig::new(Mailbox::messages([slow]));
    rig.misbehave(&["drip=1", "delete-retrieved"]);
    let child = start(&mut rig.sync(By::Plaintext));
    wait_until("the message", || names(&rig.path("mail/tmp")).len() == 1);
    kill(&child, "INT");
    finish(child).expect(130);
    let lines = rig.sandbox.sessions()[0].lines();
    assert!(!lines.iter().any(|line| line == "QUIT"), "{lines:?}");
    assert_eq!(rig.left(), 1);
}

#[test]
fn the_second_signal_stops_at_once() {
    let (rig, child) = in_message_3(&[]);
    // One that comes too soon is taken for the first.
    let mut child = Some(child);
    wait_until("the end", || {
        kill(child.as_ref().unwrap(), "INT");
        child.as_mut().unwrap().try_wait().unwrap().is_some()
    });
    finish(child.take().unwrap()).expect(130);
    // It did not even tidy up.
    assert_eq!(names(&rig.path("mail/tmp")).len(), 3);
    rig.run(&[]).expect(0);
    rig.assert_five();
}

#[test]
fn q32_fault_a_refused_message_is_retried_and_then_given_up() {
    let rig = Rig::five(&["err-on-retr=3"]);
    for attempt in 1..=3 {
        let ran = rig.run(&["--keep", "none"]).expect(75);
        // The same is not said again at each visit.
        let is_said = ran.err.contains("could not fetch message");
        assert_eq!(is_said, attempt != 2, "{}", ran.err);
        assert_eq!(ran.err.contains("given up"), attempt == 3, "{}", ran.err);
        assert_eq!((rig.delivered().len(), rig.left()), (4, 1));
        rig.misbehave(&["err-on-retr=1"]);
        rig.pass_hours(1);
    }
    // It is neither fetched nor deleted from now on, and stops nobody.
    rig.misbehave(&[]);
    rig.sandbox.deliver(USER, "Subject: six\n\n").unwrap();
    let ran = rig.run(&["--keep", "none"]).expect(0);
    assert!(ran.out.contains("1 given up"), "{}", ran.out);
    assert_eq!((rig.delivered().len(), rig.left()), (5, 1));
}

#[test]
fn p03_without_a_confirmed_quit_nothing_is_gone_and_nothing_twice() {
    for (fault, left) in [
        ("err-on-quit@1", 5),
        ("lose-quit-answer@1", 0),
        // The first time it may be because DELE was pipelined.
        ("close-on=DELE@1-2", 5),
    ] {
        let rig = Rig::five(&[fault]);
        let ran = rig.run(&["--keep", "none"]).expect(75);
        assert!(ran.err.contains("every message is stored"), "{}", ran.err);
        rig.assert_five();
        assert_eq!(rig.states(), ["stored"], "{fault}");
        assert_eq!(rig.left(), left, "{fault}");
        rig.run(&["--keep", "none"]).expect(0);
        rig.assert_five();
        assert_eq!(rig.left(), 0, "{fault}");
    }
}

#[test]
fn a15_a_maildir_that_leads_elsewhere_is_refused() {
    let rig = Rig::five(&[]);
    fs::create_dir_all(rig.path("mail/tmp")).unwrap();
    fs::create_dir_all(rig.path("mail/cur")).unwrap();
    fs::create_dir(rig.path("elsewhere")).unwrap();
    symlink("../elsewhere", rig.path("mail/new")).unwrap();
    let ran = rig.run(&["--keep", "none"]).expect(73);
    assert!(ran.err.contains("it is a link"), "{}", ran.err);
    assert_eq!(names(&rig.path("elsewhere")), [""; 0]);
    fs::remove_file(rig.path("mail/new")).unwrap();
    rig.run(&["--keep", "none"]).expect(0);
    rig.assert_five();
}

#[test]
fn p10_nothing_fetched_but_unstored_is_followed_by_quit() {
    // The server deletes at QUIT what was retrieved, and the disk has no room for the third.
    let large = [
        b"Subject: large\n\n".to_vec(),
        b"0123456789abcde\n".repeat(1 << 16),
    ]
    .concat();
    let messages = [five()[0].clone(), five()[1].clone(), large];
    for expire in ["NEVER", "0"] {
        let rig = Rig::built(Mailbox::messages(messages.clone()), |builder| {
            builder.expire(expire)
        });
        rig.misbehave(&["delete-retrieved"]);
        let ran = ran(&mut with_small_files(&rig.sync(By::ImplicitTls))).expect(74);
        assert!(ran.err.contains("could not write"), "{}", ran.err);
        assert!(
            !rig.sandbox.sessions()[0]
                .lines()
                .iter()
                .any(|line| line == "QUIT")
        );
        assert_eq!((rig.delivered().len(), rig.left()), (2, 3));
        rig.run(&[]).expect(0);
        assert_eq!(rig.delivered(), sorted(messages.to_vec()));
    }
}

#[test]
fn fault_an_empty_listing_forgets_nothing() {
    let rig = Rig::five(&["empty-listing@2"]);
    for _ in 0..3 {
        rig.run(&[]).expect(0);
        rig.assert_five();
    }
}

#[test]
fn one_process_at_a_time() {
    let (rig, mut first) = in_message_3(&[]);
    let second = rig.run(&[]).expect(75);
    assert!(
        second.err.contains("another popfetch is fetching"),
        "{}",
        second.err
    );
    first.kill().unwrap();
    first.wait().unwrap();
    // The lock went with the process.
    rig.run(&[]).expect(0);
    rig.assert_five();
}

#[test]
fn two_states_that_share_a_maildir_do_not_disturb_each_other() {
    let (rig, mut first) = in_message_3(&["hold-lock=0"]);
    first.kill().unwrap();
    first.wait().unwrap();
    let url = rig.url(By::ImplicitTls);
    let mut other = rig.bare(&["sync", "--server", &url, "--ca-file", "ca.pem"]);
    other
        .args(["--maildir", "mail", "--state", "other.db"])
        .env("POPFETCH_PASSWORD", PASSWORD);
    ran(&mut other).expect(0);
    assert_eq!(rig.delivered().len(), 5);
    // The first one's unfinished files are its own.
    assert_eq!(names(&rig.path("mail/tmp")).len(), 3);
}

/// The same command where no file may become larger than 512 KiB.
fn with_small_files(command: &Command) -> Command {
    let mut limited = Command::new("/bin/sh");
    // Files are counted in blocks of 512 octets. Ignored, the signal becomes an error.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""]);
    limited
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear();
    limited.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    limited
}
