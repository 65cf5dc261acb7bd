//! HTTP CONNECT (RFC 9110 §9.3.6) with basic authentication (RFC 7617).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64, Encoding};
use memchr::memmem;
use zeroize::Zeroizing;

use super::{Destination, ProxyError, ProxyLogin, step};
use crate::connection::Connection;
use crate::error::Error;
use crate::exchange::{Exchange, Step};

/// Connects through an HTTP proxy.
#[derive(Debug)]
pub struct HttpConnect {
    destination: Destination,
    login: Option<ProxyLogin>,
    sent: bool,
}

impl HttpConnect {
    /// A handshake that has not begun.
    #[must_use]
    pub fn new(destination: Destination, login: Option<ProxyLogin>) -> Self {
        Self {
            destination,
            login,
            sent: false,
        }
    }

    fn request(&self) -> Result<Zeroizing<Vec<u8>>, ProxyError> {
        let Destination { host, port } = &self.destination;
        let is_plain = |octet: u8| octet.is_ascii_graphic();
        if host.is_empty() || !host.bytes().all(is_plain) {
            return Err(ProxyError::Unusable(
                "the host name cannot be sent to an HTTP proxy",
            ));
        }
        let authority = if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        let mut request = Zeroizing::new(Vec::with_capacity(1024));
        let line = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
        request.extend_from_slice(line.as_bytes());
        if let Some(login) = &self.login {
            request.extend_from_slice(b"Proxy-Authorization: Basic ");
            request.extend_from_slice(basic(login)?.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        Ok(request)
    }

    fn advance(&mut self, connection: &mut Connection) -> Result<bool, ProxyError> {
        if !self.sent {
            connection.push_raw(&self.request()?);
            self.sent = true;
        }
        let waiting = connection.raw();
        if !b"HTTP/1."
            .iter()
            .zip(waiting)
            .all(|(expected, octet)| expected == octet)
        {
            return Err(ProxyError::NotAProxy);
        }
        let Some(end) = memmem::find(waiting, b"\r\n\r\n") else {
            let too_long = waiting.len() >= connection.limits().response_line;
            return if too_long {
                Err(ProxyError::NotAProxy)
            } else {
                Ok(false)
            };
        };
        judge(&waiting[..end])?;
        connection.take_raw(end + 4);
        Ok(true)
    }
}

/// `user-id ":" password` in base64.
fn basic(login: &ProxyLogin) -> Result<Zeroizing<String>, ProxyError> {
    if login.user.contains(':') {
        let why = "a user name for an HTTP proxy holds no colon";
        return Err(ProxyError::Unusable(why));
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(512));
    plain.extend_from_slice(login.user.as_bytes());
    plain.push(b':');
    plain.extend_from_slice(login.password.expose());
    Ok(Zeroizing::new(Base64::encode_string(&plain)))
}

/// `HTTP/1.1 200 Connection established`
fn judge(head: &[u8]) -> Result<(), ProxyError> {
    let line = head.split(|&octet| octet == b'\r').next().unwrap_or(head);
    let status = line.split(|&octet| octet == b' ').nth(1);
    match status {
        Some([b'2', _, _]) => Ok(()),
        Some(b"407") => Err(ProxyError::LoginRefused),
        Some([b'1'..=b'5', _, _]) => {
            let text = line.splitn(2, |&octet| octet == b' ').nth(1);
            let text = String::from_utf8_lossy(text.unwrap_or_default());
            Err(ProxyError::Refused(text.escape_debug().collect()))
        }
        _ => Err(ProxyError::NotAProxy),
    }
}

impl Exchange for HttpConnect {
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

    fn connect(host: &str, login: Option<(&str, &str)>) -> HttpConnect {
        let (destination, login) = settings(host, login);
        HttpConnect::new(destination, login)
    }

    #[test]
    fn the_tunnel_begins_behind_the_empty_line() {
        let script: Script<'_> = &[(
            b"CONNECT host:995 HTTP/1.1\r\nHost: host:995\r\n\r\n",
            b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n",
        )];
        assert_eq!(
            converse(|| connect("host", None), script, b"+OK\r\n"),
            Ok(())
        );
    }

    #[test]
    fn an_ipv6_address_and_a_login() {
        let script: Script<'_> = &[(
            b"CONNECT [::1]:995 HTTP/1.1\r\nHost: [::1]:995\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n",
            b"HTTP/1.0 200 OK\r\n\r\n",
        )];
        let login = Some(("Aladdin", "open sesame"));
        assert_eq!(converse(|| connect("::1", login), script, b""), Ok(()));
    }

    #[test]
    fn refusals_say_why() {
        for (answer, error) in [
            (&b"HTTP/1.1 407 Login\r\n\r\n"[..], ProxyError::LoginRefused),
            (
                b"HTTP/1.1 502 no route\r\n\r\n",
                ProxyError::Refused("502 no route".into()),
            ),
            (b"HTTP/1.1 ok\r\n\r\n", ProxyError::NotAProxy),
            (b"+OK POP3", ProxyError::NotAProxy),
        ] {
            let request = b"CONNECT host:995 HTTP/1.1\r\nHost: host:995\r\n\r\n";
            let script: Script<'_> = &[(request, answer)];
            let outcome = converse(|| connect("host", None), script, b"");
            assert_eq!(outcome, Err(Error::Proxy(error)));
        }
    }

    #[test]
    fn a06_nothing_can_be_smuggled_through_the_host() {
        let mut request = connect("host\r\nX-Evil: 1", None);
        let mut connection = Connection::new(crate::Limits::default());
        assert!(matches!(
            request.resume(&mut connection),
            Err(Error::Proxy(_))
        ));
        assert!(connection.to_send().is_empty());
    }
}
