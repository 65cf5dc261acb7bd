use std::{fs, path::Path};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::{Error, error::Doing};

/// What the server's certificate says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerCertificate {
    /// Names `localhost` and 127.0.0.1.
    #[default]
    Localhost,
    /// Names `pop.example.org` alone, which is not where the server listens.
    OtherName,
    /// Names `localhost` and 127.0.0.1, and ended in 2001.
    Expired,
}

/// A certificate for a client, from an authority that is not the server's.
pub struct ClientCertificate {
    /// The authority's certificate.
    pub ca_pem: String,
    /// The client's certificate.
    pub certificate_pem: String,
    /// Its key, PKCS #8.
    pub key_pem: String,
}

impl ClientCertificate {
    /// A new one, with the user as its common name.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] where none can be made.
    pub fn new(user: &str) -> Result<Self, Error> {
        let ca_key = KeyPair::generate()?;
        let ca = CertifiedIssuer::self_signed(ca_params(&ca_key), ca_key)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(Self {
            ca_pem: ca.pem(),
            certificate_pem: params.signed_by(&key, &ca)?.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

/// A certification authority of the test's own and one server certificate from it.
pub(crate) struct Certificates {
    pub(crate) ca_pem: String,
    server_pem: String,
    key_pem: String,
}

impl Certificates {
    pub(crate) fn new(kind: ServerCertificate) -> Result<Self, Error> {
        let ca_key = KeyPair::generate()?;
        let ca = CertifiedIssuer::self_signed(ca_params(&ca_key), ca_key)?;
        let key = KeyPair::generate()?;
        let server = server_params(kind)?.signed_by(&key, &ca)?;
        Ok(Self {
            ca_pem: ca.pem(),
            server_pem: server.pem(),
            key_pem: key.serialize_pem(),
        })
    }

    /// Writes `server.pem` and `server.key`, which only the owner may read.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), Error> {
        for (name, pem) in [
            ("server.pem", &self.server_pem),
            ("server.key", &self.key_pem),
        ] {
            fs::write(dir.join(name), pem).doing(|| format!("writing {name}"))?;
        }
        Ok(())
    }
}

fn ca_params(key: &KeyPair) -> CertificateParams {
    // Authorities of the same name would be taken for one with a wrong signature.
    let unique: String = key.public_key_raw()[1..9]
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(
        DnType::CommonName,
        format!("Interop test authority {unique}"),
    );
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server_params(kind: ServerCertificate) -> Result<CertificateParams, Error> {
    let names: &[&str] = match kind {
        ServerCertificate::Localhost | ServerCertificate::Expired => &["localhost", "127.0.0.1"],
        ServerCertificate::OtherName => &["pop.example.org"],
    };
    let mut params =
        CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Interop test server");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if kind == ServerCertificate::Expired {
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
    }
    Ok(params)
}
