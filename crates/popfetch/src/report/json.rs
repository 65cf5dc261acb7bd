//! Events for programs: one JSON object a line.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Action, Event, Planned, Report, Summary, Total, schema};
use crate::clock::{Clock, Timestamp};
use crate::escape;
use crate::failure::{Failure, Status};
use crate::key::{Identity, hex};

/// Writes events as they come.
pub(crate) struct Json<W> {
    out: Mutex<W>,
    clock: Option<Arc<dyn Clock>>,
}

impl<W: Write + Send> Json<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out: Mutex::new(out),
            clock: None,
        }
    }

    /// The same with the time in each event.
    pub(crate) fn timed(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }
}

impl<W: Write + Send> Report for Json<W> {
    fn report(&self, account: &str, event: Event<'_>) {
        let Some((name, fields)) = describe(event) else {
            return;
        };
        let time = self.clock.as_ref().map(|clock| clock.now());
        let line = line_at(time, name, account, fields);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader that has gone away does not stop the mail.
        let _: io::Result<()> = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

/// What an event says, by name, in the order in which it is written.
pub(crate) type Fields = Vec<(&'static str, Value)>;

/// An event as a line without its end.
pub(crate) fn line(name: &'static str, account: &str, fields: Fields) -> String {
    line_at(None, name, account, fields)
}

/// The same with its time.
fn line_at(time: Option<Timestamp>, name: &'static str, account: &str, fields: Fields) -> String {
    debug_assert!(
        schema::documents(name, &fields),
        "{name} is not in the schema, or has other fields there"
    );
    let named = [("event", json!(name)), ("account", json!(account))];
    let time = time.map(|time| ("time", json!(time.to_rfc3339())));
    let fields: Vec<String> = (named.into_iter().chain(time).chain(fields))
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", harmless(&fields.join(",")))
}

/// The name of an event and what it says; `None` for what is too frequent for a line of its own.
fn describe(event: Event<'_>) -> Option<(&'static str, Fields)> {
    Some(match event {
        Event::Received { .. } => return None,
        Event::Recovered { messages } => ("recovered", vec![("messages", json!(messages))]),
        Event::Connected { server, tls } => {
            let tls = tls.map(|tls| json!({ "version": tls.version, "cipher": tls.cipher_suite }));
            (
                "connected",
                vec![("server", json!(server)), ("tls", json!(tls))],
            )
        }
        Event::Planned(planned) => ("planned", plan(planned)),
        Event::Would {
            action,
            number,
            identity,
            octets,
        } => {
            let name = match action {
                Action::Fetch => "would-fetch",
                Action::FetchHeaders => "would-fetch-headers",
                Action::Skip => "would-skip",
                Action::Delete => "would-delete",
            };
            (
                name,
                [message(number, identity), vec![("octets", json!(octets))]].concat(),
            )
        }
        Event::Stored {
            number,
            identity,
            octets,
            sum,
            file,
        } => {
            let stored = vec![
                ("octets", json!(octets)),
                ("sha256", json!(hex(sum))),
                ("file", json!(file.map(|file| file.to_string_lossy()))),
            ];
            ("stored", [message(number, identity), stored].concat())
        }
        Event::Recognised { number, identity } => ("recognised", message(number, identity)),
        Event::NotFetched {
            number,
            identity,
            failure: cause,
            quarantined,
            is_news,
        } => {
            let quarantined = vec![
                ("quarantined", json!(quarantined)),
                ("is_news", json!(is_news)),
            ];
            (
                "not-fetched",
                [message(number, identity), failure(cause), quarantined].concat(),
            )
        }
        Event::HeldBack {
            number,
            identity,
            why,
            next,
            is_news,
        } => {
            let reasons = vec![
                ("why", json!(why)),
                ("next", json!(next)),
                ("is_news", json!(is_news)),
            ];
            ("held-back", [message(number, identity), reasons].concat())
        }
        Event::Marked { messages } => ("marked", vec![("messages", json!(messages))]),
        Event::LeftAlone { number, why } => (
            "left-alone",
            vec![("number", json!(number)), ("why", json!(why))],
        ),
        Event::Deleted { messages } => ("deleted", vec![("messages", json!(messages))]),
        Event::Warning { failure: cause } => ("warning", failure(cause)),
        Event::Finished(summary) => ("finished", summarize(summary)),
        Event::Began => ("began", Vec::new()),
        Event::Ended { status, time } => (
            "ended",
            vec![
                ("status", json!(status.map_or(0, Status::code))),
                ("seconds", json!(time.as_secs_f64())),
            ],
        ),
        Event::Waiting { time, .. } => ("waiting", vec![("seconds", json!(time.as_secs()))]),
        Event::Metrics { address } => ("metrics", vec![("address", json!(address.to_string()))]),
        Event::Polling { accounts } => ("polling", vec![("accounts", json!(accounts))]),
        Event::Stopping { accounts } => ("stopping", vec![("accounts", json!(accounts))]),
        Event::Total(total) => (
            "total",
            [accounts(total), summarize(&total.summary)].concat(),
        ),
        Event::Failed { failure: cause } => ("failed", failure(cause)),
    })
}

fn message(number: u32, identity: Identity<'_>) -> Fields {
    vec![
        ("number", json!(number)),
        ("uid", json!(identity.to_string())),
    ]
}

fn plan(planned: &Planned) -> Fields {
    vec![
        ("messages", json!(planned.messages)),
        ("octets", json!(planned.octets)),
        ("fetch", json!(planned.fetch)),
        ("fetch_octets", json!(planned.fetch_octets)),
        ("delete", json!(planned.delete)),
        ("quarantined", json!(planned.quarantined)),
        ("skipped", json!(planned.skipped)),
        ("oversize", json!(planned.oversize)),
        ("without_identity", json!(planned.nameless)),
    ]
}

fn summarize(summary: &Summary) -> Fields {
    vec![
        ("stored", json!(summary.stored)),
        ("octets", json!(summary.octets)),
        ("deleted", json!(summary.deleted)),
        ("not_fetched", json!(summary.not_fetched)),
        ("held_back", json!(summary.held_back)),
        ("seconds", json!(summary.time.as_secs_f64())),
        ("dry_run", json!(summary.dry_run)),
    ]
}

fn accounts(total: &Total) -> Fields {
    vec![
        ("accounts", json!(total.accounts)),
        ("failed", json!(total.failed)),
        ("stopped", json!(total.stopped)),
    ]
}

fn failure(failure: &Failure) -> Fields {
    vec![
        ("message", json!(failure.message)),
        ("server", json!(failure.server)),
        ("hint", json!(failure.hint)),
        ("status", json!(failure.status.code())),
    ]
}

/// Spells out what a terminal would act upon. Such characters are only ever inside strings.
pub(crate) fn harmless(json: &str) -> String {
    let mut harmless = String::with_capacity(json.len());
    for c in json.chars() {
        if escape::is_active(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                harmless.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            harmless.push(c);
        }
    }
    harmless
}
