//! `popfetch status`: what the state knows, without asking any server.

mod held_up;

use console::style;
use serde_json::{Map, json};

use crate::cli::{self, Common};
use crate::clock::Timestamp;
use crate::config::{self, Configuration};
use crate::escape;
use crate::failure::{Failure, Status};
use crate::report::{End, Fields, Output, count, size};
use crate::state::{Row, SqliteStore, State, StateStore, StateSurvey, Survey};

pub(crate) use held_up::{gone, is_in};

/// Tells what is known of the accounts that the options name.
///
/// # Errors
/// When the state cannot be read, or does not know an account that was named.
pub(crate) fn run(options: &cli::Status, common: &Common) -> Result<(), Failure> {
    let configuration = config::read(&options.files)?;
    let store = SqliteStore::read(&configuration.state(&options.files)?)?;
    let chosen = choose(survey(&configuration, store.as_ref())?, &options.accounts)?;
    let mut out = Output::new(common);
    End::settle(show(store.as_ref(), &chosen, &mut out))
}

/// An account that the state knows.
pub(crate) struct Surveyed {
    /// What the user calls it.
    pub(crate) name: String,
    pub(crate) survey: Survey,
}

impl Surveyed {
    /// How many messages are in such a state.
    pub(crate) fn messages(&self, is_wanted: fn(State) -> bool) -> u64 {
        let tallies = self.survey.states.iter();
        let wanted = tallies.filter(|tally| is_wanted(tally.state));
        wanted.map(|tally| tally.messages).sum()
    }

    /// A line about it, for people.
    pub(crate) fn line(&self, text: &str) -> String {
        format!("{}: {text}", style(escape::text(&self.name)).bold())
    }

    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.survey.name == name
    }
}

/// Every account that the state knows, none where there is no state.
pub(crate) fn survey(
    configuration: &Configuration,
    store: Option<&SqliteStore>,
) -> Result<Vec<Surveyed>, Failure> {
    let Some(store) = store else {
        return Ok(Vec::new());
    };
    // The state knows maildrops; the user may have given them names.
    let names = configuration.maildrops();
    let called = |survey: Survey| {
        let named = names.iter().find(|(_, maildrop)| *maildrop == survey.name);
        let name = named.map_or(&survey.name, |(name, _)| name).clone();
        Surveyed { name, survey }
    };
    Ok(store.survey()?.into_iter().map(called).collect())
}

/// The accounts that were named, all if none was.
pub(crate) fn choose(
    mut accounts: Vec<Surveyed>,
    names: &[String],
) -> Result<Vec<Surveyed>, Failure> {
    let is_known = |name: &&String| accounts.iter().any(|account| account.is_called(name));
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        let message = format!("the state knows no account {name}");
        let known: Vec<&str> = accounts.iter().map(|account| &*account.name).collect();
        let hint = match &*known {
            [] => "nothing was fetched yet".into(),
            known => format!("it knows {}", known.join(", ")),
        };
        return Err(Failure::new(Status::Usage, message).hint(hint));
    }
    let is_named = |account: &Surveyed| names.iter().any(|name| account.is_called(name));
    accounts.retain(|account| names.is_empty() || is_named(account));
    Ok(accounts)
}

fn show(store: Option<&SqliteStore>, accounts: &[Surveyed], out: &mut Output) -> Result<(), End> {
    let Some(store) = store.filter(|_| !accounts.is_empty()) else {
        if !out.is_json() {
            out.heading("nothing was fetched yet")?;
        }
        return out.finish();
    };
    for account in accounts {
        show_account(account, out)?;
        show_given_up(store, account, out)?;
        show_rows(store, account, out, is_pending)?;
        held_up::show(store, account, out)?;
    }
    out.finish()
}

/// Shows an account in numbers.
pub(crate) fn show_account(account: &Surveyed, out: &mut Output) -> Result<(), End> {
    match out.is_json() {
        true => out.event("status", &account.name, fields(&account.survey)),
        false => out.line(account.line(&describe(account))),
    }
}

/// An account in a sentence.
fn describe(account: &Surveyed) -> String {
    let survey = &account.survey;
    let delivered = survey
        .states
        .iter()
        .filter(|tally| tally.state.is_delivered());
    let octets = delivered.map(|tally| tally.octets).sum();
    let mut parts = vec![match account.messages(State::is_delivered) {
        0 => "nothing stored".into(),
        stored => format!("stored {} ({})", count(stored), size(octets)),
    }];
    if let Some(last) = survey.last_stored {
        parts.push(format!("the last on {last}"));
    }
    for (messages, what) in [
        (
            account.messages(|state| state == State::Gone),
            "deleted on the server",
        ),
        (
            account.messages(|state| state == State::Deleting),
            "perhaps deleted on the server",
        ),
        (
            account.messages(|state| state == State::Storing),
            "to be finished by the next sync",
        ),
        (survey.failing, "failed before, to be tried again"),
        (
            account.messages(|state| state == State::Quarantined),
            "given up after several attempts",
        ),
        (
            account.messages(|state| state == State::Skipped),
            "left alone",
        ),
        (
            account.messages(|state| state == State::Rejected),
            "rejected by the filter",
        ),
    ] {
        if messages > 0 {
            parts.push(format!("{messages} {what}"));
        }
    }
    parts.join(", ")
}

fn fields(survey: &Survey) -> Fields {
    let states: Map<_, _> = (survey.states.iter())
        .map(|tally| {
            let counts = json!({ "messages": tally.messages, "octets": tally.octets });
            (tally.state.name().to_owned(), counts)
        })
        .collect();
    vec![
        ("states", json!(states)),
        ("failing", json!(survey.failing)),
        (
            "last_stored",
            json!(survey.last_stored.map(Timestamp::to_rfc3339)),
        ),
    ]
}

/// Tells what was given up, and why.
pub(crate) fn show_given_up(
    store: &SqliteStore,
    account: &Surveyed,
    out: &mut Output,
) -> Result<(), End> {
    show_rows(store, account, out, |row| row.state == State::Quarantined)
}

/// Whether it could not be fetched so far, and is tried again.
fn is_pending(row: &Row<'_>) -> bool {
    row.state == State::Pending && row.reason.is_some()
}

fn show_rows(
    store: &SqliteStore,
    account: &Surveyed,
    out: &mut Output,
    is_wanted: fn(&Row<'_>) -> bool,
) -> Result<(), End> {
    let mut result = Ok(());
    store.rows(account.survey.account, &mut |row| {
        if is_wanted(&row) && result.is_ok() {
            result = show_one(&row, &account.name, out);
        }
    })?;
    result
}

fn show_one(row: &Row<'_>, account: &str, out: &mut Output) -> Result<(), End> {
    let (identity, attempts) = (row.key.identity, row.attempts);
    let is_given_up = row.state == State::Quarantined;
    let since = match is_given_up {
        true => Some(row.changed_at),
        false => row.failing,
    };
    let reason = row.reason.unwrap_or_default();
    if out.is_json() {
        let fields = vec![
            ("uid", json!(identity.to_string())),
            ("attempts", json!(attempts)),
            ("since", json!(since.map(Timestamp::to_rfc3339))),
            ("reason", json!(reason)),
        ];
        let event = if is_given_up { "given-up" } else { "pending" };
        return out.event(event, account, fields);
    }
    let what = match (is_given_up, since) {
        (true, Some(since)) => format!("given up on {since} after {attempts} attempts"),
        (_, Some(since)) if attempts > 0 => {
            format!("failed {}, first on {since}", times(attempts))
        }
        (_, Some(since)) => format!("could not be delivered since {since}"),
        (_, None) => "waits".into(),
    };
    out.line(format!("  {identity}, {what}:"))?;
    (reason.lines()).try_for_each(|line| out.line(format!("    {}", escape::text(line.trim()))))
}

pub(crate) fn times(times: u32) -> String {
    match times {
        1 => "once".into(),
        _ => format!("{times} times"),
    }
}
