//! Through a proxy.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use poplib::sasl::{Method, Policy};
use poplib::{
    Chain, Config, Credentials, Error, Fault, Phase, ProtocolError, Proxy, Security, Tls,
    TlsErrorKind,
};
use poplib_proto::proxy::ProxyError;

use super::*;
use crate::support::{
    PASSWORD, USER, front, implicit_tls, patient, plaintext, sandbox, started, stls, trusting, wire,
};

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

behaviour! { socks4a_is_told_the_name_and_the_user {
    let sandbox = started(sandbox());
    let target = sandbox.tls_addr();
    let port = target.port().to_be_bytes();
    let request = [b"\x04\x01", &port[..], b"\0\0\0\x01me\0localhost\0"].concat();
    let port = proxy(vec![(request, b"\0\x5a\0\0\0\0\0\0")], target);
    let with_user = Proxy::from_url(&format!("socks4a://me@127.0.0.1:{port}")).unwrap();
    go!(works(&implicit_tls(&sandbox), with_user));
}}

/// The conversation with an HTTP proxy that wants a login, which gets `answer`.
fn http_login(target: SocketAddr, answer: &'static [u8]) -> Vec<(Vec<u8>, &'static [u8])> {
    let name = format!("localhost:{}", target.port());
    let login = "Proxy-Authorization: Basic bWU6c2VjcmV0";
    let request = format!("CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n{login}\r\n\r\n");
    vec![(request.into_bytes(), answer)]
}

const HTTP_CONNECTED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

fn https(address: SocketAddr, trust: Tls) -> Proxy {
    Proxy::https("localhost", address.port())
        .with_login("me", "secret")
        .with_tls(trust)
}

fn at_localhost(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

behaviour! { an_https_proxy_is_asked_under_tls {
    let sandbox = started(sandbox());
    for (config, target) in [
        (implicit_tls(&sandbox), sandbox.tls_addr()),
        (stls(&sandbox), sandbox.plain_addr()),
    ] {
        let inside = proxy(http_login(target, HTTP_CONNECTED), target);
        let (address, trust) = front::of_tls(at_localhost(inside));
        // The client checks that the script is kept, which it is in clear inside only.
        go!(works(&config, https(address, trust.clone())));

        let inside = proxy(http_login(target, HTTP_CONNECTED), target);
        let (address, trust) = front::of_tls(at_localhost(inside));
        let octet_by_octet = wire::dripping(address, 0, Duration::ZERO);
        go!(works(&config, https(octet_by_octet, trust)));
    }
}}

behaviour! { p13_an_https_proxy_that_is_not_believed_gets_no_login {
    let sandbox = started(sandbox());
    for (host, expected_unknown) in [("localhost", true), ("127.0.0.1", false)] {
        let (address, trust) = front::of_tls(sandbox.plain_addr());
        let proxy = Proxy::https(host, address.port()).with_login("me", "secret");
        let config = implicit_tls(&sandbox).with_proxy(match expected_unknown {
            // The sandbox's authority, which is another.
            true => proxy.with_tls(trusting(&sandbox)),
            false => proxy.with_tls(trust),
        });
        let error = go!(not_connected(&config));
        let Error::ProxyTls(cause) = &error else { panic!("{error:?}") };
        match expected_unknown {
            true => assert_eq!(*cause.kind(), TlsErrorKind::UnknownIssuer),
            false => assert!(matches!(cause.kind(), TlsErrorKind::WrongName { .. }), "{error:?}"),
        }
        assert_eq!(error.to_string(), "TLS with the proxy did not come about");
        assert_eq!(error.fault(), Fault::Network);
        assert!(!error.is_retryable());
    }
    // The front passes on what it could read under TLS, and there was nothing.
    assert_eq!(sandbox.sessions().len(), 0);
}}

behaviour! { tls_of_a_proxy_that_breaks_in_the_middle_of_a_session_in_clear_may_be_tried_again {
    let sandbox = started(sandbox());
    let target = sandbox.plain_addr();
    let inside = proxy(http_login(target, HTTP_CONNECTED), target);
    let (address, trust) = front::of_tls(at_localhost(inside));
    let is_broken = Arc::new(AtomicBool::new(false));
    let address = wire::breaking(address, Arc::clone(&is_broken));
    let config = plaintext(&sandbox).with_proxy(https(address, trust));
    let client = go!(connected(&config));
    assert!(client.tls().is_none());
    let mut session = go!(logged_in(client));
    is_broken.store(true, Ordering::SeqCst);
    let error = go!(session.stat()).unwrap_err();
    assert!(matches!(error, Error::TlsBroken { .. }), "{error:?}");
    assert!(error.is_retryable());
}}

behaviour! { a13_tls_with_a_proxy_is_not_tls_with_the_server {
    let sandbox = started(sandbox());
    let target = sandbox.plain_addr();
    let inside = proxy(http_login(target, HTTP_CONNECTED), target);
    let (address, trust) = front::of_tls(at_localhost(inside));
    let mut policy = Policy::default();
    policy.only = Some(Method::UserPass);
    let config = stls(&sandbox)
        .with_security(Security::Plaintext)
        .with_login_policy(policy)
        .with_proxy(https(address, trust));
    let client = go!(connected(&config));
    let refused = go!(client.login(&Credentials::password(USER, PASSWORD))).unwrap_err();
    let chain = Chain(&refused).to_string();
    assert!(chain.contains("without TLS"), "{chain}");
}}

behaviour! { each_refusal_of_socks4a_is_told_in_words {
    for (status, words) in [
        (b"\0\x5b\0\0\0\0\0\0", "it rejected the request, or failed"),
        (b"\0\x5c\0\0\0\0\0\0", "it could not ask identd here for the user"),
        (b"\0\x5d\0\0\0\0\0\0", "identd here names another user"),
        (b"\0\x5e\0\0\0\0\0\0", "SOCKS4 error 94"),
    ] {
        let address = wire::saying(status);
        let config = Config::new("pop.example.org")
            .with_proxy(Proxy::socks4a("127.0.0.1", address.port()))
            .with_timeouts(patient());
        let error = go!(not_connected(&config));
        let expected = ProxyError::Refused(words.into());
        let is_refused = |proxy: &ProxyError| *proxy == expected;
        let found = matches!(error.protocol(), Some(ProtocolError::Proxy(found)) if is_refused(found));
        assert!(found, "{error:?}");
    }
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
    assert!(sandbox.wait_ended(1, Duration::from_secs(60)));
    assert_eq!(sandbox.sessions()[0].octets_received, 0);
}}

behaviour! { what_a_proxy_refuses_is_told {
    for (kind, answer) in [
        ("http", &b"HTTP/1.1 403 Forbidden\r\n\r\n"[..]),
        ("http", b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
        ("http", b"+OK POP3 ready\r\n"),
        ("socks4a", b"+OK POP3 ready\r\n"),
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
    timeouts.connect = Duration::from_millis(250);
    let config = Config::new("pop.example.org")
        .with_proxy(Proxy::socks5("127.0.0.1", address.port()))
        .with_timeouts(timeouts);
    let error = go!(not_connected(&config));
    assert!(matches!(error, Error::Timeout(Phase::Proxy)), "{error:?}");
}}

behaviour! { a10_an_https_proxy_that_stalls {
    let address = wire::saying(b"\x16");
    let mut timeouts = patient();
    timeouts.connect = Duration::from_millis(250);
    let config = Config::new("pop.example.org")
        .with_proxy(Proxy::https("127.0.0.1", address.port()))
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
