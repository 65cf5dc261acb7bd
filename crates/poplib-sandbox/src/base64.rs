//! Base64 as SASL has it (RFC 4648 §4).

use base64ct::{Base64, Encoding};

pub(crate) fn encode(octets: &[u8]) -> String {
    Base64::encode_string(octets)
}

pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    Base64::decode_vec(std::str::from_utf8(text).ok()?).ok()
}
