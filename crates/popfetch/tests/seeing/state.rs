//! A state that is of no use: a clear message, the right exit status, and it is left as it is.

use std::fs;
use std::path::Path;

use crate::support::{Rig, masked, ran};

/// What each command that reads the state says of it.
fn complaints(rig: &Rig, status: i32) -> String {
    let mut list = rig.ask(&["list"]);
    list.arg("--state").arg(rig.path("state.db"));
    let said = [
        rig.run(&[]),
        rig.run(&["--dry-run"]),
        ran(&mut list),
        ran(&mut rig.with_state(&["status"])),
        ran(&mut rig.with_state(&["quarantine", "list"])),
        ran(&mut rig.with_state(&["quarantine", "retry", "--all"])),
        ran(&mut rig.with_state(&["state", "check"])),
        ran(&mut rig.with_state(&["state", "show", "alice"])),
        ran(&mut rig.with_state(&["state", "quirks"])),
    ];
    let mut said: Vec<String> = said
        .into_iter()
        .map(|ran| masked(rig, &ran.expect(status).err))
        .collect();
    said.sort();
    said.dedup();
    let directory = rig.path("");
    said.join("---\n")
        .replace(directory.to_str().unwrap(), "DIR/")
}

/// Puts something else in the place of a state that was in use, and asserts that it stays as it
/// is and that no message was fetched again or deleted.
fn with_state(spoil: impl FnOnce(&Path), status: i32) -> String {
    let rig = Rig::five(&[]);
    rig.run(&[]).expect(0);
    let path = rig.path("state.db");
    spoil(&path);
    let before = fs::read(&path).ok();
    let said = complaints(&rig, status);
    assert_eq!(fs::read(&path).ok(), before);
    rig.assert_five();
    assert_eq!(rig.left(), 5);
    said
}

#[test]
fn garbage() {
    let spoil = |path: &Path| fs::write(path, "this is not a database at all".repeat(100)).unwrap();
    insta::assert_snapshot!(with_state(spoil, 74));
}

#[test]
fn a_file_cut_short() {
    for octets in [1_000, 5_000, 20_000] {
        let cut = |path: &Path| {
            let whole = fs::read(path).unwrap();
            assert!(whole.len() > octets);
            fs::write(path, &whole[..octets]).unwrap();
        };
        let said = with_state(cut, 74);
        assert!(
            said.contains("could not read the state"),
            "{octets}: {said}"
        );
        assert!(said.contains("hint: restore"), "{octets}: {said}");
    }
}

#[test]
fn a_directory() {
    let spoil = |path: &Path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    };
    insta::assert_snapshot!(with_state(spoil, 73));
}

#[test]
fn a_newer_format() {
    let spoil = |path: &Path| {
        let state = rusqlite::Connection::open(path).unwrap();
        state.pragma_update(None, "user_version", 1_000).unwrap();
    };
    insta::assert_snapshot!(with_state(spoil, 78));
}
