//! `popfetch state export` and `import`.

use std::fs;

use poplib_sandbox::Mailbox;
use rusqlite::Connection;

use crate::formats;
use crate::support::{Ran, Rig, five, ran};

const ACCOUNTS: [&str; 9] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "henry", "ivan",
];

/// A state with messages in every state, markers and doubts.
fn rig() -> Rig {
    let rig = Rig::new(Mailbox::messages([] as [&str; 0]));
    formats::write(&rig.path("state.db"));
    run(&rig, "state.db", &["check"]).expect(0);
    let state = Connection::open(rig.path("state.db")).unwrap();
    state
        .execute_batch(
            "UPDATE message SET doubt = 'short', listed = 9, essence = randomblob(32), checks = 1,
             checked = 7, lines = 3, reason = 'no' || char(8238, 27, 10) || 'x' WHERE account = 1",
        )
        .unwrap();
    state
        .execute_batch(
            "UPDATE marker SET token = randomblob(16), batch = 4, seen = 9, verdict = 'away',
             since = 8 WHERE account = 1",
        )
        .unwrap();
    rig
}

fn run(rig: &Rig, file: &str, arguments: &[&str]) -> Ran {
    let mut state = rig.bare(&[&["state"], arguments].concat());
    ran(state.args(["--state", file]))
}

fn export(rig: &Rig, file: &str, account: &str) -> String {
    let account = format!("{account}@localhost:38187");
    run(rig, file, &["export", &account]).expect(0).out
}

#[test]
fn what_is_exported_imported_and_exported_is_the_same() {
    let rig = rig();
    // In another order, so that targets and accounts get other numbers.
    for account in ACCOUNTS.iter().rev() {
        let before = export(&rig, "state.db", account);
        assert!(!before.contains(['\x1b', '\u{202e}']), "{before}");
        fs::write(rig.path("account.jsonl"), &before).unwrap();
        let dry = run(&rig, "new.db", &["import", "account.jsonl", "--dry-run"]).expect(0);
        assert!(dry.out.contains("would be taken in"), "{}", dry.out);
        assert_eq!(
            rig.path("new.db").exists(),
            *account != "ivan",
            "a dry run makes nothing"
        );
        run(&rig, "new.db", &["import", "account.jsonl"]).expect(0);
        assert_eq!(export(&rig, "new.db", account), before);
        // Once more: it is there already.
        let again = run(&rig, "new.db", &["import", "account.jsonl"]).expect(0);
        assert!(again.out.contains("was there already"), "{}", again.out);
    }
    run(&rig, "new.db", &["check"]).expect(0);
    let status = |file| {
        ran(&mut rig.bare(&["status", "--state", file]))
            .expect(0)
            .out
    };
    assert_eq!(status("new.db"), status("state.db"));
}

#[test]
fn every_table_of_an_account_is_exported() {
    let rig = rig();
    let state = Connection::open(rig.path("state.db")).unwrap();
    let sql = "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
        WHERE m.type = 'table' AND c.name = 'account'";
    let mut statement = state.prepare(sql).unwrap();
    let tables = statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap();
    let all: String = ACCOUNTS
        .map(|account| export(&rig, "state.db", account))
        .concat();
    for table in tables {
        let table = format!("{{\"table\":\"{}\"", table.unwrap());
        assert!(all.contains(&table), "{table}");
    }
}

#[test]
fn an_account_that_is_known_otherwise_is_refused() {
    let rig = rig();
    let before = export(&rig, "state.db", "erin");
    fs::write(rig.path("account.jsonl"), &before).unwrap();
    let state = Connection::open(rig.path("state.db")).unwrap();
    let other = "UPDATE message SET octets = 99 WHERE account = 5 AND excerpt";
    state.execute(other, []).unwrap();
    let refused = run(&rig, "state.db", &["import", "account.jsonl"]).expect(78);
    insta::assert_snapshot!("known-otherwise", refused.err);
    assert!(export(&rig, "state.db", "erin").contains("\"octets\":99"));
    // The same account by another name.
    let moved = ["move", "erin@localhost:38187", "erin@example.org"];
    run(&rig, "state.db", &moved).expect(0);
    let refused = run(&rig, "state.db", &["import", "account.jsonl"]).expect(78);
    assert!(
        refused
            .err
            .contains("the state knows it already, as erin@example.org"),
        "{}",
        refused.err
    );
}

#[test]
fn what_was_cut_off_or_changed_is_taken_in_by_no_part() {
    let rig = rig();
    let whole = export(&rig, "state.db", "carol");
    let lines: Vec<&str> = whole.lines().collect();
    let mut wrong: Vec<String> = (0..lines.len())
        .map(|end| lines[..end].join("\n"))
        .collect();
    wrong
        .extend((0..lines.len()).map(|out| [&lines[..out], &lines[out + 1..]].concat().join("\n")));
    for (before, after) in [
        ("\"format\":2", "\"format\":3"),
        ("\"table\":\"message\"", "\"table\":\"store\""),
        ("\"occurrence\":1", "\"occurrence\":\"one\""),
        ("\"occurrence\":1", "\"occurrence) VALUES (1); --\":1"),
        ("\"target\":2", "\"target\":3"),
        ("\"state\":\"storing\"", "\"state\":\"burning\""),
        ("{\"hex\":\"55", "{\"hex\":\"5g"),
        ("{\"hex\":\"55", "{\"hex\":\"5"),
        ("\"name\":", "\"nome\":"),
    ] {
        assert!(whole.contains(before), "{before}");
        wrong.push(whole.replacen(before, after, 1));
    }
    for text in wrong {
        fs::write(rig.path("account.jsonl"), &text).unwrap();
        for dry_run in [&["--dry-run"][..], &[]] {
            let import = [&["import", "account.jsonl"], dry_run].concat();
            let refused = run(&rig, "new.db", &import).expect(78);
            assert!(
                refused.err.starts_with("error: account.jsonl, line "),
                "{text}\n{}",
                refused.err
            );
            let status = ran(&mut rig.bare(&["status", "--state", "new.db"])).expect(0);
            assert_eq!(status.out, "nothing was fetched yet\n", "{text}");
        }
    }
    run(&rig, "new.db", &["import", "missing.jsonl"]).expect(66);
}

#[test]
fn nothing_is_fetched_twice_by_a_state_that_took_the_account_in() {
    let rig = Rig::new(Mailbox::messages(five()));
    rig.run(&[]).expect(0);
    let name = format!("alice@localhost:{}", rig.sandbox.tls_addr().port());
    let export = ran(&mut rig.with_state(&["state", "export", &name])).expect(0);
    for file in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(rig.path(file));
    }
    fs::write(rig.path("account.jsonl"), &export.out).unwrap();
    let import = ["import", "account.jsonl", "--json"];
    let imported = run(&rig, "state.db", &import).expect(0);
    assert!(
        imported
            .out
            .contains("\"messages\":5,\"was_there\":false,\"dry_run\":false")
    );
    rig.run(&["--keep", "none"]).expect(0);
    rig.assert_five();
    assert_eq!(rig.left(), 0);
}
