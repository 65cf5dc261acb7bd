//! The names of all events for programs and of their fields, as `docs/events.md` explains them.
//! They stay as they are: programs rely on them. New fields may come.

use super::json::Fields;

/// Each event, and what it says beside `event` and `account`.
pub(super) const EVENTS: &[(&str, &[&str])] = &[
    ("began", &[]),
    ("recovered", &["messages"]),
    ("connected", &["server", "tls"]),
    (
        "planned",
        &[
            "messages",
            "octets",
            "fetch",
            "fetch_octets",
            "delete",
            "quarantined",
            "skipped",
            "oversize",
            "without_identity",
        ],
    ),
    ("would-fetch", &["number", "uid", "octets"]),
    ("would-fetch-headers", &["number", "uid", "octets"]),
    ("would-skip", &["number", "uid", "octets"]),
    ("would-delete", &["number", "uid", "octets"]),
    ("stored", &["number", "uid", "octets", "sha256", "file"]),
    ("recognised", &["number", "uid"]),
    (
        "not-fetched",
        &[
            "number",
            "uid",
            "message",
            "server",
            "hint",
            "status",
            "quarantined",
            "is_news",
        ],
    ),
    ("held-back", &["number", "uid", "why", "next", "is_news"]),
    ("marked", &["messages"]),
    ("left-alone", &["number", "why"]),
    ("deleted", &["messages"]),
    ("warning", &["message", "server", "hint", "status"]),
    (
        "finished",
        &[
            "stored",
            "octets",
            "deleted",
            "not_fetched",
            "held_back",
            "seconds",
            "dry_run",
        ],
    ),
    (
        "total",
        &[
            "accounts",
            "failed",
            "stopped",
            "stored",
            "octets",
            "deleted",
            "not_fetched",
            "held_back",
            "seconds",
            "dry_run",
        ],
    ),
    ("failed", &["message", "server", "hint", "status"]),
    ("ended", &["status", "seconds"]),
    ("metrics", &["address"]),
    ("polling", &["accounts"]),
    ("waiting", &["seconds"]),
    ("stopping", &["accounts"]),
    (
        "listed",
        &[
            "number",
            "octets",
            "uid",
            "state",
            "date",
            "sender",
            "sender_name",
            "subject",
        ],
    ),
    ("got", &["number", "octets", "sha256", "file"]),
    ("status", &["states", "failing", "last_stored"]),
    ("given-up", &["uid", "attempts", "since", "reason"]),
    ("pending", &["uid", "attempts", "since", "reason"]),
    ("doubted", &["uid", "doubt", "since", "why", "next"]),
    ("target", &["kind", "location", "since", "why", "next"]),
    ("retried", &["uid"]),
    ("dropped", &["uid"]),
    (
        "known",
        &[
            "uid",
            "occurrence",
            "state",
            "since",
            "octets",
            "lines",
            "listed",
            "sha256",
            "excerpt",
            "doubt",
            "checks",
            "checked_ago",
            "attempts",
            "failing_since",
            "reason",
            "stored_at",
            "unseen_since",
            "copies",
            "why",
            "next",
        ],
    ),
    ("moved", &["from", "to", "messages", "dry_run"]),
    ("separate", &["dry_run"]),
    ("target-accepted", &["kind", "location", "moved", "dry_run"]),
    (
        "target-gone",
        &["kind", "location", "messages", "then", "dry_run"],
    ),
    ("quirk", &["name", "value", "since", "meaning"]),
    ("quirk-forgotten", &["name", "dry_run"]),
    ("complaint", &["what"]),
    ("imported", &["messages", "was_there", "dry_run"]),
    ("examined", &["examination", "facts"]),
    ("finding", &["name", "severity", "what", "then", "server"]),
    ("verdict", &["verdict", "status"]),
];

/// Whether an event says what is documented of it, in the same order.
pub(super) fn documents(name: &str, fields: &Fields) -> bool {
    EVENTS.iter().any(|(event, documented)| {
        *event == name && fields.iter().map(|(field, _)| field).eq(*documented)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../docs/events.md");

    /// The events and fields that the page explains, in its order.
    fn explained() -> Vec<(&'static str, Vec<&'static str>)> {
        let sections = PAGE.split("\n### `").skip(1);
        sections
            .map(|section| {
                let (name, rest) = section.split_once('`').unwrap();
                let rows = rest.lines().filter_map(|line| line.strip_prefix("| `"));
                (
                    name,
                    rows.map(|row| row.split_once('`').unwrap().0).collect(),
                )
            })
            .collect()
    }

    #[test]
    fn the_page_explains_what_there_is_and_nothing_else() {
        let there_are: Vec<_> = (EVENTS.iter())
            .map(|(name, fields)| (*name, fields.to_vec()))
            .collect();
        assert_eq!(explained(), there_are);
    }

    #[test]
    fn an_event_with_other_fields_is_noticed() {
        let null = serde_json::Value::Null;
        assert!(documents("deleted", &vec![("messages", null.clone())]));
        assert!(!documents("deleted", &vec![("message", null.clone())]));
        assert!(!documents("deleted", &vec![]));
        assert!(!documents("delete", &vec![("messages", null)]));
    }
}
