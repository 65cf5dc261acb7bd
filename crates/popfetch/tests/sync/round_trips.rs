//! How often a session waits for the server.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use poplib_sandbox::Mailbox;

use crate::support::{By, Rig, five, ran};

/// What passes between a client and a server: a trip begins when the client says something after
/// the server did.
#[derive(Default)]
struct Trips {
    count: AtomicUsize,
    server_spoke_last: AtomicBool,
}

/// Passes connections on to `server` and counts their trips.
fn proxy(server: SocketAddr) -> (u16, Arc<Trips>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let trips = Arc::new(Trips::default());
    let counted = Arc::clone(&trips);
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
            counted.server_spoke_last.store(true, Ordering::SeqCst);
            let (from_client, to_server) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            let trips = Arc::clone(&counted);
            thread::spawn(move || {
                pass(from_client, to_server, || {
                    if trips.server_spoke_last.swap(false, Ordering::SeqCst) {
                        trips.count.fetch_add(1, Ordering::SeqCst);
                    }
                });
            });
            let trips = Arc::clone(&counted);
            thread::spawn(move || {
                pass(server, client, || {
                    trips.server_spoke_last.store(true, Ordering::SeqCst);
                });
            });
        }
    });
    (port, trips)
}

fn pass(mut from: TcpStream, mut to: TcpStream, spoke: impl Fn()) {
    let mut octets = [0; 65_536];
    let mut copy = || -> io::Result<()> {
        loop {
            match from.read(&mut octets)? {
                0 => return to.shutdown(Shutdown::Write),
                read => {
                    spoke();
                    to.write_all(&octets[..read])?;
                }
            }
        }
    };
    // Either side may hang up.
    let _: io::Result<()> = copy();
}

#[test]
fn no_new_mail_is_learned_in_five_round_trips() {
    let rig = Rig::built(Mailbox::messages(five()), |builder| {
        builder.mechanisms(["PLAIN"])
    });
    let (port, trips) = proxy(rig.sandbox.plain_addr());
    let url = format!("pop://alice@localhost:{port}");
    let run = || {
        let mut command = rig.sync(By::Plaintext);
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let direct = rig.url(By::Plaintext);
        let arguments = arguments
            .into_iter()
            .map(|argument| match argument == *direct {
                true => url.clone().into(),
                false => argument,
            });
        let mut through = rig.bare(&[]);
        through
            .args(arguments)
            .env("POPFETCH_PASSWORD", crate::support::PASSWORD);
        command = through;
        ran(&mut command).expect(0)
    };
    run();
    rig.assert_five();
    trips.count.store(0, Ordering::SeqCst);
    let again = run();
    assert!(again.out.contains("nothing new"), "{}", again.out);
    // CAPA, AUTH, all that there is to know, QUIT; under TLS its handshake comes first.
    assert_eq!(trips.count.load(Ordering::SeqCst), 4);
}
