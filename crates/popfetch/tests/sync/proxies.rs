//! A proxy between the command and the server.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use crate::support::Rig;

/// An HTTP proxy that answers CONNECT with `status` and leads to `server`. Its URL, and what it
/// was asked for.
fn proxy(server: std::net::SocketAddr, status: &'static str) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, asked) = mpsc::channel();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
        tell.send(lines.next().unwrap().unwrap()).unwrap();
        lines.find(|line| line.as_ref().unwrap().is_empty());
        write!(client, "HTTP/1.1 {status}\r\n\r\n").unwrap();
        if status.starts_with("200") {
            let server = TcpStream::connect(server).unwrap();
            let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || pass(from, to));
            pass(server, client);
        }
    });
    (url, asked)
}

/// However a side ends, the other has to notice.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _: io::Result<u64> = io::copy(&mut from, &mut to);
    let _: io::Result<()> = to.shutdown(std::net::Shutdown::Write);
}

#[test]
fn mail_comes_through_a_proxy_that_is_told_the_name() {
    let rig = Rig::five(&[]);
    let (url, asked) = proxy(rig.sandbox.tls_addr(), "200 go ahead");
    rig.run(&["--proxy", &url]).expect(0);
    rig.assert_five();
    let port = rig.sandbox.tls_addr().port();
    let wanted = format!("CONNECT {}:{port} HTTP/1.1", rig.sandbox.host());
    assert_eq!(asked.recv().unwrap(), wanted);
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let rig = Rig::five(&[]);
    let (url, _asked) = proxy(rig.sandbox.tls_addr(), "403 not you");
    let ran = rig.run(&["--proxy", &url]).expect(69);
    assert!(
        ran.err.contains("proxy") && ran.err.contains("403"),
        "{}",
        ran.err
    );
    assert_eq!(rig.delivered().len(), 0);
}
