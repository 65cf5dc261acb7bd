//! The stream below: where it leads, what it takes, and how it is had back.

use std::io;

use poplib::{Config, CopyError, Error, Phase, Proxy, Security};

use super::*;
use crate::support::{sandbox, started};

fn takes_nothing(error: &Error) -> Phase {
    match error {
        Error::Io { phase, source } => {
            assert_eq!(source.kind(), io::ErrorKind::WriteZero, "{error:?}");
            phase.clone()
        }
        error => panic!("{error:?}"),
    }
}

behaviour! { a_stream_that_takes_nothing_is_an_error_and_no_endless_loop {
    let clear = in_memory();
    let tls = in_memory().with_security(Security::ImplicitTls);
    for octets in [0, 1, 4] {
        let script = Script::new().takes(octets);
        let mut client = go!(Client::from_stream(stream(script.stream()), &clear)).unwrap();
        takes_nothing(&go!(client.user("me")).unwrap_err());
        // In the middle of the first record.
        let script = Script::new().takes(octets);
        let error = go!(Client::from_stream(stream(script.stream()), &tls)).unwrap_err();
        assert_eq!(takes_nothing(&error), Phase::Tls);
    }
}}

behaviour! { a_stream_that_was_given_leads_to_the_server_and_not_to_a_proxy {
    for proxy in [Proxy::socks5("proxy.example.org", 1080), Proxy::http("proxy.example.org", 8080)] {
        let memory = Script::new().stream();
        let received = memory.received();
        let config = in_memory().with_proxy(proxy);
        let mut client = go!(Client::from_stream(stream(memory), &config)).unwrap();
        go!(client.user("me")).unwrap();
        assert_eq!(received.text(), "USER me\r\n");
    }
}}

behaviour! { whom_the_connection_goes_to_is_told {
    let sandbox = started(sandbox());
    let client = go!(connected(&plaintext(&sandbox)));
    assert_eq!(client.peer_addr(), Some(sandbox.plain_addr()));
    let session = go!(logged_in(client));
    assert_eq!(session.peer_addr(), Some(sandbox.plain_addr()));
    // Whoever gave the stream knows it.
    let (client, _) = go!(scripted(Script::new()));
    assert_eq!(client.peer_addr(), None);
}}

behaviour! { a_stream_is_had_back_only_at_rest {
    let script = || Script::new().on("RETR 1", "+OK\r\nx\r\n.\r\n").on("NOOP", "+OK\r\nmore");
    let (session, _) = go!(scripted_session(script()));
    let (_, unread) = session.into_inner().unwrap();
    assert_eq!(unread, b"");
    // What came behind the answer is not lost.
    let (mut session, received) = go!(scripted_session(script()));
    go!(session.noop()).unwrap();
    let (_, unread) = session.into_inner().unwrap();
    assert_eq!(unread, b"more");
    assert!(received.text().ends_with("NOOP\r\n"), "no QUIT");
    // A body is on its way; the connection is over.
    let (mut session, _) = go!(scripted_session(script()));
    go!(session.retr(1)).unwrap();
    assert!(session.into_inner().is_none());
    let (mut session, _) = go!(scripted_session(Script::new().on("STAT", "what\r\n")));
    go!(session.stat()).unwrap_err();
    assert!(session.into_inner().is_none());
}}

behaviour! { a_full_disk_is_told_from_a_broken_connection {
    let cut = Script::new().on("RETR 1", "+OK\r\nx\r\n");
    let (mut session, _) = go!(scripted_session(cut));
    let body = go!(session.retr(1)).unwrap();
    let error = go!(body.copy_to(&mut Vec::new())).unwrap_err();
    let CopyError::Read(Error::Protocol(_)) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::UnexpectedEof);

    // Once it is over, it is said again what ended it.
    let cut = Script::new().on("RETR 1", "+OK\r\nx\r\n");
    let (mut session, _) = go!(scripted_session(cut));
    let mut body = go!(session.retr(1)).unwrap();
    while go!(body.chunk()).is_ok() {}
    let error = go!(body.copy_to(&mut Vec::new())).unwrap_err();
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::UnexpectedEof);

    let whole = Script::new().on("RETR 1", "+OK\r\nmessage\r\n.\r\n").on("NOOP", "+OK\r\n");
    let (mut session, _) = go!(scripted_session(whole));
    let body = go!(session.retr(1)).unwrap();
    let mut disk = [0; 4];
    let error = go!(body.copy_to(&mut io::Cursor::new(&mut disk[..]))).unwrap_err();
    assert!(matches!(error, CopyError::Write(_)), "{error:?}");
    assert_eq!(error.to_string(), "writing the message failed");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::WriteZero);
    assert_eq!(&disk, b"mess");
    // The disk is not the connection's fault.
    go!(session.noop()).unwrap();
}}

behaviour! { a_configuration_without_permission_keeps_credentials_from_the_clear {
    let config = Config::new("pop.example.org").with_security(Security::Plaintext);
    let script = || {
        Script::greeting("+OK\r\n")
            .on("CAPA", "+OK\r\nUSER\r\n.\r\n")
            .on("USER me", "+OK\r\n")
            .on("PASS secret", "+OK\r\n")
    };
    let memory = script().stream();
    let received = memory.received();
    let mut client = go!(Client::from_stream(stream(memory), &config)).unwrap();
    go!(client.user("me")).unwrap_err();
    let credentials = poplib::Credentials::password("me", "secret");
    let refused = go!(client.login(&credentials)).unwrap_err();
    assert!(matches!(refused.error.protocol(), Some(poplib::ProtocolError::NoWay(_))), "{refused:?}");
    assert_eq!(received.text(), "CAPA\r\n");
    let config = config.with_plaintext_credentials();
    let client = go!(Client::from_stream(stream(script().stream()), &config)).unwrap();
    let session = go!(client.login(&credentials)).unwrap();
    assert_eq!(session.authentication().method, "USER");
}}

behaviour! { a_session_tells_how_it_was_logged_in {
    let logged_in = |session: &Session| {
        let how = session.authentication();
        (how.method.clone(), String::from_utf8_lossy(how.reply.text()).into_owned())
    };
    let (session, _) = go!(scripted_session(Script::new()));
    assert_eq!(logged_in(&session), ("USER".into(), "logged in".into()));
    let (client, _) = go!(scripted(Script::new().on("RPOP me", "+OK trusted\r\n")));
    let session = go!(client.rpop("me")).unwrap();
    assert_eq!(logged_in(&session), ("RPOP".into(), "trusted".into()));
    let sandbox = started(sandbox().mechanisms(["PLAIN", "CRAM-MD5"]));
    let client = go!(connected(&plaintext(&sandbox)));
    let session = go!(client.apop(USER, PASSWORD)).unwrap();
    assert_eq!(session.authentication().method, "+APOP");
    go!(session.quit()).unwrap();
    let password = poplib::sasl::Password::new(USER, PASSWORD);
    let client = go!(connected(&plaintext(&sandbox)));
    let session = go!(client.auth(poplib::sasl::Plain::new(&password).unwrap())).unwrap();
    assert_eq!(session.authentication().method, "PLAIN");
    go!(session.quit()).unwrap();
    let credentials = poplib::Credentials::password(USER, PASSWORD);
    let client = go!(connected(&plaintext(&sandbox)));
    let session = go!(client.login(&credentials)).unwrap();
    assert_eq!(session.authentication().method, "CRAM-MD5");
    go!(session.quit()).unwrap();
    let session = go!(Session::open(&plaintext(&sandbox), &credentials)).unwrap();
    assert_eq!(session.authentication().method, "CRAM-MD5");
}}
