//! What both faces need and neither awaits.

use std::io;

use interop::{ClientCertificate, Dovecot, Mailbox, Product, Server, User, compare};
use poplib::{Config, Security, Tls, sasl::Method};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// Alice and her mail.
pub(crate) fn alice(mailbox: &Mailbox) -> Vec<User> {
    vec![User::new("alice", "secret").with(mailbox)]
}

/// A Dovecot with Alice's mail.
pub(crate) fn dovecot(mailbox: &Mailbox) -> Server {
    Dovecot {
        users: alice(mailbox),
        ..Dovecot::default()
    }
    .start()
    .unwrap()
}

/// Implicit TLS, the server's authority trusted.
pub(crate) fn implicit_tls(server: &Server) -> Config {
    trusting(server).with_port(server.tls_port())
}

/// STLS, the server's authority trusted.
pub(crate) fn stls(server: &Server) -> Config {
    trusting(server)
        .with_port(server.plain_port())
        .with_security(Security::Stls)
}

/// No TLS at all.
pub(crate) fn plaintext(server: &Server) -> Config {
    stls(server)
        .with_security(Security::Plaintext)
        .with_plaintext_credentials()
}

/// Implicit TLS where the server has it.
pub(crate) fn safest(server: &Server) -> Config {
    if server.has_tls() {
        implicit_tls(server)
    } else {
        plaintext(server)
    }
}

/// The same, with one way to log in.
pub(crate) fn only(config: Config, method: Method) -> Config {
    let mut policy = config.login_policy().clone();
    policy.only = Some(method);
    config.with_login_policy(policy)
}

/// Trusts the server's authority, and shows a certificate.
pub(crate) fn showing(client: &ClientCertificate, server: &Server) -> Tls {
    let certificate = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate(server.ca_pem())).unwrap();
    let chain = vec![certificate(&client.certificate_pem)];
    let key = PrivateKeyDer::from_pem_slice(client.key_pem.as_bytes()).unwrap();
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    Tls::unversioned_with_rustls(config.into())
}

fn trusting(server: &Server) -> Config {
    Config::new(server.host()).with_tls(trust(server))
}

pub(crate) fn trust(server: &Server) -> Tls {
    Tls::with_authorities(server.ca_pem().as_bytes()).unwrap()
}

/// What has become of messages on their way to `sent`, by the name of what is odd about them.
pub(crate) fn passages(
    product: Product,
    oddities: &[(&'static str, Vec<u8>)],
    sent: &[io::Result<Vec<u8>>],
) -> Vec<(&'static str, String)> {
    let mut sent = sent.iter();
    let mut passages: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, stored) in oddities {
        let passage = match product.takes(stored).then(|| sent.next().unwrap()) {
            None => "not taken",
            Some(Ok(sent)) => compare::passage(stored, sent),
            Some(Err(error)) if error.kind() == io::ErrorKind::Unsupported => "refused",
            Some(Err(_)) => "broken off",
        };
        match passages.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) if known.contains(&passage) => {}
            Some((_, known)) => known.push(passage),
            None => passages.push((name, vec![passage])),
        }
    }
    let joined = |(name, passages): (_, Vec<&str>)| (name, passages.join(", "));
    passages.into_iter().map(joined).collect()
}
