//! Every misbehaviour that the sandbox knows, one after the other, in the same session: what a client
//! gets of the mail, and that nothing is lost that was not fetched.

use std::time::Duration;

use poplib::Timeouts;
use poplib_sandbox::Misbehaviour;

use super::*;
use crate::support::{implicit_tls, message, plaintext, sandbox, started, stls};

/// How a session went: `in` or `out`; how many messages were listed; of each message, whether it
/// came as it is (`=`), came otherwise (`~`), was refused (`-`) or ended the session (`!`), and
/// nothing behind that, nor behind one without end; and how many are left, when those that came as
/// they are were deleted.
const TABLE: &[(&str, &str)] = &[
    ("one-byte-writes", "in 3 === 0"),
    ("drip=600", "out 3"),
    ("delay=20", "in 3 === 0"),
    ("lf-only", "in 3 ~~~ 3"),
    ("cut-after=5", "out 3"),
    ("cut-after=200", "in 3 =!! 3"),
    ("reset-after=5", "out 3"),
    ("reset-after=200", "in 3 =!! 3"),
    ("stall-after=5", "out 3"),
    ("stall-after=200", "in 3 =!! 3"),
    ("idle-timeout=60000", "in 3 === 0"),
    ("pipeline-mixed", "in 3 === 0"),
    ("pipeline-closes", "in 3 === 0"),
    ("pipeline-forgotten", "in 3 === 0"),
    ("stall=greeting", "out 3"),
    ("stall=tls", "out 3"),
    ("stall=CAPA", "in 3 === 0"),
    ("stall=AUTH", "in 3 === 0"),
    ("stall=UIDL", "in - !!! 3"),
    ("stall=RETR", "in 3 !!! 3"),
    ("stall=DELE", "in 3 === 3"),
    ("stall=QUIT", "in 3 === 3"),
    ("greeting=+OK\\r\\n", "in 3 === 0"),
    ("greeting=hello\\r\\n", "out 3"),
    ("err-greeting", "out 3"),
    ("imap-greeting", "out 3"),
    ("smtp-greeting", "out 3"),
    ("swap-ports", "out 3"),
    ("stamp=<a b>", "in 3 === 0"),
    ("bad-stamp", "in 3 === 0"),
    ("two-stamps", "in 3 === 0"),
    ("inject-before-tls=+OK\\r\\n", "out 3"),
    ("inject-before-tls-split=+OK\\r\\n", "out 3"),
    ("no-stls", "out 3"),
    ("old-tls", "out 3"),
    ("no-capa", "in 3 === 0"),
    ("hide-capability=UIDL", "in 3 === 0"),
    ("hide-before-login=PIPELINING", "in 3 === 0"),
    ("hide-after-login=PIPELINING", "in 3 === 0"),
    ("refuse-login=[SYS/TEMP] later", "out 3"),
    ("close-on-wrong-password", "in 3 === 0"),
    ("hold-lock=1", "in 3 === 0"),
    ("hold-lock-for=1", "in 3 === 0"),
    ("no-lock", "in 3 === 0"),
    ("initial-response-limit=1", "in 3 === 0"),
    ("oauth-explanation=no", "in 3 === 0"),
    ("bare-plus", "in 3 === 0"),
    ("text-challenge", "in 3 === 0"),
    ("endless-challenge", "out 3"),
    ("unusable-mechanism", "in 3 === 0"),
    ("scram-wrong-signature", "out 3"),
    ("scram-foreign-nonce", "out 3"),
    ("scram-iterations=4294967295", "in 3 === 0"),
    ("tls-unique-only", "in 3 === 0"),
    ("refuse=CAPA", "in 3 === 0"),
    ("refuse=UIDL", "in - === 0"),
    ("refuse=LIST", "in 3 === 0"),
    ("refuse=RETR", "in 3 --- 3"),
    ("refuse=DELE", "in 3 === 3"),
    ("refuse=QUIT", "in 3 === 3"),
    ("close-on=CAPA", "in 3 === 0"),
    ("close-on=AUTH", "in 3 === 0"),
    ("close-on=UIDL", "in - !!! 3"),
    ("close-on=RETR", "in 3 !!! 3"),
    ("close-on=DELE", "in 3 === 3"),
    ("close-on=QUIT", "in 3 === 3"),
    ("close-after-login=RETR", "in 3 !!! 3"),
    ("stall-after-login=RETR", "in 3 !!! 3"),
    ("cut-in-answer=UIDL:10", "in - !!! 3"),
    ("answer=RETR:nonsense\\r\\n", "in 3 !!! 3"),
    ("answer=DELE:\\r\\n", "in 3 === 3"),
    ("answer=UIDL:+OK\\r\\n.\\r\\n", "in 0 === 0"),
    ("endless-line=CAPA", "out 3"),
    ("endless-line=UIDL", "in - !!! 3"),
    ("endless-lines=CAPA", "out 3"),
    ("no-texts", "in 3 === 0"),
    ("plus-err", "in 3 === 0"),
    ("err-on-retr=2", "in 3 =-= 1"),
    ("refuse-retr=2:[SYS/TEMP] later", "in 3 =-= 1"),
    ("refuse-retrs=2:later", "in 3 --= 2"),
    ("err-on-dele=2", "in 3 === 1"),
    ("ignore-dele", "in 3 === 3"),
    ("obey-deles=1", "in 3 === 2"),
    ("renumber-after-dele", "in 3 === 1"),
    ("empty-dele-answer", "in 3 === 3"),
    ("quota=1", "in 3 =-- 2"),
    ("err-on-quit", "in 3 === 3"),
    ("lose-quit-answer", "in 3 === 0"),
    ("delete-retrieved", "in 3 === 0"),
    ("delete-retrieved-since-rset", "in 3 === 0"),
    ("late-deletion=1", "in 3 === 3"),
    ("unopened-maildrop", "in - --- 3"),
    ("late-message", "in 2 === 0"),
    ("vanishing-message=2", "in 3 =-= 0"),
    ("empty-listing", "in 0 === 0"),
    ("first-only=1", "in 1 =-- 2"),
    ("listing-gap=2", "in 2 === 0"),
    ("list-gap=2", "in 3 === 0"),
    ("uidl-gap=2", "in 2 === 0"),
    ("short-list=1", "in 3 === 0"),
    ("short-uidl=1", "in 1 === 0"),
    ("nonsense-list=1", "in 3 === 0"),
    ("number-zero", "in 4 === 0"),
    ("extra-spaces", "in 3 === 0"),
    ("stat-counts-more=2", "in 3 === 0"),
    ("rounded-octets", "in 3 === 0"),
    ("halved-octets", "in 3 === 0"),
    ("growing-octets", "in 3 === 0"),
    ("more-octets=7", "in 3 === 0"),
    ("unix-octets", "in 3 === 0"),
    ("hidden-lines", "in 3 === 0"),
    ("meaningless-octets", "in 3 === 0"),
    ("negative-octets", "in 3 === 0"),
    ("no-uidl", "in - === 0"),
    ("uidl-without-id=1", "in 3 === 0"),
    ("uidl-without-number", "in 3 === 0"),
    ("duplicate-uidl", "in 3 === 0"),
    ("non-ascii-uidl", "in 3 === 0"),
    ("long-uidl", "in 3 === 0"),
    ("path-uidl", "in 3 === 0"),
    ("regenerated-uidl", "in 3 === 0"),
    ("changed-uidl=2", "in 3 === 0"),
    ("numeric-uidl", "in 3 === 0"),
    ("reused-uidl", "in 3 === 0"),
    ("cut-in-body=2:10", "in 3 =!! 3"),
    ("cut-in-body-of=uid-2:10", "in 3 =!! 3"),
    ("reset-in-body=2:10", "in 3 =!! 3"),
    ("stall-in-body=2:10", "in 3 =!! 3"),
    ("err-in-body=2:10", "in 3 =!! 3"),
    ("short-body=2:10", "in 3 =~= 1"),
    ("short-bodies=10", "in 3 ~~~ 3"),
    ("error-body=2", "in 3 =~= 1"),
    ("body-of=2:1", "in 3 =~= 1"),
    ("next-body", "in 3 ~~~ 3"),
    ("first-body", "in 3 =~~ 2"),
    ("endless-body=2", "in 3 =~ 3"),
    ("endless-header=2", "in 3 =~ 3"),
    ("no-stuffing", "in 3 =~! 3"),
    ("stuff-lone-dots-only", "in 3 =~= 1"),
    ("glued-end", "in 3 !!! 3"),
    ("bare-lf-dot", "in 3 ~~~ 3"),
    ("odd-octets", "in 3 ~~~ 3"),
    ("long-line=100000", "in 3 ~~~ 3"),
    ("folder-data", "in 3 ~== 1"),
    ("mentions-folder-data", "in 3 ~== 1"),
    ("status-line", "in 3 === 0"),
    ("counted-status-line", "in 3 === 0"),
    ("scan-stamp", "in 3 ~~~ 3"),
    ("counted-scan-stamp", "in 3 ~~~ 3"),
    ("fresh-boundaries", "in 3 ~~~ 3"),
    ("no-top", "in 3 === 0"),
    ("top-one-line", "in 3 === 0"),
    ("top-truncated=10", "in 3 === 0"),
    ("top-two-ok", "in 3 === 0"),
    ("top-empty", "in 3 === 0"),
    ("top-without-end", "in 3 === 0"),
    ("top-without-header", "in 3 === 0"),
    ("top-endless", "in 3 === 0"),
    ("top-other-header", "in 3 === 0"),
];

/// No message is so long.
const ENDLESS: usize = 1_000_000;

function! {
    /// Logs in, lists, fetches, deletes what was right, and leaves.
    fn outcome(fault: &str) -> String {
        let slow = ["stall", "drip", "glued-end", "pipeline-forgotten", "swap-ports", "err-in-body"].iter().any(|slow| fault.starts_with(slow));
        let by_stls = ["inject", "no-stls", "old-tls", "stall=tls"];
        let by_scram = ["scram", "tls-unique"];
        let builder = match by_scram.iter().any(|word| fault.starts_with(word)) {
            true => sandbox(),
            false => sandbox().mechanisms(["CRAM-MD5"]),
        };
        let sandbox = started(builder.misbehave(fault));
        let mut config = match fault {
            _ if by_stls.iter().any(|word| fault.starts_with(word)) => stls(&sandbox),
            _ if fault.starts_with("tls-unique") => implicit_tls(&sandbox),
            _ => plaintext(&sandbox),
        };
        if slow {
            config = config.with_timeouts(Timeouts::each(Duration::from_millis(750)));
        }
        let Ok(mut session) = go!(Session::open(&config, &credentials())) else {
            return format!("out {}", sandbox.messages_left(USER).unwrap());
        };
        let listed = go!(session.uidl()).map(|ids| ids.len().to_string());
        let mut summary = format!("in {} ", listed.unwrap_or_else(|_| "-".into()));
        let mut right = Vec::new();
        for number in 1..=3 {
            let mut content = Vec::new();
            let came = match go!(session.retr(number)) {
                Ok(mut body) => loop {
                    match go!(body.chunk()) {
                        Ok(None) => break Ok(()),
                        Ok(Some(_)) if content.len() > ENDLESS => {
                            // A client that reads no further has no other way out.
                            let left = sandbox.messages_left(USER).unwrap();
                            return format!("{summary}~ {left}");
                        }
                        Ok(Some(chunk)) => content.extend_from_slice(chunk),
                        Err(error) => break Err(error),
                    }
                },
                Err(error) => Err(error),
            };
            summary.push(match came {
                Ok(()) if content == message(number as usize) => {
                    right.push(number);
                    '='
                }
                Ok(_) => '~',
                Err(error) if error.protocol().is_some_and(|it| it.refusal().is_some()) => '-',
                Err(_) => '!',
            });
        }
        for number in right {
            let _: Result<_, _> = go!(session.dele(number));
        }
        let _: Result<_, _> = go!(session.quit());
        let ended = sandbox.wait_ended(1, Duration::from_secs(60));
        assert!(ended, "{fault}: the server waits for ever");
        let left = sandbox.messages_left(USER).unwrap();
        let whole = summary.matches('=').count() as u64;
        // Another client's deletions are not this one's.
        let by_others = u64::from(fault.starts_with("vanishing"));
        assert!(left + whole + by_others >= 3, "{fault}: something is gone that was not fetched: {summary}");
        format!("{summary} {left}")
    }
}

behaviour! { whatever_a_server_does_wrong_is_survived {
    let wrong: Vec<String> = {
        let mut wrong = Vec::new();
        for (fault, expected) in TABLE {
            let outcome = go!(outcome(fault));
            if outcome != *expected {
                wrong.push(format!("{fault}: {outcome}, not {expected}"));
            }
        }
        wrong
    };
    assert_eq!(wrong, [""; 0]);
}}

#[test]
fn every_misbehaviour_is_in_the_table() {
    for entry in Misbehaviour::CATALOGUE {
        let is_there = |fault: &str| fault.split('=').next() == Some(entry.name);
        assert!(
            TABLE.iter().any(|(fault, _)| is_there(fault)),
            "{}",
            entry.name
        );
    }
}
