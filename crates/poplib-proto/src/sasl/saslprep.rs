//! SASLprep (RFC 4013): one spelling for user names and passwords that look the same.
//!
//! The tables are those of Unicode 3.2, as RFC 3454 has them. Normalization is the present
//! Unicode's, which for their characters gives the same but for five CJK compatibility
//! ideographs (U+2F868, U+2F874, U+2F91F, U+2F95F, U+2F9BF), whose mappings were wrong at first.

mod tables;

use alloc::string::String;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use self::tables::{
    LEFT_TO_RIGHT, MAPPED_TO_NOTHING, NON_ASCII_SPACE, PROHIBITED, RIGHT_TO_LEFT, UNASSIGNED,
    contains,
};

/// What becomes of characters that Unicode 3.2 had not assigned (RFC 3454 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unassigned {
    /// They stay, as in a query.
    Allowed,
    /// They are prohibited, as in what is stored.
    Prohibited,
}

/// The text cannot be prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unpreparable;

/// Prepares a text. The result may be empty.
pub(super) fn saslprep(
    text: &str,
    unassigned: Unassigned,
) -> Result<Zeroizing<String>, Unpreparable> {
    if unassigned == Unassigned::Prohibited && text.chars().any(|c| contains(UNASSIGNED, c)) {
        return Err(Unpreparable);
    }
    let prepared = || text.chars().filter_map(map).nfkc();
    // Measured first: a string that grew would leave parts of a password behind.
    let octets = prepared().map(char::len_utf8).sum();
    let mut output = Zeroizing::new(String::with_capacity(octets));
    output.extend(prepared());
    if output.chars().any(is_prohibited) || is_confused(&output) {
        return Err(Unpreparable);
    }
    Ok(output)
}

/// Whether the profile of the traces of ANONYMOUS refuses a text (RFC 4505 §3): it maps and
/// normalizes nothing, and prohibits what SASLprep does but for twelve characters (table C.7)
/// that no trace needs.
pub(super) fn is_prohibited_in_trace(text: &str) -> bool {
    text.chars().any(is_prohibited) || is_confused(text)
}

/// RFC 4013 §2.1
fn map(character: char) -> Option<char> {
    if contains(NON_ASCII_SPACE, character) {
        Some(' ')
    } else if contains(MAPPED_TO_NOTHING, character) {
        None
    } else {
        Some(character)
    }
}

/// RFC 4013 §2.3. Of its tables, non-ASCII spaces cannot be left: they have been mapped, and no
/// normalization makes one.
fn is_prohibited(character: char) -> bool {
    contains(PROHIBITED, character)
}

/// Whether characters of both directions are mixed as RFC 3454 §6 forbids.
fn is_confused(text: &str) -> bool {
    let is_right_to_left = |c: char| contains(RIGHT_TO_LEFT, c);
    text.contains(is_right_to_left)
        && !(text.starts_with(is_right_to_left)
            && text.ends_with(is_right_to_left)
            && !text.contains(|c| contains(LEFT_TO_RIGHT, c)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prepared(text: &str) -> Result<String, Unpreparable> {
        saslprep(text, Unassigned::Prohibited).map(|prepared| prepared.as_str().into())
    }

    /// RFC 4013 §3
    #[test]
    fn p16_saslprep_prepares_the_examples_of_rfc_4013() {
        assert_eq!(prepared("I\u{AD}X"), Ok("IX".into()));
        assert_eq!(prepared("user"), Ok("user".into()));
        assert_eq!(prepared("USER"), Ok("USER".into()));
        assert_eq!(prepared("\u{AA}"), Ok("a".into()));
        assert_eq!(prepared("\u{2168}"), Ok("IX".into()));
        assert_eq!(prepared("\u{7}"), Err(Unpreparable));
        assert_eq!(prepared("\u{627}1"), Err(Unpreparable));
    }

    #[test]
    fn p16_saslprep_maps_spaces_before_it_maps_to_nothing() {
        assert_eq!(prepared("a\u{A0}b\u{200B}c\u{3000}d"), Ok("a b c d".into()));
        assert_eq!(prepared("\u{AD}\u{FE0F}"), Ok(String::new()));
    }

    #[test]
    fn p16_saslprep_keeps_new_characters_in_queries_only() {
        assert_eq!(prepared("hunter😀"), Err(Unpreparable));
        let query = saslprep("hunter😀", Unassigned::Allowed).unwrap();
        assert_eq!(query.as_str(), "hunter😀");
        // Unicode 3.2 knew no such letter, so nothing can have decomposed it.
        assert_eq!(prepared("\u{1F130}"), Err(Unpreparable));
    }

    /// Characters on which Unicode 3.2, for which RFC 4013 was written, and the later one that
    /// the judge goes by agree: assigned then, and of the same direction ever since.
    fn is_settled(c: char) -> bool {
        let changed_direction = matches!(
            c,
            '\u{CBF}'
                | '\u{CC6}'
                | '\u{1734}'
                | '\u{17B4}'
                | '\u{17B5}'
                | '\u{1885}'
                | '\u{1886}'
                | '\u{2132}'
                | '\u{2800}'..='\u{28FF}' | '\u{302E}' | '\u{302F}'
        );
        !contains(UNASSIGNED, c) && !changed_direction
    }

    fn judged(text: &str) -> Result<String, Unpreparable> {
        stringprep::saslprep(text)
            .map(Into::into)
            .map_err(|_| Unpreparable)
    }

    #[test]
    fn p16_saslprep_agrees_with_the_crate_stringprep_on_every_character() {
        for c in ('\0'..=char::MAX).filter(|c| is_settled(*c)) {
            for text in [
                String::from(c),
                String::from_iter(['\u{627}', c, '\u{628}']),
            ] {
                assert_eq!(prepared(&text), judged(&text), "{text:?}");
            }
        }
    }

    fn settled() -> impl Strategy<Value = char> {
        prop_oneof![
            any::<char>(),
            prop::char::range('\0', '\u{7FF}'),
            prop::char::range('\u{2000}', '\u{206F}'),
            prop::char::range('\u{FB00}', '\u{FFFF}'),
        ]
        .prop_filter("settled", |c| is_settled(*c))
    }

    proptest! {
        #[test]
        fn p16_saslprep_agrees_with_the_crate_stringprep(
            text in prop::collection::vec(settled(), 0..6)
        ) {
            let text = String::from_iter(text);
            prop_assert_eq!(prepared(&text), judged(&text));
        }

        #[test]
        fn p16_saslprep_prepares_once_and_for_all(text in any::<String>()) {
            if let Ok(once) = saslprep(&text, Unassigned::Allowed) {
                prop_assert_eq!(saslprep(&once, Unassigned::Allowed), Ok(once));
            }
        }
    }
}
