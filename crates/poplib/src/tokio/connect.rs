//! The TCP connection.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::link::{require_runtime, within};
use crate::eyeballs::{ATTEMPT_DELAY, order};
use crate::timeouts::Deadline;
use crate::{Config, Error};

/// Connects to the first of the host's addresses that answers.
pub(super) async fn connect(config: &Config, begun: Instant) -> Result<TcpStream, Error> {
    require_runtime()?;
    config.check_hosts()?;
    let deadline = Deadline::of_connecting(config.timeouts(), begun);
    let connecting = async {
        let (host, port) = config.first_hop();
        match lookup_host((host, port)).await {
            Ok(addresses) => connect_to_one(addresses, config).await,
            Err(source) => Err(Error::Resolve {
                host: host.to_owned(),
                source,
            }),
        }
    };
    within(&deadline, connecting).await?
}

/// Each address has a head start before the next is tried beside it (RFC 8305).
async fn connect_to_one(
    addresses: impl IntoIterator<Item = SocketAddr>,
    config: &Config,
) -> Result<TcpStream, Error> {
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
                return Err(Error::not_connected(config, source));
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::eyeballs::hosts::Host;
    use crate::{Chain, Phase, Timeouts};

    const PATIENCE: Duration = Duration::from_secs(60);

    async fn connected(hosts: &[&Host], connect: Duration) -> Result<SocketAddr, Error> {
        let timeouts = Timeouts {
            connect,
            ..Timeouts::default()
        };
        let config = Config::new("pop.example.org").with_timeouts(timeouts);
        let deadline = Deadline::of_connecting(config.timeouts(), Instant::now());
        let addresses = hosts.iter().map(|host| host.address);
        let stream = within(&deadline, connect_to_one(addresses, &config)).await??;
        Ok(stream.peer_addr().unwrap())
    }

    #[tokio::test]
    async fn an_address_that_refuses_gives_way_to_the_next() {
        let (refusing, listening) = (Host::refusing(), Host::listening());
        let outcome = connected(&[&refusing, &refusing, &listening], PATIENCE).await;
        assert_eq!(outcome.unwrap(), listening.address);
    }

    #[tokio::test]
    async fn an_address_that_is_silent_gives_way_to_the_next() {
        let (silent, listening) = (Host::silent(), Host::listening());
        let outcome = connected(&[&silent, &silent, &listening], PATIENCE).await;
        assert_eq!(outcome.unwrap(), listening.address);
    }

    #[tokio::test]
    async fn where_no_address_takes_the_connection_that_is_told() {
        let refusing = Host::refusing();
        let error = connected(&[&refusing, &refusing], PATIENCE)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
        assert!(error.to_string().contains("pop.example.org:995"), "{error}");
        let error = connected(&[], PATIENCE).await.unwrap_err();
        let text = Chain(&error).to_string();
        assert!(text.contains("no address"), "{text}");
    }

    #[tokio::test]
    async fn a10_silence_ends_at_the_deadline() {
        let (silent, refusing) = (Host::silent(), Host::refusing());
        let time = Duration::from_millis(600);
        let error = connected(&[&silent, &refusing, &silent], time)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Timeout(Phase::Connect)), "{error:?}");
    }
}
