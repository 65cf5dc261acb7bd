//! A proxy between the command and the server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;

use crate::support::tap::Tap;
use crate::support::{Rig, ran};

#[test]
fn mail_comes_through_a_proxy_that_is_told_the_name() {
    let rig = Rig::five(&[]);
    let tap = Tap::leading_to(rig.sandbox.tls_addr());
    rig.run(&["--proxy", &tap.url]).expect(0);
    rig.assert_five();
    let port = rig.sandbox.tls_addr().port();
    let wanted = format!("CONNECT {}:{port} HTTP/1.1", rig.sandbox.host());
    assert_eq!(tap.records()[0].asked, wanted);
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let rig = Rig::five(&[]);
    let tap = Tap::refusing("403 not you");
    let ran = rig.run(&["--proxy", &tap.url]).expect(69);
    assert!(
        ran.err.contains("proxy") && ran.err.contains("403"),
        "{}",
        ran.err
    );
    assert_eq!(rig.delivered().len(), 0);
}

#[test]
fn mail_comes_through_a_socks4a_proxy() {
    let rig = Rig::five(&[]);
    let target = rig.sandbox.tls_addr();
    let port = target.port().to_be_bytes();
    let name = rig.sandbox.host().as_bytes();
    let request = [b"\x04\x01", &port[..], b"\0\0\0\x01me\0", name, b"\0"].concat();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("socks4a://me@{}", listener.local_addr().unwrap());
    let proxy = thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let mut said = vec![0; request.len()];
        (&client).read_exact(&mut said).unwrap();
        assert_eq!(said, request);
        (&client).write_all(b"\0\x5a\0\0\0\0\0\0").unwrap();
        let server = TcpStream::connect(target).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let _ = std::io::copy(&mut &client, &mut &server);
                let _ = server.shutdown(Shutdown::Write);
            });
            let _ = std::io::copy(&mut &server, &mut &client);
            let _ = client.shutdown(Shutdown::Write);
        });
    });
    rig.run(&["--proxy", &url]).expect(0);
    rig.assert_five();
    proxy.join().unwrap();
}

#[test]
fn an_https_proxy_that_speaks_no_tls_is_named() {
    let rig = Rig::five(&[]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        while client.read(&mut [0; 512]).is_ok_and(|octets| octets > 0) {}
    });
    let ran = rig.run(&["--proxy", &url]).expect(69);
    assert!(ran.err.contains("TLS with the proxy"), "{}", ran.err);
    assert!(ran.err.contains("--proxy"), "{}", ran.err);
    assert_eq!(rig.delivered().len(), 0);
}

#[test]
fn an_internationalized_name_is_asked_for_as_the_dns_has_it() {
    let rig = Rig::five(&[]);
    let tap = Tap::refusing("403 not you");
    let server = "pops://alice@bücher.example";
    let options = ["sync", "--server", server, "--proxy", &tap.url, "--maildir"];
    let mut command = rig.bare(&options);
    command.arg(rig.path("mail"));
    ran(command.env("POPFETCH_PASSWORD", "secret")).expect(69);
    let asked = "CONNECT xn--bcher-kva.example:995 HTTP/1.1";
    assert_eq!(tap.records()[0].asked, asked);
}
