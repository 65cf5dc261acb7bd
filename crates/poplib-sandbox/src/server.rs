//! The listening sockets and the threads that serve the connections.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::connection;
use crate::misbehave::{Fault, Misbehaviours};
use crate::record::Records;
use crate::settings::Settings;
use crate::tls::Tls;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;
/// Enough for a TLS handshake, and little enough for thousands of connections.
const STACK_OCTETS: usize = 512 * 1024;

/// What the threads share.
pub(crate) struct Server {
    settings: Arc<Settings>,
    tls: Tls,
    records: Records,
    faults: Mutex<Vec<Fault>>,
    accepted: AtomicU64,
    stopping: Mutex<bool>,
    stopped: Condvar,
    live: Mutex<HashMap<u64, Arc<TcpStream>>>,
    /// Threads that have not ended.
    threads: Mutex<usize>,
    ended: Condvar,
}

impl Server {
    pub(crate) fn new(settings: Settings, tls: Tls, records: Records, faults: Vec<Fault>) -> Self {
        Self {
            settings: Arc::new(settings),
            tls,
            records,
            faults: Mutex::new(faults),
            accepted: AtomicU64::new(0),
            stopping: Mutex::new(false),
            stopped: Condvar::new(),
            live: Mutex::default(),
            threads: Mutex::new(0),
            ended: Condvar::new(),
        }
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings)
    }

    pub(crate) fn tls(&self) -> &Tls {
        &self.tls
    }

    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        lock(&self.faults)
    }

    pub(crate) fn misbehaviours(&self, session: u64) -> Misbehaviours {
        Misbehaviours::of_session(&self.faults(), session)
    }

    /// Lets [`stop`](Self::stop) find the connection, until the result is dropped.
    pub(crate) fn register(&self, number: u64, tcp: &Arc<TcpStream>) -> Registered<'_> {
        lock(&self.live).insert(number, Arc::clone(tcp));
        if self.is_stopping() {
            tcp.shutdown(Shutdown::Both).ok();
        }
        Registered {
            server: self,
            number,
        }
    }

    /// Accepts connections until the server stops.
    pub(crate) fn listen(
        self: &Arc<Self>,
        listener: TcpListener,
        implicit_tls: bool,
    ) -> io::Result<JoinHandle<()>> {
        let server = Arc::clone(self);
        thread::Builder::new()
            .name("pop3-listen".to_owned())
            .spawn(move || server.accept_all(&listener, implicit_tls))
    }

    fn accept_all(self: &Arc<Self>, listener: &TcpListener, implicit_tls: bool) {
        loop {
            let accepted = listener.accept();
            if self.is_stopping() {
                return;
            }
            match accepted {
                Ok((tcp, _)) => self.spawn(tcp, implicit_tls),
                // Usually too many open files, which passes.
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn spawn(self: &Arc<Self>, tcp: TcpStream, implicit_tls: bool) {
        let number = self.accepted.fetch_add(1, Ordering::SeqCst) + 1;
        let thread = Running::new(self);
        // Without a thread there is no connection: dropping it tells the client.
        thread::Builder::new()
            .name(format!("pop3-{number}"))
            .stack_size(STACK_OCTETS)
            .spawn(move || connection::serve(&thread.server, tcp, number, implicit_tls))
            .ok();
    }

    /// Ends all connections and waits for their threads. Nothing may be accepted any more.
    pub(crate) fn stop(&self) {
        for tcp in lock(&self.live).values() {
            tcp.shutdown(Shutdown::Both).ok();
        }
        let threads = lock(&self.threads);
        drop(self.ended.wait_while(threads, |running| *running > 0));
    }

    /// Waits, but not when the server stops.
    pub(crate) fn pause(&self, duration: Duration) {
        let stopping = lock(&self.stopping);
        drop(
            self.stopped
                .wait_timeout_while(stopping, duration, |stopping| !*stopping),
        );
    }

    fn is_stopping(&self) -> bool {
        *lock(&self.stopping)
    }

    /// Makes the accepting threads end.
    pub(crate) fn stop_accepting(&self, addresses: &[SocketAddr]) {
        *lock(&self.stopping) = true;
        self.stopped.notify_all();
        for address in addresses {
            // One last connection, for the thread to look up.
            TcpStream::connect(reachable(*address)).ok();
        }
    }
}

/// Binds a listening socket; `small_buffers` gives its connections buffers of 4 KiB.
pub(crate) fn bind(address: SocketAddr, small_buffers: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if small_buffers {
        // Connections inherit them.
        socket.set_recv_buffer_size(4096)?;
        socket.set_send_buffer_size(4096)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// An address to connect to a socket that is bound to this one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}

/// A connection that `stop` must end.
pub(crate) struct Registered<'a> {
    server: &'a Server,
    number: u64,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        lock(&self.server.live).remove(&self.number);
    }
}

/// A thread that `stop` must wait for.
struct Running {
    server: Arc<Server>,
}

impl Running {
    fn new(server: &Arc<Server>) -> Self {
        *lock(&server.threads) += 1;
        Self {
            server: Arc::clone(server),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        *lock(&self.server.threads) -= 1;
        self.server.ended.notify_all();
    }
}

/// A panic in one connection's thread must not end the others'.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
