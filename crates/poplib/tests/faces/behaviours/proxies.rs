//! Through a proxy.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use poplib::{Chain, Config, Error, Phase, Proxy};

use super::*;
use crate::support::{implicit_tls, patient, sandbox, started, stls, wire};

/// A proxy that expects and answers just this before it connects to `target`.
fn proxy(conversation: Vec<(Vec<u8>, &'static [u8])>, target: SocketAddr) -> u16 {
    let address = wire::server(move |mut client| {
        for (expected, answer) in conversation {
            let mut said = vec![0; expected.len()];
            client.read_exact(&mut said).unwrap();
            assert_eq!(
                String::from_utf8_lossy(&said),
                String::from_utf8_lossy(&expected)
            );
            client.write_all(answer).unwrap();
        }
        let server = TcpStream::connect(target).unwrap();
        let (mut from_client, mut to_server) =
            (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut from_client, &mut to_server);
            let _ = to_server.shutdown(std::net::Shutdown::Write);
        });
        let _ = std::io::copy(&mut &server, &mut &client);
    });
    address.port()
}

fn socks5_request(port: u16) -> Vec<u8> {
    let mut request = b"\x05\x01\x00\x03\x09localhost".to_vec();
    request.extend(port.to_be_bytes());
    request
}

const SOCKS5_CONNECTED: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00";

function! {
    /// A session through the proxy at `port`, with STLS or implicit TLS, works.
    fn works(config: &Config, proxy: Proxy) {
        let client = go!(connected(&config.clone().with_proxy(proxy)));
        assert!(client.tls().is_some());
        let mut session = go!(logged_in(client));
        assert_eq!(go!(session.stat()).unwrap().messages, 3);
        go!(session.quit()).unwrap();
    }
}

behaviour! { socks5_is_told_the_name {
    let sandbox = started(sandbox());
    for (config, target) in [
        (implicit_tls(&sandbox), sandbox.tls_addr()),
        (stls(&sandbox), sandbox.plain_addr()),
    ] {
        let conversation = vec![
            (b"\x05\x01\x00".to_vec(), &b"\x05\x00"[..]),
            (socks5_request(target.port()), SOCKS5_CONNECTED),
        ];
        let port = proxy(conversation, target);
        go!(works(&config, Proxy::socks5("127.0.0.1", port)));
    }
}}

behaviour! { socks5_with_a_login {
    let sandbox = started(sandbox());
    let target = sandbox.tls_addr();
    let conversation = vec![
        (b"\x05\x02\x00\x02".to_vec(), &b"\x05\x02"[..]),
        (b"\x01\x02me\x06secret".to_vec(), b"\x01\x00"),
        (socks5_request(target.port()), SOCKS5_CONNECTED),
    ];
    let port = proxy(conversation, target);
    let with_login = Proxy::from_url(&format!("socks5://me:secret@127.0.0.1:{port}")).unwrap();
    go!(works(&implicit_tls(&sandbox), with_login));
}}

behaviour! { http_connect_is_told_the_name {
    let sandbox = started(sandbox());
    let target = sandbox.tls_addr();
    let name = format!("localhost:{}", target.port());
    let request = format!("CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n\r\n");
    let answer = b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n";
    let port = proxy(vec![(request.into_bytes(), answer)], target);
    go!(works(&implicit_tls(&sandbox), Proxy::http("127.0.0.1", port)));
}}

behaviour! { a01_octets_behind_the_answer_of_a_proxy_are_not_believed_under_tls {
    let sandbox = started(sandbox());
    let target = sandbox.tls_addr();
    let name = format!("localhost:{}", target.port());
    let request = format!("CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n\r\n");
    let answer = b"HTTP/1.1 200 yes\r\n\r\n+OK forged\r\n";
    let port = proxy(vec![(request.into_bytes(), answer)], target);
    let config = implicit_tls(&sandbox).with_proxy(Proxy::http("127.0.0.1", port));
    let error = go!(not_connected(&config));
    assert!(Chain(&error).to_string().contains("tampering"), "{error:?}");
    assert!(sandbox.wait_ended(1, std::time::Duration::from_secs(60)));
    assert_eq!(sandbox.sessions()[0].octets_received, 0);
}}

behaviour! { what_a_proxy_refuses_is_told {
    for (kind, answer) in [
        ("http", &b"HTTP/1.1 403 Forbidden\r\n\r\n"[..]),
        ("http", b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
        ("http", b"+OK POP3 ready\r\n"),
        ("socks5", b"\x05\xff"),
        ("socks5", b"+OK POP3 ready\r\n"),
    ] {
        let address = wire::saying(answer);
        let url = format!("{kind}://127.0.0.1:{}", address.port());
        let config = Config::new("pop.example.org")
            .with_proxy(Proxy::from_url(&url).unwrap())
            .with_timeouts(patient());
        let error = go!(not_connected(&config));
        assert!(error.to_string().contains("proxy"), "{error}");
    }
}}

behaviour! { a10_a_proxy_that_stalls {
    let address = wire::saying(b"\x05");
    let mut timeouts = patient();
    timeouts.connect = std::time::Duration::from_millis(250);
    let config = Config::new("pop.example.org")
        .with_proxy(Proxy::socks5("127.0.0.1", address.port()))
        .with_timeouts(timeouts);
    let error = go!(not_connected(&config));
    assert!(matches!(error, Error::Timeout(Phase::Proxy)), "{error:?}");
}}

behaviour! { a_source_address_is_used {
    let sandbox = started(sandbox());
    let config = implicit_tls(&sandbox).with_source_address([127, 0, 0, 9].into());
    let client = go!(connected(&config));
    go!(client.quit()).unwrap();
    assert_eq!(sandbox.sessions()[0].client.ip().to_string(), "127.0.0.9");
}}
