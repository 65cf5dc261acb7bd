//! A relay that writes down what passes through it.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use socket2::{Domain, Socket, Type};

use crate::{Error, error::Doing};

/// The server sees connections come from here, an address that is not its own: servers trust a
/// client at their own address as if it used TLS.
const SOURCE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A relay in front of a server's port, recording both directions of every connection.
///
/// What a test wants to know of a client that ought to send nothing is asked here, not of the
/// server's log.
pub struct Tap {
    port: u16,
    record: Arc<Mutex<Record>>,
    stopped: Arc<AtomicBool>,
}

#[derive(Default)]
struct Record {
    from_clients: Vec<u8>,
    from_server: Vec<u8>,
}

impl Tap {
    /// Relays connections to `port` until it is dropped.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub fn before(port: u16) -> Result<Self, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .doing(|| "binding the tap's port".to_owned())?;
        let address = listener
            .local_addr()
            .doing(|| "asking for the tap's port".to_owned())?;
        let record = Arc::new(Mutex::new(Record::default()));
        let stopped = Arc::new(AtomicBool::new(false));
        thread::spawn({
            let (record, stopped) = (record.clone(), stopped.clone());
            move || {
                for client in listener.incoming() {
                    if stopped.load(Ordering::Acquire) {
                        return;
                    }
                    // A connection that fails is the client's to notice: it is closed.
                    let _ = client.and_then(|client| relay(client, port, &record));
                }
            }
        });
        Ok(Self {
            port: address.port(),
            record,
            stopped,
        })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Every octet that clients sent, in order; those of parallel connections are mixed.
    #[must_use]
    pub fn from_clients(&self) -> Vec<u8> {
        self.locked().from_clients.clone()
    }

    /// Every octet that the server sent, in order; those of parallel connections are mixed.
    #[must_use]
    pub fn from_server(&self) -> Vec<u8> {
        self.locked().from_server.clone()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // Wakes the thread that accepts; if it is gone already, nothing is left to stop.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn relay(client: TcpStream, port: u16, record: &Arc<Mutex<Record>>) -> io::Result<()> {
    let server = connect_from_elsewhere(port)?;
    copy(
        client.try_clone()?,
        server.try_clone()?,
        record.clone(),
        |record| &mut record.from_clients,
    );
    copy(server, client, record.clone(), |record| {
        &mut record.from_server
    });
    Ok(())
}

fn connect_from_elsewhere(port: u16) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((SOURCE, 0)).into())?;
    socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    Ok(socket.into())
}

/// Copies one direction on a thread of its own. An end is passed on as such, an error as an end.
fn copy(
    mut from: TcpStream,
    mut to: TcpStream,
    record: Arc<Mutex<Record>>,
    side: fn(&mut Record) -> &mut Vec<u8>,
) {
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(octets @ 1..) = from.read(&mut buffer) {
            let chunk = &buffer[..octets];
            side(&mut record.lock().unwrap_or_else(PoisonError::into_inner))
                .extend_from_slice(chunk);
            if to.write_all(chunk).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
