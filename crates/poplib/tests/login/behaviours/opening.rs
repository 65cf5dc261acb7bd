//! `Session::open` with servers that cannot bear something.

use std::time::Duration;

use poplib::sasl::Method;
use poplib::{CodeKind, Config, Phase, Pipelining, ProtocolError, Utf8};
use poplib_sandbox::{Builder, Sandbox};

use super::*;
use crate::support::{implicit_tls, message, patient, plaintext, sandbox, started, stls};

/// Longer than an answer takes on a busy machine, and not too long to wait for silence.
const SOON: Duration = Duration::from_secs(2);

/// A command that is not answered soon is not answered.
fn hasty(config: Config) -> Config {
    let mut timeouts = patient();
    timeouts.command = SOON;
    config.with_timeouts(timeouts)
}

/// A server with USER and PASS alone.
fn old() -> Builder {
    sandbox().mechanisms::<&str>([]).apop(false)
}

/// A server that is logged in to with a mechanism that takes no time.
fn quick() -> Builder {
    sandbox().mechanisms(["CRAM-MD5"])
}

/// Whether this is all that is held against the server.
fn knows(config: &Config, quirks: &str) -> bool {
    config.quirks().to_string() == quirks
}

/// How many connections there were, and how many of them sent `line`.
fn connections(sandbox: &Sandbox, line: &str) -> (usize, usize) {
    let sessions = sandbox.sessions();
    let sent = |lines: Vec<String>| lines.iter().any(|sent| sent == line);
    let with_line = sessions.iter().filter(|session| sent(session.lines()));
    (sessions.len(), with_line.count())
}

function! {
    /// Three messages, in a batch and one by one.
    fn is_whole(session: &mut Session) {
        let mut bodies = go!(session.retr_many(1..=3u32)).unwrap();
        for number in 1..=3 {
            let (actual, body) = go!(bodies.next_body()).unwrap().unwrap();
            assert_eq!(actual, number);
            let content = go!(body.unwrap().collect()).unwrap();
            assert_eq!(content, message(number as usize));
        }
        assert!(go!(bodies.next_body()).unwrap().is_none());
        drop(bodies);
        let body = go!(session.retr(2)).unwrap();
        assert_eq!(go!(body.collect()).unwrap(), message(2));
    }
}

function! {
    /// Opens a session, and tells where in it UTF8 was sent: what stood before and behind it.
    fn utf8_in(config: &Config, sandbox: &Sandbox) -> Option<(String, String)> {
        let session = go!(opened(config));
        go!(session.quit()).unwrap();
        let lines = sandbox.sessions().pop().unwrap().lines();
        let at = lines.iter().position(|line| line == "UTF8")?;
        Some((lines[at - 1].clone(), lines[at + 1].clone()))
    }
}

behaviour! { p18_utf8_is_asked_for_between_capa_and_the_login {
    for utf8 in [Utf8::IfOffered, Utf8::Required] {
        let sandbox = started(old());
        for config in [implicit_tls(&sandbox), stls(&sandbox)] {
            let around = go!(utf8_in(&config.with_utf8(utf8), &sandbox));
            assert_eq!(around, Some(("CAPA".into(), "USER alice".into())));
        }
    }
    let sandbox = started(old());
    assert_eq!(go!(utf8_in(&implicit_tls(&sandbox), &sandbox)), None);
}}

behaviour! { p18_where_utf8_is_not_offered_or_refused_the_session_goes_on_unless_it_is_required {
    for fault in ["hide-capability=UTF8", "no-capa", "refuse=UTF8"] {
        let sandbox = started(old().misbehave(fault));
        let config = implicit_tls(&sandbox).with_utf8(Utf8::IfOffered);
        let around = go!(utf8_in(&config, &sandbox));
        assert_eq!(around.is_some(), fault == "refuse=UTF8", "{fault}");
    }
    let sandbox = started(old().misbehave("refuse=UTF8"));
    let config = implicit_tls(&sandbox).with_utf8(Utf8::Required);
    let error = go!(not_opened(&config));
    assert!(error.to_string().starts_with("UTF8 was refused"), "{error}");
    assert_eq!(sandbox.sessions()[0].lines().last().unwrap(), "UTF8");
    // A server that hides it may have it.
    let sandbox = started(old().misbehave("no-capa"));
    let config = implicit_tls(&sandbox).with_utf8(Utf8::Required);
    assert!(go!(utf8_in(&config, &sandbox)).is_some());
}}

behaviour! { q24_a_server_that_cannot_bear_capa_is_asked_once {
    for fault in ["stall=CAPA", "close-on=CAPA"] {
        let sandbox = started(old().misbehave(fault));
        let config = hasty(implicit_tls(&sandbox));
        let mut session = go!(opened(&config));
        assert!(knows(&config, "capa=1"), "{fault}");
        let overview = go!(session.overview()).unwrap();
        assert_eq!(overview.listing.unwrap().scans().len(), 3);
        assert_eq!(overview.capabilities.unwrap().lines().len(), 0);
        go!(is_whole(&mut session));
        go!(session.quit()).unwrap();
        assert_eq!(connections(&sandbox, "CAPA"), (2, 1));
        // The next session knows; one of another program asks once more, and then it is proved.
        let told = hasty(implicit_tls(&sandbox)).with_quirks(config.quirks());
        let sure = hasty(implicit_tls(&sandbox)).with_quirks("capa=2".parse().unwrap());
        for (config, before, after) in [(config, "capa=1", 0), (told, "capa=2", 1), (sure, "capa=2", 0)] {
            let (connected_before, asked_before) = connections(&sandbox, "CAPA");
            let session = go!(opened(&config));
            go!(session.quit()).unwrap();
            assert!(knows(&config, before), "{fault}: {}", config.quirks());
            let client = go!(connected(&config));
            let session = go!(client.login(&credentials())).unwrap();
            go!(session.quit()).unwrap();
            let expected = (connected_before + 2 + after, asked_before + after);
            assert_eq!(connections(&sandbox, "CAPA"), expected, "{fault}");
        }
    }
}}

behaviour! { q24_what_may_be_the_networks_fault_is_not_remembered {
    // Every connection breaks, whatever it is asked.
    let sandbox = started(old().misbehave("close-on=CAPA").misbehave("close-on=USER"));
    let config = hasty(implicit_tls(&sandbox));
    let error = go!(not_opened(&config));
    assert!(error.is_retryable(), "{error:?}");
    assert!(knows(&config, ""));
    // One connection breaks.
    let sandbox = started(old().misbehave("close-on=USER@1"));
    let config = hasty(plaintext(&sandbox));
    go!(not_opened(&config));
    assert!(knows(&config, ""));
}}

behaviour! { q05_a_server_without_capa_is_none_that_cannot_bear_it {
    for fault in ["no-capa", "hide-capability=UIDL"] {
        let sandbox = started(old().misbehave(fault).misbehave("hide-capability=TOP"));
        let config = implicit_tls(&sandbox);
        let mut session = go!(opened(&config));
        assert!(knows(&config, ""));
        // What it does not list works all the same.
        assert_eq!(go!(session.uidl()).unwrap().len(), 3);
        assert_eq!(go!(session.overview()).unwrap().unique_ids.unwrap().len(), 3);
        let body = go!(session.top(1, 0)).unwrap();
        assert_eq!(go!(body.collect()).unwrap(), b"Subject: one\r\n\r\n");
        go!(is_whole(&mut session));
        go!(session.quit()).unwrap();
    }
}}

behaviour! { q06_pipelining_counts_as_it_is_listed_after_login {
    // A server that breaks under pipelining shows whether there was any.
    for (fault, pipelined) in [
        ("hide-before-login=PIPELINING", true),
        ("hide-after-login=PIPELINING", false),
    ] {
        let sandbox = started(sandbox().misbehave(fault).misbehave("pipeline-closes"));
        let config = implicit_tls(&sandbox);
        let mut session = go!(opened(&config));
        let batch = go!(session.uidl_many([1, 2, 3])).unwrap();
        let outcome = all!(batch);
        assert_eq!(outcome.is_err(), pipelined, "{fault}");
        let quirks = if pipelined { "pipelining=0?@3" } else { "" };
        assert!(knows(&config, quirks), "{fault}: {}", config.quirks());
    }
}}

behaviour! { q07_a_flight_of_user_and_pass_that_breaks_is_not_repeated {
    for fault in ["pipeline-closes", "pipeline-forgotten", "pipeline-mixed"] {
        let sandbox = started(old().misbehave(fault));
        let config = hasty(implicit_tls(&sandbox));
        let mut session = go!(opened(&config));
        assert!(knows(&config, "pipelining=1"), "{fault}");
        go!(is_whole(&mut session));
        go!(session.overview()).unwrap().listing.unwrap();
        go!(session.quit()).unwrap();
        assert_eq!(sandbox.sessions().len(), 2, "{fault}");
        let session = go!(opened(&config));
        go!(session.quit()).unwrap();
        assert_eq!(sandbox.sessions().len(), 3, "{fault}");
    }
}}

behaviour! { q07_a_client_is_told_that_the_flight_broke {
    let sandbox = started(old().misbehave("pipeline-closes"));
    let config = implicit_tls(&sandbox);
    let refused = go!(refused(&config, &credentials()));
    assert!(
        matches!(refused.error.protocol(), Some(ProtocolError::PipelineBroken(_))),
        "{refused:?}"
    );
    assert!(refused.client.is_none());
    // Who knows does without.
    go!(works(&config.with_pipelining(Pipelining::Off), &credentials()));
}}

behaviour! { q07_a_batch_that_breaks_is_remembered_and_goes_on_at_depth_one {
    for fault in ["pipeline-closes", "pipeline-forgotten", "pipeline-mixed"] {
        // A login with a mechanism is no flight.
        let sandbox = started(quick().misbehave(fault));
        let config = hasty(implicit_tls(&sandbox));
        let mut session = go!(opened(&config));
        assert!(knows(&config, ""));
        let batch = go!(session.uidl_many([1, 2, 3])).unwrap();
        let error = all!(batch).unwrap_err();
        let is_told = matches!(error.protocol(), Some(ProtocolError::PipelineBroken(_)));
        let is_silent = matches!(error, Error::Timeout(Phase::Batch));
        assert!(is_told != is_silent && is_silent == (fault == "pipeline-forgotten"), "{error:?}");
        assert!(error.is_retryable());
        // In the wrong order, the first answer may be the one that was asked for.
        let suspected = ["pipelining=0?@3", "pipelining=0?@4"];
        assert!(suspected.iter().any(|quirks| knows(&config, quirks)), "{fault}: {}", config.quirks());
        drop(session);
        let mut session = go!(opened(&config));
        go!(is_whole(&mut session));
        assert_eq!(config.quirks().pipelining.breaks(), 1, "{fault}");
        let batch = go!(session.uidl_many([1, 2, 3])).unwrap();
        assert_eq!(all!(batch).unwrap().len(), 3);
        go!(session.quit()).unwrap();
    }
}}

behaviour! { q07_an_overview_that_breaks_is_remembered_too {
    for fault in ["pipeline-closes", "pipeline-forgotten"] {
        let sandbox = started(quick().misbehave(fault));
        let config = hasty(implicit_tls(&sandbox));
        let mut session = go!(opened(&config));
        // Until CAPA has been asked after login, what was listed before counts.
        go!(session.overview()).unwrap_err();
        assert!(knows(&config, "pipelining=0?@1"), "{fault}");
        drop(session);
        let mut session = go!(opened(&config));
        assert_eq!(go!(session.overview()).unwrap().unique_ids.unwrap().len(), 3);
        assert!(knows(&config, "pipelining=1@1"), "{fault}");
        go!(session.quit()).unwrap();
    }
}}

behaviour! { q17_the_words_of_a_server_that_hangs_up_are_not_lost {
    let sandbox = started(sandbox().misbehave("close-on-wrong-password"));
    let wrong = Credentials::password(USER, "wrong");
    let error = go!(Session::open(&implicit_tls(&sandbox), &wrong)).unwrap_err();
    assert_eq!(error.code().unwrap().kind(), CodeKind::Auth, "{error:?}");
    assert_eq!(sandbox.sessions().len(), 1, "a wrong password is wrong in every way");
}}

behaviour! { q17_a_server_that_hangs_up_at_apop_is_logged_in_to_otherwise {
    let sandbox = started(sandbox().mechanisms::<&str>([]).misbehave("close-on=APOP"));
    let config = plaintext(&sandbox);
    let mut session = go!(opened(&config));
    assert_eq!(go!(session.stat()).unwrap().messages, 3);
    go!(session.quit()).unwrap();
    assert_eq!(sandbox.sessions().len(), 2);
    assert!(lines(&sandbox).contains(&format!("USER {USER}")));
}}

behaviour! { q17_a_server_that_hangs_up_at_everything_is_not_asked_for_ever {
    let sandbox = started(sandbox().misbehave("close-on=AUTH"));
    let error = go!(not_opened(&implicit_tls(&sandbox)));
    assert!(matches!(error.protocol(), Some(ProtocolError::Closed(_))), "{error:?}");
    assert_eq!(sandbox.sessions().len(), 2);
    let mechanisms: Vec<_> = sandbox
        .sessions()
        .iter()
        .map(|session| session.lines().last().unwrap().split(' ').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(mechanisms, ["SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS"]);
}}

behaviour! { q17_where_no_other_way_is_left_the_hanging_up_is_told {
    let sandbox = started(sandbox().misbehave("close-on=APOP"));
    let config = plaintext(&sandbox).with_login_policy(only(Method::Apop));
    let error = go!(not_opened(&config));
    assert!(matches!(error.protocol(), Some(ProtocolError::Closed(_))), "{error:?}");
    assert!(error.to_string().starts_with("APOP: "), "{error}");
}}

behaviour! { a10_the_session_ends_at_its_deadline_over_all_connections {
    let sandbox = started(old().misbehave("stall=CAPA").misbehave("stall=USER"));
    let mut timeouts = patient();
    timeouts.command = Duration::from_millis(400);
    timeouts.session = Some(Duration::from_millis(600));
    let config = plaintext(&sandbox).with_timeouts(timeouts);
    let error = go!(not_opened(&config));
    assert!(matches!(error, Error::Timeout(Phase::Session)), "{error:?}");
    // No session without CAPA has come further.
    assert!(knows(&config, "capa=0?"));
}}
