//! Command lines: what a client sends.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::error::Misuse;
use crate::wire::limits::Limits;

/// The keyword that a command begins with, such as `RETR`; in errors, what was attempted.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Verb(Cow<'static, str>);

impl Verb {
    /// The wait for the server's greeting, which no command begins.
    pub const GREETING: Self = Self::new("greeting");

    /// A keyword known at compile time.
    #[must_use]
    pub const fn new(keyword: &'static str) -> Self {
        Self(Cow::Borrowed(keyword))
    }

    /// The first word of a line, in upper case.
    #[must_use]
    pub fn of_line(line: &str) -> Self {
        let keyword = line.split(' ').next().unwrap_or_default();
        Self(Cow::Owned(keyword.to_ascii_uppercase()))
    }

    /// The keyword.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One line to send, without its CRLF.
///
/// It cannot hold CR, LF or NUL: whatever the arguments, one `CommandLine` is one line on the
/// wire. What is secret in it is kept apart from what may be shown, and the whole is wiped when
/// dropped.
///
/// ```
/// # use poplib_proto::wire::line::{CommandLine, Verb};
/// let line = CommandLine::new(Verb::new("TOP")).number(7)?.number(0)?;
/// assert_eq!(line.as_bytes(), b"TOP 7 0");
/// let injected = CommandLine::new(Verb::new("USER")).argument(b"me\r\nDELE 1");
/// assert!(injected.is_err());
/// # Ok::<(), poplib_proto::Misuse>(())
/// ```
pub struct CommandLine {
    verb: Verb,
    octets: Zeroizing<Vec<u8>>,
    /// From here on the line is secret.
    shown: Option<usize>,
}

impl CommandLine {
    /// A line that consists of the keyword alone.
    #[must_use]
    pub fn new(verb: Verb) -> Self {
        let mut line = Self::continuation(verb);
        line.octets.extend_from_slice(line.verb.0.as_bytes());
        line
    }

    /// A line that continues the exchange `verb` began, as a SASL response does (RFC 5034 §4):
    /// it has no keyword.
    #[must_use]
    pub fn continuation(verb: Verb) -> Self {
        Self {
            verb,
            // Room for a whole line, so that a secret is not left behind by growing.
            octets: Zeroizing::new(Vec::with_capacity(256)),
            shown: None,
        }
    }

    /// A line given whole, for commands this crate does not know. Its first word is the verb.
    ///
    /// # Errors
    ///
    /// [`Misuse::ForbiddenOctet`] where it holds CR, LF or NUL.
    pub fn custom(line: &str) -> Result<Self, Misuse> {
        Self::continuation(Verb::of_line(line)).text(line.as_bytes())
    }

    /// Appends a space and a number.
    ///
    /// # Errors
    ///
    /// None in practice; the type allows numbers and arguments to be chained.
    pub fn number(self, number: u32) -> Result<Self, Misuse> {
        let mut digits = [0; 10];
        let mut at = digits.len();
        let mut rest = number;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.argument(&digits[at..])
    }

    /// Appends a space and an argument.
    ///
    /// # Errors
    ///
    /// [`Misuse::ForbiddenOctet`] where it holds CR, LF or NUL.
    pub fn argument(self, argument: &[u8]) -> Result<Self, Misuse> {
        self.text(b" ")?.text(argument)
    }

    /// Appends a space and an argument that no log may show.
    ///
    /// # Errors
    ///
    /// [`Misuse::ForbiddenOctet`] where it holds CR, LF or NUL.
    pub fn secret_argument(self, argument: &[u8]) -> Result<Self, Misuse> {
        self.text(b" ")?.secret(argument)
    }

    /// Appends octets that no log may show.
    ///
    /// # Errors
    ///
    /// [`Misuse::ForbiddenOctet`] where they hold CR, LF or NUL.
    pub fn secret(mut self, octets: &[u8]) -> Result<Self, Misuse> {
        self.shown.get_or_insert(self.octets.len());
        self.text(octets)
    }

    fn text(mut self, octets: &[u8]) -> Result<Self, Misuse> {
        let forbidden = |octet: &&u8| matches!(**octet, b'\r' | b'\n' | 0);
        if let Some(&octet) = octets.iter().find(forbidden) {
            return Err(Misuse::ForbiddenOctet {
                verb: self.verb,
                octet,
            });
        }
        if self.octets.capacity() - self.octets.len() < octets.len() {
            let mut larger = Vec::with_capacity(2 * (self.octets.len() + octets.len()));
            larger.extend_from_slice(&self.octets);
            self.octets = Zeroizing::new(larger);
        }
        self.octets.extend_from_slice(octets);
        Ok(self)
    }

    /// What the line belongs to.
    #[must_use]
    pub fn verb(&self) -> &Verb {
        &self.verb
    }

    /// The line as it is sent, without CRLF. It may hold a secret.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets
    }

    /// The part that may be shown.
    #[must_use]
    pub fn shown(&self) -> &[u8] {
        &self.octets[..self.shown.unwrap_or(self.octets.len())]
    }

    /// Whether a part of the line is secret.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.shown.is_some()
    }

    /// Octets on the wire, CRLF included.
    #[must_use]
    pub fn wire_octets(&self) -> usize {
        self.octets.len() + 2
    }

    pub(crate) fn check_length(&self, limits: &Limits) -> Result<(), Misuse> {
        let octets = self.wire_octets();
        if octets > limits.command_line {
            return Err(Misuse::LineTooLong {
                verb: self.verb.clone(),
                octets,
                limit: limits.command_line,
            });
        }
        Ok(())
    }
}

impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = if self.has_secret() { "…" } else { "" };
        write!(f, "{}{hidden}", self.shown().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;

    const USER: Verb = Verb::new("USER");

    #[test]
    fn p01_255_octets_pass_and_256_are_refused() {
        let limits = Limits::default();
        let line = |name: usize| {
            let name = alloc::vec![b'x'; name];
            CommandLine::new(USER).argument(&name).expect("plain text")
        };
        assert_eq!(line(248).wire_octets(), 255);
        assert_eq!(line(248).check_length(&limits), Ok(()));
        assert_eq!(
            line(249).check_length(&limits),
            Err(Misuse::LineTooLong {
                verb: USER,
                octets: 256,
                limit: 255
            })
        );
    }

    #[test]
    fn the_first_word_of_a_line_is_its_verb() {
        assert_eq!(Verb::of_line("xtnd xmit").as_str(), "XTND");
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, 4_294_967_295] {
            let line = CommandLine::new(Verb::new("RETR")).number(number).unwrap();
            assert_eq!(line.as_bytes(), format!("RETR {number}").as_bytes());
            assert!(!line.has_secret());
        }
    }

    #[test]
    fn a13_debug_hides_the_secret() {
        let line = CommandLine::new(Verb::new("PASS"))
            .secret_argument(b"sentinel")
            .unwrap();
        assert!(line.has_secret());
        assert_eq!(format!("{line:?}"), "PASS …");
        assert_eq!(line.as_bytes(), b"PASS sentinel");
    }

    #[test]
    fn a13_no_memory_is_left_behind_unwiped_by_growing() {
        let line = CommandLine::new(Verb::new("PASS"));
        let room = line.octets.capacity();
        let line = line.secret_argument(&[b'x'; 251]).unwrap();
        assert_eq!(line.octets.capacity(), room);
        // A Vec that grew by itself would double its room.
        let line = line.secret(&[b'x'; 4]).unwrap();
        assert_eq!(line.octets.capacity(), 2 * (256 + 4));
        assert_eq!(line.shown(), b"PASS ");
    }

    proptest! {
        #[test]
        fn a06_any_argument_is_one_line_or_an_error(argument: Vec<u8>, secret: bool) {
            let line = CommandLine::new(USER);
            let encoded = if secret {
                line.secret_argument(&argument)
            } else {
                line.argument(&argument)
            };
            let forbidden = argument.iter().any(|octet| b"\r\n\0".contains(octet));
            match encoded {
                Ok(line) => {
                    prop_assert!(!forbidden);
                    prop_assert_eq!(&line.as_bytes()[5..], &argument[..]);
                }
                Err(Misuse::ForbiddenOctet { .. }) => prop_assert!(forbidden),
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }

        #[test]
        fn a06_any_custom_line_is_one_line_or_an_error(text in "(?s).{0,40}") {
            let forbidden = text.bytes().any(|octet| b"\r\n\0".contains(&octet));
            match CommandLine::custom(&text) {
                Ok(line) => {
                    prop_assert!(!forbidden);
                    prop_assert_eq!(line.as_bytes(), text.as_bytes());
                }
                Err(_) => prop_assert!(forbidden),
            }
        }
    }
}
