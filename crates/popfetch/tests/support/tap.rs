//! An HTTP proxy that writes down what the command sends through it, before and under TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::wait_until;

pub(crate) struct Tap {
    /// For `--proxy`.
    pub(crate) url: String,
    records: Arc<Mutex<Vec<Record>>>,
}

/// One connection.
#[derive(Clone, Default)]
pub(crate) struct Record {
    /// The line that asked for it.
    pub(crate) asked: String,
    /// What the command sent after that: to a tap, TLS is what it is on the wire.
    pub(crate) sent: Vec<u8>,
    ended: bool,
}

impl Tap {
    /// Leads to this server, whatever host is asked for.
    pub(crate) fn leading_to(server: SocketAddr) -> Self {
        Self::new("200 go ahead", Some(server))
    }

    /// Answers with this status, and leads nowhere.
    pub(crate) fn refusing(status: &'static str) -> Self {
        Self::new(status, None)
    }

    fn new(status: &'static str, server: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let records: Arc<Mutex<Vec<Record>>> = Arc::default();
        let of_all = Arc::clone(&records);
        thread::spawn(move || {
            for (number, client) in listener.incoming().enumerate() {
                of_all.lock().unwrap().push(Record::default());
                let records = Arc::clone(&of_all);
                thread::spawn(move || {
                    serve(&client.unwrap(), status, server, |change| {
                        change(&mut records.lock().unwrap()[number]);
                    });
                });
            }
        });
        Self { url, records }
    }

    /// Every connection so far, once all of them have ended.
    pub(crate) fn records(&self) -> Vec<Record> {
        let all = || self.records.lock().unwrap().clone();
        wait_until("the end of the connections", || {
            all().iter().all(|record| record.ended)
        });
        all()
    }
}

fn serve(
    client: &TcpStream,
    status: &str,
    server: Option<SocketAddr>,
    record: impl Fn(&dyn Fn(&mut Record)),
) {
    let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
    let asked = lines.next().unwrap().unwrap();
    record(&|record| record.asked.clone_from(&asked));
    lines.find(|line| line.as_ref().unwrap().is_empty());
    write!(&mut &*client, "HTTP/1.1 {status}\r\n\r\n").unwrap();
    if let Some(server) = server {
        let server = TcpStream::connect(server).unwrap();
        let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let back = thread::spawn(move || pass(&from, &to, |_| {}));
        pass(client, &server, |octets| {
            record(&|record| record.sent.extend_from_slice(octets));
        });
        back.join().unwrap();
    }
    record(&|record| record.ended = true);
}

/// However a side ends, the other has to notice.
fn pass(mut from: &TcpStream, mut to: &TcpStream, tell: impl Fn(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(octets @ 1..) = from.read(&mut buffer) {
        tell(&buffer[..octets]);
        if to.write_all(&buffer[..octets]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Write).ok();
}
