//! One lock for one file, whatever it is called.

use std::os::unix::fs::symlink;

use super::*;

fn is_claimed(path: &Path) -> bool {
    let store = SqliteStore::open(path).unwrap();
    match store.claim("me@example.org") {
        Ok(_) => false,
        Err(StateError::Claimed { .. }) => true,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn e20_one_lock_stands_for_a_file_whatever_leads_to_it() {
    let fixture = Fixture::new();
    let top = fixture.directory.path();
    symlink("deep", top.join("other")).unwrap();
    symlink(fixture.path(), top.join("link.db")).unwrap();
    symlink("link.db", top.join("link-to-link.db")).unwrap();
    for name in [
        "deep/state.db",
        "deep/../deep/./state.db",
        "other/state.db",
        "link.db",
        "link-to-link.db",
        "other/../link.db",
    ] {
        assert!(is_claimed(&top.join(name)), "{name}");
    }
    assert!(!top.join("link.db.locks").exists());
    drop(fixture.claim);
    assert!(!is_claimed(&top.join("link.db")));
}

#[test]
fn e20_a_link_to_a_file_that_is_yet_to_be_made_makes_it() {
    let directory = TempDir::new().unwrap();
    let (link, path) = (
        directory.path().join("link.db"),
        directory.path().join("state.db"),
    );
    symlink("state.db", &link).unwrap();
    let store = SqliteStore::open(&link).unwrap();
    let _claim = store.claim("me@example.org").unwrap();
    assert!(path.exists() && is_claimed(&path));
}

#[test]
fn e20_a_file_with_two_names_is_refused_by_both() {
    let fixture = Fixture::new();
    let second = fixture.directory.path().join("second.db");
    fs::hard_link(fixture.path(), &second).unwrap();
    for path in [&second, &fixture.path()] {
        for opened in [
            SqliteStore::open(path).map(drop),
            SqliteStore::read(path).map(drop),
        ] {
            let failure = Failure::from(opened.unwrap_err());
            assert_eq!(failure.status, Status::Configuration);
            assert!(failure.hint.unwrap().contains("-samefile"));
        }
    }
    fs::remove_file(&second).unwrap();
    SqliteStore::open(&fixture.path()).unwrap();
}

#[test]
fn e20_a_file_that_took_the_place_of_the_one_in_use_is_not_believed_to_be_it() {
    let fixture = Fixture::new();
    let away = fixture.directory.path().join("away.db");
    fs::rename(fixture.path(), &away).unwrap();
    let claims = || fixture.store.claim("you@example.org");
    assert!(matches!(claims(), Err(StateError::Replaced { .. })));
    fs::write(fixture.path(), "").unwrap();
    assert!(matches!(claims(), Err(StateError::Replaced { .. })));
    fs::rename(&away, fixture.path()).unwrap();
    claims().unwrap();
}
