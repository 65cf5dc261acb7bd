//! Why a server does not let somebody in, and for how long (Q20).

use std::time::Duration;

use poplib::{CodeKind, ResponseCode};
use poplib_proto::error::Refused;

use crate::failure::Status;

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    InUse,
    TooSoon,
    Temporary,
    Permanent,
    /// The server knows no such way to log in.
    Method,
    Credentials,
}

impl Refusal {
    /// What the response code says (RFC 2449 §8, RFC 3206), or the words where there is none.
    pub(super) fn of(refused: &Refused) -> Self {
        match refused.reply.code().map(ResponseCode::kind) {
            Some(CodeKind::InUse) => Self::InUse,
            Some(CodeKind::LoginDelay) => Self::TooSoon,
            Some(CodeKind::SysTemp) => Self::Temporary,
            Some(CodeKind::SysPerm) => Self::Permanent,
            Some(CodeKind::Auth) => Self::Credentials,
            _ => {
                let words = refused.reply.text_lossy().to_lowercase();
                match is_method(refused.verb.as_str(), &words) {
                    true => Self::Method,
                    false => Self::of_words(&words),
                }
            }
        }
    }

    /// Servers without response codes say such things as "login allowed only every 15 minutes".
    fn of_words(words: &str) -> Self {
        let any = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        if any(&["password", "credential", "invalid", "incorrect"]) {
            Self::Credentials
        } else if any(&[
            "allowed only every",
            "too many",
            "too often",
            "too frequent",
        ]) {
            Self::TooSoon
        } else if any(&[
            "in use",
            "is locked by",
            "maildrop already",
            "mailbox already",
        ]) || (any(&["lock"]) && any(&["maildrop", "mailbox", "mail drop"]))
        {
            Self::InUse
        } else if any(&["temporar", "try again later", "try later", "unavailable"]) {
            Self::Temporary
        } else {
            Self::Credentials
        }
    }

    /// The status to end with, what it means, and what to do.
    pub(super) fn words(self) -> (Status, &'static str, &'static str) {
        match self {
            Self::InUse => (
                Status::Temporary,
                "the maildrop is in use",
                "another program is fetching; a session that was cut off may hold it for some \
                 minutes",
            ),
            Self::TooSoon => (
                Status::Temporary,
                "the last login was too recent",
                "fetch less often",
            ),
            Self::Temporary => (
                Status::Temporary,
                "the server has trouble",
                "try again later",
            ),
            Self::Permanent => (
                Status::Unavailable,
                "the server has trouble that somebody must mend",
                "ask those who run it",
            ),
            Self::Method => (
                Status::LoginRefused,
                "the server knows no such way to log in",
                "leave --auth out, and popfetch takes the strongest way that the server offers; \
                 popfetch doctor tells which those are",
            ),
            Self::Credentials => (
                Status::LoginRefused,
                "the server refused the login",
                "check the user name and the password; some providers want an application \
                 password, or must be told first to allow POP3",
            ),
        }
    }

    /// How long to leave the server in peace. Some hold the lock of a lost connection for ten
    /// minutes, let nobody in more often than every fifteen, and lock an account after a few wrong
    /// passwords.
    pub(super) fn pause(self) -> Duration {
        Duration::from_secs(
            60 * match self {
                Self::InUse => 2,
                Self::Temporary => 5,
                Self::TooSoon => 15,
                Self::Permanent | Self::Method | Self::Credentials => 60,
            },
        )
    }
}

/// Whether these are no words about a user, but about the method.
fn is_method(verb: &str, words: &str) -> bool {
    let parts = [
        "mechanism",
        "unsupported",
        "not supported",
        "not implemented",
        "unknown command",
        "invalid command",
        "unrecognized",
    ];
    ["AUTH", "APOP"].contains(&verb) && parts.iter().any(|part| words.contains(part))
}

/// Whether a command was refused for now, and not for good.
pub(super) fn is_for_now(refused: &Refused) -> bool {
    match refused.reply.code().map(ResponseCode::kind) {
        Some(CodeKind::InUse | CodeKind::LoginDelay | CodeKind::SysTemp) => true,
        Some(CodeKind::SysPerm) => false,
        _ => is_for_now_by_words(&refused.reply.text_lossy().to_lowercase()),
    }
}

fn is_for_now_by_words(words: &str) -> bool {
    let passing = ["temporar", "again later", "try later", "try again", "busy"];
    passing.iter().any(|part| words.contains(part))
        || matches!(Refusal::of_words(words), Refusal::InUse | Refusal::TooSoon)
}

/// Whether the server says that it gives no more for now (Q21).
pub(super) fn is_quota(refused: &Refused) -> bool {
    let words = refused.reply.text_lossy().to_lowercase();
    ["exceed", "quota", "limit reached"]
        .iter()
        .any(|part| words.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q20_words_tell_what_no_code_does() {
        for (words, refusal) in [
            ("login allowed only every 15 minutes", Refusal::TooSoon),
            ("too many connections", Refusal::TooSoon),
            ("maildrop already locked", Refusal::InUse),
            ("unable to lock mailbox", Refusal::InUse),
            ("mailbox in use", Refusal::InUse),
            ("service temporarily unavailable", Refusal::Temporary),
            ("wrong password, try again later", Refusal::Credentials),
            ("account locked", Refusal::Credentials),
            ("", Refusal::Credentials),
        ] {
            assert_eq!(Refusal::of_words(words), refusal, "{words}");
        }
    }

    #[test]
    fn e16_words_tell_whether_a_refusal_passes() {
        for (words, passes) in [
            ("try again later", true),
            ("temporary failure", true),
            ("mailbox is locked by another session", true),
            ("lock busy! is another session active?", true),
            ("no such message", false),
            ("message 3 is not available", false),
            ("invalid message number", false),
            ("", false),
        ] {
            assert_eq!(is_for_now_by_words(words), passes, "{words}");
        }
    }

    #[test]
    fn words_about_the_method_are_none_about_the_user() {
        for (verb, words, expected) in [
            ("AUTH", "unsupported authentication mechanism.", true),
            ("APOP", "unknown command", true),
            ("PASS", "unknown command", false),
            ("AUTH", "authentication failed.", false),
        ] {
            assert_eq!(is_method(verb, words), expected, "{verb}: {words}");
        }
    }
}
