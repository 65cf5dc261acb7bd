//! Attacks on STLS, on the command line, on memory.

use std::io::Write;
use std::sync::Arc;

use poplib::{Chain, Error, Fault, Limits, Misuse, ProtocolError, Security, Tls, TlsErrorKind};

use super::*;
use crate::support::{implicit_tls, in_memory, received, sandbox, started, stls, trusting, wire};

behaviour! { a01_nothing_behind_the_ok_to_stls_is_believed {
    for injected in ["x", "\n", "+OK", "+OK\r\n", "+OK 0 0\r\n.\r\n", "\u{16}\u{3}\u{1}"] {
        let answer = format!("+OK begin\r\n{injected}");
        let memory = Script::new().on("STLS", answer).stream();
        let received = memory.received();
        let config = in_memory().with_security(Security::Stls);
        let error = go!(Client::from_stream(stream(memory), &config)).unwrap_err();
        assert!(
            matches!(error, Error::Protocol(ProtocolError::Misbehaved(_))),
            "{injected:?}: {error:?}"
        );
        assert!(!error.is_retryable());
        assert!(error.to_string().contains("tampering"), "{error}");
        assert_eq!(received.text(), "STLS\r\n", "{injected:?}");
    }
}}

behaviour! { a01_what_is_injected_later_is_no_tls {
    for injected in ["x", "+OK", "+OK\r\n"] {
        let answer = format!("+OK begin\r\n{injected}");
        let script = Script::new().on("STLS", answer).one_octet_at_a_time();
        let (mut client, received) = go!(scripted(script));
        let error = go!(client.stls()).unwrap_err();
        assert!(matches!(error, Error::Tls(_) | Error::Io { .. }), "{error:?}");
        assert!(client.tls().is_none());
        let sent = received.octets().len();
        go!(client.capa()).unwrap_err();
        go!(client.user("me")).unwrap_err();
        assert_eq!(received.octets().len(), sent);
    }
}}

behaviour! { a01_over_a_network {
    for fault in ["inject-before-tls=+OK\\r\\n", "inject-before-tls-split=+OK\\r\\n"] {
        let sandbox = started(sandbox().misbehave(fault));
        let error = go!(not_connected(&stls(&sandbox)));
        assert_eq!(error.fault(), Fault::Server, "{fault}: {error:?}");
        let received = received(&sandbox);
        assert!(!received.contains("USER") && !received.contains("CAPA"), "{fault}");
    }
}}

behaviour! { a02_a_refused_stls_ends_the_attempt {
    for answer in ["-ERR\r\n", "-ERR command not recognized\r\n"] {
        let memory = Script::new().on("STLS", answer).stream();
        let received = memory.received();
        let config = in_memory().with_security(Security::Stls);
        let error = go!(Client::from_stream(stream(memory), &config)).unwrap_err();
        assert!(matches!(error, Error::StlsRefused(_)), "{error:?}");
        let text = Chain(&error).to_string();
        assert!(text.starts_with("TLS is required, and did not begin: STLS was refused"), "{text}");
        assert_eq!(error.fault(), Fault::Server);
        assert!(!error.is_retryable());
        assert_eq!(received.text(), "STLS\r\n");
    }
}}

behaviour! { a02_an_stls_that_is_not_answered_ends_the_attempt {
    for answer in ["", "+OK", "+", "what\r\n", "* BYE\r\n"] {
        let memory = Script::new().on("STLS", answer).stream();
        let received = memory.received();
        let config = in_memory().with_security(Security::Stls);
        go!(Client::from_stream(stream(memory), &config)).unwrap_err();
        assert_eq!(received.text(), "STLS\r\n", "{answer:?}");
    }
}}

behaviour! { a02_a_failing_capa_does_not_lead_around_stls {
    let sandbox = started(sandbox().misbehave("no-capa"));
    let mut client = go!(connected(&stls(&sandbox)));
    assert!(client.tls().is_some());
    go!(client.capa()).unwrap_err();
    go!(logged_in(client));
    let record = sandbox.sessions().remove(0);
    assert_eq!(record.received_before_tls, b"STLS\r\n");
}}

behaviour! { a02_without_tls_no_credential_is_sent_unless_allowed {
    let sandbox = started(sandbox());
    let config = stls(&sandbox).with_security(Security::Plaintext);
    let mut client = go!(connected(&config));
    let error = go!(client.user(USER)).unwrap_err();
    let plaintext = |error: &Error| {
        matches!(
            error.protocol(),
            Some(ProtocolError::Misuse(Misuse::PlaintextCredentials { .. }))
        )
    };
    assert!(plaintext(&error), "{error:?}");
    assert_eq!(error.fault(), Fault::Caller);
    let refused = go!(client.pass(PASSWORD)).unwrap_err();
    assert!(plaintext(&refused.error), "{refused:?}");
    let refused = go!(refused.client.unwrap().rpop(USER)).unwrap_err();
    assert!(plaintext(&refused.error), "{refused:?}");
    // Under TLS all is well.
    let mut client = refused.client.unwrap();
    go!(client.stls()).unwrap();
    let session = go!(logged_in(client));
    go!(session.quit()).unwrap();
    let record = sandbox.sessions().remove(0);
    assert_eq!(record.received_before_tls, b"STLS\r\n");
}}

behaviour! { a03_capabilities_from_before_tls_are_forgotten {
    use poplib_sandbox::Stage;

    let sandbox = started(sandbox().capabilities(Stage::BeforeTls, ["STLS", "X-FORGED"]));
    let mut client = go!(connected(&stls(&sandbox).with_security(Security::Plaintext)));
    assert!(go!(client.capa()).unwrap().has("X-FORGED"));
    go!(client.stls()).unwrap();
    assert!(client.capabilities().is_none());
    assert!(!go!(client.capa()).unwrap().has("X-FORGED"));
}}

behaviour! { a04_a_session_that_was_not_verified_is_not_resumed_by_one_that_verifies {
    let sandbox = started(sandbox());
    let careless = implicit_tls(&sandbox).with_tls(Tls::dangerously_unverified());
    let session = go!(logged_in(go!(connected(&careless))));
    go!(session.quit()).unwrap();
    // The same host and port, other trust: nothing of the first session may count.
    let careful = implicit_tls(&sandbox).with_tls(Tls::pinned([0; 32]));
    for _ in 0..2 {
        let error = go!(not_connected(&careful));
        assert!(matches!(error.tls().unwrap().kind(), TlsErrorKind::PinMismatch { .. }), "{error:?}");
    }
}}

behaviour! { a04_sessions_are_resumed_within_one_configuration_only {
    let sandbox = started(sandbox());
    let config = implicit_tls(&sandbox);
    let clone = config.clone();
    let other = implicit_tls(&sandbox);
    for (config, is_resumed) in [(&config, false), (&clone, true), (&other, false)] {
        let session = go!(logged_in(go!(connected(config))));
        assert_eq!(session.tls().unwrap().is_resumed(), is_resumed);
        go!(session.quit()).unwrap();
    }
}}

behaviour! { a04_one_trust_for_two_hosts_verifies_each {
    let sandbox = started(sandbox());
    let good = implicit_tls(&sandbox);
    let session = go!(logged_in(go!(connected(&good))));
    go!(session.quit()).unwrap();
    let other = Config::new("other.example.org").with_tls(trusting(&sandbox));
    let error = go!(Client::from_stream(go!(tcp(sandbox.tls_addr())), &other)).unwrap_err();
    assert!(matches!(error.tls().unwrap().kind(), TlsErrorKind::WrongName { .. }), "{error:?}");
}}

behaviour! { a06_no_argument_makes_a_second_line {
    for evil in ["me\r\nDELE 1", "me\nDELE 1", "me\rDELE 1", "me\0", "\r\n", "\n"] {
        let (mut client, received) = go!(scripted(Script::new()));
        let errors = [
            go!(client.user(evil)).unwrap_err(),
            go!(client.lang(evil)).unwrap_err(),
            go!(client.custom(evil)).unwrap_err(),
            go!(client.custom_lines(evil)).unwrap_err(),
            go!(client.custom_body(evil)).err().unwrap(),
        ];
        let refused = go!(client.pass(evil)).unwrap_err();
        let again = go!(refused.client.unwrap().apop(evil, "secret")).unwrap_err();
        let last = go!(again.client.unwrap().rpop(evil)).unwrap_err();
        for error in errors.iter().chain([&refused.error, &again.error, &last.error]) {
            assert!(
                matches!(
                    error.protocol(),
                    Some(ProtocolError::Misuse(Misuse::ForbiddenOctet { .. }))
                ),
                "{evil:?}: {error:?}"
            );
        }
        assert_eq!(received.text(), "", "{evil:?}");
        // The connection has taken no harm.
        go!(logged_in_as_me(last.client.unwrap()));
    }
}}

function! {
    fn logged_in_as_me(mut client: Client) -> Session {
        go!(client.user("me")).unwrap();
        go!(client.pass("secret")).unwrap()
    }
}

/// Says `beginning`, and then `again` for as long as somebody reads.
fn endless(beginning: &'static str, again: &'static str) -> std::net::SocketAddr {
    wire::server(move |mut stream| {
        let again = again.repeat(1000);
        let mut sent = stream.write_all(beginning.as_bytes());
        while sent.is_ok() {
            sent = stream.write_all(again.as_bytes());
        }
    })
}

behaviour! { a07_an_endless_greeting_is_cut_short {
    let address = endless("+OK ", "x");
    let error = go!(Client::from_stream(go!(tcp(address)), &in_memory())).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("a line over the limit"), "{text}");
    assert!(text.len() < 1000, "{} octets", text.len());
}}

behaviour! { a07_an_endless_line_is_cut_short {
    // Half of an answer's line, and no end of it.
    let line = format!("+OK {}", "x".repeat(20_000));
    let (mut session, _) = go!(scripted_session(Script::new().on("NOOP", line)));
    let error = go!(session.noop()).unwrap_err();
    assert!(error.to_string().contains("a line over the limit"), "{error}");
    go!(session.noop()).unwrap_err();
}}

behaviour! { a07_an_endless_listing_is_cut_short {
    let mut limits = Limits::default();
    limits.listing_octets = 100_000;
    for line in ["1 1\r\n", "\r\n", "x\n", ". \r\n"] {
        let script = Script::new().on("UIDL", format!("+OK\r\n{}", line.repeat(100_001)));
        let memory = script.stream();
        let config = in_memory().with_limits(limits.clone()).unwrap();
        let mut client = go!(Client::from_stream(stream(memory), &config)).unwrap();
        go!(client.user("me")).unwrap();
        let mut session = go!(client.pass("secret")).unwrap();
        let error = go!(session.uidl()).unwrap_err();
        let text = error.to_string();
        assert_eq!(text, "UIDL: the server sent an answer over the limit");
        go!(session.noop()).unwrap_err();
    }
}}

behaviour! { a07_an_endless_list_of_capabilities_is_cut_short {
    let script = Script::new().on("CAPA", format!("+OK\r\n{}", "X-MORE\r\n".repeat(100_000)));
    let (mut client, _) = go!(scripted(script));
    let error = go!(client.capa()).unwrap_err();
    assert_eq!(error.to_string(), "CAPA: the server sent an answer over the limit");
}}

behaviour! { a11_the_default_is_to_verify {
    let sandbox = started(sandbox());
    // The sandbox's CA is no authority of this machine.
    for tls in [Tls::default(), Tls::platform()] {
        let config = implicit_tls(&sandbox).with_tls(tls);
        let error = go!(not_connected(&config));
        assert!(matches!(error.tls().unwrap().kind(), TlsErrorKind::UnknownIssuer), "{error:?}");
    }
    let default = Config::new("localhost").with_port(sandbox.tls_addr().port());
    assert_eq!(default.security(), Security::ImplicitTls);
    let error = go!(not_connected(&default));
    assert!(matches!(error.tls().unwrap().kind(), TlsErrorKind::UnknownIssuer), "{error:?}");
    assert!(sandbox.wait_ended(3, std::time::Duration::from_secs(60)));
    for record in sandbox.sessions() {
        assert_eq!(record.octets_received, 0);
        assert!(record.handshake_error.is_some());
    }
}}

behaviour! { a11_a_rustls_configuration_of_ones_own_is_used_as_it_is {
    let sandbox = started(sandbox());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // It trusts nobody.
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let config = implicit_tls(&sandbox).with_tls(Tls::unversioned_with_rustls(Arc::new(config)));
    let error = go!(not_connected(&config));
    assert!(matches!(error.tls().unwrap().kind(), TlsErrorKind::UnknownIssuer), "{error:?}");
}}
