//! `popfetch state move` and `popfetch state separate`.

use serde_json::json;

use super::Opened;
use crate::account;
use crate::cli::state::{Move, Separate};
use crate::clock::{Clock, SystemClock};
use crate::config::Configuration;
use crate::escape;
use crate::failure::{Failure, Status};
use crate::report::{End, Output, count};
use crate::state::{SqliteStore, StateStore};
use crate::status::Surveyed;

pub(super) fn run(options: &Move, out: &mut Output) -> Result<(), End> {
    let opened = Opened::new(&options.files)?;
    let (store, account) = opened.account(&options.account)?;
    let to = maildrop(&opened.configuration, &options.new)?;
    let from = &account.survey.name;
    if *from == to {
        let message = format!("{from} is its name already");
        return Err(Failure::new(Status::Usage, message).into());
    }
    let messages = store.messages(account.survey.account)?;
    is_free(store, &to)?;
    if !options.dry_run {
        let store = opened.to_change()?;
        // Nobody may fetch it by either name meanwhile.
        let _held = (store.hold(from)?, store.hold(&to)?);
        if !store.move_account(account.survey.account, from, &to)? {
            let message = format!("what is known of {from} or {to} changed meanwhile");
            return Err(Failure::new(Status::Temporary, message).into());
        }
    }
    tell(&account, &to, messages, options.dry_run, out)
}

pub(super) fn separate(options: &Separate, out: &mut Output) -> Result<(), End> {
    let opened = Opened::new(&options.files)?;
    let (_, account) = opened.account(&options.account)?;
    if !options.dry_run {
        let store = opened.to_change()?;
        let _held = store.hold(&account.survey.name)?;
        store.separate(account.survey.account, SystemClock.now())?;
    }
    if out.is_json() {
        let fields = vec![("dry_run", json!(options.dry_run))];
        return out.event("separate", &account.name, fields);
    }
    let is = if options.dry_run { "would be" } else { "is" };
    out.line(account.line(&format!(
        "{is} a maildrop of its own, and fetched by the next sync"
    )))
}

/// What the state is to know the account by.
fn maildrop(configuration: &Configuration, new: &str) -> Result<String, Failure> {
    let named = configuration.maildrops();
    if let Some((_, maildrop)) = named.into_iter().find(|(name, _)| name == new) {
        return Ok(maildrop);
    }
    account::maildrop_of(new).map_err(|failure| {
        failure.hint("name an account of the configuration file, or USER@HOST, or USER@HOST:PORT")
    })
}

/// Checks that the state knows no messages by the new name.
fn is_free(store: &SqliteStore, to: &str) -> Result<(), Failure> {
    let messages = match store.account(to)? {
        Some(account) => store.messages(account)?,
        None => 0,
    };
    match messages {
        0 => Ok(()),
        messages => Err(is_taken(to, &count(messages))),
    }
}

fn is_taken(to: &str, what: &str) -> Failure {
    Failure::new(
        Status::Configuration,
        format!("the state knows {to} already, and {what} of it"),
    )
    .hint("two accounts cannot become one; `popfetch state show` tells what is known of each")
}

fn tell(
    account: &Surveyed,
    to: &str,
    messages: u64,
    dry_run: bool,
    out: &mut Output,
) -> Result<(), End> {
    if out.is_json() {
        let fields = vec![
            ("from", json!(account.survey.name)),
            ("to", json!(to)),
            ("messages", json!(messages)),
            ("dry_run", json!(dry_run)),
        ];
        return out.event("moved", &account.name, fields);
    }
    let (from, to) = (escape::text(&account.survey.name), escape::text(to));
    let moved = match dry_run {
        true => "would become",
        false => "is now",
    };
    out.line(format!("{from} {moved} {to}, with {}", count(messages)))
}
