//! TLS in front of what speaks in clear, as a proxy has it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use poplib::Tls;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection};

use super::wire;

/// An address at which one connection has TLS, whose inside goes to `target`; and trust in it, as
/// `localhost`.
pub(crate) fn of_tls(target: SocketAddr) -> (SocketAddr, Tls) {
    let names = ["localhost".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let trust = Tls::with_authorities(cert.pem().as_bytes()).unwrap();
    let address = wire::server(move |client| {
        let tls = ServerConnection::new(Arc::new(config)).unwrap();
        serve(&client, &Mutex::new(tls), target);
    });
    (address, trust)
}

fn serve(client: &TcpStream, tls: &Mutex<ServerConnection>, target: SocketAddr) {
    // Only once the client is believed to be one: what does not speak TLS reaches nothing.
    let Some(first) = decrypted(client, tls) else {
        return;
    };
    let target = TcpStream::connect(target).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut buffer = [0; 4096];
            while let Ok(octets @ 1..) = (&target).read(&mut buffer) {
                let mut tls = tls.lock().unwrap();
                tls.writer().write_all(&buffer[..octets]).unwrap();
                if !flushed(&mut tls, client) {
                    break;
                }
            }
            let _ = client.shutdown(Shutdown::Both);
        });
        let mut next = Some(first);
        while let Some(octets) = next {
            if (&target).write_all(&octets).is_err() {
                break;
            }
            next = decrypted(client, tls);
        }
        let _ = target.shutdown(Shutdown::Both);
    });
}

/// What the client says next; `None` at its end, and where it gives TLS up.
fn decrypted(client: &TcpStream, tls: &Mutex<ServerConnection>) -> Option<Vec<u8>> {
    let mut buffer = [0; 4096];
    while let Ok(octets @ 1..) = (&*client).read(&mut buffer) {
        let mut tls = tls.lock().unwrap();
        let mut encrypted = &buffer[..octets];
        let mut plain = Vec::new();
        while !encrypted.is_empty() {
            tls.read_tls(&mut encrypted).unwrap();
            let state = tls.process_new_packets();
            flushed(&mut tls, client);
            let mut piece = vec![0; state.ok()?.plaintext_bytes_to_read()];
            tls.reader().read_exact(&mut piece).unwrap();
            plain.extend(piece);
        }
        if !plain.is_empty() {
            return Some(plain);
        }
    }
    None
}

fn flushed(tls: &mut ServerConnection, mut client: &TcpStream) -> bool {
    while tls.wants_write() {
        if tls.write_tls(&mut client).is_err() {
            return false;
        }
    }
    true
}
