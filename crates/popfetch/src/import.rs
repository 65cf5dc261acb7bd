//! `popfetch import`: takes over the accounts of another program, and what it has fetched.

mod fetchmail;
mod found;
mod getmail;
mod mpop;
mod shell;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::account::Account;
use crate::cli::{self, Program};
use crate::clock::{Clock, SystemClock};
use crate::config;
use crate::failure::{Failure, Status};
use crate::key::{Key, KeyList};
use crate::report::{Event, Report};
use crate::settings::Settings;
use crate::state::{Change, SqliteStore, State, StateStore};

use found::Found;
use write::Prepared;

/// Reads what the other program has, and writes it as ours.
///
/// # Errors
/// When it cannot be read, or ours cannot be written.
pub(crate) fn run(
    options: &cli::Import,
    common: &cli::Common,
    report: &Arc<dyn Report>,
) -> Result<(), Failure> {
    let home = std::env::home_dir().unwrap_or_default();
    let path = match &options.file {
        Some(path) => path.clone(),
        None => usual(options.program, &home)?,
    };
    let text = fs::read(&path).map_err(|error| {
        let message = format!("could not read {}: {error}", path.display());
        Failure::new(Status::Configuration, message)
    })?;
    let text = String::from_utf8_lossy(&text);
    let mut found = match options.program {
        Program::Mpop => mpop::read(&text, &home),
        Program::Fetchmail => fetchmail::read(&text, &home),
        Program::Getmail => getmail::read(&text, &path, &home),
    };
    if found.is_empty() {
        let path = path.display();
        let message = format!("{path} describes no account that popfetch can have");
        return Err(Failure::new(Status::Configuration, message));
    }
    found::tell_apart(&mut found);
    found.iter_mut().for_each(Found::drop_what_is_wrong);
    let maildrops: Vec<String> = found.iter().map(maildrop).collect::<Result<_, Failure>>()?;
    let state = config::read(&options.files)?.state(&options.files)?;
    let fetched = (found.iter_mut())
        .map(|found| fetched(found, options))
        .collect::<Result<Vec<_>, Failure>>()?;
    // What is refused leaves no trace; and no command finds an account of which the state knows
    // less than the other program, wherever this one is killed.
    let configuration = Prepared::new(&found, &path, options)?;
    let store = SqliteStore::open(&state)?;
    let mut known = Vec::new();
    for (maildrop, unique_ids) in maildrops.iter().zip(fetched) {
        known.push(remember(unique_ids, maildrop, &store)?);
    }
    configuration.publish()?;
    for (found, known) in found.iter().zip(known) {
        tell(found, known, common, report);
    }
    Ok(())
}

/// The unique-ids of what was fetched. That there are none is noted; and that they cannot be read,
/// unless the next sync would then do what nobody asked for.
fn fetched(found: &mut Found, options: &cli::Import) -> Result<Vec<Vec<u8>>, Failure> {
    let unique_ids = found.unique_ids();
    let file = found.memory.as_ref().map(|memory| memory.file.display());
    if let (Ok([]), Some(file)) = (unique_ids.as_deref(), file) {
        let message = "names none of the messages of this account: everything on the server would \
                       be fetched again";
        found.note(format!("{file} {message}"));
    }
    unique_ids.or_else(|failure| {
        if options.out.is_some() && !options.fetch_again {
            return Err(Failure {
                message: format!("{}: {}", found.name, failure.message),
                ..failure
            }
            .hint("if that is right, say --fetch-again"));
        }
        found.note(failure.message);
        Ok(Vec::new())
    })
}

/// What the state knows the account by.
fn maildrop(found: &Found) -> Result<String, Failure> {
    let wrong =
        |message: &str| Failure::new(Status::Configuration, format!("{}: {message}", found.name));
    let settings =
        Settings::deserialize(found.settings()).map_err(|error| wrong(error.message()))?;
    let settings = Settings {
        // It may be elsewhere now; that is for `popfetch config check` to tell.
        ca_file: None,
        ..settings
    };
    Account::to_look_at(Some(&found.name), settings)
        .map(|account| account.maildrop)
        .map_err(|failure| wrong(&failure.message))
}

/// Where the program has its file unless somebody says otherwise.
fn usual(program: Program, home: &Path) -> Result<PathBuf, Failure> {
    let names: &[&str] = match program {
        Program::Mpop => &[".mpoprc", ".config/mpop/config"],
        Program::Fetchmail => &[".fetchmailrc"],
        Program::Getmail => &[".config/getmail/getmailrc", ".getmail/getmailrc"],
    };
    let paths = names.iter().map(|name| home.join(name));
    paths.clone().find(|path| path.exists()).ok_or_else(|| {
        let places: Vec<String> = paths.map(|path| path.display().to_string()).collect();
        let message = format!("there is no {}", places.join(" and no "));
        Failure::new(Status::Configuration, message).hint("say which file it is")
    })
}

/// Puts what was fetched before into the state, as messages to leave alone, unless popfetch has
/// stored them itself. How many there are.
fn remember(
    mut unique_ids: Vec<Vec<u8>>,
    maildrop: &str,
    store: &dyn StateStore,
) -> Result<usize, Failure> {
    let claim = store.claim(maildrop)?;
    let mut stored = HashSet::new();
    store.rows(claim.account, &mut |row| {
        if matches!(row.state, State::Storing | State::Stored | State::Deleting) {
            stored.insert(row.key.to_key());
        }
    })?;
    unique_ids.sort();
    let mut keys = KeyList::default();
    for same in unique_ids.chunk_by(|one, other| one == other) {
        for (occurrence, unique_id) in (1..).zip(same) {
            let key = Key::of_unique_id(unique_id, occurrence);
            if !stored.contains(&key) {
                keys.push(key.as_ref());
            }
        }
    }
    let mut changes = keys.iter().map(|key| Change::Skipped { key });
    store.apply(claim.account, SystemClock.now(), &mut changes)?;
    Ok(unique_ids.len())
}

/// The configurations that this text becomes, by program.
#[cfg(feature = "fuzzing")]
pub(crate) fn of_text(text: &str, with_passwords: bool) -> [String; 3] {
    let home = Path::new("/nowhere");
    let path = Path::new("rc");
    let found = [
        mpop::read(text, home),
        fetchmail::read(text, home),
        getmail::read(text, path, home),
    ];
    found.map(|mut found| {
        found::tell_apart(&mut found);
        found.iter_mut().for_each(Found::drop_what_is_wrong);
        write::text(&found, path, with_passwords)
    })
}

/// The unique-ids in these octets, by program.
#[cfg(feature = "fuzzing")]
pub(crate) fn unique_ids_of(octets: &[u8]) -> [Vec<Vec<u8>>; 3] {
    let (host, user) = ("host".to_owned(), "me".to_owned());
    [
        found::Owner::Mpop {
            host: host.clone(),
            user: user.clone(),
        },
        found::Owner::Fetchmail { server: host, user },
        found::Owner::Getmail,
    ]
    .map(|owner| owner.unique_ids(octets))
}

fn tell(found: &Found, known: usize, common: &cli::Common, report: &Arc<dyn Report>) {
    for note in &found.notes {
        let failure = &Failure::new(Status::Configuration, note.clone());
        report.report(&found.name, Event::Warning { failure });
    }
    if !common.json && !common.quiet {
        // Standard output may be the configuration.
        eprintln!(
            "{}: {known} messages are known and will not be fetched again",
            found.name
        );
    }
}
