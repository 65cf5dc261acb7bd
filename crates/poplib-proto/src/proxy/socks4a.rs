//! SOCKS4a: SOCKS4 with the name for an address, as the protocol's extension of 1996 has it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

use super::{Destination, ProxyError, ProxyLogin, step};
use crate::connection::Connection;
use crate::error::Error;
use crate::exchange::{Exchange, Step};

/// Connects through a SOCKS4a proxy.
///
/// It knows a user name, which it may compare with what identd says here, and no password.
#[derive(Debug)]
pub struct Socks4a {
    destination: Destination,
    login: Option<ProxyLogin>,
    sent: bool,
}

const VERSION: u8 = 4;
const CONNECT: u8 = 1;
/// An address that no host has: the name follows.
const BY_NAME: Ipv4Addr = Ipv4Addr::new(0, 0, 0, 1);
const REPLY_OCTETS: usize = 8;

impl Socks4a {
    /// A handshake that has not begun.
    #[must_use]
    pub fn new(destination: Destination, login: Option<ProxyLogin>) -> Self {
        Self {
            destination,
            login,
            sent: false,
        }
    }

    fn request(&self) -> Result<Vec<u8>, ProxyError> {
        let Destination { host, port } = &self.destination;
        let (address, name) = match host.parse() {
            Ok(IpAddr::V4(address)) if address.octets()[..3] != [0; 3] => (address, None),
            Ok(IpAddr::V6(_)) => {
                return Err(ProxyError::Unusable("SOCKS4a knows no IPv6 addresses"));
            }
            Ok(IpAddr::V4(_)) | Err(_) => (BY_NAME, Some(host.as_bytes())),
        };
        let mut message = Vec::from([VERSION, CONNECT]);
        message.extend_from_slice(&port.to_be_bytes());
        message.extend_from_slice(&address.octets());
        message.extend_from_slice(self.user()?);
        message.push(0);
        if let Some(name) = name {
            if name.is_empty() || name.len() > 255 || name.contains(&0) {
                let why = "a host name for SOCKS4a has 1 to 255 octets, and no NUL";
                return Err(ProxyError::Unusable(why));
            }
            message.extend_from_slice(name);
            message.push(0);
        }
        Ok(message)
    }

    fn user(&self) -> Result<&[u8], ProxyError> {
        let Some(login) = &self.login else {
            return Ok(&[]);
        };
        if !login.password.expose().is_empty() {
            let why = "SOCKS4a takes a user name and no password";
            return Err(ProxyError::Unusable(why));
        }
        let user = login.user.as_bytes();
        if user.len() > 255 || user.contains(&0) {
            let why = "a SOCKS4a user name has 255 octets at most, and no NUL";
            return Err(ProxyError::Unusable(why));
        }
        Ok(user)
    }

    /// Whether the proxy has connected us; not yet, while its reply is incomplete.
    fn advance(&mut self, connection: &mut Connection) -> Result<bool, ProxyError> {
        if !self.sent {
            connection.push_raw(&self.request()?);
            self.sent = true;
        }
        let reply = connection.raw();
        if reply.first().is_some_and(|&version| version != 0) {
            return Err(ProxyError::NotAProxy);
        }
        let Some(&status) = reply.get(1) else {
            return Ok(false);
        };
        if status != GRANTED {
            return Err(ProxyError::Refused(reason(status)));
        }
        if reply.len() < REPLY_OCTETS {
            return Ok(false);
        }
        connection.take_raw(REPLY_OCTETS);
        Ok(true)
    }
}

const GRANTED: u8 = 90;

fn reason(status: u8) -> String {
    let reason = match status {
        91 => "it rejected the request, or failed",
        92 => "it could not ask identd here for the user",
        93 => "identd here names another user",
        _ => return format!("SOCKS4 error {status}"),
    };
    reason.into()
}

impl Exchange for Socks4a {
    type Output = ();

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<()>, Error> {
        let advanced = self.advance(connection);
        step(connection, advanced)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Script, converse, settings};
    use super::*;

    fn socks4a(host: &str, login: Option<(&str, &str)>) -> Socks4a {
        let (destination, login) = settings(host, login);
        Socks4a::new(destination, login)
    }

    #[test]
    fn a_name_is_left_to_the_proxy() {
        let script: Script<'_> = &[(
            b"\x04\x01\x03\xe3\0\0\0\x01\0host\0",
            b"\0\x5a\x03\xe3\x7f\0\0\x01",
        )];
        let outcome = converse(|| socks4a("host", None), script, b"+OK\r\n");
        assert_eq!(outcome, Ok(()));
    }

    #[test]
    fn an_address_and_a_user() {
        let script: Script<'_> = &[(b"\x04\x01\x03\xe3\x7f\0\0\x01me\0", b"\0\x5a\0\0\0\0\0\0")];
        let login = Some(("me", ""));
        let outcome = converse(|| socks4a("127.0.0.1", login), script, b"+OK\r\n");
        assert_eq!(outcome, Ok(()));
    }

    #[test]
    fn an_address_that_would_announce_a_name_is_sent_as_one() {
        let script: Script<'_> = &[(
            b"\x04\x01\x03\xe3\0\0\0\x01\x000.0.0.9\0",
            b"\0\x5a\0\0\0\0\0\0",
        )];
        assert_eq!(converse(|| socks4a("0.0.0.9", None), script, b""), Ok(()));
    }

    #[test]
    fn each_status_has_its_reason() {
        for (status, why) in [
            (91, "it rejected the request, or failed"),
            (92, "it could not ask identd here for the user"),
            (93, "identd here names another user"),
            (0, "SOCKS4 error 0"),
            (94, "SOCKS4 error 94"),
        ] {
            let answer = [0, status, 0, 0, 0, 0, 0, 0];
            let script: Script<'_> = &[(b"\x04\x01\x03\xe3\0\0\0\x01\0host\0", &answer)];
            let outcome = converse(|| socks4a("host", None), script, b"");
            let refused = ProxyError::Refused(why.into());
            assert_eq!(outcome, Err(Error::Proxy(refused)), "{status}");
        }
    }

    #[test]
    fn what_answers_in_another_protocol_is_no_such_proxy() {
        for answer in [&b"\x05\x00"[..], b"HTTP/1.1 200 OK\r\n", b"+OK POP3 ready"] {
            let script: Script<'_> = &[(b"\x04\x01\x03\xe3\0\0\0\x01\0host\0", answer)];
            let outcome = converse(|| socks4a("host", None), script, b"");
            assert_eq!(outcome, Err(Error::Proxy(ProxyError::NotAProxy)));
        }
    }

    #[test]
    fn a06_what_cannot_be_said_is_not_sent() {
        let long = "x".repeat(256);
        for (host, login) in [
            ("::1", None),
            ("", None),
            ("host\0evil", None),
            (&*long, None),
            ("host", Some(("me", "secret"))),
            ("host", Some(("me\0evil", ""))),
            ("host", Some((&*long, ""))),
        ] {
            let mut request = socks4a(host, login);
            let mut connection = Connection::new(crate::Limits::default());
            let outcome = request.resume(&mut connection);
            assert!(
                matches!(outcome, Err(Error::Proxy(ProxyError::Unusable(_)))),
                "{host:?} {login:?}"
            );
            assert!(connection.to_send().is_empty());
        }
    }
}
