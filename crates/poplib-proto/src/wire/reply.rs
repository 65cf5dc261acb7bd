//! Status lines: the first, and often the only, line of an answer.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use crate::wire::code::ResponseCode;

/// A status line, borrowed from the receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status<'a> {
    indicator: Indicator,
    line: &'a [u8],
}

/// What a status line begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indicator {
    /// `+OK`
    Ok,
    /// `-ERR`, or `+ERR` ([Q16]).
    ///
    /// [Q16]: crate::rows#q16
    Err,
    /// `+` and a SASL challenge (RFC 5034 §4).
    Challenge,
}

impl<'a> Status<'a> {
    /// Reads a line without its line end; `None` where no status line looks so.
    ///
    /// The indicator may be in any case and may stand alone ([Q4]).
    ///
    /// [Q4]: crate::rows#q4
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let starts = |prefix: &[u8]| {
            line.get(..prefix.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
        };
        let indicator = if starts(b"+OK") {
            Indicator::Ok
        } else if starts(b"-ERR") || starts(b"+ERR") {
            Indicator::Err
        } else if line == b"+" || line.starts_with(b"+ ") {
            Indicator::Challenge
        } else {
            return None;
        };
        Some(Self { indicator, line })
    }

    /// What the line begins with.
    #[must_use]
    pub fn indicator(&self) -> Indicator {
        self.indicator
    }

    /// The whole line, without its line end.
    #[must_use]
    pub fn line(&self) -> &'a [u8] {
        self.line
    }

    /// What follows the indicator, without the spaces between. A response code is a part of it.
    #[must_use]
    pub fn text(&self) -> &'a [u8] {
        let indicator = match self.indicator {
            Indicator::Ok => 3,
            Indicator::Err => 4,
            Indicator::Challenge => 1,
        };
        self.line[indicator..].trim_ascii_start()
    }

    /// The line as a value that outlives the buffer.
    #[must_use]
    pub fn to_reply(self) -> Reply {
        Reply {
            line: self.line.into(),
            text: self.line.len() - self.text().len(),
            code: ResponseCode::at_start_of(self.text()),
        }
    }
}

/// A status line in the server's own words.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    line: Box<[u8]>,
    text: usize,
    code: Option<ResponseCode>,
}

impl Reply {
    /// The line as received, without its line end: `+OK 2 messages`.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// What follows `+OK` or `-ERR`, response code included.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.line[self.text..]
    }

    /// [`text`](Reply::text) as a string; octets that are not UTF-8 become U+FFFD. Control
    /// characters are left as they are: escape them before they reach a terminal.
    #[must_use]
    pub fn text_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.text())
    }

    /// The response code (RFC 2449 §8), if the text begins with one.
    #[must_use]
    pub fn code(&self) -> Option<&ResponseCode> {
        self.code.as_ref()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.line.escape_ascii())
    }
}

impl fmt::Display for Reply {
    /// The text, with everything but printable ASCII and UTF-8 letters escaped, so that it can
    /// go to a terminal or a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(self.text()).fmt(f)
    }
}

/// Shows what a server wrote without letting it move the cursor, colour the screen or turn the
/// reading direction ([A14]): control characters of every kind appear as `\u{1b}`, octets that
/// are not UTF-8 as `\xff`.
///
/// [A14]: crate::rows#a14
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use core::fmt::Write;

        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() || is_invisible_format(character) {
                    write!(f, "{}", character.escape_unicode())?;
                } else {
                    f.write_char(character)?;
                }
            }
            write!(f, "{}", chunk.invalid().escape_ascii())?;
        }
        Ok(())
    }
}

/// Bidirectional controls, zero-width characters, line and paragraph separators.
fn is_invisible_format(character: char) -> bool {
    matches!(
        character,
        '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn parse(line: &str) -> Option<(Indicator, &str)> {
        let status = Status::parse(line.as_bytes())?;
        Some((
            status.indicator(),
            core::str::from_utf8(status.text()).expect("ASCII"),
        ))
    }

    #[test]
    fn q04_missing_texts_and_spaces_are_accepted() {
        assert_eq!(parse("+OK"), Some((Indicator::Ok, "")));
        assert_eq!(parse("-ERR"), Some((Indicator::Err, "")));
        assert_eq!(parse("+"), Some((Indicator::Challenge, "")));
        assert_eq!(parse("+OK  2  320"), Some((Indicator::Ok, "2  320")));
        assert_eq!(parse("+ok fine"), Some((Indicator::Ok, "fine")));
        assert_eq!(parse("+ aGk="), Some((Indicator::Challenge, "aGk=")));
    }

    #[test]
    fn q16_plus_err_is_a_refusal() {
        assert_eq!(parse("+ERR no"), Some((Indicator::Err, "no")));
    }

    #[test]
    fn other_lines_are_no_status() {
        for line in ["", "OK", "* OK IMAP", "220 smtp", "-", "+O", "+x", " +OK"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn words_that_are_no_utf_8_are_words() {
        let reply = Status::parse(b"-ERR \xff!").map(Status::to_reply);
        let reply = reply.expect("a status");
        assert_eq!(reply.text_lossy(), "\u{fffd}!");
    }

    #[test]
    fn a14_display_escapes_what_moves_a_terminal() {
        let line = "-ERR \u{1b}[2J\u{9b}0m \u{202e}gpj\u{7f} é \u{0}".as_bytes();
        let status = Status::parse(&[line, b"\xff"].concat()).map(Status::to_reply);
        assert_eq!(
            status.expect("a status").to_string(),
            r"\u{1b}[2J\u{9b}0m \u{202e}gpj\u{7f} é \u{0}\xff"
        );
    }
}
