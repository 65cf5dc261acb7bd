//! A maildrop that the state knows by another name.

use poplib_sandbox::Mailbox;

use crate::support::{By, PASSWORD, Ran, Rig, five, ran, sorted};

fn state(rig: &Rig, arguments: &[&str]) -> Ran {
    ran(&mut rig.with_state(&[&["state"], arguments].concat()))
}

/// Five messages were fetched by TLS, and then the same maildrop by another port.
fn moved() -> (Rig, Ran, [String; 2]) {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    let name = |port: u16| format!("alice@localhost:{port}");
    let old = name(rig.sandbox.tls_addr().port());
    let new = name(rig.sandbox.plain_addr().port());
    let refused = fetch(&rig).expect(75);
    (rig, refused, [old, new])
}

fn fetch(rig: &Rig) -> Ran {
    ran(rig.sync(By::Stls).args(["--keep", "none"]))
}

#[test]
fn e13_sync_says_that_it_met_a_maildrop_that_it_knows_and_fetches_nothing() {
    let (rig, refused, [old, new]) = moved();
    assert!(
        refused.err.contains(&format!("{new} seems to be {old}")),
        "{}",
        refused.err
    );
    let hint = format!("popfetch state move {old} {new}.");
    assert!(refused.err.contains(&hint), "{}", refused.err);
    rig.assert_five();
    assert_eq!(rig.left(), 5);
    state(&rig, &["move", &old, &new]).expect(0);
    fetch(&rig).expect(0);
    rig.assert_five();
    assert_eq!(rig.left(), 0);
}

#[test]
fn e13_another_maildrop_is_fetched_on_the_users_word() {
    let (rig, _, [_, new]) = moved();
    state(&rig, &["separate", &new, "--dry-run", "--json"]).expect(0);
    fetch(&rig).expect(75);
    let told = state(&rig, &["separate", &new]).expect(0);
    assert!(
        told.out.contains("is a maildrop of its own"),
        "{}",
        told.out
    );
    fetch(&rig).expect(0);
    assert_eq!(rig.delivered(), sorted([five(), five()].concat()));
    assert_eq!(rig.left(), 0);
    fetch(&rig).expect(0);
}

#[test]
fn e13_users_who_have_the_same_mail_are_not_taken_for_one() {
    let build = |builder: poplib_sandbox::Builder| {
        builder.mailbox("bob", PASSWORD, Mailbox::messages(five()))
    };
    let rig = Rig::built(Mailbox::messages(five()), build);
    rig.run(&[]).expect(0);
    let url = rig.url(By::ImplicitTls).replace("alice", "bob");
    let mut sync = rig.with_state(&["sync", "--server", &url, "--maildir", "bobs"]);
    sync.args(["--ca-file", "ca.pem"])
        .env("POPFETCH_PASSWORD", PASSWORD);
    ran(&mut sync).expect(0);
    assert_eq!(crate::support::delivered(&rig.path("bobs")), sorted(five()));
}
