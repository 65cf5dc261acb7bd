//! `login` and AUTH: which way is chosen, and what becomes of a refusal.

use poplib::sasl::{Method, Password, Plain, Policy, Strength};
use poplib::{CodeKind, Config, Credentials, Fault};

use super::*;
use crate::support::{implicit_tls, received, sandbox, started};

fn credentials() -> Credentials {
    Credentials::password(USER, PASSWORD)
}

fn only(method: Method) -> Policy {
    let mut policy = Policy::default();
    policy.only = Some(method);
    policy
}

/// The mechanism with which the last session logged in.
fn mechanism(sandbox: &Sandbox) -> String {
    let lines = sandbox.sessions().pop().unwrap().lines();
    let mut responses = lines.iter().filter_map(|line| line.strip_prefix("AUTH "));
    responses
        .next()
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned()
}

behaviour! { login_takes_the_strongest_way_both_know {
    let sandbox = started(sandbox());
    let client = go!(connected(&implicit_tls(&sandbox)));
    let mut session = go!(client.login(&credentials())).unwrap();
    assert_eq!(go!(session.stat()).unwrap().messages, 3);
    go!(session.quit()).unwrap();
    let lines = sandbox.sessions()[0].lines();
    assert!(lines.contains(&"CAPA".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("AUTH SCRAM-SHA-512-PLUS")), "{lines:?}");
}}

behaviour! { login_does_without_capa {
    let sandbox = started(sandbox().misbehave("no-capa").apop(false));
    let client = go!(connected(&implicit_tls(&sandbox)));
    let session = go!(client.login(&credentials())).unwrap();
    go!(session.quit()).unwrap();
    assert!(received(&sandbox).contains("PASS "));
}}

behaviour! { login_does_not_ask_for_capabilities_that_are_known {
    let sandbox = started(sandbox());
    let mut client = go!(connected(&implicit_tls(&sandbox)));
    go!(client.capa()).unwrap();
    let session = go!(client.login(&credentials())).unwrap();
    go!(session.quit()).unwrap();
    assert_eq!(received(&sandbox).matches("CAPA").count(), 1);
}}

behaviour! { p20_every_way_with_a_password_logs_in {
    let sandbox = started(sandbox());
    for &method in Method::ALL {
        if method.strength().is_none() {
            continue;
        }
        let config = implicit_tls(&sandbox).with_login_policy(only(method));
        let client = go!(connected(&config));
        let mut session = go!(client.login(&credentials())).unwrap();
        assert_eq!(go!(session.stat()).unwrap().messages, 3, "{method}");
        go!(session.quit()).unwrap();
    }
}}

behaviour! { a_wrong_password_ends_the_login_and_gives_the_client_back {
    let sandbox = started(sandbox());
    for method in [Method::ScramSha256Plus, Method::CramMd5, Method::Plain, Method::UserPass] {
        let config = implicit_tls(&sandbox).with_login_policy(only(method));
        let client = go!(connected(&config));
        let wrong = Credentials::password(USER, "wrong");
        let refused = go!(client.login(&wrong)).unwrap_err();
        assert_eq!(refused.error.code().unwrap().kind(), CodeKind::Auth, "{method}");
        let session = go!(refused.client.unwrap().login(&credentials())).unwrap();
        go!(session.quit()).unwrap();
    }
}}

behaviour! { a_wrong_password_is_not_tried_in_weaker_ways {
    let sandbox = started(sandbox());
    let client = go!(connected(&implicit_tls(&sandbox)));
    let wrong = Credentials::password(USER, "wrong");
    let refused = go!(client.login(&wrong)).unwrap_err();
    go!(refused.client.unwrap().quit()).unwrap();
    let received = received(&sandbox);
    // Once bound to the connection, and once not: a refused binding looks the same (P17).
    assert_eq!(received.matches("AUTH ").count(), 2, "{received}");
    assert_eq!(received.matches("AUTH SCRAM-SHA-512").count(), 2, "{received}");
    assert!(!received.contains("PASS"), "{received}");
}}

behaviour! { a12_a_minimum_strength_is_kept {
    let sandbox = started(sandbox().mechanisms(["PLAIN", "LOGIN"]));
    let mut policy = Policy::default();
    policy.minimum = Strength::Mutual;
    let client = go!(connected(&implicit_tls(&sandbox).with_login_policy(policy)));
    let refused = go!(client.login(&credentials())).unwrap_err();
    go!(refused.client.unwrap().quit()).unwrap();
    assert_eq!(received(&sandbox), "CAPA\r\nQUIT\r\n");
}}

behaviour! { a12_in_clear_no_password_is_sent_in_clear {
    let sandbox = started(sandbox().mechanisms(["PLAIN", "LOGIN"]).apop(false));
    let config = implicit_tls(&sandbox)
        .with_port(sandbox.plain_addr().port())
        .with_security(poplib::Security::Plaintext);
    let client = go!(connected(&config));
    let refused = go!(client.login(&credentials())).unwrap_err();
    assert_eq!(refused.error.fault(), Fault::Caller);
    go!(refused.client.unwrap().quit()).unwrap();
    assert_eq!(received(&sandbox), "CAPA\r\nQUIT\r\n");
}}

behaviour! { a12_in_clear_a_digest_is_better_than_nothing {
    let sandbox = started(sandbox());
    let config = implicit_tls(&sandbox)
        .with_port(sandbox.plain_addr().port())
        .with_security(poplib::Security::Plaintext);
    let client = go!(connected(&config));
    let session = go!(client.login(&credentials())).unwrap();
    go!(session.quit()).unwrap();
    assert_eq!(mechanism(&sandbox), "SCRAM-SHA-512");
}}

behaviour! { p19_the_mechanism_of_the_url_is_the_only_one {
    let sandbox = started(sandbox().mechanisms(["PLAIN", "SCRAM-SHA-256"]));
    let port = sandbox.tls_addr().port();
    let url = format!("pops://{USER};AUTH=CRAM-MD5@localhost:{port}");
    let config = Config::from_url(&url).unwrap().with_tls(crate::support::trusting(&sandbox));
    assert_eq!(config.url_user(), Some(USER));
    let client = go!(connected(&config));
    let refused = go!(client.login(&credentials())).unwrap_err();
    go!(refused.client.unwrap().quit()).unwrap();
    let received = received(&sandbox);
    assert!(!received.contains("PLAIN") && !received.contains("PASS"), "{received}");
}}

behaviour! { q19_an_unusable_mechanism_is_cancelled_and_the_next_one_tried {
    let sandbox = started(sandbox().misbehave("scram-foreign-nonce"));
    let client = go!(connected(&implicit_tls(&sandbox)));
    let outcome = go!(client.login(&credentials()));
    // A server that breaks SCRAM may be an impostor: no way that shows the password follows.
    let refused = outcome.unwrap_err();
    if let Some(client) = refused.client {
        go!(client.quit()).unwrap();
    }
    let received = received(&sandbox);
    assert!(!received.contains("PASS") && !received.contains("AUTH PLAIN"), "{received}");
}}

behaviour! { a_mechanism_of_ones_own_choice {
    let sandbox = started(sandbox());
    let client = go!(connected(&implicit_tls(&sandbox)));
    let plain = Plain::new(&Password::new(USER, PASSWORD)).unwrap();
    let mut session = go!(client.auth(plain)).unwrap();
    assert_eq!(go!(session.stat()).unwrap().messages, 3);
    go!(session.quit()).unwrap();
    assert_eq!(mechanism(&sandbox), "PLAIN");
    let client = go!(connected(&implicit_tls(&sandbox)));
    let plain = Plain::new(&Password::new(USER, "wrong")).unwrap();
    let refused = go!(client.auth(plain)).unwrap_err();
    assert_eq!(refused.error.code().unwrap().kind(), CodeKind::Auth);
    go!(logged_in(refused.client.unwrap()));
}}

behaviour! { auth_alone_lists_the_mechanisms {
    let script = Script::new().on("AUTH", "+OK\r\nPLAIN\r\nCRAM-MD5\r\n.\r\n");
    let (mut client, _) = go!(scripted(script));
    assert_eq!(go!(client.auth_list()).unwrap(), ["PLAIN", "CRAM-MD5"]);
    let (mut client, _) = go!(scripted(Script::new()));
    assert_eq!(go!(client.auth_list()).unwrap_err().fault(), Fault::Server);
    go!(client.user("me")).unwrap();
}}

behaviour! { a_session_opens_in_one_call {
    let sandbox = started(sandbox());
    let mut session = go!(Session::open(&implicit_tls(&sandbox), &credentials())).unwrap();
    assert_eq!(go!(session.stat()).unwrap().messages, 3);
    go!(session.quit()).unwrap();
    let wrong = Credentials::password(USER, "wrong");
    let error = go!(Session::open(&implicit_tls(&sandbox), &wrong)).unwrap_err();
    assert_eq!(error.code().unwrap().kind(), CodeKind::Auth);
}}

behaviour! { q24_a_server_that_hangs_up_at_capa_is_asked_once {
    let sandbox = started(sandbox().misbehave("close-on=capa").apop(false));
    let config = implicit_tls(&sandbox);
    assert_eq!(config.quirks().to_string(), "");
    let session = go!(Session::open(&config, &credentials())).unwrap();
    go!(session.quit()).unwrap();
    assert_eq!(config.quirks().to_string(), "capa=1");
    let session = go!(Session::open(&config, &credentials())).unwrap();
    go!(session.quit()).unwrap();
    let sessions = sandbox.sessions();
    assert_eq!(sessions.len(), 3);
    assert!(sessions[0].lines().contains(&"CAPA".to_owned()));
    for session in &sessions[1..] {
        assert!(!session.lines().contains(&"CAPA".to_owned()));
    }
    let told = implicit_tls(&sandbox).with_quirks("capa=2".parse().unwrap());
    let session = go!(Session::open(&told, &credentials())).unwrap();
    go!(session.quit()).unwrap();
    assert_eq!(sandbox.sessions().len(), 4);
}}

behaviour! { q24_a_server_that_hangs_at_capa_is_asked_once {
    let sandbox = started(sandbox().misbehave("stall=capa").apop(false));
    let mut timeouts = crate::support::patient();
    timeouts.command = std::time::Duration::from_secs(3);
    let config = implicit_tls(&sandbox).with_timeouts(timeouts);
    let session = go!(Session::open(&config, &credentials())).unwrap();
    go!(session.quit()).unwrap();
    assert_eq!(config.quirks().to_string(), "capa=1");
    assert_eq!(sandbox.sessions().len(), 2);
}}

behaviour! { q05_a_refused_capa_is_asked_once_and_costs_nothing {
    let sandbox = started(sandbox().misbehave("no-capa").apop(false));
    let session = go!(Session::open(&implicit_tls(&sandbox), &credentials())).unwrap();
    go!(session.quit()).unwrap();
    assert_eq!(received(&sandbox).matches("CAPA").count(), 1);
}}

behaviour! { q17_a_server_that_hangs_up_at_a_way_to_log_in_is_tried_another_way {
    let sandbox = started(sandbox().misbehave("close-on=auth@1").apop(false));
    let mut session = go!(Session::open(&implicit_tls(&sandbox), &credentials())).unwrap();
    assert_eq!(go!(session.stat()).unwrap().messages, 3);
    go!(session.quit()).unwrap();
    let sessions = sandbox.sessions();
    assert_eq!(sessions.len(), 2);
    let first_way = |record: &poplib_sandbox::SessionRecord| {
        let lines = record.lines();
        let login = lines.into_iter().find(|line| line.starts_with("AUTH "));
        login.unwrap().split(' ').nth(1).unwrap().to_owned()
    };
    assert_ne!(first_way(&sessions[0]), first_way(&sessions[1]));
}}
