//! `popfetch state show`, `quirks`, `check` and `move`, on a state with messages in every state.

use std::fs;

use poplib_sandbox::{Mailbox, SessionRecord};
use rusqlite::Connection;

use crate::formats;
use crate::support::{By, Ran, Rig, five, ran};

const PORT: &str = "localhost:38187";

/// A directory with that state.
fn rig() -> Rig {
    let rig = Rig::new(Mailbox::messages([] as [&str; 0]));
    formats::write(&rig.path("state.db"));
    rig
}

fn state(rig: &Rig, arguments: &[&str]) -> Ran {
    ran(&mut rig.with_state(&[&["state"], arguments].concat()))
}

fn open(rig: &Rig) -> Connection {
    Connection::open(rig.path("state.db")).unwrap()
}

/// What a query finds first.
fn ask<T: rusqlite::types::FromSql>(rig: &Rig, sql: &str) -> T {
    open(rig).query_row(sql, [], |row| row.get(0)).unwrap()
}

fn execute(rig: &Rig, sql: &str) {
    open(rig).execute_batch(sql).unwrap();
}

#[test]
fn it_shows_what_holds_messages_up_and_what_to_do() {
    let rig = rig();
    for (name, account) in [
        ("deleting", "bob"),
        ("storing", "carol"),
        ("given-up", "dave"),
        ("partly", "erin"),
        ("quirks", "frank"),
    ] {
        let account = format!("{account}@{PORT}");
        let shown = state(&rig, &["show", &account]).expect(0);
        insta::assert_snapshot!(name, shown.out);
    }
    let all = state(&rig, &["show", "--all", &format!("alice@{PORT}")]).expect(0);
    insta::assert_snapshot!("all", all.out);
}

#[test]
fn it_shows_what_the_server_has_and_is_doubted() {
    let rig = rig();
    state(&rig, &["check"]).expect(0);
    execute(
        &rig,
        "UPDATE message SET doubt = 'short', listed = 15002, lines = 4, checks = 2
         WHERE identity = x'553030303030312d62306164646136376430363465323766'",
    );
    let account = format!("alice@{PORT}");
    let uid = "000001-b0adda67d064e27f";
    let shown = state(&rig, &["show", &account]).expect(0);
    assert_eq!(shown.out, {
        let one = state(&rig, &["show", &account, uid]).expect(0);
        format!("{}\n{}", shown.out.lines().next().unwrap(), one.out)
    });
    insta::assert_snapshot!("doubted", shown.out);
    let programs = state(&rig, &["show", "--json", &account, uid]).expect(0);
    insta::assert_snapshot!("doubted-json", programs.out);
    execute(
        &rig,
        "INSERT INTO quirk (account, name, value, since)
         VALUES (1, 'ignores-deletion', '1795954539 1795954539', 1795954539)",
    );
    let status = |options: &[&str]| {
        let arguments = [&["status", &*account], options].concat();
        ran(&mut rig.with_state(&arguments)).expect(0).out
    };
    insta::assert_snapshot!("status-doubted", status(&[]));
    insta::assert_snapshot!("status-doubted-json", status(&["--json"]));
    let unknown = state(&rig, &["show", &account, uid, "\x1b[2J"]).expect(66);
    insta::assert_snapshot!("unknown-message", unknown.err);
    let unknown = state(&rig, &["show", "nobody"]).expect(64);
    assert!(unknown.err.contains("the state knows no account nobody"));
}

#[test]
fn how_long_a_message_is_kept_is_told_where_the_configuration_says_so() {
    let rig = rig();
    let account = format!("alice@{PORT}");
    for (keep, says) in [
        ("forever", "it is kept for ever (--keep)"),
        ("none", "the next sync deletes it"),
        (
            "14d",
            "it is kept for 14 days (--keep), of which 0 s have passed",
        ),
        ("500M", "the newest 500 MB are kept (--keep)"),
    ] {
        let text = format!(
            "[account.work]\nserver = \"pops://{account}\"\nmaildir = \"m\"\nkeep = \"{keep}\"\n"
        );
        fs::write(rig.path("config.toml"), text).unwrap();
        for name in ["work", &*account] {
            let show = ["show", "--all", "--config", "config.toml", name];
            let shown = state(&rig, &show).expect(0);
            assert!(shown.out.contains(says), "{keep}: {}", shown.out);
        }
    }
}

#[test]
fn what_was_learned_of_a_server_is_shown_and_forgotten() {
    let rig = rig();
    insta::assert_snapshot!("learned", state(&rig, &["quirks"]).expect(0).out);
    let frank = format!("frank@{PORT}");
    let programs = state(&rig, &["quirks", "--json", &frank]).expect(0);
    insta::assert_snapshot!("learned-json", programs.out);
    let dry = state(&rig, &["quirks", &frank, "--clear", "--dry-run"]).expect(0);
    assert_eq!(dry.out, format!("{frank}: capa would be forgotten\n"));
    let quirks = "SELECT count(*) FROM quirk";
    assert_eq!(ask::<u64>(&rig, quirks), 2);
    let wrong = state(&rig, &["quirks", &frank, "--clear", "x"]).expect(66);
    assert!(wrong.err.contains("hint: there is: capa"), "{}", wrong.err);
    let cleared = state(&rig, &["quirks", &frank, "--clear", "capa"]).expect(0);
    assert_eq!(cleared.out, format!("{frank}: capa is forgotten\n"));
    assert_eq!(ask::<u64>(&rig, quirks), 1);
    let again = state(&rig, &["quirks", &frank, "--clear"]).expect(0);
    assert_eq!(
        again.out,
        format!("{frank}: nothing was learned of its server\n")
    );
    let henry = format!("henry@{PORT}");
    state(&rig, &["quirks", &henry, "--clear", "--json"]).expect(0);
    assert_eq!(
        state(&rig, &["quirks"]).expect(0).out,
        "nothing was learned of any server\n"
    );
    state(&rig, &["quirks", "--clear"]).expect(64);
    state(&rig, &["quirks", &henry, "--dry-run"]).expect(64);
}

#[test]
fn nothing_is_known_where_nothing_was_fetched() {
    let rig = Rig::new(Mailbox::messages([] as [&str; 0]));
    for arguments in [&["quirks"][..], &["check"]] {
        state(&rig, arguments).expect(0);
    }
    for arguments in [
        &["show", "work"][..],
        &["move", "work", "me@example.org"],
        &["export", "work"],
    ] {
        let refused = state(&rig, arguments).expect(64);
        assert!(refused.err.contains("hint: nothing was fetched yet"));
    }
    assert!(!rig.path("state.db").exists());
}

#[test]
fn a_state_that_is_not_sound_is_told() {
    let rig = rig();
    let sound = state(&rig, &["check"]).expect(0);
    assert_eq!(
        sound.out,
        format!("the state {} is sound\n", rig.path("state.db").display())
    );
    execute(
        &rig,
        "PRAGMA foreign_keys = off;
         UPDATE message SET sha256 = NULL WHERE account = 1;
         UPDATE message SET identity = x'00' WHERE account = 4 AND state = 'pending';
         UPDATE account SET uid = (SELECT uid FROM account WHERE id = 1) WHERE id = 2;
         UPDATE copy SET delivered = 7 WHERE account = 3;
         DELETE FROM copy WHERE account = 3 AND target = 5;
         UPDATE message SET excerpt = 1 WHERE account = 2 AND state = 'deleting'",
    );
    let complaints = state(&rig, &["check"]).expect(74);
    let told = complaints
        .err
        .replace(rig.path("").to_str().unwrap(), "DIR/");
    insta::assert_snapshot!("not-sound", complaints.out + &told);
    insta::assert_snapshot!(
        "not-sound-json",
        state(&rig, &["check", "--json"])
            .expect(74)
            .out
            .replace(rig.path("").to_str().unwrap(), "DIR/")
    );
    execute(
        &rig,
        "PRAGMA foreign_keys = off; DELETE FROM account WHERE id = 9",
    );
    let complaints = state(&rig, &["check"]).expect(74);
    assert_eq!(
        complaints.out,
        "a row of message has no account\na row of facts has no account\n"
    );
}

#[test]
fn e13_an_account_moves_to_another_server_and_nothing_is_fetched_again() {
    let rig = Rig::new(Mailbox::messages(five()));
    rig.run(&[]).expect(0);
    // The same maildrop under another name and port.
    let old = format!("alice@localhost:{}", rig.sandbox.tls_addr().port());
    let new = format!("alice@localhost:{}", rig.sandbox.plain_addr().port());
    let dry = state(&rig, &["move", &old, &new, "--dry-run"]).expect(0);
    assert_eq!(
        dry.out,
        format!("{old} would become {new}, with 5 messages\n")
    );
    assert_eq!(ask::<String>(&rig, "SELECT name FROM account"), old);
    let uid: Vec<u8> = ask(&rig, "SELECT uid FROM account");
    let moved = state(&rig, &["move", &old, &new]).expect(0);
    assert_eq!(moved.out, format!("{old} is now {new}, with 5 messages\n"));
    assert_eq!(ask::<String>(&rig, "SELECT name FROM account"), new);
    assert_eq!(ask::<Vec<u8>>(&rig, "SELECT uid FROM account"), uid);
    let sync = |by| {
        let mut sync = rig.sync(by);
        ran(sync.args(["--keep", "none"])).expect(0)
    };
    sync(By::Stls);
    rig.assert_five();
    assert_eq!(rig.left(), 0);
    let back = state(&rig, &["move", &new, &old, "--json"]).expect(0);
    assert!(
        back.out.starts_with("{\"event\":\"moved\","),
        "{}",
        back.out
    );
}

#[test]
fn e13_two_accounts_do_not_become_one() {
    let rig = rig();
    let (alice, bob) = (format!("alice@{PORT}"), format!("bob@{PORT}"));
    for dry_run in [&["--dry-run"][..], &[]] {
        let refused = state(&rig, &[&["move", &alice, &bob], dry_run].concat()).expect(78);
        insta::allow_duplicates!(insta::assert_snapshot!("taken", refused.err));
    }
    assert_eq!(ask::<u64>(&rig, "SELECT count(*) FROM account"), 9);
    let same = state(&rig, &["move", &alice, &alice]).expect(64);
    assert!(same.err.contains("is its name already"), "{}", same.err);
    let nonsense = state(&rig, &["move", &alice, "example.org"]).expect(64);
    assert!(nonsense.err.contains("example.org is no maildrop"));
    // An account by whose name nothing was fetched yet is in nobody's way.
    execute(
        &rig,
        "INSERT INTO account (name, uid) VALUES ('me@example.org', randomblob(16));
         INSERT INTO facts (account, begun_at) SELECT id, 1 FROM account WHERE name = 'me@example.org'",
    );
    state(&rig, &["move", &alice, "me@EXAMPLE.org:995"]).expect(0);
    let account: u64 = ask(&rig, "SELECT id FROM account WHERE name = 'me@example.org'");
    assert_eq!(account, 1);
    state(&rig, &["check"]).expect(0);
}

#[test]
fn e13_an_account_can_be_moved_by_its_name_in_the_configuration() {
    let rig = rig();
    let text = "[account.work]\nserver = \"pops://me@pop.example.org\"\nmaildir = \"m\"\n";
    fs::write(rig.path("config.toml"), text).unwrap();
    let alice = format!("alice@{PORT}");
    let moved = state(&rig, &["move", &alice, "work", "--config", "config.toml"]).expect(0);
    assert_eq!(
        moved.out,
        format!("{alice} is now me@pop.example.org, with 3 messages\n")
    );
}

#[test]
fn nothing_is_changed_of_an_account_that_is_being_fetched() {
    let rig = Rig::five(&["stall=RETR"]);
    let mut sync = crate::support::start(&mut rig.sync(By::ImplicitTls));
    crate::support::wait_until("RETR", || {
        let sessions = rig.sandbox.sessions();
        let lines = sessions.iter().flat_map(SessionRecord::lines);
        lines.into_iter().any(|line| line.starts_with("RETR"))
    });
    let name = format!("alice@localhost:{}", rig.sandbox.tls_addr().port());
    execute(
        &rig,
        "INSERT INTO quirk (account, name, value, since) VALUES (1, 'capa', '2', 0)",
    );
    for arguments in [
        &["move", &name, "me@example.org"][..],
        &["quirks", &name, "--clear"],
    ] {
        let refused = state(&rig, arguments).expect(75);
        assert!(refused.err.contains("another popfetch is fetching"));
    }
    state(&rig, &["move", &name, "me@example.org", "--dry-run"]).expect(0);
    sync.kill().unwrap();
    sync.wait().unwrap();
    assert_eq!(ask::<String>(&rig, "SELECT name FROM account"), name);
}
