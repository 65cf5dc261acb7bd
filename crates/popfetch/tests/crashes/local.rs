//! SIGKILL at every system call of commands that write and ask no server: `import`, and the first
//! one that meets a state of an older format.

use std::fs;
use std::path::Path;
use std::process::Command;

use poplib_sandbox::Mailbox;

use crate::set_up::numbers;
use crate::support::{PASSWORD, Rig, names, ran};
use crate::tracer::{self, Fate};

/// What an ordinary run leaves out between two calls.
const SHARE: usize = 10;

/// Kills a command at its system calls, each time in the place that `before` makes. `kept` looks at
/// what the kill left; then the command runs again, and `after` looks at what that left.
fn survives_a_kill_at_every_call(
    before: fn() -> Rig,
    command: fn(&Rig) -> Command,
    kept: impl Fn(&Rig, &str),
    after: impl Fn(&Rig, &str),
) {
    let rig = before();
    let undisturbed = tracer::run(&command(&rig), |_| true, Fate::Undisturbed);
    assert_eq!(undisturbed.status, Some(0), "{}", undisturbed.err);
    after(&rig, "undisturbed");
    let calls = undisturbed.calls.len();
    let named = (1..).zip(&undisturbed.calls);
    let named = named.filter(|(_, call)| call.makes_name || call.name.starts_with("unlink"));
    let around = named.flat_map(|(number, _)| [number, number + 1]);
    let mut chosen: Vec<usize> = numbers(calls, SHARE).chain(around).collect();
    chosen.sort_unstable();
    chosen.dedup();
    println!("{calls} calls, killed at {}", chosen.len());
    for at in chosen {
        let rig = before();
        let traced = tracer::run(&command(&rig), |_| true, Fate::KilledAt(at));
        let what = format!("killed at {at} of {calls}: {:?}", traced.calls.last());
        assert!(traced.status.is_none() || at >= calls, "{what}");
        kept(&rig, &what);
        let again = ran(&mut command(&rig));
        assert_eq!(again.status, Some(0), "{what}\n{}", again.err);
        after(&rig, &what);
    }
}

/// A user of mpop with two accounts, who has fetched some of each.
fn mpop_user() -> Rig {
    let rig = Rig::new(Mailbox::messages([] as [&str; 0]));
    let account = |name: &str| {
        format!(
            "account {name}\nhost pop.example.org\nuser {name}\npassword \"{PASSWORD}\"\n\
             delivery maildir ~/mail\nuidls_file ~/{name}.uidls\n"
        )
    };
    fs::write(rig.path(".mpoprc"), account("one") + &account("two")).unwrap();
    for name in ["one", "two"] {
        let uidls = format!(" 2 pop.example.org {name}\n{name}-1\n{name}-2\n");
        fs::write(rig.path(&format!("{name}.uidls")), uidls).unwrap();
    }
    rig
}

fn import(rig: &Rig) -> Command {
    rig.with_state(&["import", "mpop", "--out", "new/config.toml"])
}

/// How many messages the state is to leave alone.
fn left_alone(rig: &Rig) -> u64 {
    let state = rusqlite::Connection::open(rig.path("state.db")).unwrap();
    let count = "SELECT count(*) FROM message WHERE state = 'skipped'";
    state
        .query_row(count, [], |row| row.get(0))
        .unwrap_or_default()
}

#[test]
fn e21_no_kill_leaves_a_configuration_without_its_state() {
    survives_a_kill_at_every_call(
        mpop_user,
        import,
        |rig, what| {
            if let Ok(text) = fs::read_to_string(rig.path("new/config.toml")) {
                assert_eq!(left_alone(rig), 4, "{what}");
                assert!(text.contains("[account.two]"), "{what}");
            }
        },
        |rig, what| {
            assert_eq!(names(&rig.path("new")), ["config.toml"], "{what}");
            assert_eq!(left_alone(rig), 4, "{what}");
            let check = ["config", "check", "--config", "new/config.toml"];
            ran(&mut rig.bare(&check)).expect(0);
        },
    );
}

/// A state of the first format, with messages in every state.
fn first_format() -> Rig {
    let rig = Rig::new(Mailbox::messages([] as [&str; 0]));
    let state = rusqlite::Connection::open(rig.path("state.db")).unwrap();
    state.pragma_update(None, "journal_mode", "wal").unwrap();
    let sql = include_str!("../data/format-1.sql");
    state.execute_batch(sql).unwrap();
    rig
}

/// The format of a file, and what every format has of its messages.
fn messages(path: &Path) -> (i32, Vec<String>) {
    let state = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT name || hex(identity) || occurrence || state || coalesce(hex(sha256), '')
        || attempts || coalesce(reason, '') || changed_at || coalesce(group_concat(hex(place)), '')
        FROM account JOIN message ON message.account = account.id
        LEFT JOIN copy USING (account, identity, occurrence)
        GROUP BY account, identity, occurrence";
    let mut statement = state.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    let version = state.pragma_query_value(None, "user_version", |row| row.get(0));
    (
        version.unwrap(),
        rows.collect::<rusqlite::Result<_>>().unwrap(),
    )
}

#[test]
fn no_kill_leaves_a_state_between_two_formats() {
    let expected = messages(&first_format().path("state.db")).1;
    let is_whole = |path: &Path, formats: &[i32], what: &str| {
        let (format, messages) = messages(path);
        assert!(formats.contains(&format), "{what}: {format}");
        assert_eq!(messages, expected, "{what}");
    };
    survives_a_kill_at_every_call(
        first_format,
        |rig| rig.with_state(&["status"]),
        |rig, what| {
            is_whole(&rig.path("state.db"), &[1, 2], what);
            let copy = rig.path("state.db.format-1");
            match copy.exists() {
                true => is_whole(&copy, &[1], what),
                false => assert_eq!(messages(&rig.path("state.db")).0, 1, "{what}"),
            }
        },
        |rig, what| {
            is_whole(&rig.path("state.db"), &[2], what);
            is_whole(&rig.path("state.db.format-1"), &[1], what);
            let copies = names(&rig.path(""));
            let copies = copies.iter().filter(|name| name.contains("format"));
            assert_eq!(copies.count(), 1, "{what}");
        },
    );
}
