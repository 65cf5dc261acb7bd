use std::fmt;
use std::path::PathBuf;

use super::Protocol;

/// Where a mail server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl Address {
    /// Reads `HOST[:PORT]`, where an IPv6 address stands in brackets, or a path, which has a slash.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str, protocol: Protocol) -> Result<Self, String> {
        if text.contains('/') {
            return Ok(Self::Unix(text.into()));
        }
        let default = match protocol {
            Protocol::Lmtp => 24,
            Protocol::Smtp => 25,
        };
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or_default())),
            None => match text.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let is_bracketed = text.starts_with('[');
        let port = port.map_or(Ok(default), str::parse);
        match port {
            Ok(port) if port > 0 && !host.is_empty() && (is_bracketed || !host.contains(':')) => {
                Ok(Self::Tcp {
                    host: host.into(),
                    port,
                })
            }
            _ => Err(format!(
                "`{text}` is neither HOST[:PORT] nor the path of a Unix socket"
            )),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_or_a_path() {
        let parse = |text: &str| Address::parse(text, Protocol::Lmtp);
        for (text, shown) in [
            ("host", "host:24"),
            ("host:2424", "host:2424"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]", "[::1]:24"),
            ("[::1]:2424", "[::1]:2424"),
            ("/run/dovecot/lmtp", "/run/dovecot/lmtp"),
            ("./lmtp", "./lmtp"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            ":24",
            "host:",
            "host:x",
            "host:0",
            "host:65536",
            "::1",
            "[::1]x",
        ] {
            parse(text).unwrap_err();
        }
        let smtp = Address::parse("host", Protocol::Smtp).unwrap();
        assert_eq!(smtp.to_string(), "host:25");
    }
}
