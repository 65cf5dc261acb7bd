//! Proxies: how they are configured.

use std::fmt;

use poplib_proto::proxy::{Destination, HttpConnect, ProxyLogin, Socks4a, Socks5};
use poplib_proto::{Connection, Error, Exchange, Secret, Step};

use crate::Tls;
use crate::host;
use crate::url::{self, UrlError};

/// A proxy between here and the server. It is told the server's name, and resolves it.
///
/// The connection to an [`https`](Self::https) proxy is protected by TLS, that to others is not: a
/// login for them crosses in clear. What passes through is protected as ever.
#[derive(Clone, Debug)]
pub struct Proxy {
    kind: Kind,
    host: String,
    port: u16,
    login: Option<ProxyLogin>,
    /// Whom to trust where the proxy speaks TLS.
    tls: Tls,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Socks5,
    Socks4a,
    HttpConnect,
    HttpConnectOverTls,
}

impl Kind {
    const ALL: [Self; 4] = [
        Self::Socks5,
        Self::Socks4a,
        Self::HttpConnect,
        Self::HttpConnectOverTls,
    ];

    fn scheme(self) -> &'static str {
        match self {
            Self::Socks5 => "socks5",
            Self::Socks4a => "socks4a",
            Self::HttpConnect => "http",
            Self::HttpConnectOverTls => "https",
        }
    }

    fn usual_port(self) -> u16 {
        match self {
            Self::Socks5 | Self::Socks4a => 1080,
            Self::HttpConnect => 8080,
            Self::HttpConnectOverTls => 443,
        }
    }
}

impl Proxy {
    /// SOCKS5 (RFC 1928).
    #[must_use]
    pub fn socks5(host: &str, port: u16) -> Self {
        Self::new(Kind::Socks5, host, port)
    }

    /// SOCKS4a, which knows a user name, and no password and no IPv6 addresses.
    #[must_use]
    pub fn socks4a(host: &str, port: u16) -> Self {
        Self::new(Kind::Socks4a, host, port)
    }

    /// HTTP CONNECT (RFC 9110 §9.3.6).
    #[must_use]
    pub fn http(host: &str, port: u16) -> Self {
        Self::new(Kind::HttpConnect, host, port)
    }

    /// HTTP CONNECT over TLS: the proxy's certificate must be for `host`, and one of the platform's
    /// authorities must vouch for it, unless [`with_tls`](Self::with_tls) says otherwise.
    #[must_use]
    pub fn https(host: &str, port: u16) -> Self {
        Self::new(Kind::HttpConnectOverTls, host, port)
    }

    /// From `socks5://[user[:password]@]host[:port]` (port 1080; `socks5h` is the same),
    /// `socks4a://[user@]host[:port]` (port 1080), `http://…` (port 8080) or `https://…` (port 443).
    ///
    /// # Errors
    ///
    /// [`UrlError`] says what is wrong with it.
    pub fn from_url(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::ProxyScheme)?;
        let kind = match scheme.to_ascii_lowercase().as_str() {
            "socks5h" => Kind::Socks5,
            scheme => Kind::ALL
                .into_iter()
                .find(|kind| kind.scheme() == scheme)
                .ok_or(UrlError::ProxyScheme)?,
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (login, server) = match authority.rsplit_once('@') {
            Some((login, server)) => (Some(login), server),
            None => (None, authority),
        };
        let (host, port) = url::parse_server(server)?;
        let proxy = Self::new(kind, &host, port.unwrap_or(kind.usual_port()));
        let Some(login) = login else {
            return Ok(proxy);
        };
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        Ok(proxy.with_login(&url::decode(user)?, url::decode(password)?))
    }

    /// With a login for the proxy itself.
    #[must_use]
    pub fn with_login(mut self, user: &str, password: impl Into<Secret>) -> Self {
        self.login = Some(ProxyLogin {
            user: user.to_owned(),
            password: password.into(),
        });
        self
    }

    /// With another trust where the proxy speaks TLS. A pinned certificate is the proxy's then.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    fn new(kind: Kind, host: &str, port: u16) -> Self {
        Self {
            kind,
            host: host::host_name(host).unwrap_or_else(|_| host.to_owned()),
            port,
            login: None,
            tls: Tls::default(),
        }
    }

    /// Whom to trust, and whom the certificate must be for, where the proxy speaks TLS.
    pub(crate) fn tls(&self) -> Option<(&Tls, &str)> {
        let speaks_tls = self.kind == Kind::HttpConnectOverTls;
        speaks_tls.then_some((&self.tls, &self.host))
    }

    pub(crate) fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// The handshake that leads on to host and port.
    pub(crate) fn handshake(&self, (host, port): (&str, u16)) -> Handshake {
        let host = host.to_owned();
        let destination = Destination { host, port };
        let login = self.login.clone();
        match self.kind {
            Kind::Socks5 => Handshake::Socks5(Socks5::new(destination, login)),
            Kind::Socks4a => Handshake::Socks4a(Socks4a::new(destination, login)),
            Kind::HttpConnect | Kind::HttpConnectOverTls => {
                Handshake::HttpConnect(HttpConnect::new(destination, login))
            }
        }
    }
}

/// The handshake of each kind.
#[derive(Debug)]
pub(crate) enum Handshake {
    Socks5(Socks5),
    Socks4a(Socks4a),
    HttpConnect(HttpConnect),
}

impl Exchange for Handshake {
    type Output = ();

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<()>, Error> {
        match self {
            Self::Socks5(handshake) => handshake.resume(connection),
            Self::Socks4a(handshake) => handshake.resume(connection),
            Self::HttpConnect(handshake) => handshake.resume(connection),
        }
    }
}

impl fmt::Display for Proxy {
    /// Without the login.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.kind.scheme(), self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_a_kind_an_address_and_perhaps_a_login() {
        let proxy = Proxy::from_url("socks5h://me:s%3Acret@[::1]").unwrap();
        assert_eq!(proxy.to_string(), "socks5://::1:1080");
        let login = proxy.login.expect("a login");
        assert_eq!(
            (login.user.as_str(), login.password.expose()),
            ("me", &b"s:cret"[..])
        );
        let proxy = Proxy::from_url("HTTP://proxy.example.org:3128/").unwrap();
        assert_eq!(proxy.to_string(), "http://proxy.example.org:3128");
        assert!(proxy.login.is_none());
        for (url, shown) in [
            ("SOCKS4A://me@proxy", "socks4a://proxy:1080"),
            ("http://proxy", "http://proxy:8080"),
            ("https://proxy", "https://proxy:443"),
        ] {
            assert_eq!(Proxy::from_url(url).unwrap().to_string(), shown);
        }
        for (url, error) in [
            ("proxy:1080", UrlError::ProxyScheme),
            ("socks4://proxy", UrlError::ProxyScheme),
            ("ftp://proxy", UrlError::ProxyScheme),
            ("socks5://", UrlError::Host),
            ("socks5://host:x", UrlError::Port),
            ("socks5://me%0a@host", UrlError::Encoding),
        ] {
            assert_eq!(Proxy::from_url(url).unwrap_err(), error, "{url}");
        }
    }

    #[test]
    fn a13_the_login_is_not_shown() {
        let proxy = Proxy::http("host", 1).with_login("me", "sentinel");
        assert!(!format!("{proxy} {proxy:?}").contains("sentinel"));
    }
}
