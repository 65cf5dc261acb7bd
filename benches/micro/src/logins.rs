//! Logins that cost something.

use poplib_proto::Secret;
use poplib_proto::sasl::{BindingFlag, Mechanism, Nonce, Password, Scram, Sha256};

use crate::Case;

/// The exchange of RFC 7677 §3.
const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const CHALLENGE: &[u8] =
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

pub(crate) fn cases() -> Vec<Case> {
    vec![Case::new("SCRAM-SHA-256 of 4,096 iterations", 0, || {
        let credentials = Password::new("user", Secret::from("pencil"));
        let nonce = Nonce::new(NONCE).expect("a nonce");
        let mut scram = Scram::<Sha256>::new(&credentials, BindingFlag::Unsupported, nonce)
            .expect("credentials that SCRAM can say");
        scram.initial_response().expect("the first message");
        let last = scram.respond(CHALLENGE).expect("the last message");
        last.expose().len() as u64
    })]
}
