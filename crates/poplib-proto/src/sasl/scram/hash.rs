//! The hash functions, and what RFC 5802 §2.2 builds from them.

use hmac::{EagerHash, Hmac, KeyInit, Mac};
use sha2::Digest;

use crate::Secret;

/// A hash function that SCRAM is registered with: [`Sha1`], [`Sha256`] or [`Sha512`].
pub trait HashFunction: sealed::Registered {}

/// SHA-1, for `SCRAM-SHA-1` (RFC 5802). Its collisions do not weaken HMAC or PBKDF2.
#[derive(Debug)]
pub enum Sha1 {}

/// SHA-256, for `SCRAM-SHA-256` (RFC 7677).
#[derive(Debug)]
pub enum Sha256 {}

/// SHA-512, for `SCRAM-SHA-512` (draft-melnikov-scram-sha-512): RFC 7677 with another hash.
#[derive(Debug)]
pub enum Sha512 {}

impl HashFunction for Sha1 {}
impl HashFunction for Sha256 {}
impl HashFunction for Sha512 {}

mod sealed {
    use hmac::EagerHash;
    use sha2::Digest;

    /// Keeps the crates behind the hashes out of the public interface.
    pub trait Registered: 'static {
        const NAME: &'static str;
        const PLUS_NAME: &'static str;
        type Digest: Digest + EagerHash<Core: Clone + Send>;
    }
}

impl sealed::Registered for Sha1 {
    const NAME: &'static str = "SCRAM-SHA-1";
    const PLUS_NAME: &'static str = "SCRAM-SHA-1-PLUS";
    type Digest = sha1::Sha1;
}

impl sealed::Registered for Sha256 {
    const NAME: &'static str = "SCRAM-SHA-256";
    const PLUS_NAME: &'static str = "SCRAM-SHA-256-PLUS";
    type Digest = sha2::Sha256;
}

impl sealed::Registered for Sha512 {
    const NAME: &'static str = "SCRAM-SHA-512";
    const PLUS_NAME: &'static str = "SCRAM-SHA-512-PLUS";
    type Digest = sha2::Sha512;
}

/// `H(str)`
pub(super) fn hash<D: Digest>(octets: &[u8]) -> Secret {
    Secret::from(&D::digest(octets)[..])
}

/// `HMAC(key, …)`, waiting for what it is to sign.
pub(super) fn keyed<D: EagerHash>(key: &[u8]) -> Hmac<D> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// `Hi(str, salt, i)`, which is PBKDF2 (RFC 8018 §5.2) of one block.
pub(super) fn hi<D: EagerHash>(password: &[u8], salt: &[u8], iterations: u32) -> Secret {
    const FIRST_BLOCK: [u8; 4] = 1_u32.to_be_bytes();
    let keyed = keyed::<D>(password);
    let mut link = keyed
        .clone()
        .chain_update(salt)
        .chain_update(FIRST_BLOCK)
        .finalize()
        .into_bytes();
    let mut result = link.to_vec();
    for _ in 1..iterations {
        link = keyed.clone().chain_update(&link).finalize().into_bytes();
        for (sum, octet) in result.iter_mut().zip(&link) {
            *sum ^= octet;
        }
    }
    Secret::from(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6070 §2
    #[test]
    fn p16_hi_is_the_pbkdf2_of_rfc_6070() {
        let derived = |iterations| hi::<sha1::Sha1>(b"password", b"salt", iterations);
        assert_eq!(
            derived(1).expose(),
            b"\x0c\x60\xc8\x0f\x96\x1f\x0e\x71\xf3\xa9\xb5\x24\xaf\x60\x12\x06\x2f\xe0\x37\xa6"
        );
        assert_eq!(
            derived(2).expose(),
            b"\xea\x6c\x01\x4d\xc7\x2d\x6f\x8c\xcd\x1e\xd9\x2a\xce\x1d\x41\xf0\xd8\xde\x89\x57"
        );
        assert_eq!(
            derived(4096).expose(),
            b"\x4b\x00\x79\x01\xb7\x65\x48\x9a\xbe\xad\x49\xd9\x26\xf7\x21\xd0\x65\xa4\x29\xc1"
        );
    }
}
