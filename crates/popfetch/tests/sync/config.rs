//! The configuration file, and the commands that look at it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{By, PASSWORD, Ran, Rig, names, ran, typed};
use crate::targets::{SmallDisk, disk_for_reading};

/// A configuration in the place where it is looked for.
fn configured(rig: &Rig, text: &str) {
    let directory = rig.path(".config/popfetch");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("config.toml"), text).unwrap();
}

/// Runs the command; its output names the home directory as `~`.
fn run(rig: &Rig, arguments: &[&str]) -> Ran {
    let ran = ran(&mut rig.bare(arguments));
    let home = rig.path("");
    let home = home.to_str().unwrap();
    Ran {
        out: ran.out.replace(home, "~/"),
        err: ran.err.replace(home, "~/"),
        ..ran
    }
}

#[test]
fn an_account_of_the_file_is_fetched() {
    let rig = Rig::five(&[]);
    let text = format!(
        "state = '~/state.db'\n[defaults]\nca_file = '~/ca.pem'\n\
         [account.alice]\nserver = '{}'\nmaildir = '~/{{account}}-{{user}}'\npassword_file = '../../password'\n",
        rig.url(By::ImplicitTls)
    );
    configured(&rig, &text);
    fs::write(rig.path("password"), PASSWORD).unwrap();
    fs::set_permissions(rig.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
    run(&rig, &["config", "check"]).expect(0);
    run(&rig, &["sync"]).expect(0);
    assert_eq!(crate::support::delivered(&rig.path("alice-alice")).len(), 5);
    // The same maildrop by another name and from the command line: nothing is new.
    let url = rig.url(By::ImplicitTls);
    let given = ["--server", &url, "--maildir", "m", "--ca-file", "ca.pem"];
    let password = ["--state", "state.db", "--password-file", "password"];
    run(&rig, &[&["sync"], &given[..], &password].concat()).expect(0);
    assert_eq!(crate::support::delivered(&rig.path("m")).len(), 0);
}

#[test]
fn the_file_says_how_many_accounts_have_their_turn_at_once() {
    let rig = Rig::five(&[]);
    let account = |name: &str| {
        let url = rig.url(By::ImplicitTls).replace("alice", name);
        format!("[account.{name}]\nserver = '{url}'\nmaildir = '~/{name}'\n")
    };
    let accounts = [account("alice"), account("bob")].concat();
    let defaults = "[defaults]\nca_file = '~/ca.pem'\npassword_command = 'echo open sesame'\n";
    for (jobs, expected) in [
        ("", ["began", "began", "ended", "ended"]),
        ("jobs = 1\n", ["began", "ended", "began", "ended"]),
    ] {
        configured(&rig, &[jobs, defaults, &accounts].concat());
        // Nobody is called Bob there.
        let told = run(&rig, &["sync", "--json"]).expect(77).out;
        let is_turn = |line: &str| {
            let turns = ["began", "ended"];
            turns
                .into_iter()
                .find(|turn| line.contains(&format!("\"event\":\"{turn}\"")))
        };
        assert_eq!(
            told.lines().filter_map(is_turn).collect::<Vec<_>>(),
            expected,
            "{told}"
        );
    }
}

#[test]
fn netrc_has_the_password() {
    let rig = Rig::five(&[]);
    let url = rig.url(By::ImplicitTls);
    let netrc = format!(
        "machine {} login alice password \"{PASSWORD}\"\n",
        rig.sandbox.host()
    );
    fs::write(rig.path(".netrc"), netrc).unwrap();
    let arguments = typed(&url, &["--netrc"]);
    let refused = run(&rig, &arguments).expect(78);
    assert!(
        refused.err.contains("hint: chmod 600 ~/.netrc"),
        "{}",
        refused.err
    );
    fs::set_permissions(rig.path(".netrc"), fs::Permissions::from_mode(0o600)).unwrap();
    run(&rig, &arguments).expect(0);
    rig.assert_five();
}

#[test]
fn a_password_command_knows_for_whom() {
    let rig = Rig::five(&[]);
    let url = rig.url(By::ImplicitTls);
    fs::write(
        rig.path(format!("alice@{}", rig.sandbox.host()).as_str()),
        PASSWORD,
    )
    .unwrap();
    let command = "cat $POPFETCH_USER@$POPFETCH_HOST";
    let arguments = typed(&url, &["--password-command", command]);
    run(&rig, &arguments).expect(0);
    rig.assert_five();
}

const TWO: &str = r#"per_host = 2

[defaults]
keep = "14d"
proxy = "socks5://me:hunter2@localhost"

[account.work]
server = "pops://me@pop.example.com"
maildir = ["~/Mail/{account}", "copy"]
password = "hunter2"
allow_plaintext = false

[account."me@home"]
server = "pops://me@pop.example.org"
mbox = "~/mbox"
maildir = "file"
password_file = "nowhere"
"#;

#[test]
fn settings_are_shown_with_where_they_come_from() {
    let rig = Rig::five(&[]);
    configured(&rig, TWO);
    let file = rig.path(".config/popfetch/config.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let text = run(&rig, &["config", "show"]).expect(0).out;
    assert!(!text.contains("hunter2"), "{text}");
    insta::assert_snapshot!("shown", text);
    let json = run(
        &rig,
        &["config", "show", "work", "--json", "--keep", "none"],
    )
    .expect(0)
    .out;
    assert!(!json.contains("hunter2"), "{json}");
    insta::assert_snapshot!("shown-as-json", json);
    let shown: toml::Table = text.parse().unwrap();
    assert_eq!(shown["account"].as_table().unwrap().len(), 2);
}

#[test]
fn a_check_tells_everything_that_is_wrong() {
    let rig = Rig::five(&[]);
    configured(&rig, TWO);
    fs::write(rig.path(".config/popfetch/file"), "").unwrap();
    let ran = run(&rig, &["config", "check"]).expect(78);
    insta::assert_snapshot!("checked", ran.err);
    // Whatever is wrong keeps every account from being fetched.
    let ran = run(&rig, &["sync", "work"]).expect(78);
    assert!(ran.err.contains("chmod 600"), "{}", ran.err);
    let ran = run(&rig, &["config", "check", "--config", "none.toml"]).expect(78);
    insta::assert_snapshot!("not-there", ran.err);
}

#[test]
fn a_check_looks_at_targets_and_changes_nothing() {
    let rig = Rig::five(&[]);
    let disk = rig.path("disk");
    let _mounted = SmallDisk::mounted(&disk);
    fs::write(disk.join("old"), "").unwrap();
    disk_for_reading(&disk);
    configured(
        &rig,
        r#"[defaults]
server = "pops://pop.example.org"
[account.one]
user = "one"
maildir = ["new", "no/such/{account}"]
[account.two]
user = "two"
mbox = ["~/disk/mbox", "~/disk/old"]
smtp = ["smtps://me@mail.example.org", "./socket"]
target_password_file = "nowhere"
[account.three]
user = "three"
maildir = "~/disk"
"#,
    );
    let before = names(&rig.path(".config/popfetch"));
    let ran = run(&rig, &["config", "check"]).expect(78);
    insta::assert_snapshot!("targets", ran.err);
    assert_eq!(names(&rig.path(".config/popfetch")), before);
    assert!(!rig.path(".local").exists());
}
