"""Channel binding: what of a TLS connection a SCRAM login can be tied to."""

from __future__ import annotations

import hashlib
from typing import Any

_HASHES = {
    # PKCS #1: MD5 and SHA-1 are replaced (RFC 5929 §4.1).
    bytes.fromhex("2a864886f70d010104"): "sha256",
    bytes.fromhex("2a864886f70d010105"): "sha256",
    bytes.fromhex("2a864886f70d01010b"): "sha256",
    bytes.fromhex("2a864886f70d01010c"): "sha384",
    bytes.fromhex("2a864886f70d01010d"): "sha512",
    # ECDSA
    bytes.fromhex("2a8648ce3d0401"): "sha256",
    bytes.fromhex("2a8648ce3d040302"): "sha256",
    bytes.fromhex("2a8648ce3d040303"): "sha384",
    bytes.fromhex("2a8648ce3d040304"): "sha512",
}


def end_point(sock: Any) -> bytes | None:
    """Return ``tls-server-end-point`` (RFC 5929 §4), None where there is none.

    It is the hash of the server's certificate by the hash function of its own signature.
    """
    if not hasattr(sock, "getpeercert"):
        return None
    certificate = sock.getpeercert(True)
    if not certificate:
        return None
    name = _signature_hash(certificate)
    return hashlib.new(name, certificate).digest() if name else None


def _signature_hash(certificate: bytes) -> str | None:
    """Read ``signatureAlgorithm``, the second member of a certificate (RFC 5280 §4.1)."""
    members, _ = _element(certificate)
    _, after_tbs = _element(members)
    algorithm, _ = _element(after_tbs)
    identifier, _ = _element(algorithm)
    return _HASHES.get(identifier)


def _element(der: bytes) -> tuple[bytes, bytes]:
    """The content of the DER element in front, and what follows it."""
    length, begin = der[1], 2
    if length >= 0x80:
        begin += length & 0x7F
        length = int.from_bytes(der[2:begin], "big")
    return der[begin : begin + length], der[begin + length :]
