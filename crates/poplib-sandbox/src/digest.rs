//! Hashes.

use md5::Md5;
use sha2::{Digest, Sha256};

pub(crate) fn md5(octets: &[u8]) -> [u8; 16] {
    Md5::digest(octets).into()
}

pub(crate) fn sha256(octets: &[u8]) -> [u8; 32] {
    Sha256::digest(octets).into()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
