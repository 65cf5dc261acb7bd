//! RETR and TOP: bodies as streams.

use poplib::{Chain, CopyError, Limits, ProtocolError};
use poplib_sandbox::{Generated, Mailbox, Sandbox};

use super::*;
use crate::support::{implicit_tls, message, sandbox, started};

behaviour! { retr_in_chunks {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let mut body = go!(session.retr(2)).unwrap();
    let octets = message(2).len();
    assert_eq!(body.reply().text(), format!("{octets} octets").as_bytes());
    let mut content = Vec::new();
    while let Some(chunk) = go!(body.chunk()).unwrap() {
        assert!(!chunk.is_empty());
        content.extend_from_slice(chunk);
    }
    assert!(go!(body.chunk()).unwrap().is_none(), "the end stays the end");
    assert_eq!(content, message(2));
}}

behaviour! { retr_through_read {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    for number in 1..=3 {
        let body = go!(session.retr(number)).unwrap();
        assert_eq!(go!(read_all(body)).unwrap(), message(number as usize));
    }
}}

behaviour! { retr_through_read_with_a_small_buffer_and_then_the_rest {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let mut body = go!(session.retr(2)).unwrap();
    let mut content = Vec::new();
    let mut buffer = [0; 5];
    for _ in 0..3 {
        let octets = go!(read_some(&mut body, &mut buffer)).unwrap();
        assert_ne!(octets, 0);
        content.extend_from_slice(&buffer[..octets]);
    }
    content.extend(go!(body.collect()).unwrap());
    assert_eq!(content, message(2));
}}

behaviour! { retr_collected_and_copied {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let body = go!(session.retr(1)).unwrap();
    assert_eq!(go!(body.collect()).unwrap(), message(1));
    let mut sink = Vec::new();
    let body = go!(session.retr(3)).unwrap();
    let octets = go!(body.copy_to(&mut sink)).unwrap();
    assert_eq!(sink, message(3));
    assert_eq!(octets, sink.len() as u64);
}}

behaviour! { reading_past_the_end_gives_nothing {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let mut body = go!(session.retr(1)).unwrap();
    while go!(body.chunk()).unwrap().is_some() {}
    assert_eq!(go!(read_some(&mut body, &mut [0; 8])).unwrap(), 0);
    assert_eq!(go!(body.collect()).unwrap(), b"");
}}

behaviour! { top_gives_the_header_and_some_lines {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let body = go!(session.top(1, 0)).unwrap();
    assert_eq!(go!(body.collect()).unwrap(), b"Subject: one\r\n\r\n");
    let body = go!(session.top(1, 1)).unwrap();
    assert_eq!(go!(read_all(body)).unwrap(), b"Subject: one\r\n\r\nfirst line\r\n");
}}

behaviour! { a_body_dropped_before_its_end_is_skipped {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let _ = go!(session.retr(2)).unwrap();
    assert_eq!(go!(session.stat()).unwrap().messages, 3);
    let mut body = go!(session.retr(2)).unwrap();
    go!(body.chunk()).unwrap();
    assert_eq!(*go!(session.uidl_one(1)).unwrap(), *b"uid-1");
    let mut body = go!(session.top(2, 2)).unwrap();
    go!(read_some(&mut body, &mut [0; 3])).unwrap();
    let body = go!(session.retr(3)).unwrap();
    assert_eq!(go!(body.collect()).unwrap(), message(3));
    go!(session.quit()).unwrap();
}}

behaviour! { odd_content_passes_unchanged {
    let content: &[u8] = b"\0\xff bare \r and bare \n.\n\r.\r\n.x\r\n...\r\n\r\n";
    let mailbox = Mailbox::verbatim([content]);
    let sandbox = started(Sandbox::builder().mailbox(USER, PASSWORD, mailbox));
    let mut session = go!(session(&sandbox));
    let body = go!(session.retr(1)).unwrap();
    assert_eq!(go!(body.collect()).unwrap(), content);
}}

behaviour! { a_body_cut_off_is_an_error_in_every_way_of_reading {
    let script = |body| Script::new().on("RETR 1", body);
    for cut in ["+OK\r\nSubject", "+OK\r\nSubject: x\r\n", "+OK\r\nx\r\n.", "+OK\r\nx\r\n.\r"] {
        let (mut session, _) = go!(scripted_session(script(cut)));
        let body = go!(session.retr(1)).unwrap();
        let error = go!(body.collect()).unwrap_err();
        assert!(error.to_string().contains("the connection was closed"), "{error}");
        go!(session.noop()).unwrap_err();

        let (mut session, _) = go!(scripted_session(script(cut)));
        let body = go!(session.retr(1)).unwrap();
        let error = go!(read_all(body)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);

        let (mut session, _) = go!(scripted_session(script(cut)));
        let body = go!(session.retr(1)).unwrap();
        let error = go!(body.copy_to(&mut Vec::new())).unwrap_err();
        assert!(matches!(error, CopyError::Read(_)), "{error:?}");
    }
}}

behaviour! { the_error_of_a_read_leads_to_the_error_of_poplib {
    let (mut session, _) = go!(scripted_session(Script::new().on("RETR 1", "+OK\r\nx")));
    let body = go!(session.retr(1)).unwrap();
    let error = go!(read_all(body)).unwrap_err();
    let inner = error.get_ref().unwrap().downcast_ref::<Error>().unwrap();
    assert!(inner.protocol().is_some(), "{inner:?}");
}}

fn generated(octets: u64) -> Mailbox {
    Mailbox::generated(Generated {
        seed: 8,
        messages: 4,
        octets: octets.into(),
    })
}

behaviour! { p08_small_socket_buffers_stop_nobody {
    let mailbox = generated(300_000);
    let sandbox = started(Sandbox::builder().mailbox(USER, PASSWORD, mailbox).small_buffers());
    let mut session = go!(session(&sandbox));
    for number in 1..=4 {
        // The server is stuck in this body when the next command is sent.
        let mut body = go!(session.retr(number)).unwrap();
        go!(body.chunk()).unwrap();
        let body = go!(session.retr(number)).unwrap();
        assert_eq!(go!(body.collect()).unwrap().len(), 300_000);
    }
    assert_eq!(go!(session.list()).unwrap().scans().len(), 4);
    go!(session.quit()).unwrap();
}}

behaviour! { a_large_message_comes_whole_under_tls {
    let sandbox = started(Sandbox::builder().mailbox(USER, PASSWORD, generated(3_000_000)));
    let mut plain = go!(session(&sandbox));
    let body = go!(plain.retr(1)).unwrap();
    let in_clear = go!(body.collect()).unwrap();
    go!(plain.quit()).unwrap();
    assert_eq!(in_clear.len(), 3_000_000);
    let client = go!(connected(&implicit_tls(&sandbox)));
    let mut session = go!(logged_in(client));
    let body = go!(session.retr(1)).unwrap();
    assert_eq!(go!(read_all(body)).unwrap(), in_clear);
}}

behaviour! { what_has_been_read_is_not_given_again {
    let script = Script::new()
        .on("RETR 1", "+OK\r\nfirst\r\n..\r\n.\r\n")
        .on("RETR 2", "+OK\r\nsecond\r\n.\r\n");
    let (mut session, _) = go!(scripted_session(script));
    let mut body = go!(session.retr(1)).unwrap();
    assert_eq!(go!(body.chunk()).unwrap(), Some(&b"first\r\n"[..]));
    let mut buffer = [0; 2];
    assert_eq!(go!(read_some(&mut body, &mut buffer)).unwrap(), 2);
    assert_eq!(&buffer, b".\r");
    assert_eq!(go!(body.chunk()).unwrap(), Some(&b"\n"[..]));
    assert_eq!(go!(body.chunk()).unwrap(), None);
    // The second answer may lie in the buffer behind the first.
    let mut body = go!(session.retr(1)).unwrap();
    go!(body.chunk()).unwrap();
    let body = go!(session.retr(2)).unwrap();
    assert_eq!(go!(read_all(body)).unwrap(), b"second\r\n");
}}

behaviour! { a_connection_that_ends_in_a_body_is_an_error_under_tls_too {
    for fault in ["cut-in-body=1:20", "reset-in-body=1:20"] {
        let sandbox = started(sandbox().misbehave(fault));
        for config in [plaintext(&sandbox), implicit_tls(&sandbox)] {
            let client = go!(connected(&config));
            let mut session = go!(logged_in(client));
            let error = match go!(session.retr(1)) {
                Ok(body) => go!(body.collect()).unwrap_err(),
                // A reset may overtake what was sent before it.
                Err(error) => error,
            };
            assert_eq!(error.fault(), poplib::Fault::Network, "{fault}: {error:?}");
            assert!(error.is_retryable());
            go!(session.noop()).unwrap_err();
        }
    }
}}

/// What is wrong with an answer, if that is what happened.
fn misbehaviour(error: &ProtocolError) -> Option<String> {
    match error {
        ProtocolError::Misbehaved(misbehaved) => Some(misbehaved.how.to_string()),
        ProtocolError::PipelineBroken(cause) => misbehaviour(cause),
        _ => None,
    }
}

function! {
    fn bounded_session(sandbox: &Sandbox) -> Session {
        let mut limits = Limits::default();
        limits.message_octets = 200_000;
        limits.surplus_octets = 20_000;
        limits.header_octets = 10_000;
        let client = go!(connected(&plaintext(sandbox).with_limits(limits).unwrap()));
        go!(logged_in(client))
    }
}

behaviour! { e19_a_message_without_end_ends_the_session {
    for (fault, listed, how) in [
        ("endless-body=2", false, "the server sent a message over the limit"),
        ("endless-body=2", true, "the server sent far more than the"),
        ("endless-header=2", true, "the server sent a header over the limit"),
    ] {
        let sandbox = started(sandbox().misbehave(fault));
        let mut session = go!(bounded_session(&sandbox));
        let listing = go!(session.list()).unwrap();
        let wanted = listing.scans().iter().map(|scan| match listed {
            true => poplib::Wanted::from(scan),
            false => poplib::Wanted::from(scan.number()),
        });
        let mut bodies = go!(session.retr_many(wanted)).unwrap();
        let (_, first) = go!(bodies.next_body()).unwrap().unwrap();
        assert_eq!(go!(first.unwrap().collect()).unwrap(), message(1));
        let (_, second) = go!(bodies.next_body()).unwrap().unwrap();
        let error = go!(second.unwrap().collect()).unwrap_err();
        let found = misbehaviour(error.protocol().unwrap()).unwrap();
        assert!(found.starts_with(how), "{fault}: {error}");
        assert!(!error.is_retryable());
        go!(bodies.next_body()).map(|_| ()).unwrap_err();
        drop(bodies);
        go!(session.noop()).unwrap_err();
    }
}}

behaviour! { e19_a_header_without_end_ends_the_session {
    let sandbox = started(sandbox().misbehave("top-endless"));
    let mut session = go!(bounded_session(&sandbox));
    let body = go!(session.top(1, 0)).unwrap();
    let error = go!(body.collect()).unwrap_err();
    let found = misbehaviour(error.protocol().unwrap());
    assert_eq!(found.as_deref(), Some("the server sent a header over the limit"));
    go!(session.noop()).unwrap_err();
}}

behaviour! { e31_an_err_in_the_middle_of_a_message_shifts_nothing {
    let sandbox = started(sandbox().mechanisms(["CRAM-MD5"]).misbehave("err-in-body=2:7@1"));
    let config = implicit_tls(&sandbox);
    let credentials = poplib::Credentials::password(USER, PASSWORD);
    let mut session = go!(Session::open(&config, &credentials)).unwrap();
    let mut bodies = go!(session.retr_many(1..=3u32)).unwrap();
    let (_, first) = go!(bodies.next_body()).unwrap().unwrap();
    assert_eq!(go!(first.unwrap().collect()).unwrap(), message(1));
    let (_, second) = go!(bodies.next_body()).unwrap().unwrap();
    let error = go!(read_all(second.unwrap())).unwrap_err();
    assert!(Chain(&error).to_string().contains("began another: \"-ERR"), "{error}");
    go!(bodies.next_body()).map(|_| ()).unwrap_err();
    drop(bodies);
    drop(session);
    // Whether it was the server's way with several commands, the next session shows.
    assert!(config.quirks().pipelining.is_suspicion());
    let mut session = go!(Session::open(&config, &credentials)).unwrap();
    let mut bodies = go!(session.retr_many(1..=3u32)).unwrap();
    for number in 1..=3 {
        let (_, body) = go!(bodies.next_body()).unwrap().unwrap();
        assert_eq!(go!(body.unwrap().collect()).unwrap(), message(number));
    }
    drop(bodies);
    assert_eq!(config.quirks().pipelining.breaks(), 1);
    go!(session.quit()).unwrap();
}}
