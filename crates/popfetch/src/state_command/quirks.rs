//! `popfetch state quirks`.

use serde_json::json;

use super::Opened;
use crate::cli::state::Quirks;
use crate::clock::Timestamp;
use crate::escape;
use crate::failure::{Failure, Status};
use crate::report::{End, Output};
use crate::state::{self, Learned, SqliteStore};
use crate::status::Surveyed;

pub(super) fn run(options: &Quirks, out: &mut Output) -> Result<(), End> {
    let opened = Opened::new(&options.files)?;
    match (&options.account, &options.clear) {
        (Some(account), Some(name)) => {
            let (store, account) = opened.account(account)?;
            let names = chosen(&store.learned(account.survey.account)?, name.as_deref())?;
            if !options.dry_run && !names.is_empty() {
                forget(&opened, &account, &names)?;
            }
            tell_forgotten(&account, &names, options.dry_run, out)
        }
        (account, _) => {
            let names: Vec<String> = account.iter().cloned().collect();
            show(&opened, &opened.accounts(&names)?, out)
        }
    }
}

/// Which of them are to be forgotten.
fn chosen(learned: &[Learned], name: Option<&str>) -> Result<Vec<String>, Failure> {
    let known = || learned.iter().map(|learned| learned.name.clone());
    match name {
        None => Ok(known().collect()),
        Some(name) if known().any(|known| known == name) => Ok(vec![name.into()]),
        Some(name) => {
            let message = format!("nothing named {name} was learned of the server");
            let hint = match &*known().collect::<Vec<_>>() {
                [] => "nothing was learned of it at all".into(),
                known => format!("there is: {}", known.join(", ")),
            };
            Err(Failure::new(Status::NoInput, message).hint(hint))
        }
    }
}

fn forget(opened: &Opened, account: &Surveyed, names: &[String]) -> Result<(), Failure> {
    let store = opened.to_change()?;
    // A sync that is running would write it again.
    let _held = store.hold(&account.survey.name)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(store.unlearn(account.survey.account, &names)?)
}

fn tell_forgotten(
    account: &Surveyed,
    names: &[String],
    dry_run: bool,
    out: &mut Output,
) -> Result<(), End> {
    for name in names {
        if out.is_json() {
            let fields = vec![("name", json!(name)), ("dry_run", json!(dry_run))];
            out.event("quirk-forgotten", &account.name, fields)?;
        } else {
            let forgotten = match dry_run {
                true => "would be forgotten",
                false => "is forgotten",
            };
            out.line(account.line(&format!("{} {forgotten}", escape::text(name))))?;
        }
    }
    if names.is_empty() && !out.is_json() {
        out.line(account.line("nothing was learned of its server"))?;
    }
    Ok(())
}

fn show(opened: &Opened, accounts: &[Surveyed], out: &mut Output) -> Result<(), End> {
    let mut known = 0;
    for account in accounts {
        if let Some(store) = &opened.store {
            known += show_one(store, account, out)?;
        }
    }
    if known == 0 && !out.is_json() {
        out.heading("nothing was learned of any server")?;
    }
    Ok(())
}

/// Shows what was learned of the server of an account. How much that was.
pub(super) fn show_one(
    store: &SqliteStore,
    account: &Surveyed,
    out: &mut Output,
) -> Result<usize, End> {
    let learned = store.learned(account.survey.account)?;
    for Learned { name, value, since } in &learned {
        let meaning = state::Quirks::meaning(name, value);
        if out.is_json() {
            let fields = vec![
                ("name", json!(name)),
                ("value", json!(value)),
                ("since", json!(Timestamp::to_rfc3339(*since))),
                ("meaning", json!(meaning)),
            ];
            out.event("quirk", &account.name, fields)?;
        } else {
            let (name, value) = (escape::text(name), escape::text(value));
            out.line(account.line(&format!("{name} = {value}, since {since}: {meaning}")))?;
        }
    }
    Ok(learned.len())
}
