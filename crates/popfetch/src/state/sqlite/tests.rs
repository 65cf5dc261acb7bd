use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::ffi;
use tempfile::TempDir;

use super::*;
use crate::failure::{Failure, Status};
use crate::key::Key;
use crate::state::{Placement, Received, Tally};

mod copies;
mod files;
mod formats;
mod markers;
mod soundness;
mod surveys;

const NOW: Timestamp = Timestamp(1_000);

fn key(unique_id: &[u8], occurrence: u32) -> Key {
    Key::of_unique_id(unique_id, occurrence)
}

fn target() -> Target {
    Target {
        kind: "maildir".into(),
        location: b"/mail/\xff".to_vec(),
    }
}

fn placement<'a>(target: &'a Target, name: &'a str) -> [Placement<'a>; 1] {
    [Placement {
        target,
        place: name.as_bytes(),
        delivered: false,
        batch: 3,
    }]
}

struct Fixture {
    directory: TempDir,
    store: SqliteStore,
    claim: Claim,
}

impl Fixture {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let store = SqliteStore::open(&directory.path().join("deep/state.db")).unwrap();
        let claim = store.claim("me@example.org").unwrap();
        Self {
            directory,
            store,
            claim,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("deep/state.db")
    }

    fn apply(&self, changes: &[Change<'_>]) -> Result<(), StateError> {
        self.store
            .apply(self.claim.account, NOW, &mut changes.iter().copied())
    }

    fn rows(&self) -> Vec<(Key, State, Option<Sum>, u32)> {
        let mut rows = Vec::new();
        let visit = &mut |row: Row<'_>| {
            rows.push((row.key.to_key(), row.state, row.sum, row.attempts));
        };
        self.store.rows(self.claim.account, visit).unwrap();
        rows
    }
}

#[test]
fn a_message_goes_through_its_states() {
    let fixture = Fixture::new();
    let key = key(b"abc", 1);
    let (key, sum, target) = (key.as_ref(), [5; 32], target());
    let copies = placement(&target, "1.x");
    let stages = [
        (
            Change::Storing {
                key,
                sum: &sum,
                header: &[9; 32],
                received: Received::of(7),
                excerpt: false,
                copies: &copies,
            },
            State::Storing,
        ),
        (Change::Stored { key }, State::Stored),
        (Change::Deleting { key }, State::Deleting),
        (Change::Undeleted { key }, State::Stored),
        (Change::Deleting { key }, State::Deleting),
        (Change::Gone { key }, State::Gone),
        (
            Change::Recognised {
                key,
                sum: &sum,
                received: Received::of(7),
            },
            State::Stored,
        ),
    ];
    for (change, state) in stages {
        fixture.apply(&[change]).unwrap();
        assert_eq!(
            fixture.rows(),
            [(key.to_key(), state, Some(sum), 0)],
            "{change:?}"
        );
    }
}

#[test]
fn a_batch_is_applied_whole_or_not_at_all() {
    let fixture = Fixture::new();
    let (one, two) = (key(b"one", 1), key(b"two", 1));
    let result = fixture.apply(&[
        Change::Found { key: one.as_ref() },
        Change::Stored { key: two.as_ref() },
    ]);
    assert!(matches!(result, Err(StateError::Transition { key, .. }) if key == two));
    assert_eq!(fixture.rows(), []);
}

#[test]
fn nothing_is_deleted_that_was_not_stored() {
    let fixture = Fixture::new();
    let key = key(b"x", 1);
    let key = key.as_ref();
    fixture
        .apply(&[Change::Failed {
            key,
            reason: "-ERR",
            failing: Timestamp(9),
        }])
        .unwrap();
    for change in [
        Change::Deleting { key },
        Change::Gone { key },
        Change::Stored { key },
    ] {
        assert!(matches!(
            fixture.apply(&[change]),
            Err(StateError::Transition { .. })
        ));
    }
    fixture
        .apply(&[Change::Quarantined {
            key,
            reason: "-ERR",
        }])
        .unwrap();
    assert_eq!(
        fixture.rows(),
        [(key.to_key(), State::Quarantined, None, 2)]
    );
}

#[test]
fn a_failed_attempt_never_forgets_a_delivery() {
    let fixture = Fixture::new();
    let key = key(b"x", 1);
    let (key, sum) = (key.as_ref(), [1; 32]);
    let target = target();
    let copies = placement(&target, "x");
    fixture
        .apply(&[
            Change::Storing {
                key,
                sum: &sum,
                header: &[9; 32],
                received: Received::of(1),
                excerpt: false,
                copies: &copies,
            },
            Change::Stored { key },
            Change::Failed {
                key,
                reason: "cut",
                failing: Timestamp(9),
            },
            Change::Quarantined { key, reason: "cut" },
            Change::Found { key },
        ])
        .unwrap();
    assert_eq!(
        fixture.rows(),
        [(key.to_key(), State::Stored, Some(sum), 2)]
    );
}

#[test]
fn an_excerpt_is_no_delivery_that_could_be_deleted() {
    let fixture = Fixture::new();
    let key = key(b"x", 1);
    let key = key.as_ref();
    let storing = |excerpt| Change::Storing {
        key,
        sum: &[1; 32],
        header: &[9; 32],
        received: Received::of(1),
        excerpt,
        copies: &[],
    };
    let delivered = [storing(true), Change::Stored { key }];
    fixture.apply(&delivered).unwrap();
    let refused = fixture.apply(&[Change::Deleting { key }]).unwrap_err();
    assert!(matches!(refused, StateError::Transition { .. }));
    let told = refused.to_string();
    assert!(told.ends_with("it cannot become deleting"), "{told}");
    // The whole message takes its place.
    let delivered = [storing(false), Change::Stored { key }];
    fixture.apply(&delivered).unwrap();
    fixture.apply(&[Change::Deleting { key }]).unwrap();
}

#[test]
fn nothing_that_is_stored_is_skipped_or_rejected() {
    let fixture = Fixture::new();
    let (stored, skipped, rejected) = (key(b"a", 1), key(b"b", 1), key(b"c", 1));
    let (stored, skipped, rejected) = (stored.as_ref(), skipped.as_ref(), rejected.as_ref());
    fixture
        .apply(&[
            Change::Storing {
                key: stored,
                sum: &[1; 32],
                header: &[9; 32],
                received: Received::of(1),
                excerpt: false,
                copies: &[],
            },
            Change::Stored { key: stored },
            Change::Found { key: skipped },
            Change::Skipped { key: skipped },
            Change::Rejected { key: rejected },
        ])
        .unwrap();
    for change in [
        Change::Skipped { key: stored },
        Change::Rejected { key: stored },
        Change::Rejected { key: skipped },
        Change::Deleting { key: skipped },
        Change::Gone { key: skipped },
        // Without a word of the server it is not gone, and was never stored.
        Change::Deleting { key: rejected },
    ] {
        assert!(fixture.apply(&[change]).is_err(), "{change:?}");
    }
    fixture.apply(&[Change::Gone { key: rejected }]).unwrap();
    let states: Vec<State> = fixture.rows().into_iter().map(|row| row.1).collect();
    assert_eq!(states, [State::Stored, State::Skipped, State::Gone]);
}

#[test]
fn what_is_quarantined_is_tried_again_or_left_alone_as_somebody_wants() {
    let fixture = Fixture::new();
    let (one, two) = (key(b"a", 1), key(b"b", 1));
    for key in [&one, &two] {
        let key = key.as_ref();
        let reason = "-ERR";
        fixture
            .apply(&[Change::Quarantined { key, reason }])
            .unwrap();
    }
    let mut reasons = Vec::new();
    let visit = &mut |row: Row<'_>| reasons.extend(row.reason.map(str::to_owned));
    fixture.store.rows(fixture.claim.account, visit).unwrap();
    assert_eq!(reasons, ["-ERR", "-ERR"]);
    fixture
        .apply(&[
            Change::Retry { key: one.as_ref() },
            Change::Skipped { key: two.as_ref() },
        ])
        .unwrap();
    let expected = [
        (one.clone(), State::Pending, None, 0),
        (two, State::Skipped, None, 0),
    ];
    assert_eq!(fixture.rows(), expected);
    // There is nothing to try again.
    let again = fixture.apply(&[Change::Retry { key: one.as_ref() }]);
    assert!(matches!(again, Err(StateError::Transition { .. })));
}

#[test]
fn q15_a_message_keeps_what_is_known_of_it_under_another_unique_id() {
    let fixture = Fixture::new();
    let (old, new) = (key(b"old", 1), key(b"new", 2));
    let target = target();
    let copies = placement(&target, "1.x");
    let changes = [
        Change::Storing {
            key: old.as_ref(),
            sum: &[1; 32],
            header: &[9; 32],
            received: Received::of(7),
            excerpt: false,
            copies: &copies,
        },
        Change::Renamed {
            key: old.as_ref(),
            to: new.as_ref(),
        },
    ];
    fixture.apply(&changes).unwrap();
    assert_eq!(
        fixture.rows(),
        [(new.clone(), State::Storing, Some([1; 32]), 0)]
    );
    let unfinished = fixture.store.unfinished(fixture.claim.account).unwrap();
    assert_eq!(unfinished[0].key, new);
    assert_eq!(unfinished[0].copies[0].place, b"1.x");
}

#[test]
fn a_message_grows_old_by_its_accounts_own_time() {
    let fixture = Fixture::new();
    let (account, key) = (fixture.claim.account, key(b"x", 1));
    let mut facts = fixture.store.facts(account).unwrap();
    assert_eq!(facts, Facts::default());
    facts.passed = 1_000;
    facts.begun_at = Some(NOW);
    facts.quirks.known.capa.broke();
    facts.quirks.top.broke();
    fixture.store.learn(account, &facts).unwrap();
    let storing = Change::Storing {
        key: key.as_ref(),
        sum: &[1; 32],
        header: &[9; 32],
        received: Received::of(1),
        excerpt: false,
        copies: &[],
    };
    let key = key.as_ref();
    fixture.apply(&[storing, Change::Stored { key }]).unwrap();
    facts.passed += 60;
    fixture.store.learn(account, &facts).unwrap();
    assert_eq!(fixture.store.facts(account).unwrap(), facts);
    let mut ages = Vec::new();
    let visit = &mut |row: Row<'_>| ages.push(row.age);
    fixture.store.rows(account, visit).unwrap();
    assert_eq!(ages, [Some(60)]);
}

#[test]
fn p04_any_unique_id_is_a_key_and_rows_come_in_key_order() {
    let fixture = Fixture::new();
    let unique_ids: [&[u8]; 6] = [b"b", b"a", b"", b"\xff\xfe", &[0; 3], &[b'u'; 10_000]];
    let mut keys: Vec<Key> = unique_ids
        .iter()
        .map(|unique_id| key(unique_id, 1))
        .collect();
    keys.push(key(b"a", 2));
    for key in &keys {
        fixture
            .apply(&[Change::Found { key: key.as_ref() }])
            .unwrap();
    }
    keys.sort();
    let found: Vec<Key> = fixture.rows().into_iter().map(|row| row.0).collect();
    assert_eq!(found, keys);
}

#[test]
fn an_account_is_fetched_by_one_at_a_time() {
    let fixture = Fixture::new();
    let other = SqliteStore::open(&fixture.path()).unwrap();
    assert!(matches!(
        other.claim("me@example.org"),
        Err(StateError::Claimed { .. })
    ));
    other.claim("you@example.org").unwrap();
    drop(fixture.claim);
    other.claim("me@example.org").unwrap();
}

#[test]
fn a15_only_the_owner_can_read_the_state() {
    let fixture = Fixture::new();
    fixture
        .apply(&[Change::Found {
            key: key(b"x", 1).as_ref(),
        }])
        .unwrap();
    let mut seen = 0;
    for directory in [
        fixture.path().parent().unwrap(),
        &fixture.directory.path().join("deep/state.db.locks"),
    ] {
        for entry in fs::read_dir(directory).unwrap() {
            let metadata = entry.unwrap().metadata().unwrap();
            assert_eq!(metadata.permissions().mode() & 0o077, 0);
            seen += 1;
        }
    }
    assert!(seen >= 3);
}

#[test]
fn a_file_that_is_not_ours_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state.db");
    let garbage = b"not a database, but long enough to be looked at as if it were one".repeat(20);
    fs::write(&path, &garbage).unwrap();
    let failure = Failure::from(SqliteStore::open(&path).err().unwrap());
    assert_eq!(failure.status, Status::InputOutput);
    assert_eq!(fs::read(&path).unwrap(), garbage);
}

#[test]
fn a_new_state_gets_a_directory_of_its_owners_own() {
    let directory = TempDir::new().unwrap();
    let parent = directory.path().join("not/yet/there");
    for _ in 0..2 {
        SqliteStore::open(&parent.join("state.db")).unwrap();
    }
    let mode = fs::metadata(parent).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_state_that_cannot_be_there_is_no_empty_one() {
    let fixture = Fixture::new();
    let path = fixture.path().join("below-a-file");
    assert!(matches!(
        SqliteStore::read(&path),
        Err(StateError::Open { .. })
    ));
    let missing = fixture.path().with_file_name("missing.db");
    assert!(SqliteStore::read(&missing).unwrap().is_none());
}

#[test]
fn a_newer_format_is_left_alone() {
    let fixture = Fixture::new();
    (fixture.store.connection)
        .read(|connection| connection.pragma_update(None, "user_version", format::VERSION + 1))
        .unwrap();
    let error = SqliteStore::open(&fixture.path()).err().unwrap();
    assert!(matches!(error, StateError::Newer { version, .. } if version == format::VERSION + 1));
    assert_eq!(Failure::from(error).status, Status::Configuration);
}

#[test]
fn a_directory_that_cannot_be_made_is_reported() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    let error = SqliteStore::open(&directory.path().join("file/state.db"))
        .err()
        .unwrap();
    assert_eq!(Failure::from(error).status, Status::CannotCreate);
}

#[test]
fn a_full_disk_is_no_damage() {
    let path = Path::new("state.db");
    for (code, kind) in [
        (ffi::SQLITE_FULL, io::ErrorKind::StorageFull),
        (ffi::SQLITE_IOERR_FSYNC, io::ErrorKind::Other),
        (ffi::SQLITE_CANTOPEN, io::ErrorKind::PermissionDenied),
    ] {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        let opened = unreadable(path.into(), &error);
        assert!(matches!(&opened, StateError::Open { source, .. } if source.kind() == kind));
        let failure = Failure::from(opened);
        let makes_room = failure.hint.is_some_and(|hint| hint.contains("make room"));
        assert_eq!(makes_room, kind == io::ErrorKind::StorageFull);
    }
    let damaged = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None);
    let opened = unreadable(path.into(), &damaged);
    assert!(matches!(opened, StateError::Unreadable { .. }));
}

#[test]
fn a_state_without_room_to_grow_tells_to_make_some() {
    let store = SqliteStore::in_memory().unwrap();
    (store.connection)
        .read(|connection| connection.pragma_update(None, "max_page_count", 1))
        .unwrap();
    let error = store.meet(&"x".repeat(100_000)).unwrap_err();
    let failure = Failure::from(error);
    assert_eq!(failure.status, Status::InputOutput);
    assert!(failure.hint.unwrap().contains("make room"));
    assert_eq!(store.account("x").unwrap(), None);
}
