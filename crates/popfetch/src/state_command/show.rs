//! `popfetch state show`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Opened, quirks};
use crate::cli::state::Show;
use crate::clock::Timestamp;
use crate::escape;
use crate::failure::{Failure, Status};
use crate::key::{Identity, hex};
use crate::plan::Keep;
use crate::report::{End, Fields, Output, span};
use crate::state::{Doubt, History, Placed, State};
use crate::status::{self, Surveyed};
use crate::why::{Around, Why};

pub(super) fn run(options: &Show, out: &mut Output) -> Result<(), End> {
    let opened = Opened::new(&options.files)?;
    let (store, account) = opened.account(&options.account)?;
    let around = Around {
        keep: keep(&opened, &account),
    };
    if options.unique_ids.is_empty() {
        status::show_account(&account, out)?;
        quirks::show_one(store, &account, out)?;
    }
    let mut found = vec![false; options.unique_ids.len()];
    let mut result = Ok(());
    store.histories(account.survey.account, &mut |history| {
        let mut is_wanted = options.all || options.unique_ids.is_empty() && is_held_up(&history);
        for (name, found) in options.unique_ids.iter().zip(&mut found) {
            let is_named = is_named(history.row.key.identity, name);
            is_wanted |= is_named;
            *found |= is_named;
        }
        if is_wanted && result.is_ok() {
            result = show(&history, &account, around, out);
        }
    })?;
    result?;
    match options.unique_ids.iter().zip(found).find(|(_, found)| !found) {
        None => Ok(()),
        Some((name, _)) => Err(Failure::new(
            Status::NoInput,
            format!("nothing is known of a message that has the unique-id {name}"),
        )
        .hint("`popfetch list` shows those on the server, `popfetch state show --all` those that are known")
        .into()),
    }
}

/// How long messages stay on the server, if the configuration file describes the account.
fn keep(opened: &Opened, account: &Surveyed) -> Option<Keep> {
    let mut described = opened.configuration.described();
    let account = described.find(|described| described.maildrop == account.survey.name)?;
    Some(account.policy.keep)
}

/// Whether something keeps the message from going its way.
fn is_held_up(History { row, .. }: &History<'_>) -> bool {
    let is_on_its_way = matches!(
        row.state,
        State::Storing | State::Deleting | State::Quarantined | State::Rejected
    );
    is_on_its_way || row.doubt.is_some() || row.excerpt || row.reason.is_some()
}

/// Whether the user means this message: as the server has it, or as it is shown.
pub(super) fn is_named(identity: Identity<'_>, name: &str) -> bool {
    identity.unique_id() == Some(name.as_bytes()) || identity.to_string() == name
}

fn show(
    history: &History<'_>,
    account: &Surveyed,
    around: Around,
    out: &mut Output,
) -> Result<(), End> {
    let why = Why::of(&history.row, around);
    if out.is_json() {
        return out.event("known", &account.name, fields(history, &why));
    }
    let row = &history.row;
    let occurrence = match row.key.occurrence {
        1 => String::new(),
        occurrence => format!(" (the {occurrence}. of that unique-id)"),
    };
    out.line(format!("  {}{occurrence}", row.key.identity))?;
    for (label, text) in details(history, &why) {
        // A reason may have several lines.
        for (number, line) in text.lines().enumerate() {
            let label = if number == 0 { label } else { "" };
            out.line(format!("    {label:<11}{}", escape::text(line.trim())))?;
        }
    }
    Ok(())
}

/// What there is to tell of a message, for people.
fn details(history: &History<'_>, why: &Why) -> Vec<(&'static str, String)> {
    let row = &history.row;
    let mut details = vec![(
        "state",
        format!("{}, since {}", row.state.name(), row.changed_at),
    )];
    let mut tell = |label, text: Option<String>| details.extend(text.map(|text| (label, text)));
    tell("size", size(history));
    for copy in history.copies {
        tell("copy", Some(place(copy, row.state)));
    }
    tell(
        "doubt",
        row.doubt.map(|doubt| checked(doubt.name(), history)),
    );
    let failing = row.failing.map(|since| format!(", first on {since}"));
    tell(
        "failed",
        (row.attempts > 0).then(|| {
            format!(
                "{}{}",
                status::times(row.attempts),
                failing.unwrap_or_default()
            )
        }),
    );
    tell("reason", row.reason.map(str::to_owned));
    tell("unseen", row.unseen_since.map(|at| format!("since {at}")));
    tell("why", Some(why.why.clone()));
    tell("next", Some(why.next.clone()));
    details
}

fn size(History { row, .. }: &History<'_>) -> Option<String> {
    let received = row.octets.map(|octets| match row.excerpt {
        true => format!("{octets} octets of its header received"),
        false => format!("{octets} octets received"),
    });
    let lines = row.lines.map(|lines| format!("{lines} lines"));
    let listed = row.listed.map(|listed| format!("LIST told {listed}"));
    let parts: Vec<String> = received.into_iter().chain(lines).chain(listed).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn checked(doubt: &str, History { row, .. }: &History<'_>) -> String {
    if row.checks == 0 {
        return format!("{doubt}; not fetched again yet");
    }
    let times = status::times(row.checks);
    let ago = row.checked.map(|ago| {
        let ago = Duration::from_secs(ago.max(0).unsigned_abs());
        format!(", last {} before the last visit", span(ago))
    });
    let ago = ago.unwrap_or_default();
    format!("{doubt}; fetched again {times}{ago}, with the same content")
}

fn place(copy: &Placed, state: State) -> String {
    let target = &copy.target;
    let location = escape::octets(&target.location);
    let place = match target.kind.as_str() {
        "maildir" => format!(" as {}", escape::octets(&copy.place)),
        _ => String::new(),
    };
    let arrived = match (state.is_delivered(), copy.delivered) {
        (true, _) | (false, true) => "",
        (false, false) => ", perhaps not there",
    };
    format!("{} {location}{place}{arrived}", target.kind)
}

fn fields(history: &History<'_>, why: &Why) -> Fields {
    let row = &history.row;
    let time = |at: Option<Timestamp>| json!(at.map(Timestamp::to_rfc3339));
    let copies: Vec<Value> = history.copies.iter().map(copy_fields).collect();
    vec![
        ("uid", json!(row.key.identity.to_string())),
        ("occurrence", json!(row.key.occurrence)),
        ("state", json!(row.state.name())),
        ("since", time(Some(row.changed_at))),
        ("octets", json!(row.octets)),
        ("lines", json!(row.lines)),
        ("listed", json!(row.listed)),
        ("sha256", json!(row.sum.map(|sum| hex(&sum)))),
        ("excerpt", json!(row.excerpt)),
        ("doubt", json!(row.doubt.map(Doubt::name))),
        ("checks", json!(row.checks)),
        ("checked_ago", json!(row.checked)),
        ("attempts", json!(row.attempts)),
        ("failing_since", time(row.failing)),
        ("reason", json!(row.reason)),
        ("stored_at", time(history.stored_at)),
        ("unseen_since", time(row.unseen_since)),
        ("copies", json!(copies)),
        ("why", json!(why.why)),
        ("next", json!(why.next)),
    ]
}

fn copy_fields(copy: &Placed) -> Value {
    let text = |octets: &[u8]| escape::octets(octets).to_string();
    json!({
        "kind": copy.target.kind,
        "location": text(&copy.target.location),
        "place": text(&copy.place),
        "delivered": copy.delivered,
    })
}
