//! Taking over from another program. tests/interop does it with the real ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use poplib_sandbox::Mailbox;

use crate::support::{By, PASSWORD, Rig, five, ran};

/// A user of mpop who has fetched the first two of five messages.
fn mpop_user() -> Rig {
    let rig = Rig::new(Mailbox::messages(five()));
    let (host, port) = (rig.sandbox.host(), rig.sandbox.tls_addr().port());
    let mpoprc = format!(
        "account me\nhost {host}\nport {port}\ntls on\ntls_starttls off\ntls_trust_file ~/ca.pem\n\
         user alice\npassword \"{PASSWORD}\"\nkeep on\ndelivery maildir ~/mail\n\
         received_header off\nkillsize 5m\n"
    );
    fs::write(rig.path(".mpoprc"), mpoprc).unwrap();
    let unique_ids = unique_ids(&rig);
    let uidls = format!(" 2 {host} alice\n{}\n{}\n", unique_ids[0], unique_ids[1]);
    fs::create_dir(rig.path(".mpop_uidls")).unwrap();
    fs::write(rig.path(&format!(".mpop_uidls/alice_at_{host}")), uidls).unwrap();
    rig
}

/// What the server calls its messages.
fn unique_ids(rig: &Rig) -> Vec<String> {
    let url = rig.url(By::ImplicitTls);
    let mut command = rig.bare(&["list", "--json", "--server", &url, "--ca-file", "ca.pem"]);
    let ran = ran(command.env("POPFETCH_PASSWORD", PASSWORD)).expect(0);
    ran.out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter_map(|event| Some(event["uid"].as_str()?.to_owned()))
        .collect()
}

#[test]
fn what_another_program_has_fetched_is_not_fetched_again() {
    let rig = mpop_user();
    let out = ".config/popfetch/config.toml";
    let imported = ran(&mut rig.bare(&["import", "mpop", "--out", out])).expect(0);
    insta::assert_snapshot!("imported", imported.err);
    let mode = fs::metadata(rig.path(out)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    ran(&mut rig.bare(&["config", "check"])).expect(0);
    ran(&mut rig.bare(&["sync"])).expect(0);
    assert_eq!(rig.delivered(), crate::support::sorted(five().split_off(2)));
    assert_eq!(rig.left(), 5);
}

#[test]
fn a_configuration_is_not_overwritten_unasked() {
    let rig = mpop_user();
    fs::write(rig.path("out.toml"), "precious").unwrap();
    let import = ["import", "mpop", ".mpoprc", "--out", "out.toml"];
    let refused = ran(&mut rig.bare(&import)).expect(73);
    assert!(refused.err.contains("hint: --force"), "{}", refused.err);
    assert_eq!(fs::read(rig.path("out.toml")).unwrap(), b"precious");
    assert!(!rig.path(".local/state/popfetch/state.db").exists());
    ran(rig.bare(&import).arg("--force")).expect(0);
    let mode = fs::metadata(rig.path("out.toml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_was_fetched_must_be_known_unless_it_may_be_fetched_again() {
    let rig = mpop_user();
    let uidls = format!(".mpop_uidls/alice_at_{}", rig.sandbox.host());
    fs::remove_file(rig.path(&uidls)).unwrap();
    let printed = ran(&mut rig.bare(&["import", "mpop"])).expect(0);
    for text in [&printed.err, &printed.out] {
        assert!(
            text.contains(&uidls) && text.contains("fetched again"),
            "{text}"
        );
    }

    let import = ["import", "mpop", "--out", "out.toml", "--state", "s.db"];
    let refused = ran(&mut rig.bare(&import)).expect(78);
    let hint = "hint: if that is right, say --fetch-again";
    assert!(
        refused.err.contains(&uidls) && refused.err.contains(hint),
        "{}",
        refused.err
    );
    assert!(!rig.path("out.toml").exists() && !rig.path("s.db").exists());
    ran(rig.bare(&import).arg("--fetch-again")).expect(0);
    ran(&mut rig.bare(&["sync", "--config", "out.toml", "--state", "s.db"])).expect(0);
    assert_eq!(rig.delivered(), crate::support::sorted(five()));
}

#[test]
fn a_file_that_has_nothing_of_the_account_is_told() {
    let rig = mpop_user();
    let uidls = format!(".mpop_uidls/alice_at_{}", rig.sandbox.host());
    fs::write(rig.path(&uidls), " 1 pop.example.org alice\nU1\n").unwrap();
    let import = ["import", "mpop", "--out", "out.toml"];
    let imported = ran(&mut rig.bare(&import)).expect(0);
    let written = fs::read_to_string(rig.path("out.toml")).unwrap();
    for text in [&imported.err, &written] {
        let told = format!("{uidls} names none of the messages of this account");
        assert!(text.contains(&told), "{text}");
    }
    assert!(
        imported.err.contains("0 messages are known"),
        "{}",
        imported.err
    );
}

#[test]
fn a13_the_configuration_is_printed_without_passwords() {
    let rig = mpop_user();
    let printed = ran(&mut rig.bare(&["import", "mpop"])).expect(0);
    assert!(!printed.out.contains(PASSWORD), "{}", printed.out);
    assert!(printed.out.contains("--out FILE"), "{}", printed.out);
    let nothing = ran(&mut rig.bare(&["import", "getmail"])).expect(78);
    assert!(nothing.err.contains("getmailrc"), "{}", nothing.err);
}
