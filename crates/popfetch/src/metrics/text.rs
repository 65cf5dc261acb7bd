//! The text format that Prometheus scrapes, version 0.0.4.

use std::fmt::{self, Write as _};

use super::{Account, Ledger};
use crate::clock::Timestamp;

/// The media type of the format.
pub(super) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Ledger {
    /// All numbers.
    pub(super) fn exposition(&self) -> String {
        let mut text = String::new();
        // A string takes whatever is written to it.
        let _: fmt::Result = self.expose(&mut text);
        text
    }

    fn expose(&self, text: &mut String) -> fmt::Result {
        let accounts = self.accounts();
        for metric in METRICS {
            let Metric {
                name, kind, help, ..
            } = metric;
            writeln!(
                text,
                "# HELP popfetch_{name} {help}\n# TYPE popfetch_{name} {kind}"
            )?;
            for (account, numbers) in &*accounts {
                if let Some(value) = (metric.value)(numbers) {
                    let account = Label(account);
                    writeln!(text, "popfetch_{name}{{account=\"{account}\"}} {value}")?;
                }
            }
        }
        writeln!(
            text,
            "# HELP popfetch_sessions_total Visits to an account, by how they ended.\n\
             # TYPE popfetch_sessions_total counter"
        )?;
        for (account, numbers) in &*accounts {
            let account = Label(account);
            for (ended, visits) in &numbers.visits {
                let labels = format!("account=\"{account}\",result=\"{}\"", ended.0);
                writeln!(text, "popfetch_sessions_total{{{labels}}} {visits}")?;
            }
        }
        Ok(())
    }
}

/// A number of each account.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: fn(&Account) -> Option<f64>,
}

const METRICS: &[Metric] = &[
    Metric {
        name: "messages_fetched_total",
        kind: "counter",
        help: "Messages that were stored.",
        value: |account| Some(account.stored as f64),
    },
    Metric {
        name: "octets_fetched_total",
        kind: "counter",
        help: "Octets of those messages, as received.",
        value: |account| Some(account.octets as f64),
    },
    Metric {
        name: "messages_deleted_total",
        kind: "counter",
        help: "Messages that the server deleted on request.",
        value: |account| Some(account.deleted as f64),
    },
    Metric {
        name: "messages_quarantined_total",
        kind: "counter",
        help: "Messages that were given up after several attempts.",
        value: |account| Some(account.quarantined as f64),
    },
    Metric {
        name: "messages_held_back",
        kind: "gauge",
        help: "Messages that the last visit kept on the server until something is known or decided.",
        value: |account| Some(account.held_back as f64),
    },
    Metric {
        name: "last_session_seconds",
        kind: "gauge",
        help: "How long the last visit took.",
        value: |account| account.last.map(|(_, time)| time.as_secs_f64()),
    },
    Metric {
        name: "last_success_timestamp_seconds",
        kind: "gauge",
        help: "When a visit last ended well.",
        value: |account| account.succeeded_at.map(seconds),
    },
    Metric {
        name: "next_session_timestamp_seconds",
        kind: "gauge",
        help: "When the next visit is due; missing while one goes on, and where none is to come.",
        value: |account| account.next_at.map(seconds),
    },
    Metric {
        name: "in_flight",
        kind: "gauge",
        help: "Whether the account is being visited.",
        value: |account| Some(f64::from(u8::from(account.in_flight))),
    },
];

fn seconds(time: Timestamp) -> f64 {
    time.0 as f64
}

/// A label's value, with what would end it escaped.
struct Label<'a>(&'a str);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
