//! The TCP connection.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::eyeballs::{ATTEMPT_DELAY, order};
use crate::timeouts::Deadline;
use crate::{Config, Error};

/// Connects to the first of the host's addresses that answers.
pub(super) fn connect(config: &Config, begun: Instant) -> Result<TcpStream, Error> {
    config.check_hosts()?;
    let (host, port) = config.first_hop();
    let deadline = Deadline::of_connecting(config.timeouts(), begun);
    let addresses = resolve(host, port, &deadline)?;
    connect_to_one(addresses, config, &deadline)
}

/// Each address has a head start before the next is tried beside it (RFC 8305).
fn connect_to_one(
    addresses: Vec<SocketAddr>,
    config: &Config,
    deadline: &Deadline,
) -> Result<TcpStream, Error> {
    let mut race = Race::new(config.source());
    let mut untried = order(addresses, config.source()).into_iter();
    let mut last = None;
    loop {
        let tried = match untried.next() {
            Some(address) => {
                race.enter(address, untried.len() > 0, deadline)?;
                true
            }
            None => false,
        };
        if race.running == 0 {
            let source = last.unwrap_or_else(|| io::Error::other("the name has no address"));
            return Err(Error::not_connected(config, source));
        }
        match race.wait(tried, deadline)? {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => last = Some(error),
            None => {}
        }
    }
}

/// Attempts side by side, each on a thread of its own. One that has no other beside it needs none.
struct Race {
    source: Option<IpAddr>,
    running: usize,
    sender: Sender<io::Result<TcpStream>>,
    receiver: Receiver<io::Result<TcpStream>>,
}

impl Race {
    fn new(source: Option<IpAddr>) -> Self {
        let (sender, receiver) = mpsc::channel();
        Self {
            source,
            running: 0,
            sender,
            receiver,
        }
    }

    fn enter(&mut self, address: SocketAddr, more: bool, deadline: &Deadline) -> Result<(), Error> {
        let time = deadline.remaining()?;
        let source = self.source;
        let sender = self.sender.clone();
        let attempt = move || {
            // Nobody listens any more once another attempt has won.
            let _ = sender.send(connect_to(address, source, time));
        };
        let is_alone = self.running == 0 && !more;
        self.running += 1;
        // Where no thread can be made the attempts come one after the other.
        if is_alone || thread::Builder::new().spawn(attempt.clone()).is_err() {
            attempt();
        }
        Ok(())
    }

    /// What an attempt came to; `None` after the head start of the last, if `more` may follow.
    fn wait(
        &mut self,
        more: bool,
        deadline: &Deadline,
    ) -> Result<Option<io::Result<TcpStream>>, Error> {
        let left = deadline.remaining()?.unwrap_or(Duration::MAX);
        let time = if more { left.min(ATTEMPT_DELAY) } else { left };
        match self.receiver.recv_timeout(time) {
            Ok(Err(error)) if is_own_timeout(&error) => Err(deadline.passed()),
            Ok(outcome) => {
                self.running -= 1;
                Ok(Some(outcome))
            }
            Err(RecvTimeoutError::Timeout) if more => Ok(None),
            Err(_) => Err(deadline.passed()),
        }
    }
}

/// Whether an attempt ended because its time was over, which is the deadline's, and not because
/// the system gave up.
fn is_own_timeout(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut && error.raw_os_error().is_none()
}

/// The resolver of the C library cannot be interrupted, so it runs on a thread of its own. An address
/// needs none.
fn resolve(host: &str, port: u16, deadline: &Deadline) -> Result<Vec<SocketAddr>, Error> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let failed = |source| Error::Resolve {
        host: host.to_owned(),
        source,
    };
    let (sender, receiver) = mpsc::channel();
    let name = host.to_owned();
    let resolver = thread::Builder::new().spawn(move || {
        let addresses = (name.as_str(), port).to_socket_addrs();
        let _ = sender.send(addresses.map(Iterator::collect));
    });
    resolver.map_err(failed)?;
    let time = deadline.remaining()?.unwrap_or(Duration::MAX);
    let answer: io::Result<Vec<_>> = receiver.recv_timeout(time).map_err(|_| deadline.passed())?;
    answer.map_err(failed)
}

fn connect_to(
    address: SocketAddr,
    source: Option<IpAddr>,
    time: Option<Duration>,
) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    match time {
        Some(time) => socket.connect_timeout(&address.into(), time)?,
        None => socket.connect(&address.into())?,
    }
    let stream = TcpStream::from(socket);
    // Commands are small, and each is waited for.
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eyeballs::hosts::Host;
    use crate::{Chain, Phase, Timeouts};

    const PATIENCE: Duration = Duration::from_secs(60);

    fn connected(hosts: &[&Host], connect: Duration) -> Result<SocketAddr, Error> {
        let timeouts = Timeouts {
            connect,
            ..Timeouts::default()
        };
        let config = Config::new("pop.example.org").with_timeouts(timeouts);
        let deadline = Deadline::of_connecting(config.timeouts(), Instant::now());
        let addresses = hosts.iter().map(|host| host.address);
        let stream = connect_to_one(addresses.collect(), &config, &deadline)?;
        Ok(stream.peer_addr().unwrap())
    }

    #[test]
    fn an_address_that_refuses_gives_way_to_the_next() {
        let (refusing, listening) = (Host::refusing(), Host::listening());
        let outcome = connected(&[&refusing, &refusing, &listening], PATIENCE);
        assert_eq!(outcome.unwrap(), listening.address);
    }

    #[test]
    fn an_address_that_is_silent_gives_way_to_the_next() {
        let (silent, listening) = (Host::silent(), Host::listening());
        let outcome = connected(&[&silent, &silent, &listening], PATIENCE);
        assert_eq!(outcome.unwrap(), listening.address);
    }

    #[test]
    fn where_no_address_takes_the_connection_that_is_told() {
        let refusing = Host::refusing();
        let error = connected(&[&refusing, &refusing], PATIENCE).unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
        assert!(error.to_string().contains("pop.example.org:995"), "{error}");
        let error = connected(&[], PATIENCE).unwrap_err();
        let text = Chain(&error).to_string();
        assert!(text.contains("no address"), "{text}");
    }

    #[test]
    fn a10_silence_ends_at_the_deadline() {
        let (silent, refusing) = (Host::silent(), Host::refusing());
        let time = Duration::from_millis(600);
        let error = connected(&[&silent, &refusing, &silent], time).unwrap_err();
        assert!(matches!(error, Error::Timeout(Phase::Connect)), "{error:?}");
    }
}
