//! Free ports, and waiting until something answers on them.

use std::{
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use crate::{Error, error::Doing};

/// How often a listening server is looked for.
const POLL: Duration = Duration::from_millis(20);

/// `N` ports of 127.0.0.1 that were free a moment ago. Another process may take one before the
/// server does; whoever starts a server tries again then.
pub(crate) fn free<const N: usize>() -> Result<[u16; N], Error> {
    // All are held until all are known, or the system could hand out one twice.
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .doing(|| "binding a free port".to_owned())?;
        *port = listener
            .local_addr()
            .doing(|| "asking for the port's number".to_owned())?
            .port();
        listeners.push(listener);
    }
    Ok(ports)
}

/// Polls `port` until a line arrives that satisfies `is_ours`, `still_running` says no, or
/// `deadline` passes.
pub(crate) fn wait_for_greeting(
    port: u16,
    deadline: Instant,
    is_ours: impl Fn(&str) -> bool,
    still_running: impl Fn() -> bool,
) -> Result<(), String> {
    let mut seen = String::from("nothing listens");
    while Instant::now() < deadline {
        match greeting(port) {
            Ok(line) if is_ours(&line) => return Ok(()),
            Ok(line) => seen = format!("it greets with {line:?}"),
            Err(error) => seen = error.to_string(),
        }
        if !still_running() {
            return Err("it ended at once".to_owned());
        }
        thread::sleep(POLL);
    }
    Err(format!("no greeting on port {port} in time: {seen}"))
}

fn greeting(port: u16) -> std::io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}
