//! `popfetch quarantine`: what was given up, and what is to become of it. No server is asked, and
//! nothing is ever deleted there.

use serde_json::json;

use crate::cli::{self, Common};
use crate::clock::{Clock, SystemClock};
use crate::config;
use crate::failure::{Failure, Status};
use crate::key::{Identity, Key, KeyRef};
use crate::report::{End, Output, count};
use crate::state::{Change, SqliteStore, State, StateStore};
use crate::status::{Surveyed, choose, show_given_up, survey};

/// Does what the options say.
///
/// # Errors
/// When the state cannot be read or written, or does not know what was named.
pub(crate) fn run(options: &cli::Quarantine, common: &Common) -> Result<(), Failure> {
    let mut out = Output::new(common);
    match options {
        cli::Quarantine::List(list) => End::settle(show(list, &mut out)),
        cli::Quarantine::Retry(chosen) => End::settle(decide(chosen, &RETRY, &mut out)),
        cli::Quarantine::Drop(chosen) => End::settle(decide(chosen, &DROP, &mut out)),
    }
}

fn show(options: &cli::Status, out: &mut Output) -> Result<(), End> {
    let configuration = config::read(&options.files)?;
    let store = SqliteStore::read(&configuration.state(&options.files)?)?;
    let accounts = choose(survey(&configuration, store.as_ref())?, &options.accounts)?;
    let mut messages = 0;
    for account in &accounts {
        let given_up = account.messages(|state| state == State::Quarantined);
        messages += given_up;
        if let Some(store) = store.as_ref().filter(|_| given_up > 0) {
            if !out.is_json() {
                out.line(account.line(&format!("{} given up", count(given_up))))?;
            }
            show_given_up(store, account, out)?;
        }
    }
    if messages == 0 && !out.is_json() {
        out.heading("no message was given up")?;
    }
    out.finish()
}

/// What somebody can decide about messages that were given up.
struct Decision {
    change: for<'a> fn(KeyRef<'a>) -> Change<'a>,
    event: &'static str,
    then: &'static str,
}

const RETRY: Decision = Decision {
    change: |key| Change::Retry { key },
    event: "retried",
    then: "will be fetched by the next sync",
};

const DROP: Decision = Decision {
    change: |key| Change::Skipped { key },
    event: "dropped",
    then: "will never be fetched, and stays on the server",
};

fn decide(options: &cli::Chosen, decision: &Decision, out: &mut Output) -> Result<(), End> {
    let configuration = config::read(&options.files)?;
    let path = configuration.state(&options.files)?;
    // Nothing is made where nothing was fetched yet.
    let store = match SqliteStore::read(&path)? {
        Some(_) => Some(SqliteStore::open(&path)?),
        None => None,
    };
    let accounts = choose(survey(&configuration, store.as_ref())?, &options.account)?;
    let chosen = find(store.as_ref(), &accounts, options)?;
    for (account, keys) in accounts.iter().zip(&chosen) {
        if let Some(store) = store.as_ref().filter(|_| !keys.is_empty()) {
            // A sync that is running knows nothing of it, and might undo it.
            let claim = store.claim(&account.survey.name)?;
            let mut changes = keys.iter().map(|key| (decision.change)(key.as_ref()));
            store.apply(claim.account, SystemClock.now(), &mut changes)?;
        }
        for key in keys {
            let identity = key.as_ref().identity;
            if out.is_json() {
                let fields = vec![("uid", json!(identity.to_string()))];
                out.event(decision.event, &account.name, fields)?;
            } else {
                out.line(account.line(&format!("{identity} {}", decision.then)))?;
            }
        }
    }
    out.finish()
}

/// The messages that were chosen, for each account.
fn find(
    store: Option<&SqliteStore>,
    accounts: &[Surveyed],
    options: &cli::Chosen,
) -> Result<Vec<Vec<Key>>, Failure> {
    let mut found = vec![false; options.unique_ids.len()];
    let mut chosen = Vec::new();
    for account in accounts {
        let mut keys = Vec::new();
        if let Some(store) = store {
            store.rows(account.survey.account, &mut |row| {
                if row.state != State::Quarantined {
                    return;
                }
                let names = options.unique_ids.iter();
                let named = names.map(|name| is_named(row.key.identity, name));
                let mut is_chosen = options.all;
                for (found, named) in found.iter_mut().zip(named) {
                    *found |= named;
                    is_chosen |= named;
                }
                if is_chosen {
                    keys.push(row.key.to_key());
                }
            })?;
        }
        chosen.push(keys);
    }
    match options
        .unique_ids
        .iter()
        .zip(found)
        .find(|(_, found)| !found)
    {
        None => Ok(chosen),
        Some((name, _)) => Err(Failure::new(
            Status::NoInput,
            format!("no message was given up that has the unique-id {name}"),
        )
        .hint("`popfetch quarantine list` shows those that were")),
    }
}

/// Whether the user means this message: as the server has it, or as it is shown.
fn is_named(identity: Identity<'_>, name: &str) -> bool {
    identity.unique_id() == Some(name.as_bytes()) || identity.to_string() == name
}
