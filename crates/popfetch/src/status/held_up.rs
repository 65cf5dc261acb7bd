//! What holds an account up: messages that are doubted, targets that are not what they were, a
//! server that deletes nothing. Why, since when, and what to do.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::json;

use super::Surveyed;
use crate::clock::Timestamp;
use crate::escape;
use crate::report::{End, Output, count};
use crate::state::{
    Doubt, Marker, Quirks, Row, SqliteStore, State, StateStore, Target, Unfinished, Verdict,
};
use crate::why::{Around, Why};

/// Shows what holds the account up, but for messages that failed.
pub(super) fn show(store: &SqliteStore, account: &Surveyed, out: &mut Output) -> Result<(), End> {
    let id = account.survey.account;
    let mut result = Ok(());
    store.rows(id, &mut |row| {
        if row.doubt.is_some()
            && matches!(row.state, State::Stored | State::Deleting)
            && result.is_ok()
        {
            result = show_doubted(&row, account, out);
        }
    })?;
    result?;
    for marker in store.markers(id)? {
        if marker.verdict == Some(Verdict::Away) {
            show_away(&marker, account, out)?;
        }
    }
    let unfinished = store.unfinished(id)?;
    for target in gone(&unfinished) {
        let in_it = unfinished.iter().filter(|message| is_in(message, &target));
        show_gone(&target, in_it.count() as u64, account, out)?;
    }
    let learned = store.learned(id)?;
    let ignores = learned
        .iter()
        .filter(|learned| Quirks::holds_up(&learned.name));
    for learned in ignores {
        let meaning = Quirks::meaning(&learned.name, &learned.value);
        if out.is_json() {
            let fields = vec![
                ("name", json!(learned.name)),
                ("value", json!(learned.value)),
                ("since", json!(learned.since.to_rfc3339())),
                ("meaning", json!(meaning)),
            ];
            out.event("quirk", &account.name, fields)?;
        } else {
            out.line(format!("  the server, since {}: {meaning}", learned.since))?;
        }
    }
    Ok(())
}

fn show_doubted(row: &Row<'_>, account: &Surveyed, out: &mut Output) -> Result<(), End> {
    let Why { why, next } = Why::of(row, Around::default());
    let (identity, since) = (row.key.identity, row.changed_at);
    if out.is_json() {
        let fields = vec![
            ("uid", json!(identity.to_string())),
            ("doubt", json!(row.doubt.map(Doubt::name))),
            ("since", json!(since.to_rfc3339())),
            ("why", json!(why)),
            ("next", json!(next)),
        ];
        return out.event("doubted", &account.name, fields);
    }
    out.line(format!("  {identity}, held back since {since}:"))?;
    out.line(format!("    {why}; {next}"))
}

fn show_away(marker: &Marker, account: &Surveyed, out: &mut Output) -> Result<(), End> {
    let location = escape::octets(&marker.target.location);
    let next = format!(
        "mount its disk; if it is to be used as it is: popfetch state accept-target {location}"
    );
    let why = "it is not what mail was delivered to";
    show_target(&marker.target, marker.since, why, &next, account, out)
}

fn show_gone(
    target: &Target,
    messages: u64,
    account: &Surveyed,
    out: &mut Output,
) -> Result<(), End> {
    let why = format!("it is not there, and {} wait for it", count(messages));
    let next = "mount its disk; if it is gone for good: popfetch state resolve";
    show_target(target, None, &why, next, account, out)
}

fn show_target(
    target: &Target,
    since: Option<Timestamp>,
    why: &str,
    next: &str,
    account: &Surveyed,
    out: &mut Output,
) -> Result<(), End> {
    let location = escape::octets(&target.location);
    if out.is_json() {
        let fields = vec![
            ("kind", json!(target.kind)),
            ("location", json!(location.to_string())),
            ("since", json!(since.map(Timestamp::to_rfc3339))),
            ("why", json!(why)),
            ("next", json!(next)),
        ];
        return out.event("target", &account.name, fields);
    }
    let since = since.map(|since| format!(", since {since}"));
    let since = since.unwrap_or_default();
    out.line(format!("  {location}{since}: {why}"))?;
    out.line(format!("    {next}"))
}

/// The targets of these messages that are not where they were.
pub(crate) fn gone(messages: &[Unfinished]) -> Vec<Target> {
    let copies = messages.iter().flat_map(|message| &message.copies);
    let targets = copies.map(|copy| &copy.target);
    let mut gone: Vec<Target> = targets.filter(|target| is_gone(target)).cloned().collect();
    gone.sort();
    gone.dedup();
    gone
}

fn is_gone(target: &Target) -> bool {
    let path = Path::new(OsStr::from_bytes(&target.location));
    match target.kind.as_str() {
        "maildir" => !path.join("new").exists(),
        "mbox" => !path.exists(),
        _ => false,
    }
}

pub(crate) fn is_in(message: &Unfinished, target: &Target) -> bool {
    message.copies.iter().any(|copy| copy.target == *target)
}
