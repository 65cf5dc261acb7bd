//! CRAM-MD5 (RFC 2195).

use alloc::string::String;
use alloc::vec::Vec;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

use super::{Mechanism, Password, SaslError, SaslMisbehaviour, Unusable};
use crate::Secret;

/// CRAM-MD5: a keyed digest of the server's challenge. The password stays here; the server
/// proves nothing.
#[derive(Debug)]
pub struct CramMd5 {
    user: String,
    password: Secret,
    answered: bool,
}

impl CramMd5 {
    /// A login with CRAM-MD5.
    ///
    /// # Errors
    /// An empty part, NUL, or an authorization identity.
    pub fn new(credentials: &Password) -> Result<Self, Unusable> {
        credentials.check_without_authzid()?;
        Ok(Self {
            user: credentials.user.clone(),
            password: credentials.secret.clone(),
            answered: false,
        })
    }
}

impl Mechanism for CramMd5 {
    fn name(&self) -> &str {
        "CRAM-MD5"
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, SaslError> {
        Ok(None)
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, SaslError> {
        if self.answered {
            return Err(SaslMisbehaviour::UnexpectedChallenge.into());
        }
        // The digest of nothing would be the same for ever.
        if challenge.is_empty() {
            return Err(SaslMisbehaviour::Malformed("no challenge").into());
        }
        self.answered = true;
        let digest = Hmac::<Md5>::new_from_slice(self.password.expose())
            .expect("HMAC takes keys of any length")
            .chain_update(challenge)
            .finalize()
            .into_bytes();
        let parts = [self.user.as_bytes(), &hexadecimal(&digest)];
        Ok(Secret::from(parts.join(&b' ')))
    }

    fn finish(&mut self) -> Result<(), SaslError> {
        if self.answered {
            Ok(())
        } else {
            Err(SaslMisbehaviour::UnearnedSuccess.into())
        }
    }

    fn reveals_secret(&self) -> bool {
        false
    }

    fn credentials_sent(&self) -> bool {
        self.answered
    }
}

/// Lower-case hexadecimal digits, as CRAM-MD5 and APOP have them.
pub(super) fn hexadecimal(octets: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    octets
        .iter()
        .flat_map(|octet| [octet >> 4, octet & 0x0F])
        .map(|digit| DIGITS[usize::from(digit)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p20_cram_md5_gives_the_digest_of_rfc_2195() {
        let mut cram = CramMd5::new(&Password::new("tim", "tanstaaftanstaaf")).unwrap();
        assert!(cram.initial_response().unwrap().is_none());
        assert!(!cram.credentials_sent());
        let response = cram
            .respond(b"<1896.697170952@postoffice.reston.mci.net>")
            .unwrap();
        assert_eq!(response.expose(), b"tim b913a602c7eda7a495b4e6e7334d3890");
        assert!(cram.credentials_sent());
        cram.finish().unwrap();
    }

    #[test]
    fn p20_cram_md5_uses_long_keys_as_rfc_2202_does() {
        let key = [0xAA; 80];
        let mut cram = CramMd5::new(&Password::new("u", &key[..])).unwrap();
        let response = cram
            .respond(b"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data")
            .unwrap();
        assert_eq!(response.expose(), b"u 6f630fad67cda0ee1fb1f562db3aa53e");
    }

    #[test]
    fn p20_cram_md5_digests_one_challenge_and_never_nothing() {
        let mut cram = CramMd5::new(&Password::new("tim", "secret")).unwrap();
        assert!(matches!(
            cram.respond(b"").unwrap_err(),
            SaslError::Misbehaved(SaslMisbehaviour::Malformed(_))
        ));
        assert_eq!(
            cram.finish().unwrap_err(),
            SaslMisbehaviour::UnearnedSuccess.into()
        );
        cram.respond(b"<1@example.org>").unwrap();
        assert_eq!(
            cram.respond(b"<2@example.org>").unwrap_err(),
            SaslMisbehaviour::UnexpectedChallenge.into()
        );
    }
}
