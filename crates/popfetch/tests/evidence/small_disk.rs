//! E24 and E32: a disk that is full, with mail and state on it.

use std::fs;

use poplib_sandbox::Mailbox;

use crate::support::{By, PASSWORD, Ran, Rig, USER, delivered, names, ran, sorted};
use crate::volumes::{privately, sh};

fn run(rig: &Rig, options: &[&str]) -> Ran {
    ran(&mut rig.sync_to(By::ImplicitTls, options))
}

/// Sixty messages of 30 KiB.
fn large() -> Vec<Vec<u8>> {
    let large = |number: usize| {
        let subject = format!("Subject: {number}\n\n").into_bytes();
        [subject, b"0123456789abcde\n".repeat(1_900 + number)].concat()
    };
    (0..60).map(large).collect()
}

/// A rig with a disk, on which a Maildir and the state are before the messages come.
fn with_state_on_disk(disk: &str) -> Rig {
    let rig = Rig::new(Mailbox::messages([] as [&str; 0]));
    sh(&rig, disk);
    sync(&rig, &[]).expect(0);
    for message in large() {
        rig.sandbox.deliver(USER, message).unwrap();
    }
    rig
}

fn sync(rig: &Rig, options: &[&str]) -> Ran {
    let url = rig.url(By::ImplicitTls);
    let mut command = rig.bare(&["sync", "--server", &url, "--ca-file", "ca.pem"]);
    command.args(["--maildir", "disk/mail", "--state", "disk/state.db"]);
    ran(command.args(options).env("POPFETCH_PASSWORD", PASSWORD))
}

fn stored(rig: &Rig, target: &str) -> Vec<Vec<u8>> {
    match target {
        "--mbox" => rig.in_mbox("disk/mail"),
        _ => delivered(&rig.path("disk/mail")),
    }
}

#[test]
fn e24_as_much_arrives_as_there_is_room_for_and_nothing_is_left_in_the_way() {
    privately(|| {
        for target in ["--maildir", "--mbox"] {
            let rig = Rig::new(Mailbox::messages(large()));
            sh(
                &rig,
                "mkdir disk; mount -t tmpfs -o size=1m popfetch-test disk",
            );
            let options = [target, "disk/mail", "--keep", "none"];
            let mut before = 0;
            // Each time a mail program makes some room.
            for _ in 0..3 {
                let ran = run(&rig, &options).expect(74);
                assert!(ran.err.contains("make room"), "{}", ran.err);
                assert_eq!(names(&rig.path("disk/mail/tmp")), [""; 0]);
                let now = stored(&rig, target).len();
                assert!(now > before, "{now} messages, and {before} before");
                before = now;
                sh(
                    &rig,
                    "mount -o remount,size=$(($(df -k --output=size disk | tail -1) + 100))k disk",
                );
            }
            sh(&rig, "mount -o remount,size=4m disk");
            run(&rig, &options).expect(0);
            assert_eq!((stored(&rig, target), rig.left()), (sorted(large()), 0));
        }
    });
}

#[test]
fn e24_batches_shrink_until_the_state_has_room_beside_them() {
    privately(|| {
        let disk = "mkdir disk; mount -t tmpfs -o size=1m popfetch-test disk";
        let rig = with_state_on_disk(disk);
        let ran = sync(&rig, &["--keep", "none"]).expect(74);
        assert!(ran.err.contains("make room"), "{}", ran.err);
        assert_eq!(names(&rig.path("disk/mail/tmp")), [""; 0]);
        assert!(!stored(&rig, "--maildir").is_empty());
        sh(&rig, "mount -o remount,size=4m disk");
        sync(&rig, &["--keep", "none"]).expect(0);
        let stored = stored(&rig, "--maildir");
        assert_eq!((stored, rig.left()), (sorted(large()), 0));
    });
}

#[test]
fn e32_a_full_disk_with_small_blocks_kills_nobody() {
    privately(|| {
        let rig = with_state_on_disk(
            "truncate -s 4M image; mkfs.ext4 -q -m 0 -b 1024 image; mkdir disk
             mount -o loop image disk",
        );
        let status = || ran(&mut rig.bare(&["status", "--state", "disk/state.db"]));
        // Also where the state comes from a disk where it could be mapped.
        for mode in ["truncate", "wal"] {
            let state = rusqlite::Connection::open(rig.path("disk/state.db")).unwrap();
            state.pragma_update(None, "journal_mode", mode).unwrap();
            drop(state);
            sh(&rig, "cat /dev/zero > disk/ballast 2>/dev/null || :");
            let ran = sync(&rig, &["--keep", "none"]).expect(74);
            assert!(ran.err.contains("disk"), "{}", ran.err);
            assert_eq!(status().signal, None);
            fs::remove_file(rig.path("disk/ballast")).unwrap();
            status().expect(0);
        }
        sync(&rig, &["--keep", "none"]).expect(0);
        let stored = stored(&rig, "--maildir");
        assert_eq!((stored, rig.left()), (sorted(large()), 0));
    });
}
