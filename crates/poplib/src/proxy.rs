//! Proxies: how they are configured.

use std::fmt;

use poplib_proto::proxy::{Destination, HttpConnect, ProxyLogin, Socks5};
use poplib_proto::{Connection, Error, Exchange, Secret, Step};

use crate::url::{self, UrlError};

/// A proxy between here and the server. It is told the server's name, and resolves it.
///
/// The connection to the proxy itself is not protected: a login for it crosses in clear, and so
/// it does with every SOCKS5 or HTTP proxy. What passes through is protected as ever.
#[derive(Clone, Debug)]
pub struct Proxy {
    kind: Kind,
    host: String,
    port: u16,
    login: Option<ProxyLogin>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Socks5,
    HttpConnect,
}

impl Proxy {
    /// SOCKS5 (RFC 1928).
    #[must_use]
    pub fn socks5(host: &str, port: u16) -> Self {
        Self::new(Kind::Socks5, host, port)
    }

    /// HTTP CONNECT (RFC 9110 §9.3.6).
    #[must_use]
    pub fn http(host: &str, port: u16) -> Self {
        Self::new(Kind::HttpConnect, host, port)
    }

    /// From `socks5://[user[:password]@]host[:port]` (port 1080; `socks5h` is the same) or
    /// `http://…` (port 8080).
    ///
    /// # Errors
    ///
    /// [`UrlError`] says what is wrong with it.
    pub fn from_url(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::ProxyScheme)?;
        let (kind, usual_port) = match scheme.to_ascii_lowercase().as_str() {
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            "http" => (Kind::HttpConnect, 8080),
            _ => return Err(UrlError::ProxyScheme),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (login, server) = match authority.rsplit_once('@') {
            Some((login, server)) => (Some(login), server),
            None => (None, authority),
        };
        let (host, port) = url::parse_server(server)?;
        let proxy = Self::new(kind, &host, port.unwrap_or(usual_port));
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

    fn new(kind: Kind, host: &str, port: u16) -> Self {
        Self {
            kind,
            host: host.to_owned(),
            port,
            login: None,
        }
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
            Kind::HttpConnect => Handshake::HttpConnect(HttpConnect::new(destination, login)),
        }
    }
}

/// The handshake of either kind.
#[derive(Debug)]
pub(crate) enum Handshake {
    Socks5(Socks5),
    HttpConnect(HttpConnect),
}

impl Exchange for Handshake {
    type Output = ();

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<()>, Error> {
        match self {
            Self::Socks5(handshake) => handshake.resume(connection),
            Self::HttpConnect(handshake) => handshake.resume(connection),
        }
    }
}

impl fmt::Display for Proxy {
    /// Without the login.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Socks5 => "socks5",
            Kind::HttpConnect => "http",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
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
        for (url, error) in [
            ("proxy:1080", UrlError::ProxyScheme),
            ("https://proxy", UrlError::ProxyScheme),
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
