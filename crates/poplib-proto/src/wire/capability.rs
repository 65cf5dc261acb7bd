//! Capabilities (RFC 2449 §5): what CAPA lists.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::{slice, str};

use crate::wire::words::{Words, number, words};

/// What a server says it can do, in one of its states.
///
/// Tags are compared without regard to case; lines this crate does not know are kept and never
/// an error. What is asked here is what the server *says*: some servers say less than they can
/// ([Q5]).
///
/// [Q5]: crate::rows#q5
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    lines: Vec<Box<[u8]>>,
}

/// How long a server keeps messages (RFC 2449 §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expire {
    /// The server never deletes.
    Never,
    /// Days after which a message may be deleted. `Days(0)`: what was retrieved may be deleted
    /// at QUIT.
    Days(u32),
}

/// A value that the server announces now and may replace at login by one for this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerUser<T> {
    /// The value announced.
    pub value: T,
    /// Whether it differs from user to user, so that it must be asked again after login.
    pub varies: bool,
}

impl Capabilities {
    pub(crate) fn push(&mut self, line: &[u8]) {
        self.lines.push(line.into());
    }

    /// The lines, as received, in their order.
    #[must_use]
    pub fn lines(&self) -> Lines<'_> {
        Lines(self.lines.iter())
    }

    /// Whether a tag is listed.
    #[must_use]
    pub fn has(&self, tag: &str) -> bool {
        self.parameters(tag).is_some()
    }

    /// The parameters of a tag, if it is listed. Where it is listed more than once, all of them.
    #[must_use]
    pub fn parameters<'a>(&'a self, tag: &'a str) -> Option<Parameters<'a>> {
        let mut parameters = Parameters {
            lines: self.lines(),
            tag: tag.as_bytes(),
            line: Words::default(),
        };
        parameters.next_line()?;
        Some(parameters)
    }

    /// `TOP` (RFC 2449 §6.1).
    #[must_use]
    pub fn top(&self) -> bool {
        self.has("TOP")
    }

    /// `USER`: USER and PASS are offered (RFC 2449 §6.2).
    #[must_use]
    pub fn user(&self) -> bool {
        self.has("USER")
    }

    /// The mechanisms of `SASL` (RFC 2449 §6.3); none where it is not listed. A mechanism that
    /// is not UTF-8 cannot be one and is left out.
    #[must_use]
    pub fn sasl(&self) -> Mechanisms<'_> {
        Mechanisms(self.parameters("SASL"))
    }

    /// `RESP-CODES` (RFC 2449 §6.4).
    #[must_use]
    pub fn response_codes(&self) -> bool {
        self.has("RESP-CODES")
    }

    /// `AUTH-RESP-CODE` (RFC 3206 §6).
    #[must_use]
    pub fn auth_response_code(&self) -> bool {
        self.has("AUTH-RESP-CODE")
    }

    /// `LOGIN-DELAY`: seconds between two logins (RFC 2449 §6.5).
    #[must_use]
    pub fn login_delay(&self) -> Option<PerUser<u32>> {
        self.per_user("LOGIN-DELAY", number::<u32>)
    }

    /// `PIPELINING` (RFC 2449 §6.6).
    #[must_use]
    pub fn pipelining(&self) -> bool {
        self.has("PIPELINING")
    }

    /// `EXPIRE` (RFC 2449 §6.7).
    #[must_use]
    pub fn expire(&self) -> Option<PerUser<Expire>> {
        self.per_user("EXPIRE", |word| {
            if word.eq_ignore_ascii_case(b"NEVER") {
                Some(Expire::Never)
            } else {
                number(word).map(Expire::Days)
            }
        })
    }

    /// `UIDL` (RFC 2449 §6.8).
    #[must_use]
    pub fn uidl(&self) -> bool {
        self.has("UIDL")
    }

    /// `IMPLEMENTATION`: what follows the tag (RFC 2449 §6.9).
    #[must_use]
    pub fn implementation(&self) -> Option<&[u8]> {
        const TAG: &[u8] = b"IMPLEMENTATION";
        self.lines.iter().find_map(|line| {
            let line = line.trim_ascii();
            let (tag, text) = line.split_at_checked(TAG.len())?;
            let separated = text.is_empty() || text[0].is_ascii_whitespace();
            (tag.eq_ignore_ascii_case(TAG) && separated).then(|| text.trim_ascii_start())
        })
    }

    /// `STLS` (RFC 2595 §4).
    #[must_use]
    pub fn stls(&self) -> bool {
        self.has("STLS")
    }

    /// `UTF8` (RFC 6856 §2).
    #[must_use]
    pub fn utf8(&self) -> bool {
        self.has("UTF8")
    }

    /// `UTF8 USER`: user names and passwords may be UTF-8 (RFC 6856 §2.2).
    #[must_use]
    pub fn utf8_user(&self) -> bool {
        self.parameters("UTF8")
            .is_some_and(|mut words| words.any(|word| word.eq_ignore_ascii_case(b"USER")))
    }

    /// `LANG` (RFC 6856 §3).
    #[must_use]
    pub fn lang(&self) -> bool {
        self.has("LANG")
    }

    fn per_user<T>(&self, tag: &str, parse: impl Fn(&[u8]) -> Option<T>) -> Option<PerUser<T>> {
        let mut words = self.parameters(tag)?;
        let value = parse(words.next()?)?;
        let varies = words.any(|word| word.eq_ignore_ascii_case(b"USER"));
        Some(PerUser { value, varies })
    }
}

/// The [lines](Capabilities::lines) of capabilities.
#[derive(Clone, Debug)]
pub struct Lines<'a>(slice::Iter<'a, Box<[u8]>>);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.0.next().map(|line| &**line)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Lines<'_> {}

/// The [parameters](Capabilities::parameters) of a capability.
#[derive(Clone, Debug)]
pub struct Parameters<'a> {
    lines: Lines<'a>,
    tag: &'a [u8],
    /// What is left of the present line.
    line: Words<'a>,
}

impl Parameters<'_> {
    /// Goes on to what follows the tag in the next line that has it.
    fn next_line(&mut self) -> Option<()> {
        self.line = self.lines.find_map(|line| {
            let mut line = words(line);
            let tag = line.next()?;
            tag.eq_ignore_ascii_case(self.tag).then_some(line)
        })?;
        Some(())
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if let Some(word) = self.line.next() {
                return Some(word);
            }
            self.next_line()?;
        }
    }
}

/// The [mechanisms](Capabilities::sasl) of SASL that a server lists.
#[derive(Clone, Debug)]
pub struct Mechanisms<'a>(Option<Parameters<'a>>);

impl<'a> Iterator for Mechanisms<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.0.as_mut()?.find_map(|name| str::from_utf8(name).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(lines: &[&str]) -> Capabilities {
        let mut capabilities = Capabilities::default();
        for line in lines {
            capabilities.push(line.as_bytes());
        }
        capabilities
    }

    #[test]
    fn p07_tags_are_case_insensitive_and_unknown_ones_kept() {
        let listed = capabilities(&["top", " Uidl ", "X-Odd  a  b", "\u{fffd}", ""]);
        assert!(listed.top() && listed.uidl());
        assert!(!listed.stls());
        let odd: Vec<_> = listed.parameters("x-odd").expect("listed").collect();
        assert_eq!(odd, [b"a", b"b"]);
        assert_eq!(listed.lines().len(), 5);
    }

    #[test]
    fn p10_expire_and_login_delay() {
        let listed = capabilities(&["EXPIRE 0 USER", "LOGIN-DELAY 900"]);
        assert_eq!(
            listed.expire(),
            Some(PerUser {
                value: Expire::Days(0),
                varies: true
            })
        );
        assert_eq!(
            listed.login_delay(),
            Some(PerUser {
                value: 900,
                varies: false
            })
        );
        let never = capabilities(&["expire never"]);
        assert_eq!(
            never.expire().map(|expire| expire.value),
            Some(Expire::Never)
        );
        for odd in ["EXPIRENEVER", "EXPIRE", "EXPIRE soon", "EXPIRE -1"] {
            assert_eq!(capabilities(&[odd]).expire(), None, "{odd}");
        }
    }

    #[test]
    fn sasl_names_every_mechanism() {
        let listed = capabilities(&["SASL PLAIN  SCRAM-SHA-256", "SASL LOGIN"]);
        assert!(listed.sasl().eq(["PLAIN", "SCRAM-SHA-256", "LOGIN"]));
        assert_eq!(capabilities(&["USER"]).sasl().count(), 0);
    }

    #[test]
    fn implementation_keeps_its_spaces() {
        let listed = capabilities(&["IMPLEMENTATION Shlemazle  Plotz v302"]);
        assert_eq!(listed.implementation(), Some(&b"Shlemazle  Plotz v302"[..]));
        assert_eq!(capabilities(&["IMPLEMENTATIONS x"]).implementation(), None);
    }

    #[test]
    fn utf8_user_is_a_parameter() {
        assert!(capabilities(&["UTF8 USER"]).utf8_user());
        let plain = capabilities(&["UTF8"]);
        assert!(plain.utf8() && !plain.utf8_user());
    }
}
