//! Hashes.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

pub(crate) fn md5(octets: &[u8]) -> [u8; 16] {
    Md5::digest(octets).into()
}

pub(crate) fn hmac_md5(key: &[u8], octets: &[u8]) -> Vec<u8> {
    mac::<Hmac<Md5>>(key, octets)
}

pub(crate) fn sha256(octets: &[u8]) -> [u8; 32] {
    Sha256::digest(octets).into()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The hashes of SCRAM.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

impl Hash {
    pub(crate) fn digest(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(octets).to_vec(),
            Self::Sha256 => Sha256::digest(octets).to_vec(),
            Self::Sha512 => Sha512::digest(octets).to_vec(),
        }
    }

    pub(crate) fn hmac(self, key: &[u8], octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, octets),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, octets),
            Self::Sha512 => mac::<Hmac<Sha512>>(key, octets),
        }
    }

    /// `Hi` of RFC 5802 §2.2: PBKDF2 with one block.
    pub(crate) fn pbkdf2(self, password: &[u8], salt: &[u8], iterations: u64) -> Vec<u8> {
        match self {
            Self::Sha1 => iterate::<Hmac<Sha1>>(password, salt, iterations),
            Self::Sha256 => iterate::<Hmac<Sha256>>(password, salt, iterations),
            Self::Sha512 => iterate::<Hmac<Sha512>>(password, salt, iterations),
        }
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], octets: &[u8]) -> Vec<u8> {
    keyed::<M>(key)
        .chain_update(octets)
        .finalize()
        .into_bytes()
        .to_vec()
}

fn iterate<M: Mac + KeyInit + Clone>(password: &[u8], salt: &[u8], iterations: u64) -> Vec<u8> {
    let keyed = keyed::<M>(password);
    let next = |octets: &[u8]| keyed.clone().chain_update(octets).finalize().into_bytes();
    let mut block = next(&[salt, &1_u32.to_be_bytes()].concat());
    let mut result = block.to_vec();
    for _ in 1..iterations {
        block = next(&block);
        result
            .iter_mut()
            .zip(&block)
            .for_each(|(sum, octet)| *sum ^= octet);
    }
    result
}

fn keyed<M: Mac + KeyInit>(key: &[u8]) -> M {
    <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length")
}
