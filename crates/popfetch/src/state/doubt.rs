//! Why the content of a message that was stored is not believed to be the whole message.

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
}

impl Doubt {
    pub(crate) const ALL: [Self; 7] = [
        Self::Unjudged,
        Self::Empty,
        Self::ErrorText,
        Self::HeaderWithoutEnd,
        Self::OpenParts,
        Self::Short,
        Self::Shifted,
    ];

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
        }
    }

    /// The doubt of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|doubt| doubt.name() == name)
    }
}
