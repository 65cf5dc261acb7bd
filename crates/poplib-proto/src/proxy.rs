//! Proxies between the client and the server: a handshake before the greeting.
//!
//! Each is an [`Exchange`](crate::Exchange) over a connection that waits for its greeting; after
//! it the octets are the server's own. The name is sent to the proxy, which resolves it.

mod http;
mod socks4a;
mod socks5;

use alloc::string::String;
use core::fmt;

pub use http::HttpConnect;
pub use socks4a::Socks4a;
pub use socks5::Socks5;

use crate::connection::Connection;
use crate::error::Error;
use crate::exchange::Step;
use crate::secret::Secret;

/// Where the proxy is to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// A name, or an address in its text form.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What the proxy itself asks for.
#[derive(Clone, Debug)]
pub struct ProxyLogin {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Why a proxy did not connect us.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyError {
    /// It wants a login, or another one.
    LoginRefused,
    /// It will not, or cannot, connect to the destination. In its words.
    Refused(String),
    /// It does not speak the protocol.
    NotAProxy,
    /// The host, the user name or the password cannot be said in the protocol.
    Unusable(&'static str),
}

impl core::error::Error for ProxyError {}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoginRefused => f.write_str("the proxy refused the login, or demands one"),
            Self::Refused(why) => write!(f, "the proxy could not connect: {why}"),
            Self::NotAProxy => f.write_str("what answers is not such a proxy"),
            Self::Unusable(what) => write!(f, "{what}"),
        }
    }
}

/// What comes next of a handshake that has advanced: whether the proxy has connected us.
fn step(
    connection: &mut Connection,
    advanced: Result<bool, ProxyError>,
) -> Result<Step<()>, Error> {
    match advanced {
        Ok(true) => Ok(Step::Done(())),
        Ok(false) => connection.wait_raw(),
        Err(error) => Err(connection.give_up(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Greeting;
    use crate::exchange::{Exchange, Want};
    use crate::wire::limits::Limits;

    /// What the client must say, and what the proxy answers to it.
    pub(super) type Script<'a> = &'a [(&'a [u8], &'a [u8])];

    /// Where to, and as whom.
    pub(super) fn settings(
        host: &str,
        login: Option<(&str, &str)>,
    ) -> (Destination, Option<ProxyLogin>) {
        let destination = Destination {
            host: host.into(),
            port: 995,
        };
        let login = login.map(|(user, password)| ProxyLogin {
            user: user.into(),
            password: password.into(),
        });
        (destination, login)
    }

    /// Plays a script against a handshake, with the answers whole and octet by octet; `behind`
    /// follows the last answer in the same segment and must still be there for the greeting.
    pub(super) fn converse<E: Exchange<Output = ()>>(
        handshake: impl Fn() -> E,
        script: Script<'_>,
        behind: &[u8],
    ) -> Result<(), Error> {
        let whole = play(handshake(), script, behind, usize::MAX);
        assert_eq!(play(handshake(), script, behind, 1), whole);
        whole
    }

    fn play<E: Exchange<Output = ()>>(
        mut handshake: E,
        script: Script<'_>,
        behind: &[u8],
        piece: usize,
    ) -> Result<(), Error> {
        let mut connection = Connection::new(Limits::default());
        let mut script = script.iter().peekable();
        let mut incoming: alloc::vec::Vec<u8> = alloc::vec::Vec::new();
        loop {
            match handshake.resume(&mut connection)? {
                Step::Done(()) => break,
                Step::StartTls => unreachable!("no proxy wants TLS"),
                Step::Want(Want::Write) => {
                    let (said, answer) = script.next().expect("the script goes on");
                    assert_eq!(connection.to_send(), *said);
                    connection.sent(said.len());
                    incoming.extend_from_slice(answer);
                    if script.peek().is_none() {
                        incoming.extend_from_slice(behind);
                    }
                }
                Step::Want(Want::Read) => receive(&mut connection, &mut incoming, piece),
            }
        }
        if !behind.is_empty() {
            while !incoming.is_empty() {
                receive(&mut connection, &mut incoming, piece);
            }
            assert!(matches!(
                Greeting::new().resume(&mut connection),
                Ok(Step::Done(_))
            ));
        }
        Ok(())
    }

    fn receive(connection: &mut Connection, incoming: &mut alloc::vec::Vec<u8>, piece: usize) {
        let octets = incoming.len().min(piece);
        assert!(octets > 0, "the proxy has nothing more to say");
        connection.space()[..octets].copy_from_slice(&incoming[..octets]);
        incoming.drain(..octets);
        connection.received(octets);
    }
}
