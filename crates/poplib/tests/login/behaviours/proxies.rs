//! Through proxies that know the server's name, where nobody else does.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;

use poplib::Proxy;
use poplib_sandbox::CertificateSpec;

use super::*;
use crate::support::{sandbox, started, trusting, wire};

/// No resolver knows it (RFC 2606).
const NAME: &str = "pop.mail.invalid";

/// A server that is `NAME`, but for its address.
fn named() -> Sandbox {
    started(sandbox().certificate(CertificateSpec::for_names([NAME])))
}

fn config(sandbox: &Sandbox) -> Config {
    Config::new(NAME).with_port(995).with_tls(trusting(sandbox))
}

/// Copies both ways until both have ended.
fn relay(client: &TcpStream, target: SocketAddr) {
    let server = TcpStream::connect(target).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = std::io::copy(&mut &*client, &mut &server);
            let _ = server.shutdown(Shutdown::Write);
        });
        let _ = std::io::copy(&mut &server, &mut &*client);
        let _ = client.shutdown(Shutdown::Write);
    });
}

fn take<const OCTETS: usize>(mut stream: &TcpStream) -> [u8; OCTETS] {
    let mut octets = [0; OCTETS];
    stream.read_exact(&mut octets).unwrap();
    octets
}

fn take_string(stream: &TcpStream) -> String {
    let [length] = take(stream);
    let mut text = vec![0; length.into()];
    (&mut &*stream).read_exact(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// RFC 1928 with RFC 1929, as its text has it.
fn socks5(target: SocketAddr) -> u16 {
    wire::server(move |mut client| {
        let [version, methods] = take(&client);
        assert_eq!(version, 5);
        let methods: Vec<u8> = (0..methods).map(|_| take::<1>(&client)[0]).collect();
        assert!(
            methods.contains(&2),
            "user name and password are not offered"
        );
        client.write_all(&[5, 2]).unwrap();
        assert_eq!(take(&client), [1]);
        assert_eq!(take_string(&client), "proxy user");
        assert_eq!(take_string(&client), "proxy password");
        client.write_all(&[1, 0]).unwrap();
        // CONNECT to a domain name.
        assert_eq!(take(&client), [5, 1, 0, 3]);
        assert_eq!(take_string(&client), NAME);
        assert_eq!(u16::from_be_bytes(take(&client)), 995);
        client
            .write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80])
            .unwrap();
        relay(&client, target);
    })
    .port()
}

/// RFC 9110 §9.3.6.
fn http(target: SocketAddr) -> u16 {
    wire::server(move |mut client| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(take::<1>(&client));
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        assert_eq!(
            lines.next().unwrap(),
            format!("CONNECT {NAME}:995 HTTP/1.1")
        );
        // `proxy user:proxy password`
        let login = "Proxy-Authorization: Basic cHJveHkgdXNlcjpwcm94eSBwYXNzd29yZA==";
        assert!(lines.any(|line| line == login), "{head}");
        client
            .write_all(b"HTTP/1.1 200 OK\r\nVia: here\r\n\r\n")
            .unwrap();
        relay(&client, target);
    })
    .port()
}

behaviour! { a_proxy_resolves_the_name_that_the_certificate_is_for {
    let sandbox = named();
    let target = sandbox.tls_addr();
    for proxy in [
        Proxy::socks5("127.0.0.1", socks5(target)),
        Proxy::http("127.0.0.1", http(target)),
    ] {
        let config = config(&sandbox).with_proxy(proxy.with_login("proxy user", "proxy password"));
        let mut session = go!(opened(&config));
        assert_eq!(go!(session.stat()).unwrap().messages, 3);
        assert!(session.tls().is_some());
        go!(session.quit()).unwrap();
    }
}}

behaviour! { without_a_proxy_nobody_knows_the_name {
    let sandbox = named();
    let error = go!(not_opened(&config(&sandbox)));
    assert!(matches!(error, Error::Resolve { .. }), "{error:?}");
}}
