//! Servers over TCP that send what they were told, when they were told.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Serves one connection with `serve`, and then closes it.
pub(crate) fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || serve(listener.accept().unwrap().0));
    address
}

/// Reads and throws away until the client has closed its end.
pub(crate) fn await_end(mut stream: &TcpStream) {
    let mut rest = [0; 4096];
    while stream.read(&mut rest).is_ok_and(|octets| octets > 0) {}
}

/// Says `octets`, and nothing more until the client goes.
pub(crate) fn saying(octets: &'static [u8]) -> SocketAddr {
    server(move |mut stream| {
        stream.write_all(octets).unwrap();
        await_end(&stream);
    })
}

/// Passes on what `target` says: so many octets at once, the rest one by one.
pub(crate) fn dripping(target: SocketAddr, at_once: usize, pause: Duration) -> SocketAddr {
    server(move |client| {
        let upstream = TcpStream::connect(target).unwrap();
        let commands = client.try_clone().unwrap();
        let up = upstream.try_clone().unwrap();
        thread::spawn(move || {
            let _ = std::io::copy(&mut &commands, &mut &up);
            let _ = up.shutdown(Shutdown::Both);
        });
        client.set_nodelay(true).unwrap();
        let passed = pass_on(&upstream, &client, at_once as u64);
        if passed {
            drip(&upstream, &client, pause);
        }
        let _ = upstream.shutdown(Shutdown::Both);
    })
}

/// Passes on what both sides say; once `is_broken`, a record before what the server says next that
/// nobody has encrypted.
pub(crate) fn breaking(target: SocketAddr, is_broken: Arc<AtomicBool>) -> SocketAddr {
    const RECORD: &[u8] = &[
        0x17, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
    ];
    server(move |client| {
        let upstream = TcpStream::connect(target).unwrap();
        let commands = client.try_clone().unwrap();
        let up = upstream.try_clone().unwrap();
        thread::spawn(move || {
            let _ = std::io::copy(&mut &commands, &mut &up);
            let _ = up.shutdown(Shutdown::Both);
        });
        let mut buffer = [0; 4096];
        while let Ok(octets @ 1..) = (&upstream).read(&mut buffer) {
            if is_broken.load(Ordering::SeqCst) && (&client).write_all(RECORD).is_err()
                || (&client).write_all(&buffer[..octets]).is_err()
            {
                break;
            }
        }
        let _ = upstream.shutdown(Shutdown::Both);
    })
}

fn pass_on(from: &TcpStream, mut to: &TcpStream, octets: u64) -> bool {
    std::io::copy(&mut from.take(octets), &mut to).is_ok_and(|passed| passed == octets)
}

fn drip(mut from: &TcpStream, mut to: &TcpStream, pause: Duration) {
    let mut octet = [0];
    while from.read_exact(&mut octet).is_ok() && to.write_all(&octet).is_ok() {
        thread::sleep(pause);
    }
}

/// An address at which connections are neither taken nor refused, as long as the result lives.
pub(crate) struct Unanswered {
    address: SocketAddr,
    _waiting: (TcpListener, Vec<TcpStream>),
}

impl Unanswered {
    /// Fills the queue of a listener that accepts nothing.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            waiting.push(stream);
        }
        Self {
            address,
            _waiting: (listener, waiting),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}
