//! A sentinel password and a sentinel token, looked for in all that can be printed.
#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

use std::array;
use std::fmt::Debug;

use base64ct::{Base64, Encoding};
use poplib_proto::sasl::{
    Bearer, BindingFlag, ChannelBinding, Context, CramMd5, Credentials, DigestMd5, Login,
    Mechanism, Nonce, OAuthBearer, Offer, Password, Plain, Policy, Scram, Sha1, Sha256, Sha512,
    Timestamp, XOAuth2, choose,
};

const SENTINEL: &str = "Sentinel/horse+battery";

/// All the ways in which the sentinel could show.
fn disguises() -> Vec<String> {
    let mut disguises = vec![
        SENTINEL.to_owned(),
        hexadecimal(SENTINEL.as_bytes()),
        decimal(SENTINEL.as_bytes()),
    ];
    // Behind nought, one and two octets of something else, base64 is of three kinds. The first
    // and last digits depend on the neighbours.
    for before in 0..3 {
        let shifted = ["x".repeat(before).as_str(), SENTINEL].concat();
        let encoded = Base64::encode_string(shifted.as_bytes());
        disguises.push(encoded[4..encoded.len() - 4].to_owned());
    }
    disguises
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// As a derived `Debug` shows octets, without its brackets.
fn decimal(octets: &[u8]) -> String {
    let shown = format!("{octets:?}");
    shown[1..shown.len() - 1].to_owned()
}

#[track_caller]
fn assert_silent(thing: &impl Debug) {
    for shown in [format!("{thing:?}"), format!("{thing:#?}")] {
        let without_space: String = shown.split_whitespace().collect();
        for disguise in disguises() {
            assert!(!shown.contains(&disguise), "{disguise} in {shown}");
            let packed: String = disguise.split_whitespace().collect();
            assert!(!without_space.contains(&packed), "{packed} in {shown}");
        }
    }
}

#[test]
fn a13_the_search_finds_what_is_not_hidden() {
    let shown = format!("{:?}", SENTINEL.as_bytes());
    assert!(disguises().iter().any(|disguise| shown.contains(disguise)));
    for before in ["", "\0", "\0\0", "\0user\0"] {
        let shown = Base64::encode_string([before, SENTINEL].concat().as_bytes());
        assert!(disguises().iter().any(|disguise| shown.contains(disguise)));
    }
}

#[test]
fn a13_credentials_are_silent() {
    assert_silent(&Password::new("user", SENTINEL).acting_as("other"));
    assert_silent(&Credentials::password("user", SENTINEL));
    assert_silent(&Credentials::bearer("user", SENTINEL, "pop.example.org"));
    assert_silent(&ChannelBinding::TlsExporter(SENTINEL.into()));
    let timestamp = Timestamp::in_greeting(b"+OK <1@example.org>").unwrap();
    let password = SENTINEL.into();
    assert_silent(&timestamp.map(|timestamp| timestamp.digest(&password)));
}

/// Looks at a mechanism before and after each of its steps, and at what it answers.
fn silent_all_along<M: Mechanism + Debug>(mut mechanism: M, challenges: &[&str]) {
    assert_silent(&mechanism);
    assert_silent(&mechanism.initial_response());
    for challenge in challenges {
        assert_silent(&mechanism);
        assert_silent(&mechanism.respond(challenge.as_bytes()));
    }
    assert_silent(&mechanism);
    assert_silent(&mechanism.finish());
    assert_silent(&mechanism.failure());
}

#[test]
fn a13_mechanisms_are_silent_at_every_step() {
    let password = Password::new("user", SENTINEL);
    let bearer = Bearer::new("user", SENTINEL, "pop.example.org");
    let nonce = Nonce::new("nonce").unwrap();
    let server_first = "r=nonceserver,s=AAAA,i=4096";

    silent_all_along(Plain::new(&password).unwrap(), &["?"]);
    silent_all_along(Login::new(&password).unwrap(), &["User", "Password", "?"]);
    silent_all_along(CramMd5::new(&password).unwrap(), &["<1@a>", "?"]);
    let challenge = "realm=r,nonce=n,algorithm=md5-sess,charset=utf-8";
    for last in ["rspauth=0", "?"] {
        let digest = DigestMd5::new(&password, "pop.example.org", nonce.clone());
        silent_all_along(digest.unwrap(), &[challenge, last, "?"]);
    }
    silent_all_along(XOAuth2::new(&bearer).unwrap(), &["{}", "?"]);
    silent_all_along(OAuthBearer::new(&bearer, 995).unwrap(), &["{}", "?"]);
    let exporter = ChannelBinding::TlsExporter(SENTINEL.into());
    for flag in [BindingFlag::Unsupported, BindingFlag::Bound(exporter)] {
        for last in ["v=AAAA", "e=invalid-proof", "?"] {
            let scram = Scram::<Sha1>::new(&password, flag.clone(), nonce.clone());
            silent_all_along(scram.unwrap(), &[server_first, last]);
            let scram = Scram::<Sha256>::new(&password, flag.clone(), nonce.clone());
            silent_all_along(scram.unwrap(), &[server_first, last]);
            let scram = Scram::<Sha512>::new(&password, flag.clone(), nonce.clone());
            silent_all_along(scram.unwrap(), &[server_first, last]);
        }
    }
}

#[test]
fn a13_choices_are_silent() {
    let entropy = array::from_fn(|at| SENTINEL.as_bytes()[at % SENTINEL.len()]);
    let timestamp = Timestamp::in_greeting(b"+OK <1@example.org>").unwrap();
    let offer = Offer::of_mechanisms(["SCRAM-SHA-256", "PLAIN", "XOAUTH2"])
        .with_user_pass()
        .with_apop(timestamp.unwrap());
    for tls in [false, true] {
        for credentials in [
            Credentials::password("user", SENTINEL),
            Credentials::password("user", [SENTINEL, "\0"].concat()),
            Credentials::bearer("user", SENTINEL, "pop.example.org"),
            Credentials::bearer("user", SENTINEL, "pop.example.com"),
        ] {
            let context = Context {
                host: "pop.example.org",
                port: 995,
                tls,
                plaintext_credentials: false,
                bindings: &[],
                entropy: &entropy,
                policy: &Policy::default(),
            };
            assert_silent(&context);
            assert_silent(&choose(&offer, &credentials, &context));
        }
    }
}
