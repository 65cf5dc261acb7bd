//! E14, E35, E36: a target, an account or a state under another name; and what must cost nobody
//! anything: moved directories, sorted mail, other device numbers.

use std::fs;
use std::path::Path;

use poplib_sandbox::Mailbox;

use crate::support::{By, Ran, Rig, USER, five, names, ran, sorted};
use crate::volumes::{accept, forget_markers, marker, privately, sh};

fn run(rig: &Rig, options: &[&str]) -> Ran {
    ran(&mut rig.sync_to(By::ImplicitTls, options))
}

/// A rig whose five messages are between `storing` and the first rename.
fn interrupted() -> Rig {
    let rig = Rig::new(Mailbox::messages([] as [&str; 0]));
    rig.run(&[]).expect(0);
    for message in five() {
        rig.sandbox.deliver(USER, message).unwrap();
    }
    sh(&rig, "mount --bind mail/new mail/new");
    rig.run(&["--keep", "none"]).expect(74);
    sh(&rig, "umount mail/new");
    assert_eq!(rig.states(), ["storing"]);
    rig
}

#[test]
fn e14_a_maildir_that_was_moved_after_a_crash_is_finished_where_it_is() {
    privately(|| {
        let rig = interrupted();
        sh(&rig, "mkdir home; mv mail home/mail");
        run(&rig, &["--maildir", "home/mail", "--keep", "none"]).expect(0);
        let delivered = crate::support::delivered(&rig.path("home/mail"));
        assert_eq!((delivered, rig.left()), (sorted(five()), 0));
        assert_eq!(names(&rig.path("home/mail/tmp")), [""; 0]);
        assert!(!rig.path("mail").exists());
    });
}

#[test]
fn e14_what_was_on_its_way_to_another_target_is_finished_there_or_waits_for_a_word() {
    privately(|| {
        let options = ["--maildir", "other", "--keep", "none"];
        let rig = interrupted();
        run(&rig, &options).expect(0);
        assert_eq!((rig.delivered(), rig.left()), (sorted(five()), 0));

        let rig = interrupted();
        fs::remove_dir_all(rig.path("mail")).unwrap();
        for _ in 0..2 {
            let ran = run(&rig, &options).expect(75);
            assert!(ran.err.contains("its marker is not there"), "{}", ran.err);
            assert!(ran.err.contains("held back 5 messages"), "{}", ran.err);
            assert_eq!(rig.left(), 5);
        }
        accept(&rig, "mail", &[]);
        run(&rig, &options).expect(0);
        let delivered = crate::support::delivered(&rig.path("other"));
        assert_eq!((delivered, rig.left()), (sorted(five()), 0));
        assert!(!rig.path("mail").exists());
    });
}

#[test]
fn e14_what_was_delivered_to_an_earlier_target_is_looked_at_before_it_is_deleted() {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    let options = ["--maildir", "other", "--keep", "none"];
    sh(&rig, "mv mail elsewhere");
    let ran = run(&rig, &options).expect(75);
    assert!(ran.err.contains("its marker is not there"), "{}", ran.err);
    assert_eq!(rig.left(), 5);
    // Nothing of that is about new mail.
    rig.sandbox.deliver(USER, "Subject: six\n\n").unwrap();
    run(&rig, &options).expect(75);
    assert_eq!(rig.left(), 5);
    sh(&rig, "mv elsewhere mail");
    run(&rig, &options).expect(0);
    assert_eq!(rig.left(), 0);
    assert_eq!(rig.delivered(), sorted(five()));
}

#[test]
fn e14_a_target_that_was_given_up_holds_nothing_back_any_more() {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    fs::remove_dir_all(rig.path("mail")).unwrap();
    accept(&rig, "mail", &["--moved"]);
    run(&rig, &["--maildir", "other", "--keep", "none"]).expect(0);
    assert_eq!(rig.left(), 0);
    assert_eq!(crate::support::delivered(&rig.path("other")), [[0; 0]; 0]);
    assert!(!rig.path("mail").exists());
}

#[test]
fn e36_after_a_crash_an_account_may_get_another_name() {
    privately(|| {
        let rig = interrupted();
        let state = rusqlite::Connection::open(rig.path("state.db")).unwrap();
        let port = rig.address(By::Plaintext).port();
        let name = format!("{USER}@127.0.0.1:{port}");
        state
            .execute("UPDATE account SET name = ?", [&name])
            .unwrap();
        let mut renamed = rig.bare(&["sync", "--server", &format!("pop://{name}")]);
        renamed.args(["--allow-plaintext", "--keep", "none", "--maildir", "mail"]);
        renamed.args(["--state", "state.db"]);
        renamed.env("POPFETCH_PASSWORD", crate::support::PASSWORD);
        ran(&mut renamed).expect(0);
        rig.assert_five();
        assert_eq!(rig.left(), 0);
    });
}

#[test]
fn e35_a_state_that_is_away_is_not_begun_anew_beside_the_mail_it_knew() {
    for target in ["--maildir", "--mbox"] {
        let rig = Rig::five(&[]);
        let options = [target, "mail", "--keep", "none"];
        run(&rig, &options[..2]).expect(0);
        sh(&rig, "mkdir away; mv state.db* away");
        for _ in 0..2 {
            let ran = run(&rig, &options).expect(75);
            assert!(ran.err.contains("by another state"), "{}", ran.err);
            assert!(ran.err.contains("--state FILE"), "{}", ran.err);
            assert_eq!(rig.left(), 5);
        }
        sh(&rig, "mkdir new; mv state.db* new; mv away/* .");
        run(&rig, &options[..2]).expect(0);
        let delivered = || match target {
            "--mbox" => rig.in_mbox("mail"),
            _ => rig.delivered(),
        };
        assert_eq!(delivered(), sorted(five()));
        // Or the user does without.
        sh(&rig, "rm -r state.db*; mv new/* .");
        accept(&rig, "mail", &["--moved"]);
        run(&rig, &options).expect(0);
        assert_eq!((delivered().len(), rig.left()), (10, 0));
    }
}

#[test]
fn e35_another_maildrops_marker_is_ordinary() {
    let rig = Rig::built(Mailbox::messages(five()), |builder| {
        builder.mailbox("bob", "sesame", Mailbox::messages(["Subject: to bob\n\n"]))
    });
    let bob = |state: &str| {
        let url = rig.url(By::ImplicitTls).replace(USER, "bob");
        let mut command = rig.bare(&["sync", "--server", &url, "--ca-file", "ca.pem"]);
        command.args(["--maildir", "mail", "--state", state, "--keep", "none"]);
        command.env("POPFETCH_PASSWORD", "sesame");
        ran(&mut command)
    };
    for state in ["state.db", "another.db"] {
        rig.run(&[]).expect(0);
        bob(state).expect(0);
        rig.run(&[]).expect(0);
        assert_eq!(rig.delivered().len(), 6);
        rig.sandbox.deliver("bob", "Subject: again\n\n").unwrap();
        sh(&rig, "rm -r mail state.db*");
    }
}

/// The same again, and then everything deleted: not a message comes twice, and none is held back.
#[track_caller]
fn costs_nothing(rig: &Rig, maildir: &str) {
    for keep in ["forever", "none"] {
        let ran = run(rig, &["--maildir", maildir, "--keep", keep]).expect(0);
        assert_eq!(ran.err, "");
    }
    let fetched: u64 = rig.sandbox.retrievals(USER).unwrap().values().sum();
    assert_eq!((fetched, rig.left()), (5, 0));
}

#[test]
fn control_mail_that_was_sorted_away_stays_where_it_is() {
    for sort in [
        // mutt shows new mail, and files it in another Maildir; it deletes the rest.
        "for each in mail/new/*; do mv $each mail/cur/${each##*/}:2,S; done
         mkdir -p mail/.Filed/tmp mail/.Filed/new mail/.Filed/cur
         set -- mail/cur/*; mv $1 $2 mail/.Filed/cur; rm $3",
        // procmail takes everything at once.
        "mkdir sorted; mv mail/new/* sorted",
        "rm mail/new/*",
    ] {
        let rig = Rig::five(&[]);
        rig.run(&[]).expect(0);
        sh(&rig, sort);
        costs_nothing(&rig, "mail");
    }
}

#[test]
fn control_a_home_directory_that_was_moved_takes_everything_with_it() {
    let rig = Rig::five(&[]);
    sh(&rig, "mkdir -p home/me");
    run(&rig, &["--maildir", "home/me/mail"]).expect(0);
    sh(&rig, "mkdir srv; mv home/me srv/me; rm srv/me/mail/new/*");
    costs_nothing(&rig, "srv/me/mail");
    // And back again.
    sh(&rig, "mv srv/me home/me");
    rig.sandbox.deliver(USER, "Subject: six\n\n").unwrap();
    let ran = run(&rig, &["--maildir", "home/me/mail", "--keep", "none"]).expect(0);
    assert_eq!((ran.err.as_str(), rig.left()), ("", 0));
    assert_eq!(
        crate::support::delivered(&rig.path("home/me/mail")).len(),
        1
    );
}

#[test]
fn control_device_and_inode_numbers_may_change() {
    privately(|| {
        let rig = Rig::five(&[]);
        sh(&rig, "mkdir disk; mount -t tmpfs one disk");
        let options = ["--maildir", "disk/mail"];
        run(&rig, &options).expect(0);
        let before = identity(&rig.path("disk/mail/new"));
        sh(
            &rig,
            "mkdir other; mount -t tmpfs two other; rm disk/mail/new/*; cp -a disk/mail other
             umount disk; mount --move other disk",
        );
        assert_ne!(identity(&rig.path("disk/mail/new")), before);
        costs_nothing(&rig, "disk/mail");
    });
}

fn identity(path: &Path) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).unwrap();
    (metadata.dev(), metadata.ino())
}

#[test]
fn control_times_that_were_cut_off_are_no_older_ones() {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    // As an archive does that has whole seconds only.
    sh(
        &rig,
        "touch -d @$(stat -c %Y mail/new) mail/new; rm mail/new/*; touch -d @$(stat -c %Y mail/cur) mail/cur",
    );
    costs_nothing(&rig, "mail");
}

#[test]
fn control_an_mbox_that_a_mail_program_empties_or_removes_is_no_other_one() {
    for emptied in [": > mbox", "rm mbox", "sed -i '/^Subject: t/d' mbox"] {
        let rig = Rig::five(&[]);
        run(&rig, &["--mbox", "mbox"]).expect(0);
        sh(&rig, emptied);
        for keep in ["forever", "none"] {
            let ran = run(&rig, &["--mbox", "mbox", "--keep", keep]).expect(0);
            assert_eq!(ran.err, "", "{emptied}");
        }
        assert_eq!(rig.left(), 0, "{emptied}");
    }
}

#[test]
fn control_a_directory_that_takes_no_marker_is_known_by_its_times() {
    privately(|| {
        let rig = Rig::five(&[]);
        sh(
            &rig,
            "mkdir -p disk/mail/tmp disk/mail/new disk/mail/cur spool; : > spool/mbox
             chmod 555 disk/mail spool; chmod 777 disk/mail/* .; chmod 666 spool/mbox",
        );
        let options = ["--maildir", "disk/mail", "--mbox", "spool/mbox"];
        let as_nobody = |keep: &str| {
            let sync = rig.sync_to(By::ImplicitTls, &options);
            let mut command = std::process::Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
            command.arg(sync.get_program()).args(sync.get_args());
            command.args(["--keep", keep]).current_dir(rig.path(""));
            let set = |(name, value): (_, Option<_>)| Some((name, value?));
            command.env_clear().envs(sync.get_envs().filter_map(set));
            command.env("TMPDIR", rig.path(""));
            ran(&mut command)
        };
        as_nobody("forever").expect(0);
        assert_eq!(names(&rig.path("disk/mail")).len(), 3);
        assert_eq!(rig.in_mbox("spool/mbox"), sorted(five()));
        sh(
            &rig,
            "rm disk/mail/new/*; mkdir other; mv disk/mail other/mail",
        );
        let ran = as_nobody("none").expect(75);
        assert!(
            ran.err.contains("is not what mail was delivered to"),
            "{}",
            ran.err
        );
        assert_eq!(rig.left(), 5);
        sh(&rig, "mv other/mail disk/mail");
        as_nobody("none").expect(0);
        assert_eq!(rig.left(), 0);
    });
}

#[test]
fn control_a_state_of_the_first_format_goes_on_as_before() {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    fs::remove_file(marker(&rig.path("mail"))).unwrap();
    forget_markers(&rig);
    sh(&rig, "cd mail/new; set -- *; rm $1; mv $2 ../cur/$2:2,S");
    costs_nothing(&rig, "mail");
}
