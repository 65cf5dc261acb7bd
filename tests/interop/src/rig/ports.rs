//! Free ports, and waiting until something answers on them.

use std::{
    io::{self, BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr as UnixAddr, UnixListener},
    },
    process, thread,
    time::{Duration, Instant},
};

use crate::{Error, error::Doing};

/// Below the ports that Linux gives to those who ask for any, so that no other socket of this
/// machine gets one of these between the choice here and the server's own `bind`.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// How long a start may take on a machine that is busy with other tests.
const START_WITHIN: Duration = Duration::from_secs(60);

/// How often a listening server is looked for.
const POLL: Duration = Duration::from_millis(20);

/// A port of 127.0.0.1 that no other test takes while this lives.
pub(crate) struct Port {
    pub(crate) number: u16,
    /// A socket's abstract name is exclusive on the machine and goes with the process.
    _claim: UnixListener,
}

impl Port {
    /// Claims a port on which nothing listens.
    pub(crate) fn claim() -> Result<Self, Error> {
        // Tests that start together begin their search at different places.
        let start = process::id().wrapping_mul(37);
        (0..u32::from(COUNT))
            .map(|step| FIRST + (start.wrapping_add(step) % u32::from(COUNT)) as u16)
            .find_map(Self::try_claim)
            .ok_or_else(|| io::ErrorKind::AddrInUse.into())
            .doing(|| "looking for a free port".to_owned())
    }

    fn try_claim(number: u16) -> Option<Self> {
        let name = UnixAddr::from_abstract_name(format!("poplib-interop-port-{number}")).ok()?;
        let claim = UnixListener::bind_addr(&name).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        Some(Self {
            number,
            _claim: claim,
        })
    }
}

/// Polls `port` until `answers` says that the server is there, `is_running` says that it ended,
/// or the time is up.
pub(crate) fn wait_for(
    port: u16,
    answers: impl Fn(u16) -> io::Result<bool>,
    is_running: impl Fn() -> bool,
) -> Result<(), String> {
    let deadline = Instant::now() + START_WITHIN;
    loop {
        let seen = match answers(port) {
            Ok(true) => return Ok(()),
            Ok(false) => "something else answers".to_owned(),
            Err(error) => error.to_string(),
        };
        if !is_running() {
            return Err("it ended at once".to_owned());
        }
        if Instant::now() > deadline {
            return Err(format!("no answer on port {port} in time: {seen}"));
        }
        thread::sleep(POLL);
    }
}

/// Whether a POP3 server greets on the port.
pub(crate) fn greets(port: u16) -> io::Result<bool> {
    let mut line = String::new();
    BufReader::new(connect(port)?).read_line(&mut line)?;
    Ok(line.starts_with("+OK"))
}

/// Connects with a limit on every wait.
pub(crate) fn connect(port: u16) -> io::Result<TcpStream> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_port_is_not_given_twice() {
        let first = Port::claim().unwrap();
        let second = Port::claim().unwrap();
        assert_ne!(first.number, second.number);
        assert!(Port::try_claim(first.number).is_none());
        let number = first.number;
        drop(first);
        assert!(Port::try_claim(number).is_some());
    }
}
