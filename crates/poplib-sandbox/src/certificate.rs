//! Certificates, made at start.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What the server's certificate says. The default is one that a careful client accepts for
/// `localhost`, `127.0.0.1` and `::1`, provided that it trusts the sandbox's CA.
#[derive(Clone, Debug)]
pub struct CertificateSpec {
    /// DNS names in the subjectAltName; `*.example.org` is allowed.
    pub dns_names: Vec<String>,
    /// IP addresses in the subjectAltName.
    pub addresses: Vec<IpAddr>,
    /// The subject's common name, which RFC 9525 clients must not take for a host.
    pub common_name: String,
    /// When it is valid.
    pub validity: Validity,
    /// Whether it is signed by its own key instead of the sandbox's CA.
    pub self_signed: bool,
    /// What it may be used for.
    pub usage: Usage,
}

/// A period of validity, as seen from today.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Validity {
    /// Long past and long to come.
    #[default]
    Current,
    /// Over since 2020.
    Expired,
    /// Not before the year 2090.
    Future,
}

/// The extended key usage of a certificate (RFC 5280 §4.2.1.12).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Usage {
    /// To be a server under TLS.
    #[default]
    Server,
    /// To be a client under TLS, and so no server.
    Client,
    /// To sign programs.
    CodeSigning,
}

impl Default for CertificateSpec {
    fn default() -> Self {
        Self {
            dns_names: vec!["localhost".to_owned()],
            addresses: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            common_name: "poplib-sandbox".to_owned(),
            validity: Validity::Current,
            self_signed: false,
            usage: Usage::Server,
        }
    }
}

impl CertificateSpec {
    /// The default, but for these DNS names and no address.
    pub fn for_names<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self {
            dns_names: names.into_iter().map(Into::into).collect(),
            addresses: Vec::new(),
            ..Self::default()
        }
    }

    /// No subjectAltName: the host stands in the common name alone.
    pub fn common_name_only(name: impl Into<String>) -> Self {
        Self {
            dns_names: Vec::new(),
            addresses: Vec::new(),
            common_name: name.into(),
            ..Self::default()
        }
    }

    fn params(&self) -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::default();
        for name in &self.dns_names {
            params
                .subject_alt_names
                .push(SanType::DnsName(name.as_str().try_into()?));
        }
        let addresses = self.addresses.iter().copied().map(SanType::IpAddress);
        params.subject_alt_names.extend(addresses);
        params.distinguished_name = named(&self.common_name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match self.usage {
            Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
            Usage::CodeSigning => ExtendedKeyUsagePurpose::CodeSigning,
        }];
        params.use_authority_key_identifier_extension = !self.self_signed;
        let (from, to) = match self.validity {
            Validity::Current => (2000, 2100),
            Validity::Expired => (2000, 2020),
            Validity::Future => (2090, 2100),
        };
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        Ok(params)
    }
}

/// A certificate for a client, signed by the sandbox's CA, with its key.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientCertificate {
    /// Whom EXTERNAL logs in with it.
    pub user: String,
    /// The certificate in PEM.
    pub certificate_pem: String,
    /// Its key, PKCS #8 in PEM.
    pub key_pem: String,
    pub(crate) der: CertificateDer<'static>,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({:?})", self.user)
    }
}

/// A server certificate with its key, the CA to trust, and what clients can show.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) ca: CertificateDer<'static>,
    pub(crate) ca_pem: String,
    pub(crate) clients: Vec<ClientCertificate>,
}

impl Identity {
    pub(crate) fn new(spec: &CertificateSpec, clients: &[String]) -> io::Result<Self> {
        Self::generate(spec, clients)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
    }

    fn generate(spec: &CertificateSpec, clients: &[String]) -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name = named("poplib-sandbox CA");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate()?;
        let ca = authority.self_signed(&authority_key)?;
        let authority = Issuer::new(authority, authority_key);

        let key = KeyPair::generate()?;
        let certificate = if spec.self_signed {
            spec.params()?.self_signed(&key)?
        } else {
            spec.params()?.signed_by(&key, &authority)?
        };
        Ok(Self {
            certificate: certificate.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            ca: ca.der().clone(),
            ca_pem: ca.pem(),
            clients: clients
                .iter()
                .map(|user| ClientCertificate::generate(user, &authority))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl ClientCertificate {
    fn generate(user: &str, authority: &Issuer<'_, KeyPair>) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(user);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, authority)?;
        Ok(Self {
            user: user.to_owned(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().clone(),
        })
    }
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
