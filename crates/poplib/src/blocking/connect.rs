//! The TCP connection.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;

use crate::timeouts::{Deadline, Phase};
use crate::{Config, Error};

/// Connects to the first of the host's addresses that answers.
pub(super) fn connect(config: &Config) -> Result<TcpStream, Error> {
    let (host, port) = config.address();
    let deadline = Deadline::new(Phase::Connect, config.timeouts(), None);
    let mut last = None;
    for address in resolve(host, port, &deadline)? {
        match connect_to(address, &deadline) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
        deadline.remaining()?;
    }
    let source = last.unwrap_or_else(|| io::Error::other("the name has no address"));
    let address = format!("{host}:{port}");
    Err(Error::Connect { address, source })
}

/// The resolver of the C library cannot be interrupted, so it runs on a thread of its own.
fn resolve(host: &str, port: u16, deadline: &Deadline) -> Result<Vec<SocketAddr>, Error> {
    let (sender, receiver) = mpsc::channel();
    let name = host.to_owned();
    thread::spawn(move || {
        let addresses = (name.as_str(), port).to_socket_addrs();
        let _ = sender.send(addresses.map(Iterator::collect));
    });
    let answer = match deadline.remaining()? {
        Some(time) => receiver.recv_timeout(time).map_err(|_| deadline.passed())?,
        None => receiver.recv().map_err(|_| deadline.passed())?,
    };
    answer.map_err(|source| Error::Resolve {
        host: host.to_owned(),
        source,
    })
}

fn connect_to(address: SocketAddr, deadline: &Deadline) -> io::Result<TcpStream> {
    let stream = match deadline.remaining()? {
        Some(time) => TcpStream::connect_timeout(&address, time)?,
        None => TcpStream::connect(address)?,
    };
    // Commands are small, and each is waited for.
    stream.set_nodelay(true)?;
    Ok(stream)
}
