//! E1, E2, E26, E27: a target that is not what mail was delivered to.

use std::fs;

use poplib_sandbox::Mailbox;

use crate::support::{By, Ran, Rig, USER, five, names, ran, sorted};
use crate::volumes::{Volume, accept, forget_markers, marker, privately, sh, tree};

const KINDS: [&str; 2] = ["--maildir", "--mbox"];

fn run(rig: &Rig, options: &[&str]) -> Ran {
    ran(&mut rig.sync_to(By::ImplicitTls, options))
}

/// What is delivered to `disk/mail`, sorted.
fn delivered(rig: &Rig, kind: &str) -> Vec<Vec<u8>> {
    match kind {
        "--mbox" => rig.in_mbox("disk/mail"),
        _ => crate::support::delivered(&rig.path("disk/mail")),
    }
}

/// What is said where everything is held back.
#[track_caller]
fn assert_held_back(rig: &Rig, ran: Ran) {
    let err = ran.expect(75).err;
    let path = rig.path("disk/mail");
    assert!(err.contains(path.to_str().unwrap()), "{err}");
    assert!(err.contains("its disk may not be mounted"), "{err}");
    assert!(err.contains("popfetch state accept-target"), "{err}");
}

/// A run that stops between `storing` and the first rename.
fn interrupt(rig: &Rig, options: &[&str]) {
    sh(rig, "mount --bind disk/mail/new disk/mail/new");
    run(rig, options).expect(74);
    assert_eq!(rig.states(), ["storing"]);
    sh(rig, "umount disk/mail/new");
}

#[test]
fn e01_a_disk_that_is_away_after_a_crash_is_waited_for() {
    privately(|| {
        let options = ["--maildir", "disk/mail", "--keep", "none"];
        for gone in [
            "umount --lazy disk",
            "mv disk/mail disk/elsewhere",
            "mkdir mail; mount --bind mail disk",
        ] {
            let rig = Rig::new(Mailbox::messages([] as [&str; 0]));
            let _volume = Volume::at_disk(&rig);
            run(&rig, &options).expect(0);
            for message in five() {
                rig.sandbox.deliver(USER, message).unwrap();
            }
            interrupt(&rig, &options);
            sh(&rig, gone);
            let before = tree(&rig.path("disk"));
            for _ in 0..2 {
                assert_held_back(&rig, run(&rig, &options));
            }
            assert_eq!(tree(&rig.path("disk")), before);
            assert_eq!(rig.left(), 5, "{gone}");
            assert_eq!(rig.states(), ["storing"]);
            match gone {
                "umount --lazy disk" => sh(&rig, "mount --bind volume disk"),
                "mv disk/mail disk/elsewhere" => sh(&rig, "mv disk/elsewhere disk/mail"),
                _ => sh(&rig, "umount disk"),
            }
            run(&rig, &options).expect(0);
            assert_eq!(delivered(&rig, "--maildir"), sorted(five()), "{gone}");
            assert_eq!(names(&rig.path("disk/mail/tmp")), [""; 0]);
            assert_eq!(rig.left(), 0, "{gone}");
        }
    });
}

#[test]
fn e01_a_maildir_that_was_deleted_after_a_crash_is_made_anew_when_the_user_says_so() {
    privately(|| {
        let options = ["--maildir", "disk/mail", "--keep", "none"];
        let rig = Rig::new(Mailbox::messages([] as [&str; 0]));
        let _volume = Volume::at_disk(&rig);
        run(&rig, &options).expect(0);
        for message in five() {
            rig.sandbox.deliver(USER, message).unwrap();
        }
        interrupt(&rig, &options);
        sh(&rig, "rm -r disk/mail");
        assert_held_back(&rig, run(&rig, &options));
        assert_eq!(rig.left(), 5);
        accept(&rig, "disk/mail", &[]);
        run(&rig, &options).expect(0);
        assert_eq!(delivered(&rig, "--maildir"), sorted(five()));
        assert_eq!(rig.left(), 0);
    });
}

#[test]
fn e02_nothing_is_deleted_when_the_target_disappears_in_mid_run() {
    privately(|| {
        for kind in KINDS {
            for gone in [
                "umount --lazy disk",
                "mv disk/mail* disk/.mail* disk/elsewhere",
                "rm -r disk/mail* disk/.mail*",
            ] {
                let rig = Rig::five(&[]);
                let volume = Volume::at_disk(&rig);
                sh(&rig, "mkdir disk/elsewhere");
                // The command comes when everything is in the file, and before DELE.
                let gone = format!("cat >/dev/null; {gone} 2>/dev/null || :");
                let options = [kind, "disk/mail", "--keep", "none", "--exec", &gone];
                let ran = run(&rig, &options).expect(75);
                assert!(
                    ran.err.contains("its disk may not be mounted"),
                    "{}",
                    ran.err
                );
                assert_eq!(rig.left(), 5, "{gone}");
                let options = [kind, "disk/mail", "--keep", "none"];
                assert_held_back(&rig, run(&rig, &options));
                assert_eq!(rig.left(), 5, "{gone}");
                let is_back = match gone.contains("umount") {
                    true => {
                        volume.bring_back();
                        true
                    }
                    false => gone.contains("mv"),
                };
                if gone.contains("mv") {
                    sh(&rig, "cd disk/elsewhere; mv $(ls -A) ..");
                }
                if !is_back {
                    accept(&rig, "disk/mail", &[]);
                }
                run(&rig, &options).expect(0);
                assert_eq!(delivered(&rig, kind), sorted(five()), "{gone}");
                assert_eq!(rig.left(), 0, "{gone}");
            }
        }
    });
}

#[test]
fn e26_nothing_goes_under_an_empty_mount_point_and_nothing_is_deleted_that_is_away() {
    privately(|| {
        for kind in KINDS {
            let rig = Rig::five(&[]);
            let volume = Volume::at_disk(&rig);
            let options = [kind, "disk/mail", "--keep", "2d"];
            run(&rig, &options).expect(0);
            volume.take_away();
            rig.sandbox.deliver(USER, "Subject: six\n\n").unwrap();
            // The five are old enough to be deleted by now.
            for _ in 0..4 {
                rig.pass_hours(24);
                assert_held_back(&rig, run(&rig, &options));
            }
            assert_eq!(names(&rig.path("disk")), [""; 0]);
            assert_eq!(rig.left(), 6);
            volume.bring_back();
            for _ in 0..4 {
                run(&rig, &options).expect(0);
                rig.pass_hours(24);
            }
            assert_eq!(delivered(&rig, kind).len(), 6);
            assert_eq!(rig.left(), 0);
        }
    });
}

#[test]
fn e26_a_mount_point_with_a_maildir_of_its_own_is_not_taken_for_the_disk() {
    privately(|| {
        let rig = Rig::five(&[]);
        let volume = Volume::at_disk(&rig);
        let options = ["--maildir", "disk/mail", "--keep", "forever"];
        run(&rig, &options).expect(0);
        volume.take_away();
        sh(&rig, "mkdir -p disk/mail/tmp disk/mail/new disk/mail/cur");
        rig.sandbox.deliver(USER, "Subject: six\n\n").unwrap();
        let before = tree(&rig.path("disk"));
        assert_held_back(
            &rig,
            run(&rig, &["--maildir", "disk/mail", "--keep", "none"]),
        );
        assert_eq!(tree(&rig.path("disk")), before);
        assert_eq!(rig.left(), 6);
    });
}

#[test]
fn e27_a_maildir_remade_at_the_same_path_or_on_a_disk_formatted_anew_is_another_one() {
    privately(|| {
        for anew in [
            "rm -r disk/mail; mkdir -p disk/mail/tmp disk/mail/new disk/mail/cur",
            "umount disk; mkfs.ext4 -q -F image; mount -o loop image disk
             mkdir -p disk/mail/tmp disk/mail/new disk/mail/cur",
        ] {
            let rig = Rig::five(&[]);
            sh(
                &rig,
                "truncate -s 8M image; mkfs.ext4 -q image; mkdir disk; mount -o loop image disk",
            );
            let options = ["--maildir", "disk/mail"];
            run(&rig, &options).expect(0);
            sh(&rig, anew);
            assert_held_back(
                &rig,
                run(&rig, &["--maildir", "disk/mail", "--keep", "none"]),
            );
            assert_eq!(rig.left(), 5);
            assert_eq!(delivered(&rig, "--maildir"), [[0; 0]; 0]);
            // What was in it counts as missing.
            accept(&rig, "disk/mail", &[]);
            let ran = run(&rig, &options).expect(0);
            assert!(ran.err.contains("is used as it is"), "{}", ran.err);
            assert_eq!(delivered(&rig, "--maildir"), sorted(five()), "{anew}");
            run(&rig, &["--maildir", "disk/mail", "--keep", "none"]).expect(0);
            assert_eq!(rig.left(), 0);
        }
    });
}

#[test]
fn e27_what_the_user_says_to_have_put_away_does_not_come_back() {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    fs::remove_dir_all(rig.path("mail")).unwrap();
    rig.run(&[]).expect(75);
    accept(&rig, "mail", &["--moved"]);
    rig.run(&[]).expect(0);
    assert_eq!(rig.delivered(), [[0; 0]; 0]);
    rig.run(&["--keep", "none"]).expect(0);
    assert_eq!(rig.left(), 0);
}

#[test]
fn e27_a_marker_that_was_deleted_by_mistake_costs_a_question_and_no_mail() {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    fs::remove_file(marker(&rig.path("mail"))).unwrap();
    rig.run(&["--keep", "none"]).expect(75);
    accept(&rig, "mail", &[]);
    rig.run(&["--keep", "none"]).expect(0);
    rig.assert_five();
    assert_eq!(rig.left(), 0);
}

#[test]
fn e26_a_target_of_the_first_format_is_known_by_what_it_shows_and_asked_about_otherwise() {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    fs::remove_file(marker(&rig.path("mail"))).unwrap();
    forget_markers(&rig);
    // One is enough: a mail program has moved the others.
    let new = rig.path("mail/new");
    let mut shown = names(&new);
    let kept = shown.pop().unwrap();
    fs::rename(new.join(&kept), rig.path(&format!("mail/cur/{kept}:2,S"))).unwrap();
    shown
        .iter()
        .for_each(|name| fs::remove_file(new.join(name)).unwrap());
    rig.run(&[]).expect(0);
    assert_eq!(rig.delivered().len(), 1);
    let ours = marker(&rig.path("mail"));

    fs::remove_file(ours).unwrap();
    fs::remove_file(rig.path(&format!("mail/cur/{kept}:2,S"))).unwrap();
    forget_markers(&rig);
    for _ in 0..2 {
        let ran = rig.run(&["--keep", "none"]).expect(75);
        assert!(ran.err.contains("accept-target"), "{}", ran.err);
    }
    assert_eq!(rig.left(), 5);
    accept(&rig, "mail", &["--moved"]);
    rig.run(&["--keep", "none"]).expect(0);
    assert_eq!((rig.delivered().len(), rig.left()), (0, 0));
}

#[test]
fn e01_after_a_crash_of_the_first_format_a_disk_that_is_away_is_waited_for() {
    privately(|| {
        let options = ["--maildir", "disk/mail", "--keep", "none"];
        let rig = Rig::new(Mailbox::messages([] as [&str; 0]));
        let volume = Volume::at_disk(&rig);
        run(&rig, &options).expect(0);
        for message in five() {
            rig.sandbox.deliver(USER, message).unwrap();
        }
        interrupt(&rig, &options);
        fs::remove_file(marker(&rig.path("disk/mail"))).unwrap();
        forget_markers(&rig);
        volume.take_away();
        assert_held_back(&rig, run(&rig, &options));
        assert_eq!(rig.left(), 5);
        volume.bring_back();
        run(&rig, &options).expect(0);
        assert_eq!(delivered(&rig, "--maildir"), sorted(five()));
        assert_eq!(rig.left(), 0);
    });
}
