//! The commands of the TRANSACTION state, and what becomes of deletions.

use poplib::{Fault, ProtocolError};

use super::*;
use crate::support::{message, received, sandbox, started};

behaviour! { stat_counts_messages_and_octets {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let octets: usize = (1..=3).map(|number| message(number).len()).sum();
    let maildrop = go!(session.stat()).unwrap();
    assert_eq!(maildrop.messages, 3);
    assert_eq!(maildrop.octets, Some(octets as u64));
}}

behaviour! { list_tells_every_size {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let listing = go!(session.list()).unwrap();
    let scans: Vec<_> = listing
        .scans()
        .iter()
        .map(|scan| (scan.number() as usize, scan.octets()))
        .collect();
    let expected: Vec<_> = (1..=3)
        .map(|number| (number, Some(message(number).len() as u64)))
        .collect();
    assert_eq!(scans, expected);
    assert_eq!(listing.unreadable(), 0);
    let one = go!(session.list_one(2)).unwrap();
    assert_eq!(one, listing.scans()[1]);
}}

behaviour! { uidl_tells_every_unique_id {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let ids = go!(session.uidl()).unwrap();
    let listed: Vec<_> = ids.iter().map(|id| (id.number, id.uid)).collect();
    assert_eq!(listed, [(1, &b"uid-1"[..]), (2, b"uid-2"), (3, b"uid-3")]);
    assert_eq!(*go!(session.uidl_one(3)).unwrap(), *b"uid-3");
}}

behaviour! { an_empty_maildrop_lists_nothing {
    let empty = poplib_sandbox::Mailbox::empty();
    let sandbox = started(Sandbox::builder().mailbox(USER, PASSWORD, empty));
    let mut session = go!(session(&sandbox));
    assert_eq!(go!(session.stat()).unwrap().messages, 0);
    assert!(go!(session.list()).unwrap().scans().is_empty());
    assert!(go!(session.uidl()).unwrap().is_empty());
}}

behaviour! { what_is_not_there_is_refused_and_the_session_goes_on {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let mut errors = vec![
        go!(session.list_one(4)).unwrap_err(),
        go!(session.uidl_one(0)).unwrap_err(),
        go!(session.dele(4)).unwrap_err(),
    ];
    errors.extend(go!(session.retr(4)).err());
    errors.extend(go!(session.top(4, 0)).err());
    assert_eq!(errors.len(), 5);
    for error in errors {
        assert!(error.protocol().unwrap().refusal().is_some(), "{error:?}");
    }
    go!(session.noop()).unwrap();
}}

behaviour! { quit_deletes_what_is_marked {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    go!(session.dele(1)).unwrap();
    go!(session.dele(3)).unwrap();
    assert_eq!(go!(session.stat()).unwrap().messages, 1);
    assert_eq!(sandbox.messages_left(USER).unwrap(), 3);
    let reply = go!(session.quit()).unwrap();
    assert_eq!(reply.line(), b"+OK bye");
    assert_eq!(sandbox.unique_ids(USER).unwrap(), [b"uid-2"]);
}}

behaviour! { rset_takes_the_marks_away {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    go!(session.dele(1)).unwrap();
    go!(session.rset()).unwrap();
    assert_eq!(go!(session.stat()).unwrap().messages, 3);
    go!(session.quit()).unwrap();
    assert_eq!(sandbox.messages_left(USER).unwrap(), 3);
}}

behaviour! { p03_a_session_dropped_without_quit_deletes_nothing {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    go!(session.dele(1)).unwrap();
    drop(session);
    assert!(!received(&sandbox).contains("QUIT"));
    assert_eq!(sandbox.messages_left(USER).unwrap(), 3);
}}

behaviour! { p03_err_at_quit_is_an_error {
    let script = Script::new()
        .on("DELE 1", "+OK\r\n")
        .on("QUIT", "-ERR some deleted messages not removed\r\n");
    let (mut session, _) = go!(scripted_session(script));
    go!(session.dele(1)).unwrap();
    let error = go!(session.quit()).unwrap_err();
    assert_eq!(error.fault(), Fault::Server);
    assert_eq!(
        error.to_string(),
        "QUIT was refused: the server said \"some deleted messages not removed\""
    );
}}

behaviour! { p03_the_end_instead_of_an_answer_to_quit_is_an_error {
    for partial in ["", "+", "+OK bye", "+OK bye\r"] {
        let script = Script::new().on("DELE 1", "+OK\r\n").on("QUIT", partial);
        let (mut session, _) = go!(scripted_session(script));
        go!(session.dele(1)).unwrap();
        let error = go!(session.quit()).unwrap_err();
        assert!(
            matches!(error.protocol(), Some(ProtocolError::Closed(_))),
            "{error:?}"
        );
    }
}}

behaviour! { p03_a_reset_at_quit_is_an_error {
    // Everything up to the answer to DELE, and the reset instead of the answer to QUIT.
    let whole = {
        let sandbox = started(sandbox().apop(false));
        let mut session = go!(session(&sandbox));
        go!(session.dele(1)).unwrap();
        drop(session);
        received(&sandbox);
        sandbox.sessions()[0].octets_sent
    };
    let fault = format!("reset-after={}", whole + 1);
    let sandbox = started(sandbox().apop(false).misbehave(&*fault));
    let mut session = go!(session(&sandbox));
    go!(session.dele(1)).unwrap();
    let error = go!(session.quit()).unwrap_err();
    assert_eq!(error.fault(), Fault::Network);
}}

behaviour! { languages_can_be_listed_and_chosen {
    let sandbox = started(sandbox());
    let mut client = go!(connected(&plaintext(&sandbox)));
    let languages = go!(client.lang_list()).unwrap();
    let tags: Vec<_> = languages.iter().map(|language| &*language.tag).collect();
    assert_eq!(tags, ["en", "de", "fr"]);
    assert_eq!(languages[2].name, "français");
    assert_eq!(go!(client.lang("de")).unwrap().text(), b"de Deutsch");
    let mut session = go!(logged_in(client));
    go!(session.lang("*")).unwrap();
    assert_eq!(go!(session.lang_list()).unwrap(), languages);
    let error = go!(session.lang("tlh")).unwrap_err();
    assert_eq!(error.fault(), Fault::Server);
}}

behaviour! { utf8_is_asked_for_before_login {
    let sandbox = started(sandbox());
    let mut client = go!(connected(&plaintext(&sandbox)));
    assert!(!client.connection().is_utf8());
    assert_eq!(go!(client.utf8()).unwrap().text(), b"UTF-8 it is");
    assert!(client.connection().is_utf8());
    // RFC 6856 §2.1: no STLS after it, so it is not sent.
    let error = go!(client.stls()).unwrap_err();
    assert_eq!(error.fault(), Fault::Caller);
    go!(client.quit()).unwrap();
    assert_eq!(received(&sandbox), "UTF8\r\nQUIT\r\n");
}}

behaviour! { commands_of_ones_own_are_sent_as_they_are {
    let script = Script::new()
        .on("XTND XMIT now", "+OK go\r\n")
        .on("XLST to", "+OK they follow\r\none\r\n..two\r\n.\r\n");
    let (mut client, _) = go!(scripted(script));
    assert_eq!(go!(client.custom("XTND XMIT now")).unwrap().text(), b"go");
    let answer = go!(client.custom_lines("XLST to")).unwrap();
    assert_eq!(answer.reply.text(), b"they follow");
    let lines: Vec<_> = answer.lines.iter().map(|line| &**line).collect();
    assert_eq!(lines, [&b"one"[..], b".two"]);
    let error = go!(client.custom("nonsense")).unwrap_err();
    assert!(error.to_string().starts_with("NONSENSE was refused"), "{error}");
    go!(client.user("me")).unwrap();
    let mut session = go!(client.pass("secret")).unwrap();
    assert_eq!(go!(session.custom("XTND XMIT now")).unwrap().text(), b"go");
    assert_eq!(go!(session.custom_lines("XLST to")).unwrap(), answer);
    let body = go!(session.custom_body("XLST to")).unwrap();
    assert_eq!(body.reply().text(), b"they follow");
    assert_eq!(go!(body.collect()).unwrap(), b"one\r\n.two\r\n");
    go!(session.custom_body("nonsense")).err().unwrap();
    go!(session.custom("XTND XMIT now")).unwrap();
}}
