//! SCRAM against a server that does not know the password.

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use poplib_proto::Secret;
use poplib_proto::sasl::{BindingFlag, Mechanism, Nonce, Password, Scram, Sha256};

const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const PASSWORD: &str = "pencil";

/// Each line of `input` is a server's message. Success is believed only where somebody who knows
/// the password would have said the same.
pub fn check(input: &[u8]) {
    let credentials = Password::new("user", Secret::from(PASSWORD));
    let nonce = Nonce::new(NONCE).expect("a nonce");
    let mut scram = Scram::<Sha256>::new(&credentials, BindingFlag::Unsupported, nonce)
        .expect("credentials that SCRAM can say")
        .iterations(1..=8);
    let first = scram.initial_response().expect("the first message");
    let first = first.expect("SCRAM speaks first");
    let mut messages = input.split(|&octet| octet == b'\n');
    let mut said = Vec::new();
    for challenge in messages.by_ref() {
        match scram.respond(challenge) {
            Ok(answer) => said.push((challenge, answer)),
            Err(_) => break,
        }
    }
    if scram.finish().is_ok() {
        let [(server_first, client_final), (server_final, _), ..] = said.as_slice() else {
            panic!("success without a signature");
        };
        let first = &first.expose()[b"n,,".len()..];
        let expected = signature(first, server_first, client_final.expose());
        let signature = server_final.strip_prefix(b"v=").expect("a signature");
        let signature = signature.split(|&octet| octet == b',').next();
        assert_eq!(
            signature,
            Some(expected.as_bytes()),
            "a wrong signature was believed"
        );
    }
}

/// The server's signature (RFC 5802 §3), by other code than the client's.
fn signature(client_first: &[u8], server_first: &[u8], client_final: &[u8]) -> String {
    let text = std::str::from_utf8(server_first).expect("SCRAM is UTF-8");
    let part = |name: &str| text.split(',').find_map(|part| part.strip_prefix(name));
    let salt = Base64::decode_vec(part("s=").expect("a salt")).expect("base64");
    let iterations = part("i=")
        .and_then(|number| number.parse().ok())
        .expect("a number");
    let mut salted = [0; 32];
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(PASSWORD.as_bytes(), &salt, iterations, &mut salted);
    let proof = client_final
        .windows(3)
        .rposition(|octets| octets == b",p=")
        .expect("a proof");
    let message = [client_first, server_first, &client_final[..proof]].join(&b","[..]);
    let key = mac(&salted, b"Server Key");
    Base64::encode_string(&mac(&key, &message))
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
