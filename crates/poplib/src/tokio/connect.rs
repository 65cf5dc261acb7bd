//! The TCP connection.

use std::io;

use tokio::net::{TcpStream, lookup_host};

use super::link::within;
use crate::timeouts::{Deadline, Phase};
use crate::{Config, Error};

/// Connects to the first of the host's addresses that answers.
pub(super) async fn connect(config: &Config) -> Result<TcpStream, Error> {
    let deadline = Deadline::new(Phase::Connect, config.timeouts(), None);
    within(&deadline, connect_in_turn(config)).await?
}

async fn connect_in_turn(config: &Config) -> Result<TcpStream, Error> {
    let (host, port) = config.address();
    let addresses = lookup_host((host, port))
        .await
        .map_err(|source| Error::Resolve {
            host: host.to_owned(),
            source,
        })?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Commands are small, and each is waited for.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = Some(error),
        }
    }
    let source = last.unwrap_or_else(|| io::Error::other("the name has no address"));
    let address = format!("{host}:{port}");
    Err(Error::Connect { address, source })
}
