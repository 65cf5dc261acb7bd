use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use poplib::host_name;

use super::Protocol;
use crate::secret::Whose;
use crate::settings;

/// Where a mail server listens, and how it is talked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) place: Place,
    pub(super) security: Security,
    /// Who logs in there; never without TLS.
    pub(super) user: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

/// What protects the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// Nothing: it stays on this machine, or the user says so.
    Plaintext,
    /// TLS behind STARTTLS (RFC 3207); nothing is said to a server that does not do that.
    StartTls,
    /// TLS from the first octet (RFC 8314).
    Tls,
}

impl Address {
    /// Reads a URL, `HOST[:PORT]`, or a path, which has a slash. An IPv6 address stands in
    /// brackets.
    ///
    /// # Errors
    /// What is wrong with it, without its text: a password may be in it.
    pub(crate) fn parse(text: &str, protocol: Protocol) -> Result<Self, String> {
        if settings::is_socket(text) {
            return Ok(Self {
                place: Place::Unix(text.into()),
                security: Security::Plaintext,
                user: None,
            });
        }
        let Some((scheme, authority)) = text.split_once("://") else {
            return Self::bare(text, protocol);
        };
        let name = protocol.kind();
        let security = match scheme.to_ascii_lowercase().strip_prefix(name) {
            Some("") => Security::StartTls,
            Some("s") => Security::Tls,
            Some("+plaintext") => Security::Plaintext,
            _ => {
                return Err(format!(
                    "its URL begins with {name}s://, {name}:// or {name}+plaintext://"
                ));
            }
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (user, server) = match authority.rsplit_once('@') {
            Some((user, server)) => (Some(decoded(user)?), server),
            None => (None, authority),
        };
        if user.is_some() && security == Security::Plaintext {
            return Err("nobody logs in to a mail server without TLS".into());
        }
        Ok(Self {
            place: server_at(server, security, protocol)?,
            security,
            user,
        })
    }

    /// Reads `HOST[:PORT]`. What goes to this machine itself needs no TLS.
    fn bare(text: &str, protocol: Protocol) -> Result<Self, String> {
        let place = server_at(text, Security::StartTls, protocol)?;
        let security = match &place {
            Place::Tcp { host, .. } if !is_this_machine(host) => Security::StartTls,
            _ => Security::Plaintext,
        };
        Ok(Self {
            place,
            security,
            user: None,
        })
    }

    /// Whose password is needed there, if anybody's.
    pub(in crate::deliver) fn login<'a>(&'a self, account: &'a str) -> Option<Whose<'a>> {
        self.user.as_deref().map(|user| Whose {
            account,
            user,
            host: self.host(),
        })
    }

    /// The host, as a certificate or an entry of netrc names it.
    pub(super) fn host(&self) -> &str {
        match &self.place {
            Place::Tcp { host, .. } => host,
            Place::Unix(_) => "localhost",
        }
    }
}

/// A user name as a URL has it.
fn decoded(user: &str) -> Result<String, String> {
    if user.contains(':') {
        let message = "the URL of a mail server holds no password: use target_password_file or the \
                       like, and write `:` in a user name as %3A";
        return Err(message.into());
    }
    let user = percent_decode_str(user).decode_utf8();
    (user
        .ok()
        .filter(|user| !user.is_empty() && !user.contains(char::is_control)))
    .map(String::from)
    .ok_or_else(|| "what stands before `@` is no user name".into())
}

fn server_at(text: &str, security: Security, protocol: Protocol) -> Result<Place, String> {
    let default = match (protocol, security) {
        (Protocol::Lmtp, _) => 24,
        (Protocol::Smtp, Security::Tls) => 465,
        (Protocol::Smtp, _) => 25,
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
    let is_host = |host: &str| {
        !host.is_empty()
            && !host.contains(['/', '@', '?', '#'])
            && (is_bracketed || !host.contains(':'))
    };
    match port.map_or(Ok(default), str::parse) {
        Ok(port) if port > 0 && is_host(host) => {
            let host = host_name(host).map_err(|error| error.to_string())?;
            Ok(Place::Tcp { host, port })
        }
        _ => Err("it is a URL, HOST[:PORT], or the path of a Unix socket".into()),
    }
}

/// Whether what is sent to this host reaches no wire.
fn is_this_machine(host: &str) -> bool {
    let is_loopback = |address: IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback)
}

/// The server alone: by whatever way it is reached, it is the same.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Place::Tcp { host, port } => write!(f, "{host}:{port}"),
            Place::Unix(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, String> {
        Address::parse(text, Protocol::Smtp)
    }

    #[test]
    fn an_address_is_a_host_or_a_path_or_a_url() {
        let parse = |text: &str| Address::parse(text, Protocol::Lmtp);
        for (text, shown) in [
            ("host", "host:24"),
            ("host:2424", "host:2424"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]", "[::1]:24"),
            ("[::1]:2424", "[::1]:2424"),
            ("/run/dovecot/lmtp", "/run/dovecot/lmtp"),
            ("./lmtp", "./lmtp"),
            ("lmtp://host", "host:24"),
            ("LMTPS://host:2424/", "host:2424"),
            ("lmtps://me@[::1]", "[::1]:24"),
            ("lmtps://bücher.example", "xn--bcher-kva.example:24"),
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
            "me@host",
            "smtp://host",
            "lmtp+tls://host",
            "lmtp://",
            "lmtp://@host",
            "lmtp://host/path",
            "lmtps://me%ff@host",
            "lmtps://me%0d%0aDATA@host",
        ] {
            parse(text).unwrap_err();
        }
    }

    #[test]
    fn smtp_has_a_port_of_its_own_for_tls() {
        for (text, shown) in [
            ("host", "host:25"),
            ("smtp://me@host", "host:25"),
            ("smtps://host", "host:465"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a11_only_this_machine_does_without_tls_unless_it_is_said() {
        for (text, security) in [
            ("host", Security::StartTls),
            ("127.example.org", Security::StartTls),
            ("10.0.0.1:25", Security::StartTls),
            ("localhost", Security::Plaintext),
            ("127.0.0.9:25", Security::Plaintext),
            ("[::1]", Security::Plaintext),
            ("/run/lmtp", Security::Plaintext),
            ("smtp://localhost", Security::StartTls),
            ("smtps://localhost", Security::Tls),
            ("smtp+plaintext://host", Security::Plaintext),
        ] {
            assert_eq!(parse(text).unwrap().security, security, "{text}");
        }
    }

    #[test]
    fn a11_nobody_logs_in_without_tls() {
        let user = |text: &str| parse(text).unwrap().user.unwrap();
        assert_eq!(user("smtps://me@example.org@host"), "me@example.org");
        assert_eq!(user("smtp://a%3Ab%40c@localhost"), "a:b@c");
        for text in ["smtp+plaintext://me@host", "me@localhost"] {
            parse(text).unwrap_err();
        }
    }

    #[test]
    fn a13_no_error_repeats_what_may_be_a_password() {
        for text in [
            "smtps://me:hunter2@host",
            "smtp://me:hunter2@host:x",
            "ftp://me:hunter2@host",
            "me:hunter2@host",
        ] {
            let message = parse(text).unwrap_err();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
