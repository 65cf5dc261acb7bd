//! What becomes of a file of the first format.

use rusqlite::types::Value;

use super::*;

/// A state with messages in every state, as the last program of the first format wrote it.
const FIRST: &str = include_str!("../../../../tests/data/format-1.sql");

/// What both formats have, in both of which it must say the same.
const SAME: [&str; 6] = [
    "SELECT id FROM store",
    "SELECT id, name FROM account ORDER BY id",
    "SELECT account, begun_at, passed, passed_at FROM facts ORDER BY account",
    "SELECT * FROM target ORDER BY id",
    "SELECT account, identity, occurrence, state, sha256, header, octets, excerpt, attempts,
     reason, changed_at, stored_at, stored_after, unseen_since FROM message
     ORDER BY account, identity, occurrence",
    "SELECT account, identity, occurrence, target, place, delivered FROM copy
     ORDER BY account, identity, occurrence, target",
];

/// A file of the first format.
pub(super) struct First(TempDir);

impl First {
    pub(super) fn new() -> Self {
        let first = Self(TempDir::new().unwrap());
        let connection = Connection::open(first.path()).unwrap();
        connection
            .pragma_update(None, "journal_mode", "wal")
            .unwrap();
        connection.execute_batch(FIRST).unwrap();
        first
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.path().join("state.db")
    }

    fn beside(&self, end: &str) -> PathBuf {
        self.0.path().join(format!("state.db{end}"))
    }

    fn backups(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.contains(".format-")).collect();
        names.sort();
        names
    }
}

fn ask(connection: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
    rows.unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

fn content(path: &Path) -> Vec<Vec<Vec<Value>>> {
    let connection = Connection::open(path).unwrap();
    SAME.map(|sql| ask(&connection, sql)).into()
}

fn version(path: &Path) -> i32 {
    let connection = Connection::open(path).unwrap();
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

#[test]
fn every_row_of_the_first_format_is_kept() {
    let first = First::new();
    let before = content(&first.path());
    let states = |rows: &[Vec<Value>]| {
        let mut states: Vec<_> = rows.iter().map(|row| format!("{:?}", row[3])).collect();
        states.sort();
        states.dedup();
        states.len()
    };
    assert_eq!(states(&before[4]), 8, "every state is in it");
    let store = SqliteStore::open(&first.path()).unwrap();
    assert_eq!(content(&first.path()), before);
    store.connection.read(|connection| {
        assert_eq!(
            ask(connection, "PRAGMA integrity_check"),
            [["ok".to_owned().into()]]
        );
        assert!(ask(connection, "PRAGMA foreign_key_check").is_empty());
        let uids = "SELECT count(DISTINCT uid) = count(*) AND min(length(uid)) = 16 FROM account";
        assert_eq!(ask(connection, uids), [[1.into()]]);
        let failing = "SELECT count(*) FROM message
            WHERE failing IS NOT iif(attempts > 0, changed_at, NULL)";
        assert_eq!(ask(connection, failing), [[0.into()]]);
        let quirks = ask(
            connection,
            "SELECT substr(account.name, 1, 5), quirk.name, value, since = passed_at
             FROM quirk JOIN account ON account.id = quirk.account JOIN facts USING (account)
             ORDER BY account.name",
        );
        let quirk = |account: &str, name: &str, value: &str| {
            let texts = [account, name, value].map(|text| Value::from(text.to_owned()));
            [&texts[..], &[1.into()]].concat()
        };
        let expected = [
            quirk("frank", "capa", "2"),
            quirk("henry", "pipelining", "1"),
        ];
        assert_eq!(quirks, expected);
    });
}

#[test]
fn a_file_of_the_first_format_becomes_like_a_new_one() {
    let first = First::new();
    let migrated = SqliteStore::open(&first.path()).unwrap();
    let new = SqliteStore::in_memory().unwrap();
    let layout = |store: &SqliteStore| {
        let sql = "SELECT m.type, m.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk
            FROM sqlite_schema m LEFT JOIN pragma_table_info(m.name) c
            WHERE m.name NOT LIKE 'sqlite_%' ORDER BY m.type, m.name, c.name";
        let keys = "SELECT m.name, k.\"table\", k.\"from\", k.\"to\", k.on_update, k.on_delete
            FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) k ORDER BY 1, 2, 3";
        store
            .connection
            .read(|connection| [ask(connection, sql), ask(connection, keys)])
    };
    assert_eq!(layout(&migrated), layout(&new));
}

#[test]
fn what_a_store_learns_of_the_first_format_is_what_was_known() {
    let first = First::new();
    let store = SqliteStore::read(&first.path()).unwrap().unwrap();
    let account = |name: &str| {
        let survey = store.survey().unwrap();
        let account = survey.iter().find(|survey| survey.name.starts_with(name));
        account.unwrap().account
    };
    let quirks = |name| store.facts(account(name)).unwrap().quirks.known;
    assert!(quirks("frank").capa.is_proof() && quirks("henry").capa.is_nothing());
    assert_eq!(quirks("henry").pipelining.breaks(), 1);
    assert_eq!(store.unfinished(account("carol")).unwrap().len(), 2);
    let partly = store.partly_delivered(account("erin")).unwrap();
    assert_eq!((partly.len(), partly[0].copies.len()), (1, 1));
}

#[test]
fn a_copy_of_the_first_format_is_left_beside_it() {
    let first = First::new();
    let before = content(&first.path());
    // Of a process that was killed while it wrote the copy.
    fs::write(first.beside(".format-1.new"), "half").unwrap();
    drop(SqliteStore::open(&first.path()).unwrap());
    assert_eq!(version(&first.path()), 2);
    assert_eq!(first.backups(), ["state.db.format-1"]);
    let backup = first.beside(".format-1");
    assert_eq!(
        fs::metadata(&backup).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!((version(&backup), content(&backup)), (1, before));
    drop(SqliteStore::open(&first.path()).unwrap());
    assert_eq!(first.backups(), ["state.db.format-1"]);
}

#[test]
fn a_copy_that_is_there_is_kept() {
    let first = First::new();
    let backup = first.beside(".format-1");
    fs::write(&backup, "precious").unwrap();
    let before = fs::read(first.path()).unwrap();
    let whole = content(&first.path());
    drop(SqliteStore::open(&first.path()).unwrap());
    assert_eq!(fs::read(&backup).unwrap(), b"precious");
    assert_eq!(
        first.backups(),
        ["state.db.format-1", "state.db.format-1-2"]
    );
    let second = first.beside(".format-1-2");
    assert_eq!(content(&second), whole);
    // The same once more: that copy is known again.
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(first.beside(end));
    }
    fs::write(first.path(), before).unwrap();
    drop(SqliteStore::open(&first.path()).unwrap());
    assert_eq!(
        first.backups(),
        ["state.db.format-1", "state.db.format-1-2"]
    );
}

#[test]
fn nothing_changes_while_an_account_is_fetched_by_the_first_format() {
    let first = First::new();
    let file = StateFile::make(&first.path()).unwrap();
    let held = lock(&file, "dave@localhost:38187").unwrap();
    for opened in [
        SqliteStore::open(&first.path()).map(drop),
        SqliteStore::read(&first.path()).map(drop),
    ] {
        let refused = opened.unwrap_err();
        assert!(
            matches!(&refused, StateError::Claimed { account } if account.starts_with("dave")),
            "{refused}"
        );
    }
    assert_eq!(version(&first.path()), 1);
    assert!(first.backups().is_empty());
    drop(held);
    SqliteStore::open(&first.path()).unwrap();
}

#[test]
fn of_several_that_open_an_old_file_at_once_one_changes_it() {
    let first = First::new();
    let path = first.path();
    let ids: Vec<_> = std::thread::scope(|scope| {
        let open = |number: usize| {
            let path = &path;
            scope.spawn(move || {
                let store = match number % 2 {
                    0 => SqliteStore::open(path).unwrap(),
                    _ => SqliteStore::read(path).unwrap().unwrap(),
                };
                store.connection.read(|connection| {
                    ask(connection, "SELECT id, name, uid FROM account ORDER BY id")
                })
            })
        };
        let threads: Vec<_> = (0..8).map(open).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(ids.iter().all(|seen| *seen == ids[0]), "{ids:?}");
    assert_eq!(first.backups(), ["state.db.format-1"]);
}

#[test]
fn another_programs_database_is_left_alone() {
    for (version, application, table) in [
        (0, 0, "CREATE TABLE theirs (x)"),
        (1, 7, "CREATE TABLE theirs (x)"),
        (1, 0, ""),
    ] {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("state.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(&format!(
                "PRAGMA user_version = {version}; PRAGMA application_id = {application}; {table}"
            ))
            .unwrap();
        drop(connection);
        let before = fs::read(&path).unwrap();
        for opened in [
            SqliteStore::open(&path).map(drop),
            SqliteStore::read(&path).map(drop),
        ] {
            assert!(matches!(opened, Err(StateError::Unreadable { .. })));
        }
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn an_account_that_has_no_uid_gets_one() {
    let fixture = Fixture::new();
    let uid =
        || (fixture.store.connection).read(|connection| ask(connection, "SELECT uid FROM account"));
    let before = uid();
    fixture.store.meet("me@example.org").unwrap();
    assert_eq!(uid(), before);
    (fixture.store.connection)
        .read(|connection| connection.execute("UPDATE account SET uid = NULL", []))
        .unwrap();
    fixture.store.meet("me@example.org").unwrap();
    assert!(matches!(&uid()[0][0], Value::Blob(uid) if uid.len() == 16));
}
