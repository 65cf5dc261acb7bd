//! A13: a password that is given to this crate is seen nowhere but on the wire.

use poplib::sasl::{Method, Policy};
use poplib::{Credentials, Proxy, Secret};

use super::*;
use crate::support::trace::{Ear, Level};
use crate::support::{implicit_tls, in_memory, sandbox, started, stls, wire};

/// `PASSWORD`, as base64 in each of the three places it can begin in a group of octets.
pub(super) const IN_BASE64: [&str; 3] = [
    "czNudDFuZWwtcDRzc3cwcm",
    "MzbnQxbmVsLXA0c3N3MHJk",
    "M250MW5lbC1wNHNzdzByZ",
];

/// Everything that was traced, logged or printed about a session.
struct Seen {
    ear: Ear,
    printed: String,
}

impl Seen {
    fn print(&mut self, thing: &dyn std::fmt::Debug) {
        self.printed += &format!("{thing:?}\n{thing:#?}\n");
    }

    fn print_error(&mut self, error: &(dyn std::error::Error + 'static)) {
        self.print(&error);
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.printed += &format!("{error}\n");
            cause = error.source();
        }
    }

    #[track_caller]
    fn has_nothing_of(&self, secrets: &[&str]) {
        let text = format!("{}{}", self.ear.text(), self.printed);
        for secret in IN_BASE64.iter().chain(secrets).chain([&PASSWORD]) {
            assert!(!text.contains(secret), "{secret} was seen:\n{text}");
        }
        assert!(self.ear.text().contains("(withheld)"), "nothing was traced");
    }
}

/// Without it the three constants could be wrong, and the tests find nothing.
#[test]
fn the_base64_of_the_password_is_what_it_should_be() {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (shift, expected) in IN_BASE64.iter().enumerate() {
        let bits: Vec<u8> = vec![0; shift]
            .into_iter()
            .chain(PASSWORD.bytes())
            .flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1))
            .collect();
        let text: String = bits
            .chunks_exact(6)
            .map(|group| group.iter().fold(0, |value, bit| value << 1 | bit))
            .map(|value: u8| char::from(ALPHABET[usize::from(value)]))
            .collect();
        assert!(text.contains(expected), "{text} has no {expected}");
    }
}

behaviour! { a13_a_session_shows_no_password {
    let (ear, _guard) = Ear::new(Level::TRACE);
    let mut seen = Seen { ear, printed: String::new() };
    let sandbox = started(sandbox());
    for config in [plaintext(&sandbox), implicit_tls(&sandbox), stls(&sandbox)] {
        seen.print(&config);
        let mut client = go!(connected(&config));
        seen.print(&client);
        go!(client.user(USER)).unwrap();
        let refused = go!(client.pass(&*format!("{PASSWORD}-wrong"))).unwrap_err();
        seen.print_error(&refused);
        let mut client = refused.client.unwrap();
        go!(client.user(USER)).unwrap();
        seen.print(&client);
        let mut session = go!(client.pass(PASSWORD)).unwrap();
        seen.print(&session);
        seen.print(session.connection());
        let body = go!(session.retr(1)).unwrap();
        go!(body.collect()).unwrap();
        seen.print_error(&go!(session.dele(9)).unwrap_err());
        go!(session.quit()).unwrap();
    }
    seen.has_nothing_of(&[]);
}}

behaviour! { a13_no_way_of_logging_in_shows_the_password {
    let (ear, _guard) = Ear::new(Level::TRACE);
    let mut seen = Seen { ear, printed: String::new() };
    let sandbox = started(sandbox());
    for &method in Method::ALL {
        if method.strength().is_none() {
            continue;
        }
        let mut policy = Policy::default();
        policy.only = Some(method);
        let config = implicit_tls(&sandbox).with_login_policy(policy);
        let wrong = Credentials::password(USER, &*format!("{PASSWORD}-wrong"));
        let right = Credentials::password(USER, PASSWORD);
        seen.print(&config);
        seen.print(&right);
        let client = go!(connected(&config));
        let refused = go!(client.login(&wrong)).unwrap_err();
        seen.print_error(&refused);
        let session = go!(refused.client.unwrap().login(&right)).unwrap();
        seen.print(&session);
        go!(session.quit()).unwrap();
    }
    seen.has_nothing_of(&[]);
}}

behaviour! { a13_no_token_is_shown {
    let (ear, _guard) = Ear::new(Level::TRACE);
    let mut seen = Seen { ear, printed: String::new() };
    let sandbox = started(sandbox());
    for method in [Method::OAuthBearer, Method::XOAuth2] {
        let mut policy = Policy::default();
        policy.only = Some(method);
        let config = implicit_tls(&sandbox).with_login_policy(policy);
        let wrong = Credentials::bearer(USER, PASSWORD, "localhost");
        let client = go!(connected(&config));
        match go!(client.login(&wrong)) {
            Ok(session) => seen.print(&session),
            Err(refused) => seen.print_error(&refused),
        }
        seen.print(&wrong);
    }
    seen.has_nothing_of(&[]);
}}

behaviour! { a13_the_login_of_a_proxy_is_not_shown {
    let (ear, _guard) = Ear::new(Level::TRACE);
    let mut seen = Seen { ear, printed: String::new() };
    for (kind, answer) in [
        ("socks5", &b"\x05\x02\x01\x01"[..]),
        ("http", b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
    ] {
        let address = wire::saying(answer);
        let url = format!("{kind}://me:{PASSWORD}@127.0.0.1:{}", address.port());
        let proxy = Proxy::from_url(&url).unwrap();
        seen.print(&proxy);
        let config = in_memory().with_proxy(proxy);
        seen.print(&config);
        seen.print_error(&go!(not_connected(&config)));
    }
    // Nothing of POP3 is said here, so that nothing of it is traced.
    let (mut client, _) = go!(scripted(Script::new()));
    go!(client.user("me")).unwrap();
    go!(client.pass("secret")).unwrap();
    seen.has_nothing_of(&[]);
}}

behaviour! { a13_apop_shows_neither_password_nor_digest {
    let (ear, _guard) = Ear::new(Level::TRACE);
    let mut seen = Seen { ear, printed: String::new() };
    let (client, received) = go!(scripted(Script::new()));
    let refused = go!(client.apop("me", PASSWORD)).unwrap_err();
    seen.print_error(&refused);
    let digest = received.text().trim_end().rsplit_once(' ').unwrap().1.to_owned();
    assert_eq!(digest.len(), 32);
    seen.has_nothing_of(&[&digest]);
}}

behaviour! { a13_a_password_that_cannot_be_sent_is_not_shown {
    let (ear, _guard) = Ear::new(Level::TRACE);
    let mut seen = Seen { ear, printed: String::new() };
    let (mut client, received) = go!(scripted(Script::new()));
    go!(client.user("me")).unwrap();
    let broken = go!(client.pass(format!("{PASSWORD}\r\n"))).unwrap_err();
    seen.print_error(&broken);
    let long = PASSWORD.repeat(20);
    let too_long = go!(broken.client.unwrap().pass(long)).unwrap_err();
    seen.print_error(&too_long);
    let config = in_memory().with_security(poplib::Security::Plaintext);
    seen.print(&config);
    go!(too_long.client.unwrap().pass(PASSWORD)).unwrap_err();
    assert!(received.text().ends_with(&format!("PASS {PASSWORD}\r\n")));
    seen.has_nothing_of(&[]);
}}

behaviour! { a13_a_connection_that_breaks_at_the_password_does_not_show_it {
    for answer in ["", "+", "what\r\n", "+ go on\r\n"] {
        let (ear, _guard) = Ear::new(Level::TRACE);
        let mut seen = Seen { ear, printed: String::new() };
        let line = format!("PASS {PASSWORD}");
        let (mut client, _) = go!(scripted(Script::new().on(&line, answer)));
        go!(client.user("me")).unwrap();
        let refused = go!(client.pass(PASSWORD)).unwrap_err();
        assert!(refused.client.is_none(), "{answer:?}");
        seen.print_error(&refused);
        seen.has_nothing_of(&[]);
    }
}}

#[test]
fn a13_a_secret_prints_nothing_of_itself() {
    let secret = Secret::from(PASSWORD);
    assert_eq!(format!("{secret:?} {secret:#?}"), "Secret(…) Secret(…)");
}
