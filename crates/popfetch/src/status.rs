//! `popfetch status`: what the state knows, without asking any server.

use console::style;
use serde_json::{Map, json};

use crate::cli::{self, Common};
use crate::clock::Timestamp;
use crate::config;
use crate::escape;
use crate::failure::{Failure, Status};
use crate::report::{End, Fields, Output, count, size};
use crate::state::{Row, SqliteStore, State, StateStore, StateSurvey, Survey};

/// Tells what is known of the accounts that the options name.
///
/// # Errors
/// When the state cannot be read, or does not know an account that was named.
pub(crate) fn run(options: &cli::Status, common: &Common) -> Result<(), Failure> {
    let configuration = config::read(&options.files)?;
    let store = SqliteStore::read(&configuration.state(&options.files)?)?;
    let mut surveys = match &store {
        Some(store) => store.survey()?,
        None => Vec::new(),
    };
    // The state knows maildrops; the user may have given them names.
    for (name, maildrop) in configuration.maildrops() {
        if let Some(survey) = surveys.iter_mut().find(|survey| survey.name == maildrop) {
            survey.name = name;
        }
    }
    let chosen = choose(surveys, &options.accounts)?;
    let mut out = Output::new(common);
    End::settle(show(store.as_ref(), &chosen, &mut out))
}

/// The accounts that were named, all if none was.
fn choose(mut surveys: Vec<Survey>, names: &[String]) -> Result<Vec<Survey>, Failure> {
    let is_known = |name: &&String| surveys.iter().any(|survey| survey.name == **name);
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        let message = format!("the state knows no account {name}");
        let known: Vec<&str> = surveys.iter().map(|survey| &*survey.name).collect();
        let hint = match &*known {
            [] => "nothing was fetched yet".into(),
            known => format!("it knows {}", known.join(", ")),
        };
        return Err(Failure::new(Status::Usage, message).hint(hint));
    }
    surveys.retain(|survey| names.is_empty() || names.contains(&survey.name));
    Ok(surveys)
}

fn show(store: Option<&SqliteStore>, surveys: &[Survey], out: &mut Output) -> Result<(), End> {
    let Some(store) = store.filter(|_| !surveys.is_empty()) else {
        if !out.is_json() {
            out.heading("nothing was fetched yet")?;
        }
        return out.finish();
    };
    for survey in surveys {
        if out.is_json() {
            out.event("status", &survey.name, fields(survey))?;
        } else {
            let name = style(escape::text(&survey.name)).bold();
            out.line(format!("{name}: {}", describe(survey)))?;
        }
        show_given_up(store, survey, out)?;
    }
    out.finish()
}

/// An account in a sentence.
fn describe(survey: &Survey) -> String {
    let tally = |wanted: fn(State) -> bool| -> (u64, u64) {
        let tallies = survey.states.iter().filter(|tally| wanted(tally.state));
        tallies.fold((0, 0), |(messages, octets), tally| {
            (messages + tally.messages, octets + tally.octets)
        })
    };
    let (stored, octets) = tally(State::is_delivered);
    let mut parts = vec![match stored {
        0 => "nothing stored".into(),
        _ => format!("stored {} ({})", count(stored), size(octets)),
    }];
    if let Some(last) = survey.last_stored {
        parts.push(format!("the last on {last}"));
    }
    for (messages, what) in [
        (
            tally(|state| state == State::Gone).0,
            "deleted on the server",
        ),
        (
            tally(|state| state == State::Deleting).0,
            "perhaps deleted on the server",
        ),
        (
            tally(|state| state == State::Storing).0,
            "to be finished by the next sync",
        ),
        (survey.failing, "failed before, to be tried again"),
        (
            tally(|state| state == State::Quarantined).0,
            "given up after several attempts",
        ),
        (
            tally(|state| matches!(state, State::Skipped | State::Rejected)).0,
            "left alone",
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
fn show_given_up(store: &SqliteStore, survey: &Survey, out: &mut Output) -> Result<(), End> {
    let mut result = Ok(());
    store.rows(survey.account, &mut |row| {
        if row.state == State::Quarantined && result.is_ok() {
            result = show_one(&row, &survey.name, out);
        }
    })?;
    result
}

fn show_one(row: &Row<'_>, account: &str, out: &mut Output) -> Result<(), End> {
    let (identity, attempts, since) = (row.key.identity, row.attempts, row.changed_at);
    let reason = row.reason.unwrap_or_default();
    if out.is_json() {
        let fields = vec![
            ("uid", json!(identity.to_string())),
            ("attempts", json!(attempts)),
            ("since", json!(since.to_rfc3339())),
            ("reason", json!(reason)),
        ];
        return out.event("given-up", account, fields);
    }
    out.line(format!(
        "  {identity}, given up on {since} after {attempts} attempts:"
    ))?;
    (reason.lines()).try_for_each(|line| out.line(format!("    {}", escape::text(line.trim()))))
}
