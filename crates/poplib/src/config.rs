//! What a client needs to know before it connects.

use std::net::IpAddr;
use std::time::Instant;

use poplib_proto::sasl::Policy;
use poplib_proto::{Limits, Misuse, Window};

use crate::host::{self, HostError};
use crate::quirks::Known;
use crate::url::{Url, UrlError};
use crate::{Error, Proxy, Quirks, Timeouts, Tls};

/// A server and how to talk to it.
///
/// A configuration serves any number of sessions; those of one configuration and its clones
/// resume each other's TLS sessions, those of different ones share nothing.
///
/// ```
/// use poplib::{Config, Security};
///
/// let config = Config::from_url("pop://me@pop.example.org")?;
/// assert_eq!(config.address(), ("pop.example.org", 110));
/// assert_eq!(config.security(), Security::Stls);
/// assert_eq!(config.url_user(), Some("me"));
/// # Ok::<(), poplib::UrlError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    host: String,
    port: Option<u16>,
    certificate_name: Option<String>,
    security: Security,
    user: Option<String>,
    login_policy: Policy,
    plaintext_credentials: bool,
    proxy: Option<Proxy>,
    source: Option<IpAddr>,
    tls: Tls,
    utf8: Utf8,
    pipelining: Pipelining,
    known: Known,
    timeouts: Timeouts,
    limits: Limits,
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first octet, port 995 (RFC 8314 §3.2).
    ImplicitTls,
    /// STLS before anything else, port 110; where it fails, the connection ends (RFC 2595).
    Stls,
    /// No TLS, port 110. [`Client::stls`](crate::blocking::Client::stls) can still be called.
    Plaintext,
}

/// Whether [`Session::open`](crate::blocking::Session::open) asks for UTF-8 in messages and texts, user
/// names and passwords, before it logs in (RFC 6856 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Utf8 {
    /// No. A server may then send messages that need UTF-8 in another form, with another length, or
    /// refuse them.
    #[default]
    Never,
    /// Where the server offers it. Where it refuses all the same, the session goes on without.
    IfOffered,
    /// Always: where the server refuses, there is no session.
    Required,
}

/// Whether several commands may be on their way at once (RFC 2449 §6.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pipelining {
    /// Where the server advertises PIPELINING, with [`Window::default`]; with more octets of
    /// commands in the tokio client, which reads while it writes.
    #[default]
    Auto,
    /// Never.
    Off,
    /// Always, with this window, whatever the server advertises.
    Window(Window),
}

impl Config {
    /// TLS from the first octet on port 995, verified with the platform's trust.
    ///
    /// `host` is a name or an address and nothing more: [`from_url`](Self::from_url) takes URLs, and
    /// [`with_port`](Self::with_port) the port. What [`host_name`](crate::host_name) takes for no host
    /// is [`Error::Host`] when it is to be connected to. For one that a person has typed
    /// [`for_host`](Self::for_host) is better.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self::for_name(host::host_name(host).unwrap_or_else(|_| host.to_owned()))
    }

    /// The same for a host that may be none: a port behind it, for one, is not found out only when the
    /// name is looked up.
    ///
    /// # Errors
    ///
    /// [`HostError`] says why it is none.
    ///
    /// ```
    /// use poplib::{Config, HostError};
    ///
    /// assert_eq!(Config::for_host("localhost:995").unwrap_err(), HostError::Port);
    /// ```
    pub fn for_host(host: &str) -> Result<Self, HostError> {
        host::host_name(host).map(Self::for_name)
    }

    fn for_name(host: String) -> Self {
        Self {
            host,
            port: None,
            certificate_name: None,
            security: Security::ImplicitTls,
            user: None,
            login_policy: Policy::default(),
            plaintext_credentials: false,
            proxy: None,
            source: None,
            tls: Tls::default(),
            utf8: Utf8::Never,
            pipelining: Pipelining::Auto,
            known: Known::default(),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
        }
    }

    /// From a POP URL (RFC 2384): `pops://user;AUTH=mechanism@host:port`. `pops` and `pop3s` mean
    /// implicit TLS, `pop` and `pop3` mean that STLS is required. A mechanism named is the only
    /// one that [`login`](crate::blocking::Client::login) will use.
    ///
    /// # Errors
    ///
    /// [`UrlError`] says what is wrong with it. A password in it is refused, for URLs end up in
    /// logs.
    pub fn from_url(url: &str) -> Result<Self, UrlError> {
        let url = Url::parse(url)?;
        let security = if url.tls {
            Security::ImplicitTls
        } else {
            Security::Stls
        };
        let mut config = Self::for_name(url.host).with_security(security);
        config.port = url.port;
        config.user = url.user;
        config.login_policy.only = url.method;
        Ok(config)
    }

    /// Another port than the usual one.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The certificate must be for this name, and not for the host's: where the host was learned
    /// in a way that somebody may have forged.
    #[must_use]
    pub fn with_certificate_name(mut self, name: &str) -> Self {
        let name = host::host_name(name).unwrap_or_else(|_| name.to_owned());
        self.certificate_name = Some(name);
        self
    }

    /// Another protection.
    #[must_use]
    pub fn with_security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// Through a proxy.
    #[must_use]
    pub fn with_proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// From this address of ours, and so only to addresses of its family.
    #[must_use]
    pub fn with_source_address(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Another trust, or other TLS settings.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Another use of UTF8.
    #[must_use]
    pub fn with_utf8(mut self, utf8: Utf8) -> Self {
        self.utf8 = utf8;
        self
    }

    /// Another use of pipelining.
    #[must_use]
    pub fn with_pipelining(mut self, pipelining: Pipelining) -> Self {
        self.pipelining = pipelining;
        self
    }

    /// What speaks against the server, as an earlier program has seen it. What is suspected or
    /// proved, sessions do without; and this configuration shares no longer what others see.
    #[must_use]
    pub fn with_quirks(mut self, quirks: Quirks) -> Self {
        self.known = Known::new(quirks, Instant::now());
        self
    }

    /// What speaks against the server, as the sessions of this configuration and its clones have
    /// seen it.
    #[must_use]
    pub fn quirks(&self) -> Quirks {
        self.known.quirks()
    }

    /// Other deadlines.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Other bounds.
    ///
    /// # Errors
    ///
    /// [`Misuse::LimitTooSmall`] where no server could keep to one.
    pub fn with_limits(mut self, limits: Limits) -> Result<Self, Misuse> {
        limits.check()?;
        self.limits = limits;
        Ok(self)
    }

    /// Other ways to log in than all that TLS makes safe.
    #[must_use]
    pub fn with_login_policy(mut self, policy: Policy) -> Self {
        self.login_policy = policy;
        self
    }

    /// Allows user names, passwords and tokens to cross the network in clear, for everybody on
    /// the way to read. Without it commands that carry them are refused unless TLS protects the
    /// connection.
    #[must_use]
    pub fn with_plaintext_credentials(mut self) -> Self {
        self.plaintext_credentials = true;
        self
    }

    /// Host and port. The host is as [`host_name`](crate::host_name) has it.
    #[must_use]
    pub fn address(&self) -> (&str, u16) {
        let usual = match self.security {
            Security::ImplicitTls => 995,
            Security::Stls | Security::Plaintext => 110,
        };
        (&self.host, self.port.unwrap_or(usual))
    }

    /// Whom the certificate must be for.
    #[must_use]
    pub fn certificate_name(&self) -> &str {
        self.certificate_name.as_ref().unwrap_or(&self.host)
    }

    /// How the connection is protected.
    #[must_use]
    pub fn security(&self) -> Security {
        self.security
    }

    /// The user that the URL named.
    #[must_use]
    pub fn url_user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Which ways to log in [`login`](crate::blocking::Client::login) may take: a URL's `;AUTH=`
    /// has set [`Policy::only`].
    #[must_use]
    pub fn login_policy(&self) -> &Policy {
        &self.login_policy
    }

    /// The proxy on the way, if there is one.
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Whether the hosts on the way can be hosts.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] names the first that cannot.
    pub(crate) fn check_hosts(&self) -> Result<(), Error> {
        let proxy = self.proxy.as_ref().map(|proxy| proxy.address().0);
        for host in [Some(&*self.host), proxy].into_iter().flatten() {
            host::host_name(host).map_err(|source| Error::Host {
                host: host.to_owned(),
                source,
            })?;
        }
        Ok(())
    }

    /// Host and port of what the TCP connection goes to.
    pub(crate) fn first_hop(&self) -> (&str, u16) {
        match &self.proxy {
            Some(proxy) => proxy.address(),
            None => self.address(),
        }
    }

    pub(crate) fn source(&self) -> Option<IpAddr> {
        self.source
    }

    pub(crate) fn tls(&self) -> &Tls {
        &self.tls
    }

    pub(crate) fn utf8(&self) -> Utf8 {
        self.utf8
    }

    pub(crate) fn pipelining(&self) -> Pipelining {
        self.pipelining
    }

    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn allows_plaintext_credentials(&self) -> bool {
        self.plaintext_credentials
    }
}
