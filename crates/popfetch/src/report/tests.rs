use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::failure::Status;

/// A place to print to that can be looked at.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Page {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Every event once, with names that want to do harm.
fn report_everything(report: &dyn Report) {
    let failure = Failure::new(Status::Protocol, "could not fetch message 3")
        .server(b"-ERR \x1b[2Jno")
        .hint("try again");
    let identity = Identity::from_octets(b"Uabc\x1b\xff");
    let planned = Planned {
        messages: 12,
        octets: 3_456_789,
        fetch: 5,
        fetch_octets: 1_234_567,
        delete: 2,
        quarantined: 1,
        skipped: 2,
        oversize: 1,
        nameless: 1,
    };
    let summary = Summary {
        stored: 4,
        octets: 1_200_000,
        deleted: 1,
        not_fetched: 1,
        held_back: 1,
        time: Duration::from_millis(1_500),
        dry_run: false,
    };
    let total = Total {
        accounts: 2,
        failed: 1,
        stopped: 1,
        summary,
    };
    let tls = TlsShown {
        version: "TLSv1.3",
        cipher_suite: "TLS13_AES_256_GCM_SHA384",
    };
    let file = Path::new("/mail/new/1.x");
    let (number, octets) = (3, 400);
    for event in [
        Event::Metrics {
            address: "127.0.0.1:9110".parse().unwrap(),
        },
        Event::Polling { accounts: 1 },
        Event::Began,
        Event::Recovered { messages: 1 },
        Event::Connected {
            server: "pop.example.org",
            tls: Some(tls),
        },
        Event::Connected {
            server: "pop.example.org",
            tls: None,
        },
        Event::Planned(&planned),
        Event::Would {
            action: Action::Fetch,
            number,
            identity,
            octets: Some(octets),
        },
        Event::Would {
            action: Action::FetchHeaders,
            number,
            identity,
            octets: Some(octets),
        },
        Event::Would {
            action: Action::Skip,
            number,
            identity,
            octets: Some(octets),
        },
        Event::Would {
            action: Action::Delete,
            number,
            identity,
            octets: None,
        },
        Event::Received {
            octets: 400,
            messages: 1,
        },
        Event::Stored {
            number,
            identity,
            octets,
            sum: &[0xab; 32],
            file: Some(file),
        },
        Event::Recognised { number, identity },
        Event::NotFetched {
            number,
            identity,
            failure: &failure,
            quarantined: true,
            is_news: true,
        },
        Event::HeldBack {
            number,
            identity,
            why: "came shorter than listed",
            next: "it is fetched again next time",
            is_news: true,
        },
        Event::HeldBack {
            number,
            identity,
            why: "came shorter than listed",
            next: "it is fetched again next time",
            is_news: false,
        },
        Event::Marked { messages: 2 },
        Event::LeftAlone {
            number,
            why: "it is none",
        },
        Event::Deleted { messages: 1 },
        Event::Warning { failure: &failure },
        Event::Finished(&summary),
        Event::Finished(&Summary {
            dry_run: true,
            ..summary
        }),
        Event::Finished(&Summary::default()),
        Event::Total(&total),
        Event::Failed { failure: &failure },
        Event::Ended {
            status: Some(failure.status),
            time: summary.time,
        },
        Event::Waiting {
            time: Duration::from_secs(330),
            failed: false,
        },
        Event::Waiting {
            time: Duration::from_secs(7_260),
            failed: true,
        },
        Event::Stopping { accounts: 0 },
        Event::Stopping { accounts: 2 },
    ] {
        report.report("me@pop.example.org\u{202e}", event);
    }
}

/// What a person sees on standard output and standard error.
fn human(verbosity: Verbosity) -> (String, String) {
    console::set_colors_enabled(false);
    console::set_colors_enabled_stderr(false);
    let (out, err) = (Page::default(), Page::default());
    report_everything(&Human::new(verbosity, out.clone(), err.clone()));
    (out.text(), err.text())
}

#[test]
fn people_read_lines() {
    let (out, err) = human(Verbosity::Verbose);
    insta::assert_snapshot!("verbose", out);
    insta::assert_snapshot!("wrong", err);
    insta::assert_snapshot!("normal", human(Verbosity::Normal).0);
    assert_eq!(human(Verbosity::Quiet), (String::new(), err));
}

#[test]
fn programs_read_json() {
    let page = Page::default();
    report_everything(&Json::new(page.clone()));
    insta::assert_snapshot!(page.text());
}

#[test]
fn a14_no_control_character_is_printed() {
    let page = Page::default();
    report_everything(&Json::new(page.clone()));
    let (out, err) = human(Verbosity::Verbose);
    for text in [page.text(), out, err] {
        assert!(!text.replace('\n', "").contains(crate::escape::is_active));
    }
}

#[test]
fn sizes_have_about_three_digits() {
    for (octets, text) in [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (12_345, "12 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (2_147_483_648, "2.1 GB"),
        (5_000_000_000_000, "5.0 TB"),
    ] {
        assert_eq!(size(octets), text);
    }
}

#[test]
fn the_total_counts_what_failed_and_what_was_stopped() {
    let page = Page::default();
    let human = Human::new(Verbosity::Normal, page.clone(), std::io::sink());
    let mut total = Total {
        accounts: 50,
        ..Total::default()
    };
    human.report("", Event::Total(&total));
    total.failed = 2;
    total.stopped = 1;
    total.summary += Summary {
        stored: 96,
        octets: 1_200_000,
        time: Duration::from_millis(3_200),
        ..Summary::default()
    };
    human.report("", Event::Total(&total));
    assert_eq!(
        page.text(),
        "50 accounts: nothing to do\n\
         50 accounts: stored 96 messages (1.2 MB) in 3.2 s, 2 failed, 1 stopped\n"
    );
}

#[test]
fn every_event_for_programs_is_reported_above() {
    let page = Page::default();
    report_everything(&Json::new(page.clone()));
    let text = page.text();
    // Those behind are the answers of commands.
    let events = schema::EVENTS
        .iter()
        .take_while(|(name, _)| *name != "listed");
    for (name, _) in events {
        assert!(text.contains(&format!("{{\"event\":\"{name}\",")), "{name}");
    }
}
