//! POP URLs (RFC 2384).

use std::fmt;

use poplib_proto::sasl::Method;

use crate::host::{self, HostError};

/// A POP URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) method: Option<Method>,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

/// What is wrong with the URL of a server or a proxy. The URL itself is not repeated, for it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// It does not begin with `pops://`, `pop3s://`, `pop://` or `pop3://`.
    Scheme,
    /// It is a proxy's, and does not begin with `socks5://`, `socks4a://`, `http://` or `https://`.
    ProxyScheme,
    /// It names no host, or something that is none.
    Host,
    /// It names a host that is not ASCII, and cannot be used.
    HostName(HostError),
    /// The port is no number from 1 to 65535.
    Port,
    /// It holds a password.
    Password,
    /// A `%` is not followed by two hexadecimal digits, or stands for CR, LF, NUL or what is not
    /// UTF-8.
    Encoding,
    /// What follows the user is not `;AUTH=` and a mechanism known here.
    Auth,
    /// Something follows the host and port.
    Path,
}

impl Url {
    pub(crate) fn parse(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::Scheme)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "pops" | "pop3s" => true,
            "pop" | "pop3" => false,
            _ => return Err(UrlError::Scheme),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (login, server) = match authority.rsplit_once('@') {
            Some((login, server)) => (Some(login), server),
            None => (None, authority),
        };
        let (host, port) = parse_server(server)?;
        let (user, method) = match login {
            Some(login) => parse_login(login)?,
            None => (None, None),
        };
        Ok(Self {
            tls,
            user,
            method,
            host,
            port,
        })
    }
}

pub(crate) fn parse_server(server: &str) -> Result<(String, Option<u16>), UrlError> {
    if server.contains(['/', '?', '#']) {
        return Err(UrlError::Path);
    }
    let (host, port) = match server.strip_prefix('[') {
        Some(literal) => {
            let (host, after) = literal.split_once(']').ok_or(UrlError::Host)?;
            host.parse::<std::net::Ipv6Addr>()
                .map_err(|_| UrlError::Host)?;
            let port = match after {
                "" => None,
                _ => Some(after.strip_prefix(':').ok_or(UrlError::Port)?),
            };
            (host, port)
        }
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        },
    };
    let host = host::host_name(host).map_err(|error| match error {
        HostError::NotIdn | HostError::IdnUnsupported => UrlError::HostName(error),
        _ => UrlError::Host,
    })?;
    let port = match port {
        None | Some("") => None,
        Some(digits) if digits.bytes().all(|octet| octet.is_ascii_digit()) => Some(
            digits
                .parse()
                .ok()
                .filter(|&port| port != 0)
                .ok_or(UrlError::Port)?,
        ),
        Some(_) => return Err(UrlError::Port),
    };
    Ok((host, port))
}

fn parse_login(login: &str) -> Result<(Option<String>, Option<Method>), UrlError> {
    let (user, parameter) = match login.split_once(';') {
        Some((user, parameter)) => (user, Some(parameter)),
        None => (login, None),
    };
    if user.contains(':') || parameter.is_some_and(|parameter| parameter.contains(':')) {
        return Err(UrlError::Password);
    }
    let method = match parameter {
        Some(parameter) => parse_method(parameter)?,
        None => None,
    };
    let user = decode(user)?;
    Ok(((!user.is_empty()).then_some(user), method))
}

/// `AUTH=` and a mechanism; `*` leaves the choice.
fn parse_method(parameter: &str) -> Result<Option<Method>, UrlError> {
    let (key, name) = parameter.split_once('=').ok_or(UrlError::Auth)?;
    let name = decode(name)?;
    if !key.eq_ignore_ascii_case("AUTH") {
        return Err(UrlError::Auth);
    }
    match name.as_str() {
        "*" => Ok(None),
        name => name.parse().map(Some).map_err(|_| UrlError::Auth),
    }
}

/// Undoes percent-encoding.
pub(crate) fn decode(text: &str) -> Result<String, UrlError> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let mut digit = || {
            let digit = char::from(rest.next()?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let (high, low) = (digit(), digit());
        let (Some(high), Some(low)) = (high, low) else {
            return Err(UrlError::Encoding);
        };
        octets.push(high << 4 | low);
    }
    if octets
        .iter()
        .any(|octet| matches!(octet, b'\r' | b'\n' | 0))
    {
        return Err(UrlError::Encoding);
    }
    String::from_utf8(octets).map_err(|_| UrlError::Encoding)
}

impl std::error::Error for UrlError {}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HostName(error) => return error.fmt(f),
            Self::Scheme => "a POP URL begins with pops:// (TLS) or pop:// (STLS required)",
            Self::ProxyScheme => {
                "the URL of a proxy begins with socks5://, socks4a://, http:// or https://"
            },
            Self::Host => "the URL names no host",
            Self::Port => "the port in the URL is not a number from 1 to 65535",
            Self::Password => {
                "a POP URL holds no password: `:` in a user name is written %3A (RFC 2384 §4)"
            }
            Self::Encoding => {
                "a `%` in the URL is not followed by two hexadecimal digits, or they stand for a character that no command can carry"
            }
            Self::Auth => "after the user of a POP URL comes `;AUTH=` and a mechanism known here, if anything",
            Self::Path => "nothing may follow host and port in the URL",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Url {
        Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn p19_the_parts_of_a_url() {
        let url = parse("pop://rg;AUTH=+APOP@mail.eudora.com:8110");
        assert_eq!(url.user.as_deref(), Some("rg"));
        assert_eq!(url.method, Some(Method::Apop));
        assert_eq!(
            (url.host.as_str(), url.port),
            ("mail.eudora.com", Some(8110))
        );
        assert!(!url.tls);
        let url = parse("POPS://baz;auth=scram-sha-256@[::1]/");
        assert_eq!(url.method, Some(Method::ScramSha256));
        assert_eq!((url.host.as_str(), url.port), ("::1", None));
        assert!(url.tls);
        let url = parse("pop3s://me%40example.org;AUTH=*@pop.example.org");
        assert_eq!(url.user.as_deref(), Some("me@example.org"));
        assert_eq!(url.method, None);
        assert_eq!(parse("pop3://host").user, None);
        assert_eq!(
            parse("pops://me@example.org@host").user.as_deref(),
            Some("me@example.org")
        );
    }

    #[cfg(feature = "idn")]
    #[test]
    fn p19_the_host_of_a_url_may_be_internationalized() {
        let url = parse("pops://jürgen@bücher.example:1995");
        assert_eq!(url.user.as_deref(), Some("jürgen"));
        assert_eq!(
            (url.host.as_str(), url.port),
            ("xn--bcher-kva.example", Some(1995))
        );
        let none = Err(UrlError::HostName(HostError::NotIdn));
        assert_eq!(Url::parse("pops://me@bücher..example"), none);
    }

    #[test]
    fn p19_what_is_no_pop_url() {
        for (url, error) in [
            ("imap://host", UrlError::Scheme),
            ("host", UrlError::Scheme),
            ("pop://", UrlError::Host),
            ("pop://me@", UrlError::Host),
            ("pop://[::1", UrlError::Host),
            ("pop://[host]", UrlError::Host),
            ("pop://ho%73t", UrlError::Host),
            ("pop://ho st", UrlError::Host),
            ("pop://host:0", UrlError::Port),
            ("pop://host:65536", UrlError::Port),
            ("pop://host:+1", UrlError::Port),
            ("pop://me:secret@host", UrlError::Password),
            ("pop://me;AUTH=PLAIN:secret@host", UrlError::Password),
            ("pop://me%0d%0aDELE@host", UrlError::Encoding),
            ("pop://me%00@host", UrlError::Encoding),
            ("pop://me%f@host", UrlError::Encoding),
            ("pop://me%ff@host", UrlError::Encoding),
            ("pop://me;AUTH@host", UrlError::Auth),
            ("pop://me;AUTH=@host", UrlError::Auth),
            ("pop://me;AUTH=%0d%0a@host", UrlError::Encoding),
            ("pop://me;KEY=PLAIN@host", UrlError::Auth),
            ("pop://host/INBOX", UrlError::Path),
        ] {
            assert_eq!(Url::parse(url), Err(error), "{url}");
        }
    }
}
