//! Quirks of real servers, imitated by the sandbox, and what a client makes of them.

use poplib::{CodeKind, Fault, ProtocolError};
use poplib_sandbox::{Builder, Mailbox};

use super::*;
use crate::support::{implicit_tls, message, plaintext, sandbox, started};

/// A server that is logged in to with a mechanism that takes no time.
fn quick() -> Builder {
    sandbox().mechanisms(["CRAM-MD5"])
}

/// A server that does this wrong.
fn with(fault: &str) -> Sandbox {
    started(quick().misbehave(fault))
}

fn bearer(token: &str) -> Credentials {
    Credentials::bearer(USER, token, "localhost")
}

function! {
    /// A session in clear.
    fn entered(sandbox: &Sandbox) -> Session {
        go!(opened(&plaintext(sandbox)))
    }
}

function! {
    fn retrieved(session: &mut Session, number: u32) -> Vec<u8> {
        let body = go!(session.retr(number)).unwrap();
        go!(body.collect()).unwrap()
    }
}

behaviour! { q01_the_longest_line_goes_at_once_and_a_longer_one_waits {
    // `AUTH XOAUTH2 `, 240 octets of base64 and CRLF are 255 octets.
    let (fits, too_long) = ("t".repeat(155), "t".repeat(156));
    let builder = sandbox()
        .bearer_token(USER, &fits)
        .bearer_token(USER, &too_long)
        .misbehave("initial-response-limit=240");
    let sandbox = started(builder);
    for (token, at_once) in [(&fits, 240), (&too_long, 0)] {
        let config = implicit_tls(&sandbox).with_login_policy(only(Method::XOAuth2));
        go!(works(&config, &bearer(token)));
        let lines = lines(&sandbox);
        let sent = lines.iter().find_map(|line| line.strip_prefix("AUTH XOAUTH2")).unwrap();
        assert_eq!(sent.trim_start().len(), at_once, "{lines:?}");
    }
}}

behaviour! { q02_whatever_explains_a_refused_token_is_answered_and_kept {
    let words = "token expired";
    for explanation in [words, r#"{"status":"400","scope":"mail"}"#, "{", ""] {
        let fault = format!("oauth-explanation={explanation}");
        let sandbox = started(sandbox().misbehave(fault));
        for method in [Method::OAuthBearer, Method::XOAuth2] {
            let config = implicit_tls(&sandbox).with_login_policy(only(method));
            let refused = go!(refused(&config, &bearer("stale")));
            assert_eq!(refused.error.code().unwrap().kind(), CodeKind::Auth);
            let refusal = refused.error.protocol().unwrap().refusal().unwrap();
            let kept = refusal.explanation.as_ref().unwrap();
            assert_eq!(kept.text, explanation);
            let status = explanation.contains("status").then_some("400");
            assert_eq!(kept.status.as_deref(), status);
            go!(refused.client.unwrap().quit()).unwrap();
        }
    }
}}

behaviour! { q05_what_capa_hides_is_used_all_the_same {
    let hides = quick().misbehave("hide-capability=UIDL").misbehave("hide-capability=TOP");
    let lacks = quick().misbehave("no-uidl").misbehave("no-top");
    for (builder, works) in [(hides, true), (lacks, false)] {
        let sandbox = started(builder);
        let mut session = go!(entered(&sandbox));
        let overview = go!(session.overview()).unwrap();
        let capabilities = overview.capabilities.unwrap();
        assert!(!capabilities.uidl() && !capabilities.top());
        assert_eq!(overview.unique_ids.is_ok(), works);
        assert_eq!(overview.listing.unwrap().scans().len(), 3, "the others are not lost");
        assert_eq!(go!(session.top(1, 0)).is_ok(), works);
        assert_eq!(go!(retrieved(&mut session, 1)), message(1));
    }
}}

behaviour! { q09_a_dot_between_bare_line_feeds_is_content {
    let sandbox = with("bare-lf-dot");
    let mut session = go!(entered(&sandbox));
    let expected = [&*message(1), b"before\n.\nafter\r\n"].concat();
    assert_eq!(go!(retrieved(&mut session, 1)), expected);
    go!(session.noop()).unwrap();
}}

behaviour! { q10_a_dot_that_should_have_been_stuffed_is_kept {
    let sandbox = with("stuff-lone-dots-only");
    let mut session = go!(entered(&sandbox));
    // Of `.x` as `.x`, one dot stays; `..` is sent as it is and loses one.
    let expected = b"Subject: dots\r\n\r\n.\r\n.\r\n.x\r\nend\r\n";
    assert_eq!(go!(retrieved(&mut session, 2)), expected);
    go!(session.noop()).unwrap();
}}

behaviour! { q11_what_follows_a_message_that_is_not_stuffed_is_not_believed {
    let sandbox = with("no-stuffing");
    let mut session = go!(entered(&sandbox));
    assert_eq!(go!(retrieved(&mut session, 2)), b"Subject: dots\r\n\r\n");
    let error = go!(session.stat()).unwrap_err();
    assert_eq!(error.fault(), Fault::Server, "{error}");
    let error = go!(session.noop()).unwrap_err();
    assert!(matches!(error, Error::Protocol(ProtocolError::Poisoned(_))), "{error:?}");
}}

behaviour! { q13_octets_and_counts_are_hints {
    for (fault, octets) in [
        ("rounded-octets", Some(1024)),
        ("halved-octets", Some(message(1).len() as u64 / 2)),
        ("negative-octets", None),
        ("stat-counts-more=2", Some(message(1).len() as u64)),
    ] {
        let sandbox = with(fault);
        let mut session = go!(entered(&sandbox));
        let counted = go!(session.stat()).unwrap().messages;
        assert_eq!(counted, if fault.starts_with("stat") { 5 } else { 3 });
        let listing = go!(session.list()).unwrap();
        assert_eq!(listing.scans().len(), 3);
        assert_eq!(listing.scans()[0].octets(), octets, "{fault}");
        assert_eq!(go!(session.list_one(1)).unwrap().octets(), octets, "{fault}");
        let mut bodies = go!(session.retr_many(listing.scans())).unwrap();
        for number in 1..=3 {
            let (_, body) = go!(bodies.next_body()).unwrap().unwrap();
            assert_eq!(go!(body.unwrap().collect()).unwrap(), message(number), "{fault}");
        }
    }
}}

behaviour! { q14_of_odd_listings_what_can_be_kept_is_kept {
    let non_ascii = [b"\xe4\xff\xc3\xa9".as_slice(), b"uid-1"].concat();
    let long = [&b"uid-1"[..], &[b'x'; 195]].concat();
    for (fault, first, listed) in [
        ("listing-gap=1", (2, &b"uid-2"[..]), 2),
        ("number-zero", (0, b"0"), 4),
        ("extra-spaces", (1, b"uid-1"), 3),
        ("uidl-without-id=1", (1, b""), 3),
        ("duplicate-uidl", (1, b"the-same"), 3),
        ("path-uidl", (1, b"../../uid-1"), 3),
        ("non-ascii-uidl", (1, &non_ascii), 3),
        ("long-uidl", (1, &long), 3),
    ] {
        let sandbox = with(fault);
        let mut session = go!(entered(&sandbox));
        let ids = go!(session.uidl()).unwrap();
        let id = ids.iter().next().unwrap();
        assert_eq!((id.number, id.uid), first, "{fault}");
        assert_eq!(ids.len(), listed, "{fault}");
        assert_eq!(ids.unreadable(), 0, "{fault}");
        go!(session.quit()).unwrap();
    }
}}

behaviour! { q16_an_empty_answer_ends_the_connection_and_plus_err_does_not {
    let sandbox = with("empty-dele-answer");
    let mut session = go!(entered(&sandbox));
    let error = go!(session.dele(1)).unwrap_err();
    assert_eq!(error.fault(), Fault::Server, "{error}");
    // What comes next could be the answer after all.
    let error = go!(session.quit()).unwrap_err();
    assert!(matches!(error, Error::Protocol(ProtocolError::Poisoned(_))), "{error:?}");
    assert_eq!(sandbox.messages_left(USER).unwrap(), 3);

    let sandbox = with("plus-err");
    let mut session = go!(entered(&sandbox));
    let error = go!(session.dele(9)).unwrap_err();
    assert!(error.protocol().unwrap().refusal().is_some(), "{error:?}");
    go!(session.quit()).unwrap();
}}

behaviour! { q20_a_maildrop_that_a_lost_connection_holds_is_in_use {
    let sandbox = with("hold-lock=600000@1");
    drop(go!(entered(&sandbox)));
    let refused = go!(refused(&plaintext(&sandbox), &credentials()));
    assert_eq!(refused.error.code().unwrap().kind(), CodeKind::InUse);
    assert!(refused.error.is_retryable());
    go!(refused.client.unwrap().quit()).unwrap();
}}

behaviour! { p10_q20_a_login_that_comes_too_soon_is_told_from_a_wrong_password {
    let sandbox = started(quick().login_delay("900 USER"));
    let mut session = go!(entered(&sandbox));
    let delay = go!(session.capa()).unwrap().login_delay().unwrap();
    assert_eq!((delay.value, delay.varies), (900, true));
    go!(session.quit()).unwrap();
    let refused = go!(refused(&plaintext(&sandbox), &credentials()));
    assert_eq!(refused.error.code().unwrap().kind(), CodeKind::LoginDelay);
    assert!(refused.error.is_retryable());
    go!(refused.client.unwrap().quit()).unwrap();
}}

behaviour! { p10_under_expire_0_a_session_without_quit_costs_no_message {
    let sandbox = started(quick().expire("0"));
    for left in [3, 2] {
        let mut session = go!(entered(&sandbox));
        let expire = go!(session.capa()).unwrap().expire().unwrap();
        assert_eq!(expire.value, poplib::Expire::Days(0));
        assert_eq!(go!(retrieved(&mut session, 2)), message(2));
        if left == 3 {
            drop(session);
        } else {
            go!(session.quit()).unwrap();
        }
        assert_eq!(sandbox.messages_left(USER).unwrap(), left);
    }
}}

behaviour! { q30_octets_of_every_kind_pass_unchanged {
    let odd = b"nul \0 bare \r 8-bit \xe4 no UTF-8 \xff\xfe\xc3\r\n";
    let sandbox = with("odd-octets");
    let mut session = go!(entered(&sandbox));
    assert_eq!(go!(retrieved(&mut session, 1)), [&*message(1), odd].concat());

    const LONG: usize = 10_000_000;
    let sandbox = started(
        Sandbox::builder()
            .mailbox(USER, PASSWORD, Mailbox::messages([""]))
            .misbehave(format!("long-line={LONG}")),
    );
    let mut session = go!(entered(&sandbox));
    let content = go!(retrieved(&mut session, 1));
    let line = content.strip_suffix(b"\r\n").unwrap();
    assert!(line.len() == LONG && line.iter().all(|octet| *octet == b'x'));
}}

behaviour! { q31_octets_that_grow_in_mid_session_are_hints {
    let sandbox = with("growing-octets");
    let mut session = go!(entered(&sandbox));
    let before = go!(session.list()).unwrap();
    let after = go!(session.list()).unwrap();
    assert_ne!(before.scans(), after.scans());
    let mut bodies = go!(session.retr_many(before.scans())).unwrap();
    for number in 1..=3 {
        let (_, body) = go!(bodies.next_body()).unwrap().unwrap();
        assert_eq!(go!(body.unwrap().collect()).unwrap(), message(number));
    }
}}
