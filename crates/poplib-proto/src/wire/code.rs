//! Response codes (RFC 2449 §8, RFC 3206, RFC 6856).

use alloc::string::String;
use core::fmt;

/// What stands in brackets at the beginning of a reply's text, as in `-ERR [IN-USE] …`.
///
/// Codes are hierarchical: a code this crate does not know, such as `SYS/TEMP/DISK`, means at
/// least what its known parent means. The server's spelling is kept.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ResponseCode {
    kind: CodeKind,
    raw: String,
}

/// The meaning of a [`ResponseCode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodeKind {
    /// `LOGIN-DELAY`: the last login is too recent (RFC 2449 §8.1.1).
    LoginDelay,
    /// `IN-USE`: another session holds the maildrop (RFC 2449 §8.1.2).
    InUse,
    /// `SYS/TEMP`: a fault of the server that may pass (RFC 3206 §4).
    SysTemp,
    /// `SYS/PERM`: a fault of the server that somebody must mend (RFC 3206 §4).
    SysPerm,
    /// `AUTH`: the credentials are wrong (RFC 3206 §5).
    Auth,
    /// `UTF8`: the credentials or the maildrop need UTF-8 (RFC 6856 §5).
    Utf8,
    /// A code this crate does not know.
    Other,
}

impl ResponseCode {
    /// The code at the beginning of a reply's text, if there is one.
    pub(crate) fn at_start_of(text: &[u8]) -> Option<Self> {
        let inner = text.strip_prefix(b"[")?;
        let end = memchr::memchr(b']', inner)?;
        let code = core::str::from_utf8(&inner[..end]).ok()?.trim();
        let known = !code.is_empty() && code.bytes().all(|octet| octet.is_ascii_graphic());
        known.then(|| Self {
            kind: CodeKind::of(code),
            raw: code.into(),
        })
    }

    /// What the code means.
    #[must_use]
    pub fn kind(&self) -> CodeKind {
        self.kind
    }

    /// The code as the server wrote it, without the brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// Whether the same attempt may succeed later, unchanged.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            CodeKind::LoginDelay | CodeKind::InUse | CodeKind::SysTemp
        )
    }
}

impl CodeKind {
    fn of(code: &str) -> Self {
        const KNOWN: [(&str, CodeKind); 6] = [
            ("LOGIN-DELAY", CodeKind::LoginDelay),
            ("IN-USE", CodeKind::InUse),
            ("SYS/TEMP", CodeKind::SysTemp),
            ("SYS/PERM", CodeKind::SysPerm),
            ("AUTH", CodeKind::Auth),
            ("UTF8", CodeKind::Utf8),
        ];
        let is_or_is_below = |parent: &str| {
            let Some((head, tail)) = code.split_at_checked(parent.len()) else {
                return false;
            };
            head.eq_ignore_ascii_case(parent) && (tail.is_empty() || tail.starts_with('/'))
        };
        KNOWN
            .into_iter()
            .find(|(parent, _)| is_or_is_below(parent))
            .map_or(Self::Other, |(_, kind)| kind)
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.raw)
    }
}

impl fmt::Debug for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn kind(text: &str) -> Option<CodeKind> {
        ResponseCode::at_start_of(text.as_bytes()).map(|code| code.kind())
    }

    #[test]
    fn p09_codes_are_hierarchical_and_case_insensitive() {
        assert_eq!(kind("[IN-USE] locked"), Some(CodeKind::InUse));
        assert_eq!(kind("[login-delay]"), Some(CodeKind::LoginDelay));
        assert_eq!(kind("[SYS/TEMP/DISK] full"), Some(CodeKind::SysTemp));
        assert_eq!(kind("[SYS/PERM] gone"), Some(CodeKind::SysPerm));
        assert_eq!(kind("[SYS] what"), Some(CodeKind::Other));
        assert_eq!(kind("[AUTHOR] x"), Some(CodeKind::Other));
        assert_eq!(kind("[AUTH] wrong password"), Some(CodeKind::Auth));
        assert_eq!(kind("[UTF8] say UTF8 first"), Some(CodeKind::Utf8));
    }

    #[test]
    fn p09_the_spelling_is_the_servers() {
        let code = ResponseCode::at_start_of(b"[Sys/Temp/Disk] full").expect("a code");
        assert_eq!(code.as_str(), "Sys/Temp/Disk");
        assert_eq!(code.to_string(), "[Sys/Temp/Disk]");
    }

    #[test]
    fn p09_text_that_is_no_code_is_left_alone() {
        for text in ["", "no [CODE] here", "[", "[]", "[two words] x", "[\u{e9}]"] {
            assert_eq!(kind(text), None, "{text}");
        }
    }

    #[test]
    fn p09_what_may_pass_is_retryable() {
        let retryable = |text: &str| {
            ResponseCode::at_start_of(text.as_bytes()).is_some_and(|code| code.is_retryable())
        };
        for text in ["[LOGIN-DELAY]", "[IN-USE]", "[SYS/TEMP]"] {
            assert!(retryable(text), "{text}");
        }
        for text in ["[AUTH]", "[SYS/PERM]", "[UTF8]", "[X-NEW]"] {
            assert!(!retryable(text), "{text}");
        }
    }
}
