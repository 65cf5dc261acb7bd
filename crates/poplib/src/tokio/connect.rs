//! The TCP connection.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::link::within;
use crate::eyeballs::{ATTEMPT_DELAY, order};
use crate::timeouts::Deadline;
use crate::{Config, Error};

/// Connects to the first of the host's addresses that answers; each has a head start before the
/// next is tried beside it (RFC 8305).
pub(super) async fn connect(config: &Config, begun: Instant) -> Result<TcpStream, Error> {
    let deadline = Deadline::of_connecting(config.timeouts(), begun);
    within(&deadline, race(config)).await?
}

async fn race(config: &Config) -> Result<TcpStream, Error> {
    let (host, port) = config.first_hop();
    let addresses = lookup_host((host, port))
        .await
        .map_err(|source| Error::Resolve {
            host: host.to_owned(),
            source,
        })?;
    let mut untried = order(addresses, config.source()).into_iter();
    // Dropped with the race, which ends the attempts that lost.
    let mut running = JoinSet::new();
    let mut last = None;
    loop {
        let tried = untried.next();
        if let Some(address) = tried {
            running.spawn(connect_to(address, config.source()));
        }
        let outcome = match tried {
            Some(_) => match timeout(ATTEMPT_DELAY, running.join_next()).await {
                Ok(outcome) => outcome,
                Err(_) => continue,
            },
            None => running.join_next().await,
        };
        match outcome {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(error))) => last = Some(error),
            Some(Err(panicked)) => last = Some(io::Error::other(panicked)),
            None => {
                let source = last.unwrap_or_else(|| io::Error::other("the name has no address"));
                let address = format!("{host}:{port}");
                return Err(Error::Connect { address, source });
            }
        }
    }
}

async fn connect_to(address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let stream = socket.connect(address).await?;
    // Commands are small, and each is waited for.
    stream.set_nodelay(true)?;
    Ok(stream)
}
