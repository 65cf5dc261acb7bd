//! What errors say, and to whom they point.

use poplib::{Chain, CodeKind, Error, Fault, ProtocolError};

use super::*;

behaviour! { a_refusal_keeps_the_verb_the_words_and_the_code {
    let script = Script::new()
        .on("RETR 7", "-ERR [SYS/TEMP/DISK]  disk   trouble \r\n")
        .on("UIDL", "-err\r\n");
    let (mut session, _) = go!(scripted_session(script));
    let error = go!(session.retr(7)).err().unwrap();
    let refused = error.protocol().unwrap().refusal().unwrap();
    assert_eq!(refused.verb.as_str(), "RETR");
    assert_eq!(refused.reply.line(), b"-ERR [SYS/TEMP/DISK]  disk   trouble ");
    let code = error.code().unwrap();
    assert_eq!((code.kind(), code.as_str()), (CodeKind::SysTemp, "SYS/TEMP/DISK"));
    assert!(error.is_retryable());
    assert_eq!(error.fault(), Fault::Server);
    let error = go!(session.uidl()).unwrap_err();
    assert_eq!(error.to_string(), "UIDL was refused: the server said \"\"");
    assert!(error.code().is_none() && !error.is_retryable());
}}

behaviour! { q16_plus_err_is_a_refusal_too {
    let (mut session, _) = go!(scripted_session(Script::new().on("DELE 1", "+ERR no\r\n")));
    let error = go!(session.dele(1)).unwrap_err();
    assert!(error.protocol().unwrap().refusal().is_some());
}}

behaviour! { q04_a_reply_may_have_no_text {
    let script = Script::greeting("+OK\r\n")
        .on("USER me", "+OK\r\n")
        .on("PASS secret", "+ok\r\n")
        .on("NOOP", "+OK\r\n");
    let (mut session, _) = go!(scripted_session(script));
    assert_eq!(go!(session.noop()).unwrap().text(), b"");
}}

behaviour! { a_line_that_is_no_answer_ends_the_connection {
    let script = Script::new().on("STAT", "2 320\r\n").on("NOOP", "+OK\r\n");
    let (mut session, received) = go!(scripted_session(script));
    let error = go!(session.stat()).unwrap_err();
    assert!(matches!(error, Error::Protocol(ProtocolError::Misbehaved(_))), "{error:?}");
    assert_eq!(error.fault(), Fault::Server);
    assert_eq!(
        error.to_string(),
        "STAT: the server's answer is neither +OK nor -ERR: \"2 320\""
    );
    let error = go!(session.noop()).unwrap_err();
    assert!(matches!(error, Error::Protocol(ProtocolError::Poisoned(_))), "{error:?}");
    assert!(Chain(&error).to_string().contains("2 320"), "{error:?}");
    assert!(!received.text().contains("NOOP"));
}}

behaviour! { a_reply_without_its_numbers_costs_only_that_command {
    let script = Script::new()
        .on("STAT", "+OK maildrop ready\r\n")
        .on("LIST 1", "+OK\r\n")
        .on("NOOP", "+OK\r\n");
    let (mut session, _) = go!(scripted_session(script));
    let error = go!(session.stat()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "STAT: the server's answer cannot be understood: \"+OK maildrop ready\""
    );
    go!(session.list_one(1)).unwrap_err();
    go!(session.noop()).unwrap();
}}

behaviour! { an_answer_that_nobody_asked_for_ends_the_connection {
    let script = Script::new()
        .on("NOOP", "+OK\r\n+OK unasked\r\n")
        .on("STAT", "+OK 2 320\r\n");
    let (mut session, received) = go!(scripted_session(script));
    go!(session.noop()).unwrap();
    let error = go!(session.stat()).unwrap_err();
    assert!(matches!(error, Error::Protocol(ProtocolError::Misbehaved(_))), "{error:?}");
    assert!(!received.text().contains("STAT"));
}}

behaviour! { p01_a_command_over_255_octets_is_not_sent {
    let longest = "x".repeat(255 - "USER \r\n".len());
    let script = Script::greeting("+OK\r\n").on(&format!("USER {longest}"), "+OK\r\n");
    let (mut client, received) = go!(scripted(script));
    go!(client.user(&longest)).unwrap();
    assert_eq!(received.octets().len(), 255);
    let error = go!(client.user(&format!("{longest}x"))).unwrap_err();
    assert_eq!(error.fault(), Fault::Caller);
    assert_eq!(
        error.to_string(),
        "USER: the command would be 256 octets long, over the limit of 255 (RFC 2449 §4)"
    );
    assert_eq!(received.octets().len(), 255);
    let refused = go!(client.pass("p".repeat(300))).unwrap_err();
    assert_eq!(refused.error.fault(), Fault::Caller);
    assert!(refused.client.is_some());
}}

behaviour! { p01_a_response_line_over_512_octets_is_tolerated {
    let text = "y".repeat(4000);
    let script = Script::new().on("NOOP", format!("+OK {text}\r\n"));
    let (mut session, _) = go!(scripted_session(script));
    assert_eq!(go!(session.noop()).unwrap().text(), text.as_bytes());
}}

behaviour! { a14_what_moves_a_terminal_is_escaped_in_every_text {
    let nasty = "\u{1b}]0;title\u{7}\u{9b}2J\u{202e}gnp\u{200b}\u{0}";
    let is_clean = |text: &str| {
        let dangerous = |character: char| {
            character.is_control() || ('\u{200b}'..='\u{202e}').contains(&character)
        };
        !text.contains(dangerous)
    };
    let script = Script::new()
        .on("DELE 1", format!("-ERR {nasty}\r\n"))
        .on("UIDL", format!("+OK\r\n1 {nasty}\r\n.\r\n"))
        .on("STAT", format!("{nasty}\r\n"));
    let (mut session, _) = go!(scripted_session(script));
    let ids = go!(session.uidl()).unwrap();
    let id = ids.iter().next().unwrap();
    assert_eq!(id.uid, nasty.as_bytes());
    assert!(is_clean(&format!("{id:?}")), "{id:?}");
    let refused = go!(session.dele(1)).unwrap_err();
    let misbehaved = go!(session.stat()).unwrap_err();
    let poisoned = go!(session.noop()).unwrap_err();
    for error in [refused, misbehaved, poisoned] {
        let text = Chain(&error).to_string();
        assert!(is_clean(&text) && text.contains("\\u{1b}"), "{text}");
        let text = format!("{error:?}");
        assert!(is_clean(&text), "{text}");
    }
}}

behaviour! { a14_a_nasty_greeting_is_escaped_too {
    let script = Script::greeting("-ERR \u{1b}[31m\u{202e}\r\n");
    let outcome = go!(Client::from_stream(stream(script.stream()), &in_memory()));
    let text = outcome.unwrap_err().to_string();
    assert_eq!(
        text,
        r#"greeting was refused: the server said "\u{1b}[31m\u{202e}""#
    );
}}

behaviour! { debug_output_shows_the_state {
    let (session, _) = go!(scripted_session(Script::new()));
    let text = format!("{session:?}");
    assert!(text.starts_with("Session {"), "{text}");
    assert!(text.contains("state: Transaction"), "{text}");
    let (client, _) = go!(scripted(Script::new()));
    assert!(format!("{client:?}").contains("state: Authorization"));
}}
