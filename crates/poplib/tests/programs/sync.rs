use std::fs;

use poplib_sandbox::Sandbox;

use super::{alice, message, server};

#[allow(dead_code, reason = "main is what cargo runs")]
#[path = "../../examples/sync.rs"]
mod program;

#[test]
fn sync_fetches_what_is_new_and_nothing_twice() {
    let (server, config) = server(Sandbox::builder());
    let directory = tempfile::tempdir().unwrap();
    let fetch_new = || program::fetch_new(&config, &alice(), directory.path()).unwrap();
    assert_eq!(fetch_new(), 3);
    assert_eq!(fetch_new(), 0);
    server.deliver("alice", "Subject: four\n\n").unwrap();
    assert_eq!(fetch_new(), 1);
    assert_eq!(server.messages_left("alice").unwrap(), 4);
    let first = directory.path().join("612f31.eml");
    assert_eq!(fs::read_to_string(first).unwrap(), message(1));
}

#[test]
fn sync_goes_on_where_a_connection_broke() {
    let (_server, config) = server(Sandbox::builder().misbehave("cut-in-body=2:5@1"));
    let directory = tempfile::tempdir().unwrap();
    let fetch_new = || program::fetch_new(&config, &alice(), directory.path());
    fetch_new().unwrap_err();
    assert!(!directory.path().join("612f32.eml").exists());
    assert_eq!(fetch_new().unwrap(), 2);
    let second = directory.path().join("612f32.eml");
    assert_eq!(fs::read_to_string(second).unwrap(), message(2));
}
