//! The servers of a domain, found by its SRV records (RFC 6186).
//!
//! ```no_run
//! use poplib::{Chain, Credentials};
//! use poplib::blocking::Session;
//! use poplib::discovery::Discovery;
//!
//! let credentials = Credentials::password("me@example.org", "secret");
//! for service in Discovery::new().find_blocking("example.org")? {
//!     match Session::open(&service.config(), &credentials) {
//!         Ok(session) => return session.quit().map(drop),
//!         Err(error) => eprintln!("{}: {}", service.host(), Chain(&error)),
//!     }
//! }
//! # Ok::<(), poplib::Error>(())
//! ```
//!
//! # Whom the certificate must be for
//!
//! Whoever can forge an answer of the DNS can name a server of their own, with a certificate that
//! is good for it. So the name that was looked up decides (RFC 6186 §6, RFC 7817 §3): a host
//! within the domain must prove that it is that host, any other that it is the domain. Many
//! providers cannot, because they serve other people's domains under a name of their own. Then
//! the user has to be asked whether the host is the right one, and
//! [`Service::confirmed_config`] is for the answer yes.
//!
//! There is no look at DNSSEC, and SRV-ID (RFC 4985) in certificates is not known to rustls.

mod order;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use std::{panic, thread};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name, RData};
use hickory_resolver::{Resolver, TokioResolver};
use tokio::runtime;
use tokio::time::timeout;

use self::order::{ordered, random};
use crate::{Config, Error, Phase, Security};

/// Asks the DNS for the servers of a domain.
#[derive(Clone, Debug)]
pub struct Discovery {
    name_servers: Vec<SocketAddr>,
    timeout: Duration,
}

/// A server, as the DNS names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    domain: String,
    host: String,
    port: u16,
    security: Security,
}

impl Discovery {
    /// With the system's name servers, and 30 seconds for all of it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With these name servers and no others.
    #[must_use]
    pub fn with_name_servers(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.name_servers = addresses.into_iter().collect();
        self
    }

    /// With another time for all of it.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The servers of `domain`, what follows the `@` of an address, in the order to try them.
    ///
    /// Those with implicit TLS come first (RFC 8314 §5.1); of the others STLS is demanded. Within
    /// each kind the order is that of their priorities, and by chance according to their weights
    /// (RFC 2782). It is empty where the domain names none, or says with `.` that it has none.
    ///
    /// # Errors
    ///
    /// [`Error::Resolve`] where nothing could be learned, [`Error::Timeout`],
    /// [`Error::NoRuntime`] where no runtime of tokio is around it.
    ///
    /// # Panics
    ///
    /// In a runtime of tokio that was made without I/O or time.
    pub async fn find(&self, domain: &str) -> Result<Vec<Service>, Error> {
        runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let found = timeout(self.timeout, self.ask(domain)).await;
        found.unwrap_or(Err(Error::Timeout(Phase::Connect)))
    }

    /// [`find`](Self::find) for those without a runtime: it brings its own, on a thread.
    ///
    /// # Errors
    ///
    /// Those of [`find`](Self::find).
    pub fn find_blocking(&self, domain: &str) -> Result<Vec<Service>, Error> {
        let find = || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|source| unresolved(domain, source))?;
            runtime.block_on(self.find(domain))
        };
        let found = thread::scope(|scope| scope.spawn(find).join());
        found.unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    }

    async fn ask(&self, domain: &str) -> Result<Vec<Service>, Error> {
        let failed = |error: NetError| unresolved(domain, io::Error::other(error));
        let resolver = self.resolver().map_err(failed)?;
        let mut services = Vec::new();
        let mut failure = None;
        for (label, security) in [
            ("_pop3s._tcp", Security::ImplicitTls),
            ("_pop3._tcp", Security::Stls),
        ] {
            let (name, base) = names(label, domain)?;
            match resolver.srv_lookup(name).await {
                Ok(found) => {
                    let answers = found.answers().iter();
                    let records = answers.filter_map(|answer| match &answer.data {
                        RData::SRV(record) if !record.target.is_root() => Some(record.clone()),
                        _ => None,
                    });
                    for record in ordered(records.collect(), random)? {
                        services.push(Service::new(&base, &record, security));
                    }
                }
                Err(error) if error.is_no_records_found() => {}
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if services.is_empty() => Err(failed(error)),
            _ => Ok(services),
        }
    }

    fn resolver(&self) -> Result<TokioResolver, NetError> {
        if self.name_servers.is_empty() {
            return Resolver::builder_tokio()?.build();
        }
        let servers = self.name_servers.iter().map(|address| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = address.port();
            }
            NameServerConfig::new(address.ip(), true, connections)
        });
        let config = ResolverConfig::from_name_servers(servers.collect());
        Resolver::builder_with_config(config, TokioRuntimeProvider::default()).build()
    }
}

impl Default for Discovery {
    fn default() -> Self {
        Self {
            name_servers: Vec::new(),
            timeout: Duration::from_secs(30),
        }
    }
}

impl Service {
    fn new(domain: &str, record: &SRV, security: Security) -> Self {
        Self {
            domain: domain.to_owned(),
            host: bare(&record.target),
            port: record.port,
            security,
        }
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the host is the domain or lies below it. If not, the user should be asked before
    /// anything is sent to it (RFC 6186 §6).
    #[must_use]
    pub fn is_within_domain(&self) -> bool {
        let above = self.host.strip_suffix(&self.domain);
        above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    }

    /// A configuration in which the certificate must be for the host where that is within the
    /// domain, and for the domain otherwise.
    #[must_use]
    pub fn config(&self) -> Config {
        let config = self.confirmed_config();
        if self.is_within_domain() {
            config
        } else {
            config.with_certificate_name(&self.domain)
        }
    }

    /// A configuration in which the certificate must be for the host, whatever that is: for a
    /// user who knows it to be the right one.
    #[must_use]
    pub fn confirmed_config(&self) -> Config {
        Config::new(&self.host)
            .with_port(self.port)
            .with_security(self.security)
    }
}

/// The name to ask for, and the domain in the form in which hosts are compared with it.
fn names(label: &str, domain: &str) -> Result<(Name, String), Error> {
    let parse = |text: &str| {
        Name::from_utf8(text)
            .map_err(|error| unresolved(domain, io::Error::new(io::ErrorKind::InvalidInput, error)))
    };
    // With its final dot no name of the system's search list is appended.
    let base = parse(&format!("{}.", domain.trim_end_matches('.')))?;
    let name = parse(&format!("{label}.{base}"))?;
    Ok((name, bare(&base)))
}

fn bare(name: &Name) -> String {
    let name = name.to_lowercase().to_ascii();
    name.trim_end_matches('.').to_owned()
}

fn unresolved(domain: &str, source: io::Error) -> Error {
    let host = domain.to_owned();
    Error::Resolve { host, source }
}

#[cfg(test)]
mod tests;
