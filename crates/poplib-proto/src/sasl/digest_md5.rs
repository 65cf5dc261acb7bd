//! DIGEST-MD5 (RFC 2831), which RFC 6331 has moved to historic.
//!
//! It is here for servers that have nothing else, and is tried only where it is named. Its MD5 is
//! cheap to guess from; what a server stores is as good as the password; its options are many, and
//! read differently by many; and nothing binds it to TLS. SCRAM has none of these faults.

mod challenge;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, iter, mem, str};

use md5::{Digest, Md5};

use self::challenge::{Challenge, quoted, rspauth};
use super::cram_md5::hexadecimal;
use super::{Mechanism, Nonce, Part, Password, SaslError, SaslMisbehaviour, Unusable};
use crate::Secret;

/// DIGEST-MD5 with the quality of protection `auth`: a digest of the password and of a nonce of each
/// side, and one of the server's, which proves that it knows the same.
///
/// ```text
/// Begin ──digest-challenge, digest-response──▶ Answered ──rspauth──▶ Verified
/// ```
pub struct DigestMd5 {
    user: String,
    authzid: Option<String>,
    password: Secret,
    nonce: Nonce,
    host: String,
    /// `serv-type` (RFC 2831 §2.1.2)
    service: &'static str,
    state: State,
}

enum State {
    Begin,
    /// What the server must show, 32 hexadecimal digits.
    Answered(Secret),
    Verified,
    /// Failed. Nothing more is answered.
    Over,
}

/// `nc-value`: a nonce of the server's is used once.
const COUNT: &str = "00000001";

impl DigestMd5 {
    /// A login with DIGEST-MD5 to POP3 on this host.
    ///
    /// The nonce must be new for each login and impossible to guess.
    ///
    /// # Errors
    /// An empty part, or NUL.
    pub fn new(credentials: &Password, host: &str, nonce: Nonce) -> Result<Self, Unusable> {
        credentials.check()?;
        Ok(Self {
            user: credentials.user.clone(),
            authzid: credentials.authzid.clone(),
            password: credentials.secret.clone(),
            nonce,
            host: host.into(),
            service: "pop",
            state: State::Begin,
        })
    }

    /// `digest-response` (RFC 2831 §2.1.2), and what must come back.
    fn answer(&self, challenge: &Challenge) -> Result<(Secret, Secret), Unusable> {
        let realm = challenge.realm(&self.host);
        let key = self.key(challenge, realm.unwrap_or_default())?;
        let uri = [self.service, "/", &self.host].concat();
        let prove = |method: &str| {
            let a2 = Md5::digest([method, &uri].join(":"));
            let parts = [
                key.expose(),
                &challenge.nonce,
                COUNT.as_bytes(),
                self.nonce.as_str().as_bytes(),
                b"auth",
                &hexadecimal(&a2),
            ];
            digest_of(&parts)
        };

        let user = match challenge.utf8 {
            true => Secret::from(self.user.as_str()),
            false => latin_1(self.user.as_bytes()).ok_or(Unusable::Forbidden(Part::User))?,
        };
        let mut message = Vec::new();
        if challenge.utf8 {
            message.extend_from_slice(b"charset=utf-8,");
        }
        message.extend([b"username=", &*quoted(user.expose())].concat());
        if let Some(realm) = realm {
            message.extend([b",realm=", &*quoted(realm)].concat());
        }
        message.extend([b",nonce=", &*quoted(&challenge.nonce)].concat());
        message.extend([b",cnonce=", &*quoted(self.nonce.as_str().as_bytes())].concat());
        message.extend(format!(",nc={COUNT},qop=auth,digest-uri=").into_bytes());
        message.extend(quoted(uri.as_bytes()));
        message.extend([b",response=", prove("AUTHENTICATE").expose()].concat());
        if let Some(authzid) = &self.authzid {
            message.extend([b",authzid=", &*quoted(authzid.as_bytes())].concat());
        }
        Ok((Secret::from(message), prove("")))
    }

    /// `HEX(H(A1))` (RFC 2831 §2.1.2.1). User, realm and password are ISO 8859-1 there where they can
    /// be, whatever they are sent in, and must be so where the server knows nothing else.
    fn key(&self, challenge: &Challenge, realm: &[u8]) -> Result<Secret, Unusable> {
        let in_hash = |part, octets: &[u8]| match latin_1(octets) {
            Some(octets) => Ok(octets),
            None if challenge.utf8 => Ok(Secret::from(octets)),
            None => Err(Unusable::Forbidden(part)),
        };
        let user = in_hash(Part::User, self.user.as_bytes())?;
        let password = in_hash(Part::Password, self.password.expose())?;
        let realm = match challenge.utf8 {
            true => latin_1(realm).unwrap_or_else(|| Secret::from(realm)),
            false => Secret::from(realm),
        };
        let secret = Secret::from([user.expose(), realm.expose(), password.expose()].join(&b':'));
        let secret = Secret::from(&Md5::digest(secret.expose())[..]);
        let cnonce = self.nonce.as_str().as_bytes();
        let mut a1 = Vec::from([secret.expose(), &challenge.nonce, cnonce]);
        a1.extend(self.authzid.as_deref().map(str::as_bytes));
        Ok(digest_of(&a1))
    }

    /// The last word of the server: whether it knows the password.
    fn verify(expected: &Secret, challenge: &[u8]) -> Result<(), SaslMisbehaviour> {
        let shown = rspauth(challenge)?;
        // In constant time.
        let differences = iter::zip(expected.expose(), &shown).fold(0, |all, (a, b)| all | (a ^ b));
        match shown.len() == expected.expose().len() && differences == 0 {
            true => Ok(()),
            false => Err(SaslMisbehaviour::Signature),
        }
    }
}

impl Mechanism for DigestMd5 {
    fn name(&self) -> &str {
        "DIGEST-MD5"
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, SaslError> {
        Ok(None)
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, SaslError> {
        match mem::replace(&mut self.state, State::Over) {
            State::Begin => {
                let (response, expected) = self.answer(&Challenge::parse(challenge)?)?;
                self.state = State::Answered(expected);
                Ok(response)
            }
            State::Answered(expected) => {
                Self::verify(&expected, challenge)?;
                self.state = State::Verified;
                Ok(Secret::default())
            }
            State::Verified | State::Over => Err(SaslMisbehaviour::UnexpectedChallenge.into()),
        }
    }

    fn finish(&mut self) -> Result<(), SaslError> {
        match self.state {
            State::Verified => Ok(()),
            State::Answered(_) => Err(SaslMisbehaviour::UnprovenSuccess.into()),
            State::Begin | State::Over => Err(SaslMisbehaviour::UnearnedSuccess.into()),
        }
    }

    fn reveals_secret(&self) -> bool {
        false
    }

    fn credentials_sent(&self) -> bool {
        matches!(self.state, State::Answered(_) | State::Verified)
    }
}

/// `HEX(H(…))` of these with colons between.
fn digest_of(parts: &[&[u8]]) -> Secret {
    let joined = Secret::from(parts.join(&b':'));
    Secret::from(hexadecimal(&Md5::digest(joined.expose())))
}

/// In ISO 8859-1. What is not UTF-8 is taken for that already; `None` where a character is not in it.
fn latin_1(octets: &[u8]) -> Option<Secret> {
    let Ok(text) = str::from_utf8(octets) else {
        return Some(Secret::from(octets));
    };
    let converted = text.chars().map(|character| u8::try_from(character).ok());
    Some(Secret::from(converted.collect::<Option<Vec<u8>>>()?))
}

impl fmt::Debug for DigestMd5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Begin => "Begin",
            State::Answered(_) => "Answered",
            State::Verified => "Verified",
            State::Over => "Over",
        };
        f.debug_struct(self.name())
            .field("user", &self.user)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
