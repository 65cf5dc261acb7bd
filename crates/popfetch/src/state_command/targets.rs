//! `popfetch state accept-target` and `popfetch state resolve`: what the user says of targets that
//! are not what they were. The next sync acts upon it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use serde_json::json;

use super::Opened;
use crate::cli::state::{AcceptTarget, Resolve};
use crate::clock::{Clock, SystemClock};
use crate::escape;
use crate::failure::{Failure, Status};
use crate::report::{End, Output, count};
use crate::state::{Change, Marker, SqliteStore, StateStore, Target, Verdict};
use crate::status::{Surveyed, gone, is_in};

pub(super) fn accept(options: &AcceptTarget, out: &mut Output) -> Result<(), End> {
    let opened = Opened::new(&options.files)?;
    let accounts = opened.accounts(&options.account)?;
    let verdict = match options.moved {
        true => Verdict::Emptied,
        false => Verdict::Accepted,
    };
    let mut accepted = Vec::new();
    for account in &accounts {
        if let Some(store) = &opened.store {
            let known = store.markers(account.survey.account)?;
            let is_it = |marker: &Marker| is_at(&marker.target, &options.path);
            accepted.extend(
                known
                    .into_iter()
                    .filter(is_it)
                    .map(|marker| (account, marker)),
            );
        }
    }
    if accepted.is_empty() {
        // The state does not know it, though the target may know an account of the state.
        let target = target_at(&options.path)?;
        match &accounts[..] {
            [account] => accepted.push((account, unknown(target))),
            _ => return Err(which_account(&options.path, &accounts).into()),
        }
    }
    for (account, marker) in accepted {
        if !options.dry_run {
            let store = opened.to_change()?;
            let _held = store.hold(&account.survey.name)?;
            give_verdict(&store, account, marker.clone(), verdict)?;
        }
        tell_accepted(account, &marker.target, options, out)?;
    }
    Ok(())
}

/// Whether this is the target that the user means.
fn is_at(target: &Target, path: &Path) -> bool {
    let location = Path::new(OsStr::from_bytes(&target.location));
    let is_file = matches!(target.kind.as_str(), "maildir" | "mbox");
    is_file
        && (std::path::absolute(path).is_ok_and(|path| path == location)
            || fs::canonicalize(path).is_ok_and(|path| path == location))
}

fn target_at(path: &Path) -> Result<Target, Failure> {
    let wrong = |error: io::Error| {
        let message = format!("nothing is known of {}: {error}", path.display());
        Failure::new(Status::NoInput, message)
            .hint("`popfetch status` shows the targets that are not what they were")
    };
    let is_directory = fs::metadata(path).map_err(wrong)?.is_dir();
    let path = std::path::absolute(path).map_err(wrong)?;
    // As sync knows them: an mbox by its directory's own path.
    let (kind, path) = match (is_directory, path.parent().zip(path.file_name())) {
        (false, Some((directory, name))) => {
            let directory = fs::canonicalize(directory).map_err(wrong)?;
            ("mbox", directory.join(name))
        }
        _ => ("maildir", path),
    };
    Ok(Target {
        kind: kind.into(),
        location: path.into_os_string().into_vec(),
    })
}

fn unknown(target: Target) -> Marker {
    Marker {
        target,
        token: None,
        batch: 0,
        seen: None,
        verdict: None,
        since: None,
    }
}

fn which_account(path: &Path, accounts: &[Surveyed]) -> Failure {
    let message = format!("the state knows nothing of {}", path.display());
    let names: Vec<&str> = accounts.iter().map(|account| &*account.name).collect();
    Failure::new(Status::Usage, message).hint(match names.is_empty() {
        true => "nothing was fetched yet".into(),
        false => format!(
            "say with --account whose mail goes there: {}",
            names.join(", ")
        ),
    })
}

fn give_verdict(
    store: &SqliteStore,
    account: &Surveyed,
    marker: Marker,
    verdict: Verdict,
) -> Result<(), Failure> {
    let marker = Marker {
        verdict: Some(verdict),
        since: Some(SystemClock.now()),
        ..marker
    };
    Ok(store.mark(account.survey.account, &marker)?)
}

fn tell_accepted(
    account: &Surveyed,
    target: &Target,
    options: &AcceptTarget,
    out: &mut Output,
) -> Result<(), End> {
    let location = escape::octets(&target.location);
    if out.is_json() {
        let fields = vec![
            ("kind", json!(target.kind)),
            ("location", json!(location.to_string())),
            ("moved", json!(options.moved)),
            ("dry_run", json!(options.dry_run)),
        ];
        return out.event("target-accepted", &account.name, fields);
    }
    let would = if options.dry_run { "would be" } else { "is" };
    let then = match options.moved {
        true => "what it lacks counts as put away",
        false => "what it lacks is fetched again by the next sync, if the server has it",
    };
    out.line(account.line(&format!("{location} {would} used as it is: {then}")))
}

pub(super) fn resolve(options: &Resolve, out: &mut Output) -> Result<(), End> {
    let opened = Opened::new(&options.files)?;
    let mut waiting = 0;
    for account in opened.accounts(&options.accounts)? {
        let Some(store) = &opened.store else {
            continue;
        };
        let messages = store.unfinished(account.survey.account)?;
        for target in gone(&messages) {
            let in_it = messages.iter().filter(|message| is_in(message, &target));
            waiting += in_it.clone().count();
            if (options.fetch_again || options.as_delivered) && !options.dry_run {
                let store = opened.to_change()?;
                let _held = store.hold(&account.survey.name)?;
                settle(&store, &account, &target, options.as_delivered)?;
            }
            tell_resolved(&account, &target, in_it.count(), options, out)?;
        }
    }
    if waiting == 0 && !out.is_json() {
        out.heading("no message waits for a target that is gone")?;
    }
    Ok(())
}

/// Lets the state know what the user says of a target that is gone.
fn settle(
    store: &SqliteStore,
    account: &Surveyed,
    target: &Target,
    is_delivered: bool,
) -> Result<(), Failure> {
    let id = account.survey.account;
    let known = store.markers(id)?.into_iter();
    let marker = known.into_iter().find(|marker| marker.target == *target);
    let marker = marker.unwrap_or_else(|| unknown(target.clone()));
    if !is_delivered {
        return give_verdict(store, account, marker, Verdict::Accepted);
    }
    let messages = store.unfinished(id)?;
    let in_it = messages.iter().filter(|message| is_in(message, target));
    let mut changes = in_it.map(|message| Change::Reached {
        key: message.key.as_ref(),
        target,
    });
    store.apply(id, SystemClock.now(), &mut changes)?;
    give_verdict(store, account, marker, Verdict::Emptied)
}

fn tell_resolved(
    account: &Surveyed,
    target: &Target,
    messages: usize,
    options: &Resolve,
    out: &mut Output,
) -> Result<(), End> {
    let location = escape::octets(&target.location);
    let then = match (options.fetch_again, options.as_delivered) {
        (true, _) => "fetch-again",
        (_, true) => "as-delivered",
        _ => "wait",
    };
    if out.is_json() {
        let fields = vec![
            ("kind", json!(target.kind)),
            ("location", json!(location.to_string())),
            ("messages", json!(messages)),
            ("then", json!(then)),
            ("dry_run", json!(options.dry_run)),
        ];
        return out.event("target-gone", &account.name, fields);
    }
    let would = if options.dry_run { "would be" } else { "are" };
    let then = match then {
        "fetch-again" => format!("{would} fetched again by the next sync"),
        "as-delivered" => format!("{would} taken for delivered there"),
        _ => "wait for it: mount its disk; if it is gone for good, --fetch-again has them fetched \
              for the targets of today, --as-delivered takes them for delivered there"
            .into(),
    };
    let messages = count(messages as u64);
    out.line(account.line(&format!("{location} is not there, {messages} {then}")))
}
