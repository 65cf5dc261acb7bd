//! Happy Eyeballs (RFC 8305): the addresses of a host, in the order to try them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The time an address has before the next one is tried beside it (RFC 8305 §5).
pub(crate) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Alternates between the families, beginning with that of the resolver's first address, and
/// leaves out what `source` cannot reach.
pub(crate) fn order(
    addresses: impl IntoIterator<Item = SocketAddr>,
    source: Option<IpAddr>,
) -> Vec<SocketAddr> {
    let reachable =
        |address: &SocketAddr| source.is_none_or(|source| source.is_ipv4() == address.is_ipv4());
    let mut addresses = addresses.into_iter().filter(reachable).peekable();
    let Some(first) = addresses.peek() else {
        return Vec::new();
    };
    let first_is_ipv4 = first.is_ipv4();
    let (preferred, other): (Vec<_>, Vec<_>) =
        addresses.partition(|address| address.is_ipv4() == first_is_ipv4);
    let mut ordered = Vec::with_capacity(preferred.len() + other.len());
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    loop {
        let pair = [preferred.next(), other.next()];
        if pair == [None, None] {
            return ordered;
        }
        ordered.extend(pair.into_iter().flatten());
    }
}

/// Addresses that take a connection, refuse it, or do neither, each as long as it lives.
#[cfg(test)]
pub(crate) mod hosts {
    use std::net::{Ipv4Addr, SocketAddr, TcpStream};
    use std::time::Duration;

    use socket2::{Domain, Socket, Type};

    pub(crate) struct Host {
        pub(crate) address: SocketAddr,
        socket: Socket,
        _waiting: Vec<TcpStream>,
    }

    impl Host {
        /// Bound to its port and no more.
        pub(crate) fn refusing() -> Self {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            socket.bind(&any_port.into()).unwrap();
            let address = socket.local_addr().unwrap().as_socket().unwrap();
            Self {
                address,
                socket,
                _waiting: Vec::new(),
            }
        }

        pub(crate) fn listening() -> Self {
            let host = Self::refusing();
            host.socket.listen(8).unwrap();
            host
        }

        /// The queue of connections that nobody accepts is full.
        pub(crate) fn silent() -> Self {
            let mut host = Self::refusing();
            host.socket.listen(0).unwrap();
            let patience = Duration::from_millis(300);
            while let Ok(stream) = TcpStream::connect_timeout(&host.address, patience) {
                host._waiting.push(stream);
            }
            host
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(addresses: &[&str], source: Option<&str>) -> Vec<String> {
        let addresses = addresses.iter().map(|address| address.parse().unwrap());
        let source = source.map(|source| source.parse().unwrap());
        let ordered = order(addresses, source);
        ordered.iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn families_alternate() {
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "10.0.0.1:1", "10.0.0.2:1"];
        assert_eq!(
            ordered(&addresses, None),
            ["[::1]:1", "10.0.0.1:1", "[::2]:1", "10.0.0.2:1", "[::3]:1"]
        );
        assert_eq!(
            ordered(&["10.0.0.1:1", "[::1]:1"], None),
            ["10.0.0.1:1", "[::1]:1"]
        );
        assert_eq!(ordered(&[], None), [""; 0]);
    }

    #[test]
    fn the_source_decides_the_family() {
        let addresses = ["[::1]:1", "10.0.0.1:1", "10.0.0.2:1"];
        assert_eq!(
            ordered(&addresses, Some("127.0.0.1")),
            ["10.0.0.1:1", "10.0.0.2:1"]
        );
        assert_eq!(ordered(&addresses, Some("::1")), ["[::1]:1"]);
    }
}
