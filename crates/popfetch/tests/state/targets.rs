//! `popfetch state accept-target` and `popfetch state resolve`: disks that are gone for good.

use std::fs;

use poplib_sandbox::Mailbox;

use crate::support::{By, Ran, Rig, delivered, five, ran, sorted, start, wait_until};

fn state(rig: &Rig, arguments: &[&str]) -> Ran {
    ran(&mut rig.with_state(&[&["state"], arguments].concat()))
}

/// Five messages were delivered into a Maildir that is gone, and the next sync noticed.
fn without_its_disk() -> Rig {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    fs::rename(rig.path("mail"), rig.path("away")).unwrap();
    let refused = rig.run(&["--keep", "none"]).expect(75);
    assert!(
        refused.err.contains("popfetch state accept-target"),
        "{}",
        refused.err
    );
    rig
}

#[test]
fn e26_what_a_target_lacks_is_fetched_again_when_the_user_takes_it_as_it_is() {
    let rig = without_its_disk();
    let path = rig.path("mail").display().to_string();
    let dry = state(&rig, &["accept-target", &path, "--dry-run"]).expect(0);
    assert!(dry.out.contains(" would be used as it is"), "{}", dry.out);
    rig.run(&["--keep", "none"]).expect(75);
    let accepted = state(&rig, &["accept-target", &format!("{path}/")]).expect(0);
    assert!(
        accepted.out.contains("is fetched again by the next sync"),
        "{}",
        accepted.out
    );
    assert_eq!(rig.left(), 5);
    // What is wrong may be told once more; then everything is there.
    for _ in 0..2 {
        let _ = rig.run(&["--keep", "none"]);
    }
    rig.assert_five();
    assert_eq!(rig.left(), 0);
}

#[test]
fn e26_status_says_that_a_target_is_away_and_what_to_do() {
    let rig = without_its_disk();
    let status = |options: &[&str]| ran(rig.with_state(&["status"]).args(options)).expect(0).out;
    let path = rig.path("mail").display().to_string();
    let told = status(&[]);
    assert!(told.contains(&format!("  {path}, since ")), "{told}");
    assert!(
        told.contains(&format!("popfetch state accept-target {path}\n")),
        "{told}"
    );
    assert!(status(&["--json"]).contains("{\"event\":\"target\","));
}

#[test]
fn e26_what_was_put_away_is_not_fetched_again() {
    let rig = without_its_disk();
    let accept = ["accept-target", "mail", "--moved", "--json"];
    let accepted = state(&rig, &accept).expect(0);
    assert!(accepted.out.contains("\"moved\":true,\"dry_run\":false"));
    for _ in 0..2 {
        let _ = rig.run(&["--keep", "none"]);
    }
    assert_eq!(rig.delivered(), [b""; 0]);
    assert_eq!(delivered(&rig.path("away")), sorted(five()));
    assert_eq!(rig.left(), 0);
}

#[test]
fn a_target_that_nothing_is_known_of_is_accepted_for_one_account_only() {
    let rig = without_its_disk();
    let nothing = state(&rig, &["accept-target", "nowhere"]).expect(66);
    assert!(nothing.err.contains("nothing is known of nowhere"));
    let other = state(&rig, &["accept-target", "away", "--dry-run"]).expect(0);
    assert!(other.out.contains("away would be used"), "{}", other.out);
    let nobody = ["accept-target", "mail", "--account", "nobody"];
    state(&rig, &nobody).expect(64);
}

/// A sync that was killed when its Maildir had the messages and a command had not; then the Maildir
/// was removed, and the configuration names another.
fn interrupted() -> Rig {
    let rig = Rig::new(Mailbox::messages(five()));
    // It ends when the directory does.
    let command = "touch begun; while [ -e begun ]; do sleep 0.1; done";
    let targets = ["--maildir", "old", "--exec", command, "--keep", "none"];
    let mut sync = rig.sync_to(By::ImplicitTls, &targets);
    let mut child = start(sync.env("PATH", std::env::var_os("PATH").unwrap()));
    wait_until("the command", || rig.path("begun").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    fs::rename(rig.path("old"), rig.path("removed")).unwrap();
    rig
}

fn into_another(rig: &Rig) -> Ran {
    ran(&mut rig.sync_to(By::ImplicitTls, &["--maildir", "new", "--keep", "none"]))
}

#[test]
fn e14_messages_whose_target_is_gone_are_fetched_for_another() {
    let rig = interrupted();
    let held = into_another(&rig);
    assert!(rig.states().contains(&"storing".into()), "{}", held.err);
    assert_eq!(held.status, Some(75), "{}", held.err);
    let told = ran(&mut rig.with_state(&["status"])).expect(0);
    let waits = "/old: it is not there, and 5 messages wait for it\n    mount its disk; if it is gone \
                 for good: popfetch state resolve\n";
    assert!(told.out.contains(waits), "{}", told.out);
    let shown = state(&rig, &["resolve"]).expect(0);
    assert!(
        shown
            .out
            .contains("/old is not there, 5 messages wait for it")
    );
    let dry = state(&rig, &["resolve", "--fetch-again", "--dry-run"]).expect(0);
    assert!(dry.out.contains("5 messages would be fetched again"));
    let resolved = state(&rig, &["resolve", "--fetch-again"]).expect(0);
    assert!(resolved.out.contains("5 messages are fetched again"));
    for _ in 0..2 {
        let _ = into_another(&rig);
    }
    assert_eq!(delivered(&rig.path("new")), sorted(five()));
    assert_eq!(rig.left(), 0);
    assert_eq!(
        state(&rig, &["resolve"]).expect(0).out,
        "no message waits for a target that is gone\n"
    );
}

#[test]
fn e14_messages_whose_target_is_gone_are_taken_for_delivered_on_the_users_word() {
    let rig = interrupted();
    state(&rig, &["resolve", "--as-delivered", "--fetch-again"]).expect(64);
    let resolved = state(&rig, &["resolve", "--as-delivered", "--json"]).expect(0);
    assert!(
        resolved
            .out
            .contains("\"messages\":5,\"then\":\"as-delivered\",\"dry_run\":false")
    );
    for _ in 0..2 {
        let _ = into_another(&rig);
    }
    // The command had none of them, so they come again, for the targets of today.
    assert!(!rig.states().contains(&"storing".into()));
    assert_eq!(rig.left(), 0);
}
