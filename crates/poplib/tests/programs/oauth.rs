use poplib::Secret;
use poplib_sandbox::Sandbox;

use self::program::{Age, open};
use super::server;

#[allow(dead_code, reason = "main is what cargo runs")]
#[path = "../../examples/oauth.rs"]
mod program;

#[test]
fn oauth_renews_a_token_that_is_refused_once() {
    let (_server, config) = server(Sandbox::builder().bearer_token("alice", "new"));
    let mut asked = Vec::new();
    let mut session = open(&config, "alice", |age| {
        asked.push(age);
        Some(Secret::from(match age {
            Age::Any => "old",
            Age::Renewed => "new",
        }))
    })
    .unwrap();
    assert_eq!(session.stat().unwrap().messages, 3);
    session.quit().unwrap();
    assert_eq!(asked, [Age::Any, Age::Renewed]);
}

#[test]
fn oauth_takes_a_token_that_is_good() {
    let (_server, config) = server(Sandbox::builder().bearer_token("alice", "new"));
    let session = open(&config, "alice", |age| {
        assert_eq!(age, Age::Any);
        Some(Secret::from("new"))
    });
    session.unwrap().quit().unwrap();
}

#[test]
fn oauth_gives_up_when_the_new_token_is_refused_too() {
    let (server, config) = server(Sandbox::builder().bearer_token("alice", "another"));
    let error = open(&config, "alice", |_| Some(Secret::from("old"))).unwrap_err();
    assert!(error.to_string().contains("AUTH was refused"), "{error}");
    assert_eq!(server.sessions().len(), 1);
}
