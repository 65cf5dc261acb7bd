//! The examples run.

use poplib::sasl::Method;
use poplib::{Config, Credentials};
use poplib_sandbox::{Builder, Sandbox};

use crate::support::{PASSWORD, USER, implicit_tls, message, plaintext, sandbox, started};

#[allow(dead_code, reason = "main is what cargo runs")]
#[path = "../../examples/login.rs"]
mod login;
#[allow(dead_code, reason = "main is what cargo runs")]
#[path = "../../examples/pipelining.rs"]
mod pipelining;

fn said(config: &Config, password: &str) -> String {
    let mut output = Vec::new();
    let credentials = Credentials::password(USER, password);
    login::log_in(config, &credentials, &mut output).unwrap();
    String::from_utf8(output).unwrap()
}

#[test]
fn login_tells_how_it_went() {
    let sandbox = started(sandbox().mechanisms(["SCRAM-SHA-256", "PLAIN"]));
    let config = implicit_tls(&sandbox);
    let right = said(&config, PASSWORD);
    assert!(right.contains("TLS13_"), "{right}");
    assert!(
        right.ends_with("mechanisms: SCRAM-SHA-256 PLAIN\nmessages: 3\n"),
        "{right}"
    );
    let wrong = said(&config, "wrong");
    assert!(
        wrong.contains("\nwrong user name or password: AUTH was refused"),
        "{wrong}"
    );
}

#[test]
fn login_tells_what_may_pass_from_what_will_not() {
    let busy = started(sandbox().misbehave("refuse-login=[IN-USE] held"));
    let later = said(&plaintext(&busy), PASSWORD);
    assert!(later.contains("\ntry again later: "), "{later}");
    let mut policy = poplib::sasl::Policy::default();
    policy.only = Some(Method::OAuthBearer);
    let config = plaintext(&busy).with_login_policy(policy);
    let never = said(&config, PASSWORD);
    assert!(never.contains("\nthis will not work: "), "{never}");
}

fn fetched(builder: Builder) -> (Sandbox, Vec<(u32, Vec<u8>)>) {
    let sandbox = started(builder);
    let credentials = Credentials::password(USER, PASSWORD);
    let messages = pipelining::fetch(&implicit_tls(&sandbox), &credentials).unwrap();
    (sandbox, messages)
}

#[test]
fn pipelining_fetches_all_that_is_not_refused() {
    let (_, messages) = fetched(sandbox());
    assert_eq!(
        messages,
        [1, 2, 3].map(|number| (number, message(number as usize)))
    );
    let (_, messages) = fetched(sandbox().misbehave("err-on-retr=2"));
    assert_eq!(
        messages,
        [1, 3].map(|number| (number, message(number as usize)))
    );
}

#[test]
fn q07_pipelining_survives_a_server_that_cannot_do_it() {
    let (sandbox, messages) = fetched(sandbox().misbehave("pipeline-closes"));
    assert_eq!(messages.len(), 3);
    assert_eq!(sandbox.sessions().len(), 2);
}
