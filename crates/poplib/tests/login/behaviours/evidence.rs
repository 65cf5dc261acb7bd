//! What it takes until a server is believed not to bear something (E18).

use std::time::Duration;

use poplib::{CodeKind, Config, ProtocolError};
use poplib_sandbox::{Builder, Sandbox};

use super::*;
use crate::support::{implicit_tls, patient, sandbox, started};

/// A server that is logged in to with a mechanism that takes no time, and in no flight.
fn quick() -> Builder {
    sandbox().mechanisms(["CRAM-MD5"])
}

fn hasty(sandbox: &Sandbox) -> Config {
    let mut timeouts = patient();
    timeouts.command = Duration::from_secs(2);
    implicit_tls(sandbox).with_timeouts(timeouts)
}

/// What another program knows that was given what this one has seen.
fn next_program(config: &Config) -> Config {
    let stored = config.quirks().to_string();
    config.clone().with_quirks(stored.parse().unwrap())
}

function! {
    /// The unique-ids of three messages, one by one, in a batch; whether they came.
    fn asked_in_a_batch(config: &Config) -> bool {
        let mut session = go!(opened(config));
        let batch = go!(session.uidl_many([1, 2, 3])).unwrap();
        match all!(batch) {
            Ok(outcomes) => {
                assert_eq!(outcomes.len(), 3);
                go!(session.quit()).unwrap();
                true
            }
            Err(error) => {
                assert!(error.is_retryable(), "{error:?}");
                false
            }
        }
    }
}

function! {
    fn surveyed(config: &Config) -> bool {
        let mut session = go!(opened(config));
        let overview = go!(session.overview());
        if let Ok(overview) = &overview {
            assert_eq!(overview.listing.as_ref().unwrap().scans().len(), 3);
            go!(session.quit()).unwrap();
        }
        overview.is_ok()
    }
}

fn seen(config: &Config) -> String {
    config.quirks().to_string()
}

behaviour! { e18_one_cut_batch_switches_pipelining_off_for_the_next_session_only {
    let sandbox = started(quick().misbehave("pipeline-closes@1"));
    let config = implicit_tls(&sandbox);
    assert!(!go!(asked_in_a_batch(&config)));
    assert!(config.quirks().pipelining.is_suspicion());
    // The control, in one program or the next.
    for config in [next_program(&config), config] {
        assert!(go!(asked_in_a_batch(&config)));
        assert_eq!(config.quirks().pipelining.breaks(), 1);
        assert!(!config.quirks().pipelining.is_avoided_next());
        // Success ends it, with several commands on their way: no other clears it.
        let config = next_program(&config);
        assert!(go!(asked_in_a_batch(&config)));
        assert_eq!(seen(&config), "");
    }
}}

behaviour! { e18_two_cuts_in_a_row_are_proof_and_each_has_its_control {
    let sandbox = started(quick().misbehave("pipeline-closes"));
    let mut config = implicit_tls(&sandbox);
    for breaks in 1..=2 {
        assert!(!go!(asked_in_a_batch(&config)), "pipelining was tried");
        assert!(go!(asked_in_a_batch(&config)), "the control works");
        assert_eq!(config.quirks().pipelining.breaks(), breaks);
        config = next_program(&config);
    }
    assert!(config.quirks().pipelining.is_proof());
    for config in [config.clone(), next_program(&config)] {
        assert!(go!(asked_in_a_batch(&config)), "pipelining was not tried");
        assert_eq!(config.quirks().pipelining.breaks(), 2);
    }
    // After weeks it is tried once more.
    let mut quirks = config.quirks();
    quirks.pipelining = quirks.pipelining.tried_again();
    let config = config.with_quirks(quirks);
    assert!(!go!(asked_in_a_batch(&config)));
    assert!(go!(asked_in_a_batch(&config)));
    assert!(config.quirks().pipelining.is_proof());
}}

behaviour! { e18_what_breaks_without_pipelining_too_was_not_pipelinings_fault {
    let sandbox = started(quick().misbehave("close-on=UIDL"));
    let config = implicit_tls(&sandbox);
    assert!(!go!(asked_in_a_batch(&config)));
    assert!(config.quirks().pipelining.is_suspicion());
    assert!(!go!(asked_in_a_batch(&config)));
    assert_eq!(seen(&config), "");
}}

behaviour! { e18_a_control_that_gets_less_far_shows_nothing {
    // A batch breaks, and then the login: nobody knows how the batch would have gone.
    let faults = quick().apop(false).misbehave("pipeline-closes@1");
    let sandbox = started(faults.misbehave("close-on=AUTH@2").misbehave("close-on=USER@3"));
    let config = implicit_tls(&sandbox);
    assert!(!go!(asked_in_a_batch(&config)));
    let suspected = seen(&config);
    go!(Session::open(&config, &credentials())).unwrap_err();
    assert_eq!(seen(&config), suspected);
    assert!(go!(surveyed(&config)));
    assert_eq!(seen(&config), suspected, "a listing is less than a batch");
    assert!(go!(asked_in_a_batch(&config)));
    assert_eq!(config.quirks().pipelining.breaks(), 1);
}}

behaviour! { e18_a_capa_that_is_lost_once_is_asked_again {
    let sandbox = started(quick().misbehave("close-on=CAPA@1"));
    let config = implicit_tls(&sandbox);
    let session = go!(opened(&config));
    go!(session.quit()).unwrap();
    assert_eq!(seen(&config), "capa=1");
    let config = next_program(&config);
    let session = go!(opened(&config));
    go!(session.quit()).unwrap();
    assert_eq!(seen(&config), "");
    assert_eq!(sandbox.sessions().len(), 3);
}}

behaviour! { e18_a_flight_that_was_cut_once_is_flown_again {
    let old = sandbox().mechanisms::<&str>([]).apop(false);
    let sandbox = started(old.misbehave("pipeline-closes@1"));
    let config = implicit_tls(&sandbox);
    let session = go!(opened(&config));
    go!(session.quit()).unwrap();
    assert_eq!(seen(&config), "pipelining=1");
    let config = next_program(&config);
    let session = go!(opened(&config));
    go!(session.quit()).unwrap();
    assert_eq!(seen(&config), "");
}}

behaviour! { e18_a_client_without_open_sees_the_same {
    let old = sandbox().mechanisms::<&str>([]).apop(false);
    let sandbox = started(old.misbehave("pipeline-closes@1").misbehave("close-on=CAPA@3"));
    let config = implicit_tls(&sandbox);
    let broken = go!(refused(&config, &credentials()));
    assert!(matches!(broken.error.protocol(), Some(ProtocolError::PipelineBroken(_))));
    assert_eq!(seen(&config), "pipelining=0?");
    go!(works(&config, &credentials()));
    assert_eq!(seen(&config), "pipelining=1");
    go!(refused(&config, &credentials()));
    assert_eq!(seen(&config), "capa=0? pipelining=1");
    go!(works(&config, &credentials()));
    assert_eq!(seen(&config), "capa=1 pipelining=1");
}}

behaviour! { q54_capa_after_login_that_hangs_or_closes_is_left_out_in_the_next_visit {
    for fault in ["close-after-login=CAPA", "stall-after-login=CAPA"] {
        // Nobody is let in for a while after the break.
        let faults = quick().misbehave(fault).misbehave("hold-lock-for=1");
        let sandbox = started(faults.misbehave("hide-capability=PIPELINING"));
        let mut config = hasty(&sandbox);
        let mut visits = Vec::new();
        for _ in 0..8 {
            let came = match go!(Session::open(&config, &credentials())) {
                Ok(mut session) => match go!(session.overview()) {
                    Ok(_) => {
                        go!(session.quit()).unwrap();
                        "mail"
                    }
                    Err(_) => "broke",
                },
                Err(error) => {
                    assert_eq!(error.code().unwrap().kind(), CodeKind::InUse, "{error:?}");
                    "locked"
                }
            };
            visits.push(format!("{came} {}", seen(&config)));
            config = next_program(&config);
        }
        let expected = [
            "broke capa-after-login=0?@1",
            "locked capa-after-login=0?@1",
            "mail capa-after-login=1@1",
            "broke capa-after-login=1?@1",
            "locked capa-after-login=1?@1",
            "mail capa-after-login=2@1",
            "mail capa-after-login=2@1",
            "mail capa-after-login=2@1",
        ];
        assert_eq!(visits, expected, "{fault}");
    }
}}

behaviour! { q54_where_a_flight_breaks_it_turns_out_that_capa_did_it {
    let sandbox = started(quick().misbehave("close-after-login=CAPA"));
    let mut config = implicit_tls(&sandbox);
    let mut visits = Vec::new();
    for _ in 0..7 {
        let came = go!(surveyed(&config));
        visits.push(format!("{came} {}", seen(&config)));
        config = next_program(&config);
    }
    let expected = [
        "false pipelining=0?@1",
        "false capa-after-login=0?@1",
        "true capa-after-login=1@1",
        "false capa-after-login=1?@1",
        "true capa-after-login=2@1",
        "true capa-after-login=2@1",
        "true capa-after-login=2@1",
    ];
    assert_eq!(visits, expected);
}}

behaviour! { e18_sessions_side_by_side_share_what_they_see {
    let sandbox = started(quick().misbehave("pipeline-closes@1").misbehave("no-lock"));
    let config = implicit_tls(&sandbox);
    let mut first = go!(opened(&config));
    // It began before anything was suspected, and so it shows that pipelining works.
    let mut second = go!(opened(&config.clone()));
    let batch = go!(first.uidl_many([1, 2, 3])).unwrap();
    all!(batch).unwrap_err();
    assert!(config.quirks().pipelining.is_suspicion());
    let batch = go!(second.uidl_many([1, 2, 3])).unwrap();
    assert_eq!(all!(batch).unwrap().len(), 3);
    assert_eq!(seen(&config), "");
}}
