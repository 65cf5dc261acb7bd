//! Text from elsewhere, made harmless for a terminal: no control character of it gets through.

use std::fmt::{self, Write as _};

/// Octets as text, where what is a control character, turns the direction of writing, or is not
/// UTF-8 is spelt out.
pub(crate) fn octets(octets: &[u8]) -> Escaped<'_> {
    Escaped(octets)
}

/// Text where every control character and every change of writing direction is spelt out.
pub(crate) fn text(text: &str) -> Escaped<'_> {
    Escaped(text.as_bytes())
}

/// Whether a terminal would do something else with this character than show it.
///
/// That is C0, DEL, C1 and ESC among them, the bidirectional controls, the line and paragraph
/// separators, and characters that cannot be seen but change how a name is compared. The joiners
/// stay: Persian and family emoji need them.
pub(crate) fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Displays octets with [`is_active`] characters and invalid UTF-8 spelt out.
#[derive(Clone, Copy)]
pub(crate) struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\0'..='\u{1f}' | '\u{7f}' => write!(f, "\\x{:02x}", u32::from(c))?,
                    c if is_active(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                    c => f.write_char(c)?,
                }
            }
            chunk
                .invalid()
                .iter()
                .try_for_each(|octet| write!(f, "\\x{octet:02x}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a14_nothing_that_moves_a_cursor_gets_through() {
        assert_eq!(text("\x1b[2J\r\n\x07").to_string(), r"\x1b[2J\x0d\x0a\x07");
        assert_eq!(text("a\u{9b}31mb").to_string(), r"a\u{9b}31mb");
        assert_eq!(text("exe\u{202e}gpj.").to_string(), r"exe\u{202e}gpj.");
        assert_eq!(octets(b"caf\xe9\x7f").to_string(), r"caf\xe9\x7f");
        assert_eq!(
            text("Grüße, 世界 👨\u{200d}👧").to_string(),
            "Grüße, 世界 👨\u{200d}👧"
        );
    }

    proptest! {
        #[test]
        fn a14_whatever_comes_in(input: Vec<u8>, text_input in "\\PC*|.*") {
            prop_assert!(!octets(&input).to_string().contains(is_active));
            prop_assert!(!text(&text_input).to_string().contains(is_active));
        }
    }
}
