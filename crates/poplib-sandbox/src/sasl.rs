//! The server's side of SASL, one mechanism a file.

mod anonymous;
mod cram_md5;
mod digest_md5;
mod external;
mod login;
mod oauth;
mod plain;
mod scram;
mod unusable;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use crate::account::Account;
use crate::digest::Hash;
use crate::misbehave::Misbehaviours;
use crate::settings::Settings;

use scram::Scram;

/// The mechanisms' names, strongest first.
pub(crate) const NAMES: &[&str] = &[
    "SCRAM-SHA-512-PLUS",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-512",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "OAUTHBEARER",
    "XOAUTH2",
    "CRAM-MD5",
    "DIGEST-MD5",
    "PLAIN",
    "LOGIN",
    "EXTERNAL",
    "ANONYMOUS",
];

/// The mechanism of this name.
pub(crate) fn mechanism(name: &str) -> Option<Box<dyn Exchange>> {
    Some(match name {
        "SCRAM-SHA-512-PLUS" => Box::new(Scram::with(Hash::Sha512).plus()),
        "SCRAM-SHA-256-PLUS" => Box::new(Scram::with(Hash::Sha256).plus()),
        "SCRAM-SHA-1-PLUS" => Box::new(Scram::with(Hash::Sha1).plus()),
        "SCRAM-SHA-512" => Box::new(Scram::with(Hash::Sha512)),
        "SCRAM-SHA-256" => Box::new(Scram::with(Hash::Sha256)),
        "SCRAM-SHA-1" => Box::new(Scram::with(Hash::Sha1)),
        "OAUTHBEARER" => Box::new(oauth::OAuth::oauthbearer()),
        "XOAUTH2" => Box::new(oauth::OAuth::xoauth2()),
        "CRAM-MD5" => Box::<cram_md5::CramMd5>::default(),
        "DIGEST-MD5" => Box::<digest_md5::DigestMd5>::default(),
        "PLAIN" => Box::new(plain::Plain),
        "LOGIN" => Box::<login::Login>::default(),
        "EXTERNAL" => Box::new(external::External),
        "ANONYMOUS" => Box::new(anonymous::Anonymous),
        "GSSAPI" => Box::new(unusable::Unusable),
        _ => return None,
    })
}

/// The server's side of one exchange.
pub(crate) trait Exchange: Send {
    /// Takes the client's response, decoded; `None` at the start if it sent no initial response.
    fn step(&mut self, response: Option<&[u8]>, context: &Context<'_>) -> Step;
}

/// What an exchange may look at.
pub(crate) struct Context<'a> {
    pub(crate) settings: &'a Settings,
    /// Who the client is, as another layer has found out.
    pub(crate) external: Option<&'a str>,
    pub(crate) misbehaviours: &'a Misbehaviours,
    /// Present under TLS.
    pub(crate) bindings: Option<&'a Bindings>,
}

impl Context<'_> {
    fn find(&self, user: &[u8]) -> Option<Arc<Account>> {
        self.settings.accounts.find(user)
    }
}

/// What comes next.
pub(crate) enum Step {
    Challenge(Vec<u8>),
    /// The end: whose credentials they were, or nobody's.
    Done(Option<Arc<Account>>),
    /// The end: the client did not keep to the mechanism.
    Failed(&'static str),
}

/// What the TLS connection can be recognised by.
#[derive(Clone, Debug)]
pub(crate) struct Bindings {
    /// RFC 9266.
    pub(crate) tls_exporter: Vec<u8>,
    /// RFC 5929 §4.
    pub(crate) tls_server_end_point: Vec<u8>,
}

/// A text that never comes again. It need not be hard to guess: nothing here is worth guarding.
fn nonce() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
