use proptest::prelude::*;

use super::*;

/// RFC 2831 §4, which is IMAP's.
const CHALLENGE: &[u8] = b"realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\",\
    algorithm=md5-sess,charset=utf-8";
const RESPONSE: &str = "charset=utf-8,username=\"chris\",realm=\"elwood.innosoft.com\",\
    nonce=\"OA6MG9tEQGm2hh\",cnonce=\"OA6MHXh6VqTrRk\",nc=00000001,qop=auth,\
    digest-uri=\"imap/elwood.innosoft.com\",response=d388dad90d4bbd760a152321f2143af7";
const PROOF: &[u8] = b"rspauth=ea40f60335c427b5527b84dbabcdfffd";

fn login(password: &Password) -> DigestMd5 {
    let nonce = Nonce::new("OA6MHXh6VqTrRk").unwrap();
    let mut digest = DigestMd5::new(password, "elwood.innosoft.com", nonce).unwrap();
    digest.service = "imap";
    assert!(digest.initial_response().unwrap().is_none());
    digest
}

fn chris() -> DigestMd5 {
    login(&Password::new("chris", "secret"))
}

fn answered() -> DigestMd5 {
    let mut digest = chris();
    digest.respond(CHALLENGE).unwrap();
    digest
}

fn misbehaved(result: Result<Secret, SaslError>) -> SaslMisbehaviour {
    match result.unwrap_err() {
        SaslError::Misbehaved(how) => how,
        error => panic!("{error:?}"),
    }
}

#[test]
fn p20_digest_md5_says_what_rfc_2831_says() {
    let mut digest = chris();
    assert!(!digest.credentials_sent());
    let response = digest.respond(CHALLENGE).unwrap();
    assert_eq!(str::from_utf8(response.expose()), Ok(RESPONSE));
    assert!(digest.credentials_sent());
    assert!(digest.respond(PROOF).unwrap().expose().is_empty());
    digest.finish().unwrap();
}

#[test]
fn p20_digest_md5_is_for_pop_on_the_host() {
    let nonce = Nonce::new("c").unwrap();
    let password = Password::new("tim", "secret").acting_as("fred");
    let mut digest = DigestMd5::new(&password, "pop.example.org", nonce).unwrap();
    let challenge = b"nonce=\"n\",algorithm=md5-sess";
    let response = digest.respond(challenge).unwrap();
    let response = str::from_utf8(response.expose()).unwrap();
    assert!(response.starts_with("username=\"tim\",nonce=\"n\",cnonce=\"c\",nc=00000001,"));
    assert!(response.contains(",qop=auth,digest-uri=\"pop/pop.example.org\","));
    assert!(response.ends_with(",authzid=\"fred\""));
}

#[test]
fn p20_digest_md5_believes_no_server_that_does_not_know_the_password() {
    for (proof, how) in [
        (
            &b"rspauth=ea40f60335c427b5527b84dbabcdfffe"[..],
            SaslMisbehaviour::Signature,
        ),
        (b"rspauth=ea40f603", SaslMisbehaviour::Signature),
        (b"rspauth=\"\"", SaslMisbehaviour::Signature),
        (b"", SaslMisbehaviour::Malformed("no rspauth")),
        (CHALLENGE, SaslMisbehaviour::Malformed("no rspauth")),
    ] {
        let mut digest = answered();
        assert_eq!(misbehaved(digest.respond(proof)), how);
        let unearned = SaslMisbehaviour::UnearnedSuccess;
        assert_eq!(digest.finish(), Err(unearned.into()));
    }
    assert_eq!(
        answered().finish(),
        Err(SaslMisbehaviour::UnprovenSuccess.into())
    );
    assert_eq!(
        chris().finish(),
        Err(SaslMisbehaviour::UnearnedSuccess.into())
    );
    let mut twice = answered();
    twice.respond(PROOF).unwrap();
    let out_of_place = SaslMisbehaviour::UnexpectedChallenge;
    assert_eq!(misbehaved(twice.respond(PROOF)), out_of_place);
}

#[test]
fn p20_digest_md5_answers_no_challenge_that_is_none() {
    for challenge in [
        &b""[..],
        b"nonce=\"n\"",
        b"algorithm=md5-sess",
        b"nonce=\"\",algorithm=md5-sess",
        b"nonce=\"n\",nonce=\"m\",algorithm=md5-sess",
        b"nonce=\"n\",algorithm=md5-sess,algorithm=md5-sess",
        b"nonce=\"n\",algorithm=md5",
        b"nonce=\"n\",algorithm=md5-sess,qop=\"auth-int,auth-conf\"",
        b"nonce=\"n\",algorithm=md5-sess,qop=auth,qop=auth-int",
        b"nonce=\"n,algorithm=md5-sess",
        b"nonce=\"n\\",
        b"nonce=\"n\" algorithm=md5-sess",
        b"nonce=n@m,algorithm=md5-sess",
        b"=\"n\",algorithm=md5-sess",
        b"nonce,algorithm=md5-sess",
        &[b"nonce=\"n\",algorithm=md5-sess,x=", &[b'x'; 2048][..]].concat(),
    ] {
        let how = misbehaved(chris().respond(challenge));
        let is_malformed = matches!(how, SaslMisbehaviour::Malformed(_));
        assert!(is_malformed, "{}: {how:?}", challenge.escape_ascii());
    }
}

#[test]
fn p20_digest_md5_reads_lists_as_rfc_2616_writes_them() {
    let response = |challenge: &[u8]| {
        let response = chris().respond(challenge).unwrap();
        String::from_utf8(response.expose().to_vec()).unwrap()
    };
    let odd = b" , REALM = \"elwood.innosoft.com\" ,\r\n\tnonce=OA6MG9tEQGm2hh,,stale=true,\
        qop=\"auth-int , AUTH\",maxbuf=65536,cipher=\"3des,rc4\",algorithm=MD5-SESS,charset=UTF-8,";
    assert_eq!(response(odd), RESPONSE);
    // Another realm than the host's is the server's to choose; of several the host's own is taken.
    let several = b"realm=\"a\",realm=\"Elwood.innosoft.com\",nonce=n,algorithm=md5-sess";
    assert!(response(several).contains("realm=\"Elwood.innosoft.com\""));
    let others = b"realm=\"a \\\"b\\\\\",realm=c,nonce=n,algorithm=md5-sess";
    assert!(response(others).contains("realm=\"a \\\"b\\\\\","));
}

#[test]
fn p20_digest_md5_hashes_iso_8859_1_where_it_can() {
    let outcome = |user: &str, password: &str, charset: &str| {
        let challenge = format!("nonce=n,algorithm=md5-sess{charset}");
        let response = login(&Password::new(user, password)).respond(challenge.as_bytes());
        response.map(|response| response.expose().to_vec())
    };
    let digits = |response: &[u8]| response[response.len() - 32..].to_vec();
    // By Python's hashlib, of "jürgen" and "größe" in ISO 8859-1, and of "日本" in UTF-8.
    let latin = outcome("jürgen", "größe", ",charset=utf-8").unwrap();
    assert!(latin.starts_with("charset=utf-8,username=\"jürgen\"".as_bytes()));
    assert_eq!(digits(&latin), LATIN.as_bytes());
    let old = outcome("jürgen", "größe", "").unwrap();
    assert!(old.starts_with(b"username=\"j\xfcrgen\""));
    assert_eq!(digits(&old), LATIN.as_bytes());
    let kanji = outcome("chris", "日本", ",charset=utf-8").unwrap();
    assert_eq!(digits(&kanji), KANJI.as_bytes());
    for (user, password, part) in [("日本", "x", Part::User), ("x", "日本", Part::Password)] {
        let refused = Err(Unusable::Forbidden(part).into());
        assert_eq!(outcome(user, password, ""), refused);
    }
}

const LATIN: &str = "ef224f49d149953b8e4ed2f94c6cc3d8";
const KANJI: &str = "81844808a6fa555914384451095e619e";

fn any_challenge() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        "[nonce=algrithmd5s,\"\\\\ ]{0,64}".prop_map(String::into_bytes),
        (0..CHALLENGE.len(), any::<u8>()).prop_map(|(at, octet)| {
            let mut challenge = CHALLENGE.to_vec();
            challenge[at] = octet;
            challenge
        }),
    ]
}

proptest! {
    /// No challenge makes the client panic, and none but the right proof makes it believe.
    #[test]
    fn p20_digest_md5_believes_no_challenge_but_the_right_one(
        first in any_challenge(),
        last in any_challenge(),
        odd in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut digest = chris();
        let _ = digest.respond(&first);
        let _ = digest.respond(&last);
        prop_assert!(digest.finish().is_err());

        let mut digest = answered();
        let _ = digest.respond(&[&b"rspauth="[..], &quoted(&odd)].concat());
        prop_assert!(digest.finish().is_err());
        // What is quoted is read as it was.
        prop_assert_eq!(rspauth(&[&b"rspauth="[..], &quoted(&odd)].concat()), Ok(odd));
    }
}
