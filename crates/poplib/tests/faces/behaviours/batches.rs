//! Batches: many commands, pipelined where that may be (RFC 2449 §6.6).

use poplib::{Config, Error, Pipelining, ProtocolError, Wanted};
use poplib_sandbox::{Generated, Mailbox};

use super::*;
use crate::support::{implicit_tls, message, received, sandbox, started};

/// How many commands of the batch arrived at once at most cannot be seen from outside; that all
/// of them arrived, and in order, can.
fn sent(sandbox: &Sandbox, verb: &str) -> Vec<String> {
    let lines = sandbox.sessions().pop().unwrap().lines();
    let of_verb = lines.into_iter().filter(|line| line.starts_with(verb));
    of_verb.collect()
}

/// With and without pipelining.
fn configurations(sandbox: &Sandbox) -> [Config; 3] {
    [
        plaintext(sandbox),
        plaintext(sandbox).with_pipelining(Pipelining::Off),
        implicit_tls(sandbox),
    ]
}

behaviour! { messages_come_in_the_order_asked_for {
    let sandbox = started(sandbox());
    for config in configurations(&sandbox) {
        let client = go!(connected(&config));
        let mut session = go!(logged_in(client));
        let mut bodies = go!(session.retr_many([3, 1, 2u32])).unwrap();
        for expected in [3, 1, 2] {
            let (number, body) = go!(bodies.next_body()).unwrap().unwrap();
            assert_eq!(number, expected);
            let content = go!(body.unwrap().collect()).unwrap();
            assert_eq!(content, message(expected as usize));
        }
        assert!(go!(bodies.next_body()).unwrap().is_none());
        assert!(go!(bodies.next_body()).unwrap().is_none(), "the end stays the end");
        go!(session.quit()).unwrap();
        assert_eq!(sent(&sandbox, "RETR"), ["RETR 3", "RETR 1", "RETR 2"]);
    }
}}

behaviour! { one_refusal_costs_the_others_nothing {
    let sandbox = started(sandbox().misbehave("err-on-retr=2"));
    for config in configurations(&sandbox) {
        let client = go!(connected(&config));
        let mut session = go!(logged_in(client));
        let listing = go!(session.list()).unwrap();
        let mut bodies = go!(session.retr_many(listing.scans())).unwrap();
        let mut seen = Vec::new();
        while let Some((number, body)) = go!(bodies.next_body()).unwrap() {
            match body {
                Ok(body) => seen.push((number, Some(go!(read_all(body)).unwrap()))),
                Err(error) => {
                    assert!(error.to_string().starts_with("RETR was refused"), "{error}");
                    seen.push((number, None));
                }
            }
        }
        assert_eq!(seen, [(1, Some(message(1))), (2, None), (3, Some(message(3)))]);
        go!(session.quit()).unwrap();
    }
}}

behaviour! { each_body_is_read_in_its_own_way {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let mut bodies = go!(session.retr_many([1, 2, 3, 2, 1u32])).unwrap();
    // The first is not looked at, the second begun, the third read, the fourth collected.
    drop(go!(bodies.next_body()).unwrap());
    let (_, body) = go!(bodies.next_body()).unwrap().unwrap();
    go!(body.unwrap().chunk()).unwrap();
    let (_, body) = go!(bodies.next_body()).unwrap().unwrap();
    assert_eq!(go!(read_all(body.unwrap())).unwrap(), message(3));
    let (_, body) = go!(bodies.next_body()).unwrap().unwrap();
    let mut body = body.unwrap();
    let mut content = vec![0; 4];
    assert_eq!(go!(read_some(&mut body, &mut content)).unwrap(), 4);
    content.extend(go!(body.collect()).unwrap());
    assert_eq!(content, message(2));
    // The fifth is left out with the batch.
    drop(bodies);
    assert_eq!(go!(session.stat()).unwrap().messages, 3);
    let body = go!(session.retr(1)).unwrap();
    assert_eq!(go!(body.collect()).unwrap(), message(1));
}}

behaviour! { headers_come_in_a_batch {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let mut bodies = go!(session.top_many(1..=3, 0)).unwrap();
    let mut headers = Vec::new();
    while let Some((_, body)) = go!(bodies.next_body()).unwrap() {
        let header = go!(body.unwrap().collect()).unwrap();
        headers.push(String::from_utf8(header).unwrap());
    }
    let expected = ["one", "dots", "three"].map(|subject| format!("Subject: {subject}\r\n\r\n"));
    assert_eq!(headers, expected);
}}

behaviour! { deletions_come_in_a_batch {
    let sandbox = started(sandbox().misbehave("err-on-dele=2"));
    let mut session = go!(session(&sandbox));
    let batch = go!(session.dele_many(1..=3)).unwrap();
    let outcomes = all!(batch).unwrap();
    let outcomes: Vec<_> = outcomes
        .iter()
        .map(|(number, outcome)| (*number, outcome.is_ok()))
        .collect();
    assert_eq!(outcomes, [(1, true), (2, false), (3, true)]);
    go!(session.quit()).unwrap();
    assert_eq!(sandbox.unique_ids(USER).unwrap(), [b"uid-2"]);
}}

behaviour! { sizes_and_unique_ids_come_in_a_batch {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let mut batch = go!(session.list_many([2, 9])).unwrap();
    let (number, scan) = go!(batch.next_outcome()).unwrap().unwrap();
    assert_eq!((number, scan.unwrap().octets()), (2, Some(message(2).len() as u64)));
    let (number, scan) = go!(batch.next_outcome()).unwrap().unwrap();
    assert_eq!(number, 9);
    scan.unwrap_err();
    assert!(go!(batch.next_outcome()).unwrap().is_none());
    let batch = go!(session.uidl_many([3, 1])).unwrap();
    let ids: Vec<_> = all!(batch)
        .unwrap()
        .into_iter()
        .map(|(number, uid)| (number, uid.unwrap()))
        .collect();
    assert_eq!(ids, [(3, (*b"uid-3").into()), (1, (*b"uid-1").into())]);
}}

behaviour! { an_empty_batch_is_no_batch {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    let mut bodies = go!(session.retr_many(Vec::<Wanted>::new())).unwrap();
    assert!(go!(bodies.next_body()).unwrap().is_none());
    let batch = go!(session.dele_many([])).unwrap();
    assert!(all!(batch).unwrap().is_empty());
    go!(session.quit()).unwrap();
    assert!(!received(&sandbox).contains("DELE"));
}}

behaviour! { an_overview_tells_all_there_is_to_know {
    let sandbox = started(sandbox());
    for config in configurations(&sandbox) {
        let client = go!(connected(&config));
        let mut session = go!(logged_in(client));
        let overview = go!(session.overview()).unwrap();
        assert!(overview.capabilities.unwrap().pipelining());
        assert_eq!(overview.maildrop.unwrap().messages, 3);
        assert_eq!(overview.unique_ids.unwrap().len(), 3);
        assert_eq!(overview.listing.unwrap().scans().len(), 3);
        assert!(session.capabilities().is_some());
        go!(session.quit()).unwrap();
    }
}}

behaviour! { a_refused_part_of_an_overview_stands_in_its_place {
    let sandbox = started(sandbox().misbehave("no-uidl"));
    let mut session = go!(session(&sandbox));
    let overview = go!(session.overview()).unwrap();
    overview.unique_ids.unwrap_err();
    assert_eq!(overview.maildrop.unwrap().messages, 3);
    assert_eq!(overview.listing.unwrap().scans().len(), 3);
}}

behaviour! { p08_ten_thousand_pipelined_commands_through_small_buffers {
    let mailbox = Mailbox::generated(Generated { seed: 8, messages: 10_000, octets: 300.into() });
    let sandbox = started(Sandbox::builder().mailbox(USER, PASSWORD, mailbox).small_buffers());
    let mut session = go!(session(&sandbox));
    assert!(go!(session.capa()).unwrap().pipelining());
    let mut bodies = go!(session.retr_many(1..=10_000u32)).unwrap();
    let mut messages = 0;
    while let Some((_, body)) = go!(bodies.next_body()).unwrap() {
        let mut body = body.unwrap();
        let mut octets = 0;
        while let Some(chunk) = go!(body.chunk()).unwrap() {
            octets += chunk.len();
        }
        assert_eq!(octets, 300);
        messages += 1;
    }
    assert_eq!(messages, 10_000);
    let batch = go!(session.dele_many(1..=10_000)).unwrap();
    let outcomes = all!(batch).unwrap();
    assert!(outcomes.iter().all(|(_, outcome)| outcome.is_ok()));
    assert_eq!(outcomes.len(), 10_000);
    go!(session.quit()).unwrap();
    assert_eq!(sandbox.messages_left(USER).unwrap(), 0);
}}

behaviour! { p08_nothing_is_pipelined_that_is_not_advertised {
    let silent = sandbox().misbehave("hide-capability=PIPELINING");
    let sandbox = started(silent.misbehave("pipeline-closes"));
    let mut session = go!(session(&sandbox));
    let batch = go!(session.uidl_many([1, 2, 3, 1, 2, 3])).unwrap();
    assert_eq!(all!(batch).unwrap().len(), 6);
    let overview = go!(session.overview()).unwrap();
    assert_eq!(overview.listing.unwrap().scans().len(), 3);
    go!(session.quit()).unwrap();
}}

behaviour! { q07_a_server_that_breaks_under_pipelining_is_told_apart {
    // Mixed answers end in impossible ones, forgotten ones in silence.
    for fault in ["pipeline-closes", "pipeline-forgotten"] {
        let sandbox = started(sandbox().misbehave(fault));
        let mut timeouts = crate::support::patient();
        timeouts.command = std::time::Duration::from_secs(2);
        let config = plaintext(&sandbox).with_timeouts(timeouts);
        let client = go!(connected(&config));
        let mut session = go!(logged_in(client));
        go!(session.capa()).unwrap();
        let batch = go!(session.uidl_many([1, 2, 3, 1, 2, 3])).unwrap();
        let error = all!(batch).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Protocol(ProtocolError::PipelineBroken(_)) | Error::Timeout(_)
            ),
            "{fault}: {error:?}"
        );
        go!(session.noop()).unwrap_err();
    }
}}
