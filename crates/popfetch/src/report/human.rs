//! Events for people: lines on standard output, and while messages arrive their progress on
//! standard error if that is a terminal.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use console::{StyledObject, style};

use super::screen::Screen;
use super::{Action, Event, Planned, Report, Summary, Total};
use crate::escape;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Only what is wrong.
    Quiet,
    /// What was there and what was done.
    Normal,
    /// Every message.
    Verbose,
}

/// Shows events to a person.
pub(crate) struct Human {
    verbosity: Verbosity,
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    screen: Screen,
}

impl Human {
    /// What happened goes to `out`, what is wrong to `err`.
    pub(crate) fn new(
        verbosity: Verbosity,
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
    ) -> Self {
        Self {
            verbosity,
            out: Mutex::new(Box::new(out)),
            err: Mutex::new(Box::new(err)),
            screen: Screen::stderr(),
        }
    }

    /// Prints a line above the progress, if this is to be said at all.
    fn line(&self, least: Verbosity, account: &str, text: &str) {
        if self.verbosity < least {
            return;
        }
        self.screen.suspend(|| {
            let account = style(escape::text(account)).bold();
            write_line(&self.out, &format!("{account}: {text}"));
        });
    }

    /// Tells on standard error what is wrong.
    fn complain(&self, kind: &StyledObject<&str>, account: &str, text: &str) {
        let account = match account {
            "" => String::new(),
            account => format!("{}: ", escape::text(account)),
        };
        self.screen
            .suspend(|| write_line(&self.err, &format!("{kind} {account}{text}")));
    }
}

fn write_line(to: &Mutex<Box<dyn Write + Send>>, line: &str) {
    let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
    // A reader that has gone away does not stop the mail.
    let _: io::Result<()> = writeln!(to, "{line}").and_then(|()| to.flush());
}

impl Report for Human {
    fn report(&self, account: &str, event: Event<'_>) {
        let say = |least, text: &str| self.line(least, account, text);
        match event {
            Event::Received { octets, messages } => self.screen.advance(account, octets, messages),
            Event::Recovered { messages } => say(
                Verbosity::Normal,
                &format!(
                    "finished {} that an earlier run was interrupted in",
                    count(messages as u64)
                ),
            ),
            Event::Connected { server, tls } => {
                let tls = match tls {
                    Some(tls) => format!("{}, {}", tls.version, tls.cipher_suite),
                    None => "NOT encrypted".into(),
                };
                say(
                    Verbosity::Verbose,
                    &format!("logged in to {server} ({tls})"),
                );
            }
            Event::Planned(planned) => {
                say(Verbosity::Normal, &describe_plan(planned));
                if self.verbosity > Verbosity::Quiet {
                    self.screen.begin(account, planned);
                }
            }
            Event::Would {
                action,
                number,
                identity,
                octets,
            } => {
                let verb = match action {
                    Action::Fetch => "fetch",
                    Action::FetchHeaders => "fetch the headers of",
                    Action::Skip => "leave alone",
                    Action::Delete => "delete",
                };
                let octets = octets.map_or_else(|| "size unknown".into(), size);
                say(
                    Verbosity::Normal,
                    &format!("would {verb} {number} ({octets}, {identity})"),
                );
            }
            Event::Stored {
                number,
                identity,
                octets,
                file,
                ..
            } => say(
                Verbosity::Verbose,
                &match file {
                    Some(file) => format!(
                        "stored {number} ({}, {identity}) as {}",
                        size(octets),
                        file.display()
                    ),
                    None => format!("stored {number} ({}, {identity})", size(octets)),
                },
            ),
            Event::Recognised { number, identity } => say(
                Verbosity::Verbose,
                &format!("{number} ({identity}) is what was stored before; not stored again"),
            ),
            Event::NotFetched {
                number,
                identity,
                failure,
                quarantined,
                is_news,
            } => {
                let then = if quarantined {
                    "given up after several attempts; it stays on the server"
                } else {
                    "it stays on the server and will be tried again"
                };
                let text = format!("message {number} ({identity}): {failure}\n  {then}");
                match is_news {
                    true => self.complain(&warning(), account, &text),
                    false => say(Verbosity::Verbose, &text),
                }
            }
            Event::HeldBack {
                number,
                identity,
                why,
                next,
                is_news,
            } => {
                let text =
                    format!("message {number} ({identity}) {why}: kept on the server; {next}");
                match is_news {
                    true => self.complain(&warning(), account, &text),
                    false => say(Verbosity::Verbose, &text),
                }
            }
            Event::Marked { messages } => {
                let text = match messages {
                    0 => "there was nothing new to leave alone".into(),
                    _ => format!("left alone from now on: {}", count(messages as u64)),
                };
                say(Verbosity::Normal, &text);
            }
            Event::LeftAlone { number, why } => {
                say(
                    Verbosity::Normal,
                    &format!("left message {number} alone: {why}"),
                );
            }
            Event::Deleted { messages } => {
                say(
                    Verbosity::Verbose,
                    &format!("the server deleted {}", count(messages as u64)),
                );
            }
            Event::Warning { failure } => {
                self.complain(&warning(), account, &failure.to_string());
            }
            Event::Finished(summary) => {
                self.screen.end(account);
                if let Some(text) = describe_summary(summary) {
                    say(Verbosity::Normal, &text);
                }
            }
            Event::Began | Event::Ended { .. } => {}
            Event::Waiting { time, failed } => {
                let least = if failed {
                    Verbosity::Normal
                } else {
                    Verbosity::Verbose
                };
                say(least, &format!("next visit in {}", span(time)));
            }
            Event::Metrics { address } => self.line(
                Verbosity::Normal,
                "popfetch",
                &format!("metrics at http://{address}/metrics"),
            ),
            Event::Polling { accounts } => self.line(
                Verbosity::Normal,
                "popfetch",
                &format!(
                    "fetching from {} until it is stopped",
                    count_accounts(accounts)
                ),
            ),
            Event::Stopping { accounts: 0 } => {
                self.line(Verbosity::Normal, "popfetch", "stopping");
            }
            Event::Stopping { accounts } => self.line(
                Verbosity::Normal,
                "popfetch",
                &format!("stopping; finishing with {}", count_accounts(accounts)),
            ),
            Event::Total(total) => {
                self.screen.end(account);
                let accounts = format!("{} accounts", total.accounts);
                self.line(Verbosity::Normal, &accounts, &describe_total(total));
            }
            Event::Failed { failure } => {
                self.screen.end(account);
                let error = style("error:").for_stderr().red().bold();
                self.complain(&error, account, &failure.to_string());
            }
        }
    }
}

fn warning() -> StyledObject<&'static str> {
    style("warning:").for_stderr().yellow().bold()
}

fn describe_plan(planned: &Planned) -> String {
    let Planned {
        messages,
        octets,
        fetch,
        fetch_octets,
        delete,
        quarantined,
        skipped,
        oversize,
        nameless,
    } = *planned;
    if messages == 0 {
        return "no messages on the server".into();
    }
    let mut text = format!(
        "{} on the server ({})",
        count(messages as u64),
        size(octets)
    );
    match fetch {
        0 => text.push_str(", nothing new"),
        _ => text.push_str(&format!(", {fetch} new ({})", size(fetch_octets))),
    }
    for (number, what) in [
        (delete as u64, "stored and to be deleted"),
        (quarantined, "given up after several attempts"),
        (skipped, "left alone"),
        (oversize, "larger than is wanted"),
        (nameless, "told apart by their content"),
    ] {
        if number > 0 {
            text.push_str(&format!(", {number} {what}"));
        }
    }
    text
}

/// What was done; `None` if there was nothing to do.
fn describe_summary(summary: &Summary) -> Option<String> {
    let Summary {
        stored,
        octets,
        deleted,
        not_fetched,
        held_back,
        time,
        dry_run,
    } = *summary;
    if dry_run {
        return Some("nothing was changed (dry run)".into());
    }
    let mut parts = Vec::new();
    if stored > 0 {
        let (octets, seconds) = (size(octets), time.as_secs_f64());
        parts.push(format!(
            "stored {} ({octets}) in {seconds:.1} s",
            count(stored as u64)
        ));
    }
    if deleted > 0 {
        parts.push(format!("deleted {} on the server", count(deleted as u64)));
    }
    if not_fetched > 0 {
        parts.push(format!("could not fetch {}", count(not_fetched as u64)));
    }
    if held_back > 0 {
        parts.push(format!("held back {}", count(held_back as u64)));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What was done in all accounts.
fn describe_total(total: &Total) -> String {
    let mut text = describe_summary(&total.summary).unwrap_or_else(|| "nothing to do".into());
    for (accounts, what) in [(total.failed, "failed"), (total.stopped, "stopped")] {
        if accounts > 0 {
            text.push_str(&format!(", {accounts} {what}"));
        }
    }
    text
}

/// A number of messages in words.
pub(crate) fn count(messages: u64) -> String {
    let plural = if messages == 1 { "" } else { "s" };
    format!("{messages} message{plural}")
}

/// A number of accounts in words.
pub(crate) fn count_accounts(accounts: usize) -> String {
    let plural = if accounts == 1 { "" } else { "s" };
    format!("{accounts} account{plural}")
}

/// A time for people, in one unit or two.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds >= 48 * 3600 {
        return format!("{} days", seconds / (24 * 3600));
    }
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Octets for people: three digits or so, and a decimal unit.
pub(crate) fn size(octets: u64) -> String {
    let mut amount = octets as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if amount < 999.5 {
            let decimals = usize::from(unit != "B" && amount < 9.95);
            return format!("{amount:.decimals$} {unit}");
        }
        amount /= 1000.0;
    }
    format!("{amount:.1} TB")
}
