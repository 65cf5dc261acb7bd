//! Channel bindings: what ties a login to this one TLS connection.

use poplib_proto::sasl::ChannelBinding;
use rustls::{ClientConnection, ProtocolVersion};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The bindings of a connection, the preferred one first.
pub(super) fn of(connection: &ClientConnection) -> Vec<ChannelBinding> {
    let exporter = exporter(connection).map(ChannelBinding::TlsExporter);
    let certificate = connection.peer_certificates().and_then(<[_]>::first);
    let end_point = certificate
        .and_then(|certificate| hash(certificate))
        .map(ChannelBinding::TlsServerEndPoint);
    exporter.into_iter().chain(end_point).collect()
}

/// `tls-exporter` (RFC 9266). With TLS 1.2 it is sound only under the extended master secret,
/// which rustls does not tell about, so there it is left out.
fn exporter(connection: &ClientConnection) -> Option<Vec<u8>> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    let label = b"EXPORTER-Channel-Binding";
    let material = connection.export_keying_material(vec![0; 32], label, Some(b""));
    material.ok()
}

/// `tls-server-end-point` (RFC 5929 §4): the certificate's hash, with the hash function of its
/// own signature, SHA-256 in place of the weak ones. `None` where the signature has no such
/// function, or one that is not known here.
fn hash(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(match signature_hash(certificate)? {
        Hash::Sha256 => Sha256::digest(certificate).to_vec(),
        Hash::Sha384 => Sha384::digest(certificate).to_vec(),
        Hash::Sha512 => Sha512::digest(certificate).to_vec(),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// Reads `signatureAlgorithm`, the second member of a certificate (RFC 5280 §4.1).
fn signature_hash(certificate: &[u8]) -> Option<Hash> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    const PKCS1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01";
    const ECDSA: &[u8] = b"\x2a\x86\x48\xce\x3d\x04";

    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (_, after_tbs) = element(certificate, SEQUENCE)?;
    let (algorithm, _) = element(after_tbs, SEQUENCE)?;
    let (identifier, _) = element(algorithm, OBJECT_IDENTIFIER)?;
    if let Some(pkcs1) = identifier.strip_prefix(PKCS1) {
        return match pkcs1 {
            // MD5 and SHA-1 are replaced.
            [4 | 5 | 11] => Some(Hash::Sha256),
            [12] => Some(Hash::Sha384),
            [13] => Some(Hash::Sha512),
            _ => None,
        };
    }
    match identifier.strip_prefix(ECDSA)? {
        [1] | [3, 2] => Some(Hash::Sha256),
        [3, 3] => Some(Hash::Sha384),
        [3, 4] => Some(Hash::Sha512),
        _ => None,
    }
}

/// A DER element of the expected type at the front: its content, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, der) = der.split_first()?;
    let (&first, der) = der.split_first()?;
    let (length, der) = match first {
        0..=0x7f => (usize::from(first), der),
        0x81..=0x84 => {
            let (octets, der) = der.split_at_checked(usize::from(first & 0x7f))?;
            let length = octets
                .iter()
                .fold(0, |length, &octet| length << 8 | usize::from(octet));
            (length, der)
        }
        _ => return None,
    };
    (found == tag).then(|| der.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shape of a certificate around an algorithm's identifier.
    fn certificate(identifier: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, content: &[u8]| {
            let mut der = vec![tag, 0x82, 0, 0];
            der[2..].copy_from_slice(&u16::try_from(content.len()).unwrap().to_be_bytes());
            der.extend_from_slice(content);
            der
        };
        let tbs = wrap(0x30, &[0; 300]);
        let mut oid = vec![6, u8::try_from(identifier.len()).unwrap()];
        oid.extend_from_slice(identifier);
        wrap(0x30, &[tbs, wrap(0x30, &oid), vec![3, 1, 0]].concat())
    }

    #[test]
    fn p17_the_hash_is_that_of_the_signature() {
        let rsa = |last| [&b"\x2a\x86\x48\x86\xf7\x0d\x01\x01"[..], &[last]].concat();
        let ecdsa = |last: &[u8]| [b"\x2a\x86\x48\xce\x3d\x04", last].concat();
        for (identifier, expected) in [
            (rsa(5), Some(Hash::Sha256)),
            (rsa(11), Some(Hash::Sha256)),
            (rsa(12), Some(Hash::Sha384)),
            (rsa(13), Some(Hash::Sha512)),
            (ecdsa(&[3, 2]), Some(Hash::Sha256)),
            (ecdsa(&[3, 3]), Some(Hash::Sha384)),
            (ecdsa(&[3, 4]), Some(Hash::Sha512)),
            (b"\x2b\x65\x70".to_vec(), None),
        ] {
            assert_eq!(signature_hash(&certificate(&identifier)), expected);
        }
    }

    #[test]
    fn p17_what_is_no_certificate_has_no_hash() {
        let whole = certificate(b"\x2a\x86\x48\xce\x3d\x04\x03\x02");
        for length in 0..whole.len() {
            assert_eq!(signature_hash(&whole[..length]), None);
        }
    }
}
