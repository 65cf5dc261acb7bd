//! SOCKS5 (RFC 1928) with user name and password (RFC 1929).

use alloc::format;
use alloc::vec::Vec;
use core::net::IpAddr;

use zeroize::Zeroizing;

use super::{Destination, ProxyError, ProxyLogin};
use crate::connection::Connection;
use crate::error::Error;
use crate::exchange::{Exchange, Step};

/// Connects through a SOCKS5 proxy.
#[derive(Debug)]
pub struct Socks5 {
    destination: Destination,
    login: Option<ProxyLogin>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Begin,
    Method,
    Login,
    Reply,
}

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;

impl Socks5 {
    /// A handshake that has not begun.
    #[must_use]
    pub fn new(destination: Destination, login: Option<ProxyLogin>) -> Self {
        Self {
            destination,
            login,
            stage: Stage::Begin,
        }
    }

    fn methods(&self) -> &'static [u8] {
        match self.login {
            Some(_) => &[VERSION, 2, NO_LOGIN, USER_AND_PASSWORD],
            None => &[VERSION, 1, NO_LOGIN],
        }
    }

    fn login(&self) -> Result<Zeroizing<Vec<u8>>, ProxyError> {
        let login = self.login.as_ref().ok_or(ProxyError::LoginRefused)?;
        let mut message = Zeroizing::new(Vec::with_capacity(513));
        message.push(1);
        for part in [login.user.as_bytes(), login.password.expose()] {
            let length = u8::try_from(part.len()).ok().filter(|&length| length > 0);
            message.push(length.ok_or(ProxyError::Unusable(
                "a SOCKS5 user name or password has 1 to 255 octets",
            ))?);
            message.extend_from_slice(part);
        }
        Ok(message)
    }

    fn request(&self) -> Result<Vec<u8>, ProxyError> {
        const CONNECT: u8 = 1;
        let mut message = Vec::from([VERSION, CONNECT, 0]);
        match self.destination.host.parse() {
            Ok(IpAddr::V4(address)) => {
                message.push(1);
                message.extend_from_slice(&address.octets());
            }
            Ok(IpAddr::V6(address)) => {
                message.push(4);
                message.extend_from_slice(&address.octets());
            }
            Err(_) => {
                let host = self.destination.host.as_bytes();
                let length = u8::try_from(host.len()).ok().filter(|&length| length > 0);
                let length = length.ok_or(ProxyError::Unusable(
                    "a host name for SOCKS5 has 1 to 255 octets",
                ))?;
                message.extend_from_slice(&[3, length]);
                message.extend_from_slice(host);
            }
        }
        message.extend_from_slice(&self.destination.port.to_be_bytes());
        Ok(message)
    }

    /// Reads what the stage waits for; the next one. `None`: more must come first.
    fn advance(&self, connection: &mut Connection) -> Result<Option<Option<Stage>>, ProxyError> {
        Ok(Some(match self.stage {
            Stage::Begin => {
                connection.push_raw(self.methods());
                Some(Stage::Method)
            }
            Stage::Method => {
                let &[version, method, ..] = connection.raw() else {
                    return Ok(None);
                };
                connection.take_raw(2);
                match (version, method) {
                    (VERSION, NO_LOGIN) => {
                        connection.push_raw(&self.request()?);
                        Some(Stage::Reply)
                    }
                    (VERSION, USER_AND_PASSWORD) => {
                        connection.push_raw(&self.login()?);
                        Some(Stage::Login)
                    }
                    (VERSION, _) => return Err(ProxyError::LoginRefused),
                    _ => return Err(ProxyError::NotAProxy),
                }
            }
            Stage::Login => {
                let &[_, status, ..] = connection.raw() else {
                    return Ok(None);
                };
                connection.take_raw(2);
                if status != 0 {
                    return Err(ProxyError::LoginRefused);
                }
                connection.push_raw(&self.request()?);
                Some(Stage::Reply)
            }
            Stage::Reply => {
                let Some(length) = reply_length(connection.raw())? else {
                    return Ok(None);
                };
                connection.take_raw(length);
                None
            }
        }))
    }
}

/// Octets of a complete reply of success; `None` while it is not complete.
fn reply_length(reply: &[u8]) -> Result<Option<usize>, ProxyError> {
    let &[version, status, _, kind, first, ..] = reply else {
        return Ok(None);
    };
    if version != VERSION {
        return Err(ProxyError::NotAProxy);
    }
    if status != 0 {
        return Err(ProxyError::Refused(reason(status)));
    }
    let address = match kind {
        1 => 4,
        3 => 1 + usize::from(first),
        4 => 16,
        _ => return Err(ProxyError::NotAProxy),
    };
    let length = 4 + address + 2;
    Ok((reply.len() >= length).then_some(length))
}

fn reason(status: u8) -> alloc::string::String {
    let reason = match status {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "CONNECT is not supported",
        8 => "the kind of address is not supported",
        _ => return format!("SOCKS5 error {status}"),
    };
    reason.into()
}

impl Exchange for Socks5 {
    type Output = ();

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<()>, Error> {
        loop {
            match self.advance(connection) {
                Ok(Some(Some(stage))) => self.stage = stage,
                Ok(Some(None)) => return Ok(Step::Done(())),
                Ok(None) => return connection.wait_raw(),
                Err(error) => return Err(connection.give_up(error.into())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Script, converse, settings};
    use super::*;

    fn socks5(host: &str, login: Option<(&str, &str)>) -> Socks5 {
        let (destination, login) = settings(host, login);
        Socks5::new(destination, login)
    }

    #[test]
    fn a_name_is_left_to_the_proxy() {
        let script: Script<'_> = &[
            (b"\x05\x01\x00", b"\x05\x00"),
            (
                b"\x05\x01\x00\x03\x04host\x03\xe3",
                b"\x05\x00\x00\x01\x7f\0\0\x01\x1f\x90",
            ),
        ];
        assert_eq!(
            converse(|| socks5("host", None), script, b"+OK\r\n"),
            Ok(())
        );
    }

    #[test]
    fn addresses_and_a_login() {
        let login = Some(("me", "secret"));
        let script: Script<'_> = &[
            (b"\x05\x02\x00\x02", b"\x05\x02"),
            (b"\x01\x02me\x06secret", b"\x01\x00"),
            (
                b"\x05\x01\x00\x01\x7f\0\0\x01\x03\xe3",
                b"\x05\x00\x00\x03\x03abc\x00\x50",
            ),
        ];
        let outcome = converse(|| socks5("127.0.0.1", login), script, b"+OK\r\n");
        assert_eq!(outcome, Ok(()));
        let script: Script<'_> = &[
            (b"\x05\x01\x00", b"\x05\x00"),
            (
                b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x03\xe3",
                b"\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50",
            ),
        ];
        assert_eq!(converse(|| socks5("::1", None), script, b""), Ok(()));
    }

    #[test]
    fn refusals_say_why() {
        let refused = |script| {
            converse(|| socks5("host", None), script, b"").map_err(|error| match error {
                Error::Proxy(error) => error,
                other => panic!("{other}"),
            })
        };
        assert_eq!(
            refused(&[(b"\x05\x01\x00", b"\x05\xff")]),
            Err(ProxyError::LoginRefused)
        );
        assert_eq!(
            refused(&[(b"\x05\x01\x00", b"\x05\x02")]),
            Err(ProxyError::LoginRefused)
        );
        assert_eq!(
            refused(&[(b"\x05\x01\x00", b"HTTP")]),
            Err(ProxyError::NotAProxy)
        );
        let script: Script<'_> = &[
            (b"\x05\x01\x00", b"\x05\x00"),
            (
                b"\x05\x01\x00\x03\x04host\x03\xe3",
                b"\x05\x05\x00\x01\0\0\0\0\0\0",
            ),
        ];
        let why = ProxyError::Refused("connection refused".into());
        assert_eq!(refused(script), Err(why));
    }

    #[test]
    fn each_status_has_its_reason() {
        let reasons = [
            "general failure",
            "not allowed by its rules",
            "network unreachable",
            "host unreachable",
            "connection refused",
            "time to live expired",
            "CONNECT is not supported",
            "the kind of address is not supported",
            "SOCKS5 error 9",
        ];
        for (status, expected) in (1..).zip(reasons) {
            assert_eq!(reason(status), expected);
        }
    }

    #[test]
    fn what_is_said_has_1_to_255_octets() {
        for (octets, may_be_said) in [(0, false), (1, true), (255, true), (256, false)] {
            let text = "x".repeat(octets);
            for (user, password) in [(&*text, "secret"), ("me", &*text)] {
                let login = socks5("host", Some((user, password))).login();
                assert_eq!(login.is_ok(), may_be_said, "{octets}");
            }
            let request = socks5(&text, None).request();
            assert_eq!(request.is_ok(), may_be_said, "{octets}");
        }
    }
}
