//! A way to a server on which the answers come slowly.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Passes on what `target` says. In the first connection it comes an octet at a time, with a pause
/// before each, as soon as the client has said `line`.
pub(crate) fn slow(target: SocketAddr, line: &'static str, pause: Duration) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (index, client) in listener.incoming().enumerate() {
            let server = TcpStream::connect(target).unwrap();
            let is_slow = Arc::new(AtomicBool::new(index == 0 && line.is_empty()));
            let line = (index == 0).then_some(line);
            pass_on(client.unwrap(), server, line, &is_slow, pause);
        }
    });
    address
}

fn pass_on(
    client: TcpStream,
    server: TcpStream,
    line: Option<&'static str>,
    is_slow: &Arc<AtomicBool>,
    pause: Duration,
) {
    client.set_nodelay(true).unwrap();
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    let begins = Arc::clone(is_slow);
    thread::spawn(move || {
        let mut octets = [0; 4096];
        while let Ok(read @ 1..) = from_client.read(&mut octets) {
            let said = String::from_utf8_lossy(&octets[..read]);
            if line.is_some_and(|line| said.contains(line)) {
                begins.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(&octets[..read]).is_err() {
                break;
            }
        }
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let is_slow = Arc::clone(is_slow);
    thread::spawn(move || {
        let (mut from_server, mut to_client) = (server, client);
        let mut octets = [0; 4096];
        while let Ok(read @ 1..) = from_server.read(&mut octets) {
            let pieces = match is_slow.load(Ordering::SeqCst) {
                true => 1,
                false => read,
            };
            for piece in octets[..read].chunks(pieces) {
                if is_slow.load(Ordering::SeqCst) {
                    thread::sleep(pause);
                }
                if to_client.write_all(piece).is_err() {
                    return;
                }
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
}
