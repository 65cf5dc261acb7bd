use std::fs;

use poplib_sandbox::Sandbox;

use self::program::{Unsaved, save_all};
use super::{alice, message, server};

#[allow(dead_code, reason = "main is what cargo runs")]
#[path = "../../examples/batch.rs"]
mod program;

#[test]
fn batch_saves_all_but_what_is_refused() {
    let (_server, config) = server(Sandbox::builder().misbehave("err-on-retr=2"));
    let directory = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    save_all(&config, &alice(), directory.path(), |number, saved| {
        told.push((number, saved));
    })
    .unwrap();
    assert!(
        matches!(
            &told[..],
            [(1, Ok(_)), (2, Err(Unsaved::Refused(_))), (3, Ok(_))]
        ),
        "{told:?}"
    );
    let third = fs::read_to_string(directory.path().join("3.eml")).unwrap();
    assert_eq!(third, message(3));
}

#[test]
fn batch_saves_the_others_where_the_disk_refuses_one() {
    let (_server, config) = server(Sandbox::builder());
    let directory = tempfile::tempdir().unwrap();
    // A directory stands where the file of message 2 is to be written.
    fs::create_dir(directory.path().join("2.part")).unwrap();
    let mut told = Vec::new();
    save_all(&config, &alice(), directory.path(), |number, saved| {
        told.push((number, saved));
    })
    .unwrap();
    assert!(
        matches!(
            &told[..],
            [(1, Ok(_)), (2, Err(Unsaved::Disk(_))), (3, Ok(_))]
        ),
        "{told:?}"
    );
    let third = fs::read_to_string(directory.path().join("3.eml")).unwrap();
    assert_eq!(third, message(3));
}

#[test]
fn batch_ends_with_the_connection() {
    let (_server, config) = server(Sandbox::builder().misbehave("cut-in-body=2:5"));
    let directory = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let error = save_all(&config, &alice(), directory.path(), |number, saved| {
        told.push((number, saved.is_ok()));
    })
    .unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(told, [(1, true)]);
    assert!(!directory.path().join("2.eml").exists());
}
