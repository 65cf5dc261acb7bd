//! Verifiers beside the chain of authorities.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use sha2::{Digest, Sha256};

use super::error::PinMismatch;

/// Believes one certificate. That the server holds its key is verified as ever.
#[derive(Debug)]
pub(super) struct Pinned {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

/// Believes every certificate.
#[derive(Debug)]
pub(super) struct Anyone {
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    pub(super) fn new(sha256: [u8; 32], provider: Arc<CryptoProvider>) -> Self {
        Self { sha256, provider }
    }

    fn verify(&self, certificate: &CertificateDer<'_>) -> Result<ServerCertVerified, Error> {
        let actual: [u8; 32] = Sha256::digest(certificate).into();
        if actual == self.sha256 {
            return Ok(ServerCertVerified::assertion());
        }
        let mismatch = OtherError(Arc::new(PinMismatch { actual }));
        Err(CertificateError::Other(mismatch).into())
    }
}

impl Anyone {
    pub(super) fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider }
    }

    #[allow(clippy::unnecessary_wraps, clippy::unused_self)]
    fn verify(&self, _certificate: &CertificateDer<'_>) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }
}

macro_rules! verifies_signatures {
    ($verifier:ty) => {
        impl ServerCertVerifier for $verifier {
            fn verify_server_cert(
                &self,
                end_entity: &CertificateDer<'_>,
                _intermediates: &[CertificateDer<'_>],
                _server_name: &ServerName<'_>,
                _ocsp_response: &[u8],
                _now: UnixTime,
            ) -> Result<ServerCertVerified, Error> {
                self.verify(end_entity)
            }

            fn verify_tls12_signature(
                &self,
                message: &[u8],
                certificate: &CertificateDer<'_>,
                signature: &DigitallySignedStruct,
            ) -> Result<HandshakeSignatureValid, Error> {
                let algorithms = &self.provider.signature_verification_algorithms;
                verify_tls12_signature(message, certificate, signature, algorithms)
            }

            fn verify_tls13_signature(
                &self,
                message: &[u8],
                certificate: &CertificateDer<'_>,
                signature: &DigitallySignedStruct,
            ) -> Result<HandshakeSignatureValid, Error> {
                let algorithms = &self.provider.signature_verification_algorithms;
                verify_tls13_signature(message, certificate, signature, algorithms)
            }

            fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
                self.provider
                    .signature_verification_algorithms
                    .supported_schemes()
            }
        }
    };
}

verifies_signatures!(Pinned);
verifies_signatures!(Anyone);
