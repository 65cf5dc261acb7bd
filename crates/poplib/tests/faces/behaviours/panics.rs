//! A13: what a program shows that panics while it has a password.

use std::env;
use std::process::Command;

use poplib::Credentials;

use super::secrets::IN_BASE64;
use super::*;
use crate::support::{implicit_tls, sandbox, started};

/// Where it is to panic, for the process that does.
const WHERE: &str = "POPLIB_TEST_PANICS";

/// Runs a test of this program once more, which panics there. What it shows.
#[track_caller]
fn shown_by_a_panic(test: &str, place: &str) -> String {
    // The name of the crate is no part of a test's name.
    let (_, test) = test.split_once("::").unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(WHERE, place)
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    assert!(!output.status.success(), "it did not panic");
    let shown = [output.stdout, output.stderr].map(|shown| String::from_utf8(shown).unwrap());
    shown.concat()
}

function! {
    /// The caller of a body panics in the middle of it, and shows what it has.
    fn panic_in_a_body(sandbox: &Sandbox) {
        let credentials = Credentials::password(USER, PASSWORD);
        let client = go!(connected(&implicit_tls(sandbox)));
        let mut session = go!(client.login(&credentials)).unwrap();
        let mut body = go!(session.retr(1)).unwrap();
        assert!(go!(body.chunk()).unwrap().is_some());
        panic!("{credentials:?}");
    }
}

function! {
    /// What those write who are in a hurry.
    fn unwrap_a_refused_login(sandbox: &Sandbox) {
        let client = go!(connected(&implicit_tls(sandbox)));
        let wrong = Credentials::password(USER, &*format!("{PASSWORD}-wrong"));
        go!(client.login(&wrong)).unwrap();
    }
}

behaviour! { a13_no_panic_shows_the_password {
    let sandbox = started(sandbox());
    match env::var(WHERE).as_deref() {
        Ok("body") => return go!(panic_in_a_body(&sandbox)),
        Ok("login") => return go!(unwrap_a_refused_login(&sandbox)),
        _ => {}
    }
    let test = concat!(module_path!(), "::a13_no_panic_shows_the_password");
    for (place, word) in [("body", "Secret(…)"), ("login", "LoginError")] {
        let shown = shown_by_a_panic(test, place);
        assert!(shown.contains(word) && shown.contains("stack backtrace:"), "{shown}");
        for secret in IN_BASE64.iter().chain([&PASSWORD]) {
            assert!(!shown.contains(secret), "{secret} was shown:\n{shown}");
        }
    }
}}
