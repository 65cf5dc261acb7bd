//! SCRAM against the examples of its RFCs, and against servers that cheat.
#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

use std::fmt::Debug;
use std::str;

use poplib_proto::Secret;
use poplib_proto::sasl::{
    BindingFlag, HashFunction, Mechanism, Nonce, Part, Password, SaslError, SaslMisbehaviour,
    Scram, Sha1, Sha256, Sha512, Unusable,
};
use proptest::prelude::*;

/// An example of an RFC: what both sides say, and the server's signature.
struct Example {
    nonce: &'static str,
    client_first: &'static str,
    server_first: &'static str,
    client_final: &'static str,
    server_final: &'static str,
}

/// RFC 5802 §5
const SHA_1: Example = Example {
    nonce: "fyko+d2lbbFgONRv9qkxdawL",
    client_first: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    server_first: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    client_final: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    server_final: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
};

/// RFC 7677 §3
const SHA_256: Example = Example {
    nonce: "rOprNGfwEbeRWgbNEkqO",
    client_first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    server_first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    client_final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    server_final: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};

/// The draft has no example: the one of RFC 7677, computed anew by Python's `hashlib` and `hmac`.
const SHA_512: Example = Example {
    nonce: "rOprNGfwEbeRWgbNEkqO",
    client_first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    server_first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    client_final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
    server_final: "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==",
};

fn begun<H: HashFunction>(example: &Example) -> Scram<H> {
    let nonce = Nonce::new(example.nonce).unwrap();
    let pencil = Password::new("user", "pencil");
    let mut scram = Scram::new(&pencil, BindingFlag::Unsupported, nonce).unwrap();
    let client_first = scram.initial_response().unwrap().unwrap();
    assert_eq!(text(&client_first), example.client_first);
    scram
}

/// The same, after the client has given its proof.
fn proven<H: HashFunction>(example: &Example) -> Scram<H> {
    let mut scram = begun(example);
    let client_final = scram.respond(example.server_first.as_bytes()).unwrap();
    assert_eq!(text(&client_final), example.client_final);
    scram
}

fn text(secret: &Secret) -> &str {
    str::from_utf8(secret.expose()).unwrap()
}

fn misbehaved<T: Debug>(result: Result<T, SaslError>) -> SaslMisbehaviour {
    match result.unwrap_err() {
        SaslError::Misbehaved(how) => how,
        error => panic!("{error:?}"),
    }
}

fn says_what_the_rfc_says<H: HashFunction>(name: &str, example: &Example) {
    let mut scram = begun::<H>(example);
    assert_eq!(scram.name(), name);
    assert!(!scram.credentials_sent());
    let client_final = scram.respond(example.server_first.as_bytes()).unwrap();
    assert_eq!(text(&client_final), example.client_final);
    assert!(scram.credentials_sent());
    let nothing = scram.respond(example.server_final.as_bytes()).unwrap();
    assert_eq!(text(&nothing), "");
    scram.finish().unwrap();
    assert_eq!(scram.failure(), None);
}

#[test]
fn p16_scram_sha_1_says_what_rfc_5802_says() {
    says_what_the_rfc_says::<Sha1>("SCRAM-SHA-1", &SHA_1);
}

#[test]
fn p16_scram_sha_256_says_what_rfc_7677_says() {
    says_what_the_rfc_says::<Sha256>("SCRAM-SHA-256", &SHA_256);
}

#[test]
fn p16_scram_sha_512_says_what_another_implementation_says() {
    says_what_the_rfc_says::<Sha512>("SCRAM-SHA-512", &SHA_512);
}

#[test]
fn p16_a_wrong_signature_is_refused_and_ends_the_login() {
    for signature in [
        // The first and the last octet changed, one left out, one of the other hash.
        "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95A==",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ] {
        let mut scram = proven::<Sha256>(&SHA_256);
        let error = scram.respond(signature.as_bytes()).unwrap_err();
        assert_eq!(error, SaslMisbehaviour::Signature.into(), "{signature}");
        assert!(!error.allows_another());
        assert_eq!(
            misbehaved(scram.finish()),
            SaslMisbehaviour::UnearnedSuccess
        );
    }
}

#[test]
fn p16_success_without_a_signature_is_refused() {
    for mut scram in [begun::<Sha256>(&SHA_256), proven::<Sha256>(&SHA_256)] {
        let error = scram.finish().unwrap_err();
        assert_eq!(error, SaslMisbehaviour::UnprovenSuccess.into());
        assert!(!error.allows_another());
    }
}

#[test]
fn p16_a_nonce_that_does_not_continue_ours_is_refused() {
    for nonce in [
        "rOprNGfwEbeRWgbNEkqO",
        "rOprNGfwEbeRWgbNEk",
        "sOprNGfwEbeRWgbNEkqOserver",
        "serverrOprNGfwEbeRWgbNEkqO",
        "rOprNGfwEbeRWgbNEkqO server",
        "",
    ] {
        let mut scram = begun::<Sha256>(&SHA_256);
        let challenge = format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        let error = scram.respond(challenge.as_bytes()).unwrap_err();
        assert_eq!(error, SaslMisbehaviour::Nonce.into(), "{nonce:?}");
        assert!(!error.allows_another());
        assert!(!scram.credentials_sent());
    }
}

fn asked_for(iterations: &str) -> Result<Secret, SaslError> {
    let challenge = SHA_256.server_first.replace("4096", iterations);
    begun::<Sha256>(&SHA_256).respond(challenge.as_bytes())
}

#[test]
fn p16_iteration_counts_have_bounds() {
    for (count, number) in [("1", 1), ("4095", 4095)] {
        let how = misbehaved(asked_for(count));
        assert_eq!(how, SaslMisbehaviour::TooFewIterations(number));
    }
    for (count, number) in [
        ("2000001", Some(2_000_001)),
        ("2147483648", Some(1 << 31)),
        ("4294967296", None),
    ] {
        let how = misbehaved(asked_for(count));
        assert_eq!(how, SaslMisbehaviour::TooManyIterations(number));
    }
}

#[test]
fn p16_iteration_bounds_can_be_moved() {
    let challenge = SHA_256.server_first.replace("4096", "3");
    let mut scram = begun::<Sha256>(&SHA_256).iterations(2..=3);
    assert!(scram.respond(challenge.as_bytes()).is_ok());
    let mut scram = begun::<Sha256>(&SHA_256).iterations(1..=2);
    assert_eq!(
        misbehaved(scram.respond(challenge.as_bytes())),
        SaslMisbehaviour::TooManyIterations(Some(3))
    );
}

#[test]
fn p16_an_explained_refusal_is_kept_and_never_a_success() {
    let mut unknown = begun::<Sha256>(&SHA_256);
    assert_eq!(text(&unknown.respond(b"e=unknown-user").unwrap()), "");
    assert!(!unknown.credentials_sent());

    let mut wrong = proven::<Sha256>(&SHA_256);
    assert_eq!(text(&wrong.respond(b"e=invalid-proof,x=y").unwrap()), "");
    assert!(wrong.credentials_sent());

    for (mut scram, status, text) in [
        (unknown, "unknown-user", "e=unknown-user"),
        (wrong, "invalid-proof", "e=invalid-proof,x=y"),
    ] {
        let failure = scram.failure().unwrap();
        assert_eq!(failure.status.as_deref(), Some(status));
        assert_eq!(failure.text, text);
        assert_eq!(
            misbehaved(scram.finish()),
            SaslMisbehaviour::UnearnedSuccess
        );
        assert_eq!(
            misbehaved(scram.respond(SHA_256.server_final.as_bytes())),
            SaslMisbehaviour::UnexpectedChallenge
        );
    }
}

#[test]
fn p16_the_steps_cannot_be_repeated() {
    let mut scram = proven::<Sha256>(&SHA_256);
    scram.respond(SHA_256.server_final.as_bytes()).unwrap();
    assert_eq!(
        misbehaved(scram.respond(SHA_256.server_final.as_bytes())),
        SaslMisbehaviour::UnexpectedChallenge
    );

    let mut scram = proven::<Sha256>(&SHA_256);
    let again = misbehaved(scram.respond(SHA_256.server_first.as_bytes()));
    assert!(matches!(again, SaslMisbehaviour::Malformed(_)));
}

#[test]
fn p16_an_unknown_mandatory_extension_is_refused() {
    let challenge = format!("m=future,{}", SHA_256.server_first);
    assert_eq!(
        misbehaved(begun::<Sha256>(&SHA_256).respond(challenge.as_bytes())),
        SaslMisbehaviour::MandatoryExtension
    );
}

fn client_first(credentials: &Password) -> Result<String, Unusable> {
    let nonce = Nonce::new("nonce").unwrap();
    let mut scram = Scram::<Sha256>::new(credentials, BindingFlag::NotOffered, nonce)?;
    Ok(text(&scram.initial_response().unwrap().unwrap()).into())
}

#[test]
fn p16_names_are_prepared_and_escaped() {
    for (user, sent) in [
        ("a,b=c", "y,,n=a=2Cb=3Dc,r=nonce"),
        ("I\u{AD}X", "y,,n=IX,r=nonce"),
        ("user😀", "y,,n=user😀,r=nonce"),
    ] {
        assert_eq!(client_first(&Password::new(user, "x")).unwrap(), sent);
    }
    let other = Password::new("user", "x").acting_as("ad=min,");
    assert_eq!(
        client_first(&other).unwrap(),
        "y,a=ad=3Dmin=2C,n=user,r=nonce"
    );
}

#[test]
fn p16_names_that_cannot_be_prepared_are_refused() {
    for (user, why) in [
        ("", Unusable::Empty(Part::User)),
        ("\u{AD}", Unusable::Empty(Part::User)),
        ("a\0b", Unusable::Forbidden(Part::User)),
        ("a\u{7}b", Unusable::Forbidden(Part::User)),
        ("\u{627}1", Unusable::Forbidden(Part::User)),
    ] {
        assert_eq!(
            client_first(&Password::new(user, "x")),
            Err(why),
            "{user:?}"
        );
    }
}

fn client_final(password: &[u8]) -> String {
    let nonce = Nonce::new(SHA_256.nonce).unwrap();
    let credentials = Password::new("user", password);
    let mut scram = Scram::<Sha256>::new(&credentials, BindingFlag::Unsupported, nonce).unwrap();
    scram.initial_response().unwrap();
    text(&scram.respond(SHA_256.server_first.as_bytes()).unwrap()).into()
}

#[test]
fn p16_passwords_are_prepared_where_they_can_be() {
    assert_eq!(
        client_final("p\u{AD}encil".as_bytes()),
        SHA_256.client_final
    );
    assert_eq!(
        client_final("ｐｅｎｃｉｌ".as_bytes()),
        SHA_256.client_final
    );
    // What SASLprep prohibits, and what is no UTF-8, is used as it is.
    for password in ["p\u{AD}encil\u{7}".as_bytes(), b"pencil\xFF"] {
        assert_ne!(client_final(password), SHA_256.client_final);
    }
    assert_ne!(
        client_final("שלום1".as_bytes()),
        client_final("שלום".as_bytes())
    );
}

fn any_challenge() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        "[rsiveamp=,A-Z0-9+/%$)]{0,64}".prop_map(String::into_bytes),
        (0..SHA_256.server_first.len(), any::<u8>()).prop_map(|(at, octet)| {
            let mut challenge = SHA_256.server_first.as_bytes().to_vec();
            challenge[at] = octet;
            challenge
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No challenge makes the client panic, and none but the right signature makes it believe.
    #[test]
    fn p16_no_challenge_but_the_right_one_is_believed(
        first in any_challenge(),
        last in any_challenge(),
    ) {
        let mut scram = begun::<Sha256>(&SHA_256);
        let _ = scram.respond(&first);
        let _ = scram.respond(&last);
        prop_assert!(scram.finish().is_err());

        let mut scram = proven::<Sha256>(&SHA_256);
        let _ = scram.respond(&last);
        prop_assert!(scram.finish().is_err());
    }
}
