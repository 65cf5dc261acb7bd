//! Why the content of a message that was stored is not believed to be the whole message.

use crate::sizes::Fit;

/// A doubt. While there is one, the message stays on the server and is fetched again from time to
/// time, to see whether the server gives the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Doubt {
    /// The session ended before its messages could be compared with each other.
    Unjudged,
    /// Nothing came.
    Empty,
    /// What came is an error of the server: one line that begins with `-ERR`.
    ErrorText,
    /// What came ends within the header.
    HeaderWithoutEnd,
    /// A multipart boundary was opened and never closed.
    OpenParts,
    /// Fewer octets came than LIST told.
    Short,
    /// The server gave other messages in the place of those that were asked for.
    Shifted,
    /// The server changed its unique-id, and it is known by its header only (Q15). It is fetched
    /// once more before it is deleted.
    ByHeader,
}

impl Doubt {
    pub(crate) const ALL: [Self; 8] = [
        Self::Unjudged,
        Self::Empty,
        Self::ErrorText,
        Self::HeaderWithoutEnd,
        Self::OpenParts,
        Self::Short,
        Self::Shifted,
        Self::ByHeader,
    ];

    /// What is left of it where the message's size fits LIST's number so.
    pub(crate) fn after(self, fit: Fit) -> Option<Self> {
        match (fit, self) {
            (Fit::Exact, _) => None,
            // Other signs than the size stand for themselves.
            (_, Self::Empty | Self::ErrorText | Self::HeaderWithoutEnd | Self::OpenParts) => {
                Some(self)
            }
            (Fit::Shorter, _) => Some(Self::Short),
            (Fit::Good | Fit::Unknown | Fit::Longer, _) => None,
        }
    }

    /// Its name, in the state and for programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unjudged => "unjudged",
            Self::Empty => "empty",
            Self::ErrorText => "error-text",
            Self::HeaderWithoutEnd => "header-without-end",
            Self::OpenParts => "open-parts",
            Self::Short => "short",
            Self::Shifted => "shifted",
            Self::ByHeader => "by-header",
        }
    }

    /// The doubt of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|doubt| doubt.name() == name)
    }

    /// What is the matter, of a message of which so many octets came and LIST told so many; behind
    /// its number or name.
    pub(crate) fn describe(self, octets: u64, listed: Option<u64>) -> String {
        match (self, listed) {
            (Self::Short, Some(listed)) => {
                format!("came shorter than listed ({octets} of {listed} bytes)")
            }
            (Self::Short, None) => format!("came shorter than listed ({octets} bytes)"),
            (Self::Empty, _) => "came empty".into(),
            (Self::ErrorText, _) => "came as an error of the server".into(),
            (Self::HeaderWithoutEnd, _) => {
                format!("came with a header that has no end ({octets} bytes)")
            }
            (Self::OpenParts, _) => format!("came without its last part ({octets} bytes)"),
            (Self::Shifted, _) => "came with the content of another message".into(),
            (Self::Unjudged | Self::ByHeader, _) => "was not compared with the others yet".into(),
        }
    }
}
