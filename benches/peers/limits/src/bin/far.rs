//! Makes a server more distant: whatever passes, in either direction, arrives so much later. No
//! more than 128 KiB are on their way each way, or as many KiB as are named, as over TCP with a
//! window of twice that. Prints its own port.
//!
//!     far PORT MILLISECONDS [KIB]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How many KiB are read at once.
const PIECE: usize = 16;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (port, milliseconds, kibibytes) = match arguments.as_slice() {
        [port, milliseconds] => (port, milliseconds, "128"),
        [port, milliseconds, kibibytes] => (port, milliseconds, kibibytes.as_str()),
        _ => return Err(io::Error::other("far PORT MILLISECONDS [KIB]")),
    };
    let pieces = kibibytes.parse::<usize>().map_err(io::Error::other)? / PIECE;
    let port: u16 = port.parse().map_err(io::Error::other)?;
    let delay = Duration::from_millis(milliseconds.parse().map_err(io::Error::other)?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    for client in listener.incoming() {
        let client = client?;
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        for side in [&client, &server] {
            side.set_nodelay(true)?;
        }
        carry(client.try_clone()?, server.try_clone()?, delay, pieces);
        carry(server, client, delay, pieces);
    }
    Ok(())
}

fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration, pieces: usize) {
    let (send, receive) = mpsc::sync_channel::<(Instant, Vec<u8>)>(pieces.saturating_sub(1));
    thread::spawn(move || {
        let mut buffer = vec![0; PIECE << 10];
        // Whatever ends the reading ends the connection, which the other side will notice.
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let due = Instant::now() + delay;
            if send.send((due, buffer[..read].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, piece) in receive {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                return;
            }
        }
        // It may be closed already.
        let _ = to.shutdown(Shutdown::Write);
    });
}
