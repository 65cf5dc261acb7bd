//! Connecting, the greeting, TLS and STLS.

use std::io::Write;

use poplib::{Config, Error, Fault, Phase, ProtocolError, Security, TlsErrorKind, TlsVersion};
use poplib_sandbox::TlsVersions;

use super::*;
use crate::support::{
    implicit_tls, in_memory, patient, received, sandbox, started, stls, trusting, wire,
};

behaviour! { the_greeting_can_be_asked {
    let (client, _) = go!(scripted(Script::greeting("+OK  hello there\r\n")));
    let greeting = client.greeting().unwrap();
    assert_eq!(greeting.reply().line(), b"+OK  hello there");
    assert_eq!(greeting.reply().text(), b"hello there");
    assert!(greeting.timestamp().is_err());
    assert!(client.tls().is_none());
}}

behaviour! { the_greeting_survives_login {
    let (session, _) = go!(scripted_session(Script::new()));
    let greeting = session.greeting().unwrap();
    assert_eq!(
        greeting.timestamp().unwrap().as_str(),
        "<1896.697170952@dbc.mtview.ca.us>"
    );
}}

behaviour! { a_greeting_of_err_is_a_refusal {
    let script = Script::greeting("-ERR [IN-USE] come back later\r\n");
    let outcome = go!(Client::from_stream(stream(script.stream()), &in_memory()));
    let error = outcome.unwrap_err();
    assert_eq!(error.fault(), Fault::Server);
    assert_eq!(error.code().unwrap().as_str(), "IN-USE");
    assert!(error.is_retryable());
    assert_eq!(
        error.to_string(),
        "greeting was refused: the server said \"[IN-USE] come back later\""
    );
}}

behaviour! { q29_other_protocols_are_named {
    for (greeting, name) in [
        ("* OK IMAP4rev1 ready\r\n", "IMAP"),
        ("220 mail.example.org ESMTP\r\n", "SMTP or FTP"),
        ("HTTP/1.1 400 Bad Request\r\n", "HTTP"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        ("\u{15}\u{3}\u{3}\0\u{2}\u{2}(", "TLS"),
    ] {
        let script = Script::greeting(greeting);
        let outcome = go!(Client::from_stream(stream(script.stream()), &in_memory()));
        let text = outcome.unwrap_err().to_string();
        let expected = format!("the server does not speak POP3 here but {name}");
        assert!(text.contains(&expected), "{text}");
    }
}}

behaviour! { no_greeting_at_all_is_a_closed_connection {
    let script = Script::greeting("");
    let outcome = go!(Client::from_stream(stream(script.stream()), &in_memory()));
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::Protocol(ProtocolError::Closed(_))), "{error:?}");
    assert_eq!(error.fault(), Fault::Network);
    assert!(error.is_retryable());
}}

behaviour! { a_refused_connection_names_the_address {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = unused.local_addr().unwrap().port();
    drop(unused);
    let config = Config::new("127.0.0.1").with_port(port).with_timeouts(patient());
    let error = go!(not_connected(&config));
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert_eq!(error.fault(), Fault::Network);
    assert!(error.is_retryable());
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
}}

behaviour! { a_name_without_an_address_is_named {
    let config = Config::new("no-such-host.invalid").with_timeouts(patient());
    let error = go!(not_connected(&config));
    assert!(matches!(error, Error::Resolve { .. }), "{error:?}");
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
}}

behaviour! { implicit_tls_tells_its_facts {
    let sandbox = started(sandbox());
    let client = go!(connected(&implicit_tls(&sandbox)));
    let facts = client.tls().unwrap();
    assert_eq!(facts.version(), "TLSv1.3");
    assert!(facts.cipher_suite().starts_with("TLS13_"), "{facts:?}");
    assert_eq!(facts.peer_certificate(), Some(sandbox.certificate_der()));
    assert_eq!(facts.peer_certificates().len(), 1);
    let session = go!(logged_in(client));
    assert_eq!(session.tls().unwrap().version(), "TLSv1.3");
    assert_eq!(sandbox.sessions()[0].tls.as_ref().unwrap().version, "TLSv1.3");
}}

behaviour! { the_server_is_told_which_host_is_meant {
    let sandbox = started(sandbox());
    let client = go!(connected(&implicit_tls(&sandbox)));
    go!(client.quit()).unwrap();
    let facts = sandbox.sessions().remove(0).tls.unwrap();
    assert_eq!(facts.server_name.as_deref(), Some("localhost"));
}}

behaviour! { p12_tls_1_2_is_enough {
    let sandbox = started(sandbox().tls_versions(TlsVersions::Only12));
    let client = go!(connected(&implicit_tls(&sandbox)));
    assert_eq!(client.tls().unwrap().version(), "TLSv1.2");
    let mut session = go!(logged_in(client));
    assert_eq!(go!(session.stat()).unwrap().messages, 3);
    go!(session.quit()).unwrap();
}}

behaviour! { p12_one_version_of_tls_and_no_other {
    let both = started(sandbox());
    for (version, name) in [(TlsVersion::V1_2, "TLSv1.2"), (TlsVersion::V1_3, "TLSv1.3")] {
        let config = implicit_tls(&both).with_tls(trusting(&both).with_version(version));
        let client = go!(connected(&config));
        assert_eq!(client.tls().unwrap().version(), name);
    }
    let sandbox = started(sandbox().tls_versions(TlsVersions::Only12));
    let tls = trusting(&sandbox).with_version(TlsVersion::V1_3);
    let error = go!(not_connected(&implicit_tls(&sandbox).with_tls(tls)));
    assert!(matches!(error.tls().unwrap().kind(), TlsErrorKind::NothingInCommon), "{error:?}");
}}

behaviour! { p12_tls_1_1_and_older_is_refused {
    // SSL 3.0, TLS 1.0 and TLS 1.1, by the last number of their versions.
    for version in [0, 1, 2] {
        let address = wire::server(move |mut stream| {
            // A ServerHello: a random of zeros, no session, a cipher suite of that time.
            let mut hello = vec![0x16, 3, version, 0, 42, 2, 0, 0, 38, 3, version];
            hello.extend([0; 32]);
            hello.extend([0, 0xc0, 0x13, 0]);
            stream.write_all(&hello).unwrap();
            wire::await_end(&stream);
        });
        let config = Config::new("localhost").with_timeouts(patient());
        let stream = go!(tcp(address));
        let error = go!(Client::from_stream(stream, &config)).unwrap_err();
        assert!(
            matches!(error.tls().unwrap().kind(), TlsErrorKind::NothingInCommon),
            "{version}: {error:?}"
        );
        assert!(!error.is_retryable());
    }
}}

behaviour! { p12_a_server_that_refuses_our_versions_says_so {
    // The alert protocol_version.
    let address = wire::saying(&[0x15, 3, 1, 0, 2, 2, 70]);
    let config = Config::new("localhost").with_timeouts(patient());
    let error = go!(Client::from_stream(go!(tcp(address)), &config)).unwrap_err();
    assert!(
        matches!(error.tls().unwrap().kind(), TlsErrorKind::NothingInCommon),
        "{error:?}"
    );
    assert!(poplib::Chain(&error).to_string().contains("ProtocolVersion"), "{error:?}");
}}

behaviour! { p12_a_plaintext_greeting_on_the_tls_port_is_named {
    let sandbox = started(sandbox());
    let config = implicit_tls(&sandbox).with_port(sandbox.plain_addr().port());
    let error = go!(not_connected(&config));
    assert!(matches!(error.tls().unwrap().kind(), TlsErrorKind::NotTls), "{error:?}");
    assert_eq!(error.to_string(), "the server does not speak TLS on this port");
    assert_eq!(error.fault(), Fault::Server);
}}

behaviour! { p12_a_silent_tls_server_on_the_plain_port_is_waited_for_no_longer_than_allowed {
    let sandbox = started(sandbox());
    let mut timeouts = patient();
    timeouts.greeting = std::time::Duration::from_millis(250);
    let config = plaintext(&sandbox)
        .with_port(sandbox.tls_addr().port())
        .with_timeouts(timeouts);
    let error = go!(not_connected(&config));
    assert!(matches!(error, Error::Timeout(Phase::Greeting)), "{error:?}");
    assert_eq!(error.to_string(), "waiting for the greeting took too long");
}}

behaviour! { stls_protects_what_follows {
    let sandbox = started(sandbox());
    let client = go!(connected(&stls(&sandbox)));
    assert_eq!(client.tls().unwrap().version(), "TLSv1.3");
    let session = go!(logged_in(client));
    go!(session.quit()).unwrap();
    let record = sandbox.sessions().remove(0);
    assert_eq!(record.received_before_tls, b"STLS\r\n");
    let expected = format!("USER {USER}\r\nPASS {PASSWORD}\r\nQUIT\r\n");
    assert_eq!(record.received_under_tls, expected.as_bytes());
}}

behaviour! { stls_can_be_asked_for_later {
    let sandbox = started(sandbox());
    let config = stls(&sandbox).with_security(Security::Plaintext);
    let mut client = go!(connected(&config));
    assert!(go!(client.capa()).unwrap().stls());
    assert!(client.tls().is_none());
    go!(client.stls()).unwrap();
    assert!(client.tls().is_some());
    let session = go!(logged_in(client));
    go!(session.quit()).unwrap();
    let record = sandbox.sessions().remove(0);
    assert_eq!(record.received_before_tls, b"CAPA\r\nSTLS\r\n");
}}

behaviour! { stls_twice_is_the_callers_mistake {
    let sandbox = started(sandbox());
    let mut client = go!(connected(&stls(&sandbox)));
    let error = go!(client.stls()).unwrap_err();
    assert_eq!(error.fault(), Fault::Caller);
    assert_eq!(error.to_string(), "STLS: TLS protects the connection already");
    go!(client.quit()).unwrap();
    assert_eq!(received(&sandbox), "STLS\r\nQUIT\r\n");
}}

behaviour! { a_refused_stls_leaves_the_client {
    let (mut client, received) = go!(scripted(Script::new().on("QUIT", "+OK\r\n")));
    let error = go!(client.stls()).unwrap_err();
    assert_eq!(error.fault(), Fault::Server);
    assert!(client.tls().is_none());
    go!(client.quit()).unwrap();
    assert_eq!(received.text(), "STLS\r\nQUIT\r\n");
}}

behaviour! { p11_nothing_is_sent_between_stls_and_the_handshake {
    // The server hangs up when the ClientHello has come.
    let script = Script::new().on("STLS", "+OK begin\r\n");
    let memory = script.stream();
    let received = memory.received();
    let config = in_memory().with_security(Security::Stls);
    let error = go!(Client::from_stream(stream(memory), &config)).unwrap_err();
    assert!(matches!(error, Error::Io { phase: Phase::Tls, .. }), "{error:?}");
    let sent = received.octets();
    let hello = sent.strip_prefix(b"STLS\r\n").unwrap();
    // A record of TLS that holds a ClientHello, and nothing behind it.
    assert!(matches!(hello, [0x16, 3, _, _, _, 1, ..]), "{hello:?}");
    let length = usize::from(hello[3]) << 8 | usize::from(hello[4]);
    assert_eq!(hello.len(), 5 + length);
}}

behaviour! { p11_a_failed_handshake_after_stls_ends_the_connection {
    let script = Script::new().on("STLS", "+OK begin\r\n");
    let (mut client, received) = go!(scripted(script));
    go!(client.stls()).unwrap_err();
    let after_hello = received.octets().len();
    let error = go!(client.capa()).unwrap_err();
    assert!(
        matches!(error, Error::Protocol(ProtocolError::Poisoned(_))),
        "{error:?}"
    );
    assert_eq!(received.octets().len(), after_hello);
}}

behaviour! { p11_a_host_that_no_certificate_can_name_ends_the_connection_too {
    let memory = Script::new().on("STLS", "+OK begin\r\n").stream();
    let received = memory.received();
    let config = Config::new("not a name")
        .with_security(Security::Plaintext)
        .with_plaintext_credentials();
    let mut client = go!(Client::from_stream(stream(memory), &config)).unwrap();
    let error = go!(client.stls()).unwrap_err();
    assert!(matches!(error.tls().unwrap().kind(), TlsErrorKind::BadName(_)), "{error:?}");
    assert_eq!(error.fault(), Fault::Caller);
    // The server waits for a handshake: nothing may follow in clear.
    go!(client.user("me")).unwrap_err();
    assert_eq!(received.text(), "STLS\r\n");
}}

behaviour! { what_can_be_no_host_is_told_before_anything_is_tried {
    let here = Config::new("localhost");
    let proxied = here.clone().with_proxy(poplib::Proxy::http("http://proxy.example.org", 8080));
    let rows = [
        (Config::new("localhost:995"), "\"localhost:995\" is no host: the host has a port behind it"),
        (Config::new("pops://localhost"), "Config::from_url"),
        (Config::new(""), "\"\" is no host: the host is empty"),
        (proxied, "\"http://proxy.example.org\" is no host"),
    ];
    for (config, words) in rows {
        let error = go!(not_connected(&config));
        let text = poplib::Chain(&error).to_string();
        assert!(text.contains(words), "{text}");
        assert_eq!(error.fault(), Fault::Caller);
        assert!(!error.is_retryable());
    }
}}

behaviour! { an_existing_stream_can_be_used {
    let sandbox = started(sandbox());
    let plain = go!(tcp(sandbox.plain_addr()));
    let client = go!(Client::from_stream(plain, &plaintext(&sandbox))).unwrap();
    let session = go!(logged_in(client));
    go!(session.quit()).unwrap();
    let tls = go!(tcp(sandbox.tls_addr()));
    let config = Config::new("localhost").with_tls(trusting(&sandbox));
    let client = go!(Client::from_stream(tls, &config)).unwrap();
    assert!(client.tls().is_some());
    let session = go!(logged_in(client));
    go!(session.quit()).unwrap();
}}

behaviour! { p07_capabilities_are_asked_anew_in_each_state {
    use poplib_sandbox::Stage;

    let sandbox = started(
        sandbox()
            .capabilities(Stage::BeforeTls, ["STLS", "X-CLEAR"])
            .capabilities(Stage::UnderTls, ["user", "X-TLS"])
            .capabilities(Stage::AfterLogin, ["UIDL", "X-IN  a b"]),
    );
    let mut client = go!(connected(&stls(&sandbox).with_security(Security::Plaintext)));
    assert!(client.capabilities().is_none());
    assert!(go!(client.capa()).unwrap().has("x-clear"));
    assert!(client.capabilities().unwrap().stls());
    go!(client.stls()).unwrap();
    assert!(client.capabilities().is_none(), "from before TLS");
    let listed = go!(client.capa()).unwrap();
    assert!(listed.user() && !listed.stls() && !listed.has("X-CLEAR"));
    let mut session = go!(logged_in(client));
    assert!(session.capabilities().is_none(), "from before login");
    let listed = go!(session.capa()).unwrap();
    assert!(listed.uidl() && !listed.user());
    assert!(listed.parameters("X-IN").unwrap().eq([b"a", b"b"]));
    assert_eq!(session.capabilities(), Some(&listed));
}}

behaviour! { p07_a_refused_capa_clears_what_was_known {
    let script = Script::new();
    let (mut client, _) = go!(scripted(script));
    let error = go!(client.capa()).unwrap_err();
    assert_eq!(error.fault(), Fault::Server);
    assert!(client.capabilities().is_none());
    // The connection goes on.
    go!(client.user("me")).unwrap();
}}

behaviour! { tls_that_breaks_in_the_middle_is_none_that_never_began {
    let sandbox = started(sandbox());
    let is_broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let address = wire::breaking(sandbox.tls_addr(), is_broken.clone());
    let config = implicit_tls(&sandbox).with_port(address.port());
    let client = go!(connected(&config));
    let mut session = go!(logged_in(client));
    go!(session.noop()).unwrap();
    is_broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let error = go!(session.stat()).unwrap_err();
    assert!(matches!(error, Error::TlsBroken { .. }), "{error:?}");
    assert_eq!(error.fault(), Fault::Network);
    assert!(error.is_retryable());
    go!(session.noop()).unwrap_err();
}}
