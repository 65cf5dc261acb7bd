//! What an examination concludes, and what all conclusions come to.

use serde::{Serialize, Serializer};

use crate::escape;
use crate::failure::{Failure, Status};

/// Something about a server that its user should know.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// The number under which the behaviour is known: `Q13`; a few are rows of the RFCs, `P10`.
    pub(super) name: Option<&'static str>,
    pub(super) severity: Severity,
    /// What is so, as one sentence without a full stop.
    pub(super) what: String,
    /// What popfetch does about it, or what its user can do.
    pub(super) then: String,
    /// The server's own words, escaped.
    pub(super) server: Option<String>,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Good to know; nothing is at risk.
    Note,
    /// The server can be used, if one knows this.
    Care,
    /// The server cannot be used like this. The status is that of a `sync` that fails for it.
    Bad(Status),
}

impl Severity {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Care => "care",
            Self::Bad(_) => "bad",
        }
    }
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl Finding {
    pub(super) fn note(what: impl Into<String>, then: impl Into<String>) -> Self {
        Self::new(Severity::Note, what, then)
    }

    pub(super) fn care(what: impl Into<String>, then: impl Into<String>) -> Self {
        Self::new(Severity::Care, what, then)
    }

    fn new(severity: Severity, what: impl Into<String>, then: impl Into<String>) -> Self {
        Self {
            name: None,
            severity,
            what: what.into(),
            then: then.into(),
            server: None,
        }
    }

    /// What keeps `sync` from working keeps the server from being usable.
    pub(super) fn failure(failure: Failure) -> Self {
        Self {
            name: None,
            severity: Severity::Bad(failure.status),
            what: failure.message,
            then: failure.hint.unwrap_or_default(),
            server: failure.server,
        }
    }

    /// The number under which it is known.
    #[must_use]
    pub(super) fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// The server's words.
    #[must_use]
    pub(super) fn server(mut self, words: &[u8]) -> Self {
        self.server = Some(escape::octets(words).to_string());
        self
    }
}

/// What all findings come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    WithCare,
    NotUsable(Status),
}

impl Verdict {
    pub(super) fn of(findings: &[Finding]) -> Self {
        let bad = findings.iter().find_map(|finding| match finding.severity {
            // The first keeps the others from being seen.
            Severity::Bad(status) => Some(status),
            _ => None,
        });
        let careful = |finding: &Finding| finding.severity == Severity::Care;
        match bad {
            Some(status) => Self::NotUsable(status),
            None if findings.iter().any(careful) => Self::WithCare,
            None => Self::Good,
        }
    }

    /// The exit status, if it is not success.
    pub(super) fn status(self) -> Option<Status> {
        match self {
            Self::Good => None,
            Self::WithCare => Some(Status::Care),
            Self::NotUsable(status) => Some(status),
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::WithCare => "usable with care",
            Self::NotUsable(_) => "not usable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_the_worst_of_the_findings() {
        let note = || Finding::note("a", "b");
        let care = || Finding::care("a", "b");
        let bad = |status| Finding::failure(Failure::new(status, "a"));
        assert_eq!(Verdict::of(&[]), Verdict::Good);
        assert_eq!(Verdict::of(&[note(), note()]), Verdict::Good);
        assert_eq!(Verdict::of(&[note(), care(), note()]), Verdict::WithCare);
        let findings = [care(), bad(Status::LoginRefused), bad(Status::Protocol)];
        assert_eq!(
            Verdict::of(&findings),
            Verdict::NotUsable(Status::LoginRefused)
        );
        assert_eq!(Verdict::of(&findings).status(), Some(Status::LoginRefused));
    }
}
