//! Nonces. This crate has no source of chance: the caller brings it.

use alloc::string::String;

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

/// The client's part of the nonce (RFC 5802 §5.1, `c-nonce`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// A nonce of the caller's own making: printable ASCII without a comma. `None` otherwise.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty() && text.bytes().all(is_printable)).then_some(Self(text))
    }

    /// A nonce of 192 bits from 32 octets of the system's generator.
    ///
    /// Different labels give unrelated nonces, so that one portion of entropy serves all the
    /// mechanisms that a login may have to try.
    #[must_use]
    pub fn derive(entropy: &[u8; 32], label: &str) -> Self {
        const OCTETS: usize = 24;
        let digest = Sha256::new()
            .chain_update(entropy)
            .chain_update(label)
            .finalize();
        Self(Base64::encode_string(&digest[..OCTETS]))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a server's nonce is this one with a part of the server's own behind it. Without
    /// such a part, a recorded exchange could be played again.
    pub(super) fn is_continued_by(&self, nonce: &str) -> bool {
        nonce
            .strip_prefix(self.as_str())
            .is_some_and(|own| !own.is_empty() && own.bytes().all(is_printable))
    }
}

/// `printable`: `%x21-2B / %x2D-7E` (RFC 5802 §7)
fn is_printable(octet: u8) -> bool {
    octet.is_ascii_graphic() && octet != b','
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p16_a_nonce_is_printable_and_has_no_comma() {
        assert!(Nonce::new("fyko+d2lbbFgONRv9qkxdawL").is_some());
        for text in ["", "a,b", "a b", "a\u{7f}", "é"] {
            assert_eq!(Nonce::new(text), None, "{text:?}");
        }
    }

    #[test]
    fn p16_derived_nonces_differ_by_entropy_and_by_label() {
        let nonce = Nonce::derive(&[1; 32], "SCRAM-SHA-1");
        assert_eq!(nonce.as_str().len(), 32);
        assert_eq!(Nonce::new(nonce.as_str()), Some(nonce.clone()));
        assert_ne!(nonce, Nonce::derive(&[2; 32], "SCRAM-SHA-1"));
        assert_ne!(nonce, Nonce::derive(&[1; 32], "SCRAM-SHA-256"));
    }

    #[test]
    fn p16_a_nonce_is_continued_not_repeated() {
        let nonce = Nonce::new("abc").unwrap();
        assert!(nonce.is_continued_by("abcd"));
        for other in ["abc", "ab", "", "xabc", "abd", "abc d", "abc\u{7f}"] {
            assert!(!nonce.is_continued_by(other), "{other:?}");
        }
    }
}
