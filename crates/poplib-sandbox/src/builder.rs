//! What a sandbox is to be.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::account::Account;
use crate::certificate::{CertificateSpec, Identity};
use crate::mailbox::Mailbox;
use crate::misbehave::{Fault, UnknownFault};
use crate::record::Records;
use crate::sandbox::Sandbox;
use crate::server::{self, Server};
use crate::settings::{Settings, Stage};
use crate::tls::{Tls, TlsVersions};

/// Octets of each direction of a session that are recorded unless told otherwise.
const RECORD_OCTETS: usize = 64 * 1024;

/// Configures a [`Sandbox`].
pub struct Builder {
    settings: Settings,
    plain_addr: SocketAddr,
    tls_addr: SocketAddr,
    certificate: CertificateSpec,
    /// The users that have one.
    client_certificates: Vec<String>,
    tls_versions: TlsVersions,
    small_buffers: bool,
    record_octets: usize,
    faults: Vec<Result<Fault, UnknownFault>>,
}

impl Default for Builder {
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            settings: Settings::default(),
            plain_addr: any_port,
            tls_addr: any_port,
            certificate: CertificateSpec::default(),
            client_certificates: Vec::new(),
            tls_versions: TlsVersions::default(),
            small_buffers: false,
            record_octets: RECORD_OCTETS,
            faults: Vec::new(),
        }
    }
}

impl Builder {
    /// Adds a user. The password serves USER and PASS, APOP and the SASL mechanisms.
    #[must_use]
    pub fn mailbox(mut self, user: &str, password: &str, mailbox: Mailbox) -> Self {
        let account = Account::new(user.to_owned(), password.as_bytes().to_vec(), mailbox);
        self.settings.accounts.insert(account);
        self
    }

    /// Gives a user a token for OAUTHBEARER and XOAUTH2.
    #[must_use]
    pub fn bearer_token(mut self, user: &str, token: &str) -> Self {
        self.settings.accounts.insert_token(user, token);
        self
    }

    /// Who EXTERNAL logs in, as if another layer had found out. Without this and without a
    /// [certificate](Self::client_certificate), EXTERNAL is not offered.
    #[must_use]
    pub fn external(mut self, user: &str) -> Self {
        self.settings.external = Some(user.to_owned());
        self
    }

    /// Asks clients for a certificate, and makes one for this user, whom EXTERNAL then logs in:
    /// [`Sandbox::client_certificate`] has it. Clients without one are served all the same.
    #[must_use]
    pub fn client_certificate(mut self, user: &str) -> Self {
        self.client_certificates.push(user.to_owned());
        self
    }

    /// Who ANONYMOUS logs in; without it ANONYMOUS is not offered.
    #[must_use]
    pub fn anonymous(mut self, user: &str) -> Self {
        self.settings.anonymous = Some(user.to_owned());
        self
    }

    /// Adds a misbehaviour: a [`Misbehaviour`](crate::Misbehaviour), a [`Fault`], or its text, such
    /// as `"cut-in-body=3:1000@1"`. A text that means nothing makes [`start`](Self::start) fail.
    #[must_use]
    pub fn misbehave<F>(mut self, fault: F) -> Self
    where
        F: TryInto<Fault>,
        F::Error: Into<UnknownFault>,
    {
        self.faults.push(fault.try_into().map_err(Into::into));
        self
    }

    /// Where to listen in the clear, with STLS. The default is any port of 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.plain_addr = address;
        self
    }

    /// Where to listen for TLS from the first octet. The default is any port of 127.0.0.1.
    #[must_use]
    pub fn listen_tls(mut self, address: SocketAddr) -> Self {
        self.tls_addr = address;
        self
    }

    /// What the server's certificate says.
    #[must_use]
    pub fn certificate(mut self, certificate: CertificateSpec) -> Self {
        self.certificate = certificate;
        self
    }

    /// The versions of TLS that the server speaks.
    #[must_use]
    pub fn tls_versions(mut self, versions: TlsVersions) -> Self {
        self.tls_versions = versions;
        self
    }

    /// Whether the greeting offers APOP by a timestamp. The default is yes.
    #[must_use]
    pub fn apop(mut self, offered: bool) -> Self {
        self.settings.apop = offered;
        self
    }

    /// Whether USER and RPOP log in without a password. The default is no.
    #[must_use]
    pub fn allow_rpop(mut self, allowed: bool) -> Self {
        self.settings.allow_rpop = allowed;
        self
    }

    /// Whether a login in the clear is refused. The default is no.
    #[must_use]
    pub fn require_tls(mut self, required: bool) -> Self {
        self.settings.require_tls = required;
        self
    }

    /// The SASL mechanisms offered. The default is all that the sandbox knows; those with
    /// channel binding appear under TLS only.
    #[must_use]
    pub fn mechanisms<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.settings.mechanisms = names.into_iter().map(Into::into).collect();
        self
    }

    /// The parameter of the EXPIRE capability: `NEVER`, or days, perhaps followed by ` USER`. With
    /// `0`, QUIT deletes what was retrieved (RFC 2449 §6.7). The default is not to mention it.
    #[must_use]
    pub fn expire(mut self, parameter: &str) -> Self {
        self.settings.expire = Some(parameter.to_owned());
        self
    }

    /// The parameter of the LOGIN-DELAY capability, in seconds, perhaps followed by ` USER`. A
    /// login of the same user that comes earlier is refused with `[LOGIN-DELAY]` (RFC 2449 §6.5).
    /// The default is not to mention it.
    #[must_use]
    pub fn login_delay(mut self, parameter: &str) -> Self {
        self.settings.login_delay = Some(parameter.to_owned());
        self
    }

    /// The parameter of the IMPLEMENTATION capability; `None` leaves it out.
    #[must_use]
    pub fn implementation(mut self, parameter: Option<&str>) -> Self {
        self.settings.implementation = parameter.map(str::to_owned);
        self
    }

    /// Answers CAPA with these lines in one stage, whatever the server can do.
    #[must_use]
    pub fn capabilities<L: Into<String>>(
        mut self,
        stage: Stage,
        lines: impl IntoIterator<Item = L>,
    ) -> Self {
        let chosen = &mut self.settings.chosen_capabilities;
        let of_stage = match stage {
            Stage::BeforeTls => &mut chosen.before_tls,
            Stage::UnderTls => &mut chosen.under_tls,
            Stage::AfterLogin => &mut chosen.after_login,
        };
        *of_stage = Some(lines.into_iter().map(Into::into).collect());
        self
    }

    /// Gives connections socket buffers of 4 KiB, so that a client that only writes soon blocks.
    #[must_use]
    pub fn small_buffers(mut self) -> Self {
        self.small_buffers = true;
        self
    }

    /// Octets of each direction of a session that are recorded. The default is 64 KiB; 0 records
    /// only that there was a session, which suits benches. The last 4,096 sessions are kept.
    #[must_use]
    pub fn record_up_to(mut self, octets: usize) -> Self {
        self.record_octets = octets;
        self
    }

    /// Starts listening.
    ///
    /// # Errors
    ///
    /// An address cannot be bound, the certificate cannot be made, or a misbehaviour is not known.
    pub fn start(self) -> io::Result<Sandbox> {
        let faults = self.faults.into_iter().collect::<Result<Vec<_>, _>>();
        let faults = faults.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let identity = Identity::new(&self.certificate, &self.client_certificates)?;
        let tls = Tls::new(&identity, self.tls_versions)?;
        let records = Records::new(self.record_octets);
        let server = Arc::new(Server::new(self.settings, tls, records, faults));
        let plain = server::bind(self.plain_addr, self.small_buffers)?;
        let implicit_tls = server::bind(self.tls_addr, self.small_buffers)?;
        Sandbox::start(server, identity, plain, implicit_tls)
    }
}

impl From<std::convert::Infallible> for UnknownFault {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
