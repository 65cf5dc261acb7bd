//! Why a message is where it is, and what happens to it next: the same words wherever it is told.

use std::time::Duration;

use crate::plan::Keep;
use crate::report::{size, span};
use crate::state::{Row, State};

/// What is known of the account of a message, beside the message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Around {
    /// How long its messages are kept on the server, where the configuration says so.
    pub(crate) keep: Option<Keep>,
}

/// Why a message is where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Why {
    /// Why it is not deleted on the server, or not fetched.
    pub(crate) why: String,
    /// What happens next by itself, or what the user can do.
    pub(crate) next: String,
}

impl Why {
    fn new(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            next: next.into(),
        }
    }

    /// Why this message is where it is.
    pub(crate) fn of(row: &Row<'_>, around: Around) -> Self {
        match row.state {
            State::Pending => pending(row),
            State::Storing => Self::new(
                "its delivery was interrupted, and has not come to its end in every target",
                "the next sync looks into its targets and finishes it",
            ),
            State::Stored => stored(row, around),
            State::Deleting => Self::new(
                "the server was told to delete it, and has not confirmed that",
                "the next sync deletes it if it is still there",
            ),
            State::Gone => Self::new("it was deleted on the server", "nothing is left to do"),
            State::Quarantined => Self::new(
                "it was given up: every attempt to fetch it failed",
                "`popfetch quarantine retry` has it fetched, `popfetch quarantine drop` never",
            ),
            State::Skipped => Self::new(
                "it is left alone: marked as seen, dropped, or skipped by the filter",
                "it stays on the server; `popfetch get` prints it",
            ),
            State::Rejected => Self::new(
                "the filter wants it deleted without having been fetched",
                "the next sync deletes it",
            ),
        }
    }
}

fn pending(row: &Row<'_>) -> Why {
    match row.reason {
        Some(_) => Why::new(
            "it could not be fetched and stored",
            "it stays on the server, and the next sync tries again",
        ),
        None => Why::new(
            "it was seen on the server and not fetched yet",
            "the next sync fetches it",
        ),
    }
}

fn stored(row: &Row<'_>, around: Around) -> Why {
    if let Some(doubt) = row.doubt {
        let octets = row.octets.unwrap_or_default();
        return Why::new(
            format!("it {}", doubt.describe(octets, row.listed)),
            "it stays on the server, and is fetched again and compared: at the next visit, after \
             an hour, then daily",
        );
    }
    if row.excerpt {
        return Why::new(
            "only its header is stored: it is larger than is wanted",
            "it stays on the server; a larger --skip-over has it fetched",
        );
    }
    if row.unseen_since.is_some() {
        return Why::new(
            "listings lack it: the server has it no more, or does not show it",
            "what is known of it is forgotten in time",
        );
    }
    kept(row, around.keep)
}

fn kept(row: &Row<'_>, keep: Option<Keep>) -> Why {
    let deletes = "the next sync deletes it";
    match keep {
        None => Why::new("it is stored", "how long it is kept is up to --keep"),
        Some(Keep::Forever) => Why::new("it is kept for ever (--keep)", "it stays on the server"),
        Some(Keep::None) => Why::new("it was not deleted yet", deletes),
        Some(Keep::Octets(octets)) => Why::new(
            format!("the newest {} are kept (--keep)", size(octets)),
            "it is deleted when newer ones take its place",
        ),
        Some(Keep::For(time)) => {
            let age = Duration::from_secs(row.age.unwrap_or(0).max(0).unsigned_abs());
            let why = format!(
                "it is kept for {} (--keep), of which {} have passed",
                span(time),
                span(age)
            );
            match age > time {
                true => Why::new(why, deletes),
                false => Why::new(why, "it is deleted when its time has come"),
            }
        }
    }
}
