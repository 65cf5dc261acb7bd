//! E3 and E27: a target that was set back to an earlier time.

use std::fs;

use crate::support::{By, Ran, Rig, USER, five, ran, sorted};
use crate::volumes::{marker, privately, sh};

fn run(rig: &Rig, options: &[&str]) -> Ran {
    ran(&mut rig.sync_to(By::ImplicitTls, options))
}

fn more() -> Vec<Vec<u8>> {
    ["six", "seven"]
        .map(|name| format!("Subject: {name}\n\n").into())
        .into()
}

fn everything() -> Vec<Vec<u8>> {
    sorted([five(), more()].concat())
}

fn deliver_more(rig: &Rig) {
    for message in more() {
        rig.sandbox.deliver(USER, message).unwrap();
    }
}

/// How often each message was fetched, all together.
fn fetched(rig: &Rig) -> u64 {
    rig.sandbox.retrievals(USER).unwrap().values().sum()
}

#[test]
fn e03_what_a_restored_maildir_lacks_is_fetched_again_and_nothing_else() {
    for keep in ["forever", "2d"] {
        let rig = Rig::five(&[]);
        rig.run(&["--keep", keep]).expect(0);
        rig.pass_hours(1);
        // Of what the backup has, a mail program moves one away and shows another.
        sh(
            &rig,
            "cd mail/new; set -- *; mv $1 ../../filed; mv $2 ../cur/$2:2,S",
        );
        sh(&rig, "cp -a mail backup");
        deliver_more(&rig);
        rig.run(&["--keep", keep]).expect(0);
        sh(&rig, "rm -r mail; cp -a backup mail");
        let before = fetched(&rig);
        let ran = rig.run(&["--keep", keep]).expect(0);
        assert!(
            ran.err.contains("was set back to an earlier time"),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("fetched again, 2 messages"), "{}", ran.err);
        assert_eq!(fetched(&rig), before + 2);
        let filed = fs::read(rig.path("filed")).unwrap();
        let expected = everything().into_iter().filter(|message| *message != filed);
        assert_eq!(rig.delivered(), expected.collect::<Vec<_>>());
        // It is settled.
        let ran = rig.run(&["--keep", "none"]).expect(0);
        assert_eq!(ran.err, "");
        assert_eq!((rig.left(), fetched(&rig)), (0, before + 2));
    }
}

#[test]
fn e03_a_backup_from_before_a_crash_lacks_what_the_crash_left_unfinished() {
    privately(|| {
        let options = ["--maildir", "mail", "--keep", "none"];
        let rig = Rig::five(&[]);
        rig.run(&[]).expect(0);
        sh(&rig, "cp -a mail backup");
        deliver_more(&rig);
        sh(&rig, "mount --bind mail/new mail/new");
        run(&rig, &options).expect(74);
        sh(&rig, "umount mail/new; rm -r mail; cp -a backup mail");
        let ran = run(&rig, &options).expect(0);
        assert!(
            ran.err.contains("was set back to an earlier time"),
            "{}",
            ran.err
        );
        assert_eq!((rig.delivered(), rig.left()), (everything(), 0));
    });
}

#[test]
fn e03_a_restored_target_gets_what_it_lacks_and_the_others_do_not_get_it_again() {
    for restored in ["mail", "box"] {
        let rig = Rig::five(&[]);
        fs::create_dir(rig.path("box")).unwrap();
        let options = [
            "--maildir",
            "mail",
            "--mbox",
            "box/mbox",
            "--exec",
            "wc -l >> taken",
        ];
        run(&rig, &options).expect(0);
        sh(&rig, "cp -a mail mail.backup; cp -a box box.backup");
        deliver_more(&rig);
        run(&rig, &options).expect(0);
        sh(
            &rig,
            &format!("rm -r {restored}; cp -a {restored}.backup {restored}"),
        );
        let ran = run(&rig, &options).expect(0);
        assert!(ran.err.contains("fetched again, 2 messages"), "{}", ran.err);
        assert_eq!(rig.delivered(), everything());
        assert_eq!(rig.in_mbox("box/mbox"), everything());
        let taken = fs::read_to_string(rig.path("taken")).unwrap();
        assert_eq!(taken.lines().count(), 7);
    }
}

#[test]
fn e03_an_mbox_that_was_restored_without_its_marker_is_told_by_its_time() {
    let rig = Rig::five(&[]);
    let options = ["--mbox", "mbox"];
    run(&rig, &options).expect(0);
    sh(&rig, "touch -d '2020-01-01' mbox; cp -a mbox backup");
    deliver_more(&rig);
    run(&rig, &options).expect(0);
    sh(&rig, "cp -a backup mbox");
    let ran = run(&rig, &options).expect(0);
    assert!(
        ran.err.contains("was set back to an earlier time"),
        "{}",
        ran.err
    );
    assert_eq!(rig.in_mbox("mbox"), everything());
}

#[test]
fn e03_a_maildir_whose_marker_is_newer_than_its_mail_is_told_by_its_time() {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    sh(&rig, "touch -d '2020-01-01' mail/new; cp -a mail backup");
    deliver_more(&rig);
    rig.run(&[]).expect(0);
    let newest = fs::read(marker(&rig.path("mail"))).unwrap();
    sh(&rig, "rm -r mail; cp -a backup mail");
    fs::write(marker(&rig.path("mail")), newest).unwrap();
    let ran = rig.run(&[]).expect(0);
    assert!(
        ran.err.contains("was set back to an earlier time"),
        "{}",
        ran.err
    );
    assert_eq!(rig.delivered(), everything());
}

#[test]
fn e03_what_a_restored_maildir_lacks_and_the_server_has_no_more_is_told() {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    sh(&rig, "cp -a mail backup");
    deliver_more(&rig);
    // A server that does not answer QUIT leaves the rows to be looked at.
    rig.run(&["--keep", "none"]).expect(0);
    sh(&rig, "rm -r mail; cp -a backup mail");
    let ran = rig.run(&[]).expect(0);
    assert!(
        ran.err.contains("2 messages more had been deleted"),
        "{}",
        ran.err
    );
    rig.assert_five();
    // Once.
    assert_eq!(rig.run(&[]).expect(0).err, "");
}

#[test]
fn e27_a_snapshot_that_was_set_back_lacks_what_came_after_it() {
    privately(|| {
        let rig = Rig::five(&[]);
        sh(
            &rig,
            "truncate -s 8M image; mkfs.ext4 -q image; mkdir disk; mount -o loop image disk",
        );
        let options = ["--maildir", "disk/mail"];
        run(&rig, &options).expect(0);
        sh(
            &rig,
            "umount disk; cp image snapshot; mount -o loop image disk",
        );
        deliver_more(&rig);
        run(&rig, &options).expect(0);
        // Device and inode numbers are what they were.
        sh(
            &rig,
            "umount disk; cp snapshot image; mount -o loop image disk",
        );
        let ran = run(&rig, &options).expect(0);
        assert!(
            ran.err.contains("was set back to an earlier time"),
            "{}",
            ran.err
        );
        assert_eq!(
            crate::support::delivered(&rig.path("disk/mail")),
            everything()
        );
    });
}

#[test]
fn e35_a_state_that_was_set_back_is_told_by_the_target() {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    sh(&rig, "mkdir backup; cp state.db* backup 2>/dev/null || :");
    for name in ["six", "seven"] {
        let message = format!("Subject: {name}\n\n");
        rig.sandbox.deliver(USER, message).unwrap();
        rig.run(&[]).expect(0);
    }
    sh(&rig, "mkdir newest; mv state.db* newest; cp -r backup/* .");
    let ran = rig.run(&["--keep", "none"]).expect(75);
    assert!(ran.err.contains("the state is older than"), "{}", ran.err);
    assert_eq!(rig.left(), 7);
    sh(&rig, "rm -r state.db*; cp -r newest/* .");
    rig.run(&["--keep", "none"]).expect(0);
    assert_eq!((rig.delivered(), rig.left()), (everything(), 0));
}
