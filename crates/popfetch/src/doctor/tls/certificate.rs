//! What a certificate says of itself.

use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use crate::clock::Timestamp;
use crate::escape;
use crate::key::hex;

/// A certificate, read and not verified.
#[derive(Debug, Serialize)]
pub(super) struct Certificate {
    /// What `--pin` takes.
    pub(super) pin: String,
    subject: Option<String>,
    issuer: Option<String>,
    self_signed: bool,
    valid_from: Option<String>,
    valid_to: Option<String>,
    #[serde(skip)]
    pub(super) not_after: Option<Timestamp>,
    /// The hosts that it is for (RFC 9525): DNS names and addresses.
    names: Vec<String>,
}

impl Certificate {
    /// Reads DER. Of what is no certificate the pin is left.
    pub(super) fn read(der: &[u8]) -> Self {
        let mut certificate = Self {
            pin: format!("sha256:{}", hex(&Sha256::digest(der))),
            subject: None,
            issuer: None,
            self_signed: false,
            valid_from: None,
            valid_to: None,
            not_after: None,
            names: Vec::new(),
        };
        let Ok((_, parsed)) = X509Certificate::from_der(der) else {
            return certificate;
        };
        let validity = parsed.validity();
        certificate.subject = Some(shown(&parsed.subject().to_string()));
        certificate.issuer = Some(shown(&parsed.issuer().to_string()));
        certificate.self_signed = parsed.subject() == parsed.issuer();
        certificate.valid_from = Some(date(validity.not_before));
        certificate.valid_to = Some(date(validity.not_after));
        certificate.not_after = Some(Timestamp(validity.not_after.timestamp()));
        if let Ok(Some(names)) = parsed.subject_alternative_name() {
            certificate.names = names.value.general_names.iter().filter_map(host).collect();
        }
        certificate
    }

    pub(super) fn rows(&self) -> Vec<(String, String)> {
        let row = |label: &str, value: Option<String>| Some((label.to_owned(), value?));
        let issuer = match self.self_signed {
            true => Some("itself".into()),
            false => self.issuer.clone(),
        };
        let period = (self.valid_from.as_ref().zip(self.valid_to.as_ref()))
            .map(|(from, to)| format!("from {from} to {to}"));
        let names = match self.names.is_empty() {
            true => "no host".into(),
            false => self.names.join(", "),
        };
        let rows = [
            row("certificate", self.subject.clone()),
            row("issued by", issuer),
            row("valid", period),
            row("for", Some(names)),
            row("pin", Some(self.pin.clone())),
        ];
        rows.into_iter().flatten().collect()
    }
}

fn shown(text: &str) -> String {
    escape::text(text).to_string()
}

/// `2026-11-22`, UTC.
fn date(time: ASN1Time) -> String {
    let time = time.to_datetime();
    format!(
        "{:04}-{:02}-{:02}",
        time.year(),
        u8::from(time.month()),
        time.day()
    )
}

fn host(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(shown(name)),
        GeneralName::IPAddress(octets) => {
            let v4 = <[u8; 4]>::try_from(*octets).map(std::net::IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*octets).map(std::net::IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use poplib_sandbox::{CertificateSpec, Sandbox};

    use super::*;

    fn certificate(spec: CertificateSpec) -> Certificate {
        let sandbox = Sandbox::builder().certificate(spec).start().unwrap();
        Certificate::read(sandbox.certificate_der())
    }

    #[test]
    fn what_a_certificate_says() {
        let certificate = certificate(CertificateSpec::default());
        assert_eq!(certificate.subject.as_deref(), Some("CN=poplib-sandbox"));
        assert_eq!(certificate.issuer.as_deref(), Some("CN=poplib-sandbox CA"));
        assert!(!certificate.self_signed);
        assert_eq!(certificate.valid_from.as_deref(), Some("2000-01-01"));
        assert_eq!(certificate.valid_to.as_deref(), Some("2100-01-01"));
        assert_eq!(certificate.names, ["localhost", "127.0.0.1", "::1"]);
    }

    #[test]
    fn a14_names_in_a_certificate_do_not_reach_the_terminal_as_they_are() {
        let certificate = certificate(CertificateSpec {
            common_name: "a\x1b[2J\u{202e}b".into(),
            ..CertificateSpec::default()
        });
        assert_eq!(
            certificate.subject.as_deref(),
            Some(r"CN=a\x1b[2J\u{202e}b")
        );
    }

    #[test]
    fn what_is_no_certificate_has_a_pin() {
        let certificate = Certificate::read(b"no certificate");
        assert_eq!(certificate.subject, None);
        assert_eq!(certificate.pin.len(), "sha256:".len() + 64);
    }
}
