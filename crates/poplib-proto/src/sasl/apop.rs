//! The timestamp and digest of APOP (RFC 1939 §7), which is no SASL mechanism.

use alloc::string::String;
use core::{fmt, str};

use md5::{Digest, Md5};

use super::cram_md5::hexadecimal;
use crate::Secret;

/// The timestamp of a greeting, `<process-ID.clock@hostname>`.
///
/// An attacker who may choose the timestamp can find the password's first characters through
/// collisions of MD5 (CVE-2007-1558). Binary ones are the cheap kind, so nothing but an ASCII
/// `msg-id` (RFC 5322 §3.6.4, without its obsolete forms) is ever digested. That makes the attack
/// costlier and not impossible: [`choose`](super::choose()) does not take APOP where there is
/// better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp(String);

/// Why a greeting's timestamp cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimestampError {
    /// Angle brackets around something that is no `msg-id`, or half a pair ([Q18]).
    ///
    /// [Q18]: crate::rows#q18
    Malformed,
    /// More than one; the server digests only one of them, and which is not said ([Q18]).
    ///
    /// [Q18]: crate::rows#q18
    Several,
}

impl Timestamp {
    /// The timestamp in a greeting; `None` where it has none, and so no APOP.
    ///
    /// # Errors
    /// Brackets that do not hold exactly one `msg-id`.
    pub fn in_greeting(greeting: &[u8]) -> Result<Option<Self>, TimestampError> {
        let Some(opening) = greeting.iter().position(|&octet| octet == b'<') else {
            return Ok(None);
        };
        let rest = &greeting[opening + 1..];
        let Some(closing) = rest.iter().position(|&octet| octet == b'>') else {
            return Err(TimestampError::Malformed);
        };
        let (inner, after) = (&rest[..closing], &rest[closing + 1..]);
        if after.iter().any(|octet| matches!(octet, b'<' | b'>')) {
            return Err(TimestampError::Several);
        }
        match str::from_utf8(inner) {
            Ok(inner) if is_msg_id(inner) => Ok(Some(Self(["<", inner, ">"].concat()))),
            _ => Err(TimestampError::Malformed),
        }
    }

    /// The timestamp with its brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest that APOP sends: MD5 of the timestamp and the password, 32 lower-case
    /// hexadecimal digits.
    #[must_use]
    pub fn digest(&self, password: &Secret) -> Secret {
        let digest = Md5::new()
            .chain_update(&self.0)
            .chain_update(password.expose())
            .finalize();
        Secret::from(hexadecimal(&digest))
    }
}

/// `id-left "@" id-right`
fn is_msg_id(inner: &str) -> bool {
    let Some((left, right)) = inner.split_once('@') else {
        return false;
    };
    is_dot_atom(left) && (is_dot_atom(right) || is_no_fold_literal(right))
}

/// `1*atext *("." 1*atext)` (RFC 5322 §3.2.3)
fn is_dot_atom(text: &str) -> bool {
    let is_atext =
        |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet);
    text.split('.')
        .all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

/// `"[" *dtext "]"` (RFC 5322 §3.6.4)
fn is_no_fold_literal(text: &str) -> bool {
    let is_dtext = |octet: u8| octet.is_ascii_graphic() && !b"[]\\".contains(&octet);
    text.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|literal| literal.bytes().all(is_dtext))
}

impl core::error::Error for TimestampError {}

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => {
                "the timestamp in the server's greeting is not of the form RFC 1939 demands"
            }
            Self::Several => "the server's greeting has more than one timestamp",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(greeting: &str) -> Result<Option<String>, TimestampError> {
        let timestamp = Timestamp::in_greeting(greeting.as_bytes())?;
        Ok(timestamp.map(|timestamp| timestamp.as_str().into()))
    }

    #[test]
    fn a_timestamp_that_is_none_is_told() {
        use alloc::string::ToString;

        let told = [TimestampError::Malformed, TimestampError::Several].map(|e| e.to_string());
        assert!(told[0].contains("not of the form") && told[1].contains("more than one"));
    }

    #[test]
    fn p05_apop_gives_the_digest_of_rfc_1939() {
        let greeting = b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>";
        let timestamp = Timestamp::in_greeting(greeting).unwrap().unwrap();
        assert_eq!(timestamp.as_str(), "<1896.697170952@dbc.mtview.ca.us>");
        assert_eq!(
            timestamp.digest(&Secret::from("tanstaaf")).expose(),
            b"c4c9334bac560ecc979e58001b3e22fb"
        );
    }

    #[test]
    fn p05_timestamps_of_real_servers_are_found() {
        for timestamp in [
            "<8a1.1.65a3f0c2.Vn+7c/Q2bT0aZ1y9GQ==@mail.example.org>",
            "<2c7.6a41@[192.0.2.1]>",
            "<1@localhost>",
        ] {
            let greeting = ["+OK ready ", timestamp, " (dovecot)"].concat();
            assert_eq!(found(&greeting), Ok(Some(timestamp.into())), "{greeting}");
        }
    }

    #[test]
    fn p05_a_greeting_without_brackets_offers_no_apop() {
        assert_eq!(found("+OK POP3 ready"), Ok(None));
        assert_eq!(found("+OK > ready"), Ok(None));
    }

    #[test]
    fn a05_what_is_no_msg_id_is_refused() {
        for stamp in [
            "<>",
            "<@>",
            "<a@>",
            "<@b>",
            "<ab>",
            "<a@b@c>",
            "<a..b@c>",
            "<.a@b>",
            "<a.@b>",
            "<a b@c>",
            "<a@b c>",
            "<a@b.>",
            "<a@[b>",
            "<a@[[b]>",
            "<a@[b\\]>",
            "<\"a\"@b>",
            "<a\t@b>",
            "<ä@b>",
            "<a@b",
            "<a(c)@b>",
            "<a,b@c>",
            "<a@b:1>",
            "<\u{7f}@b>",
        ] {
            assert_eq!(found(stamp), Err(TimestampError::Malformed), "{stamp}");
        }
        let binary = b"+OK <\x80\x81\x02@example.org>";
        assert_eq!(
            Timestamp::in_greeting(binary),
            Err(TimestampError::Malformed)
        );
    }

    #[test]
    fn q18_two_timestamps_are_refused() {
        for greeting in [
            "+OK <1@a> <2@b>",
            "+OK <1@a>>",
            "+OK <1@a> <",
            "+OK <x> <1@a>",
        ] {
            assert_eq!(found(greeting), Err(TimestampError::Several), "{greeting}");
        }
        assert_eq!(found("+OK <<1@a>"), Err(TimestampError::Malformed));
    }

    #[test]
    fn a08_a_megabyte_of_brackets_is_read_once() {
        let greeting = "<".repeat(1 << 20);
        assert_eq!(found(&greeting), Err(TimestampError::Malformed));
    }
}
