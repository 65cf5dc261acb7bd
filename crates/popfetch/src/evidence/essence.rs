//! What no server changes in a message that it keeps.
//!
//! Servers and scanners write `Status`, `X-UIDL` and stamps of their own into messages, and some
//! build MIME boundaries anew at each RETR. What the sender wrote into the header stays: the
//! Message-ID, the date, the subject and the people. Where two messages with the same unique-id
//! agree in all of these, they are the same message. Without a Message-ID nothing but the content
//! tells, so that two equal notes of a program that sends none are two messages.

use sha2::{Digest, Sha256};

use crate::key::Sum;

/// The fields of the sender (RFC 5322 §3.6) that are compared.
const FIELDS: [&[u8]; 6] = [b"message-id", b"date", b"from", b"to", b"cc", b"subject"];

/// The digest of these fields, in their order; `None` without a Message-ID.
pub(super) fn of_header(header: &[u8]) -> Option<Sum> {
    let mut sha = Sha256::new();
    let mut has_message_id = false;
    for (name, value) in fields(header) {
        let Some(index) = FIELDS
            .iter()
            .position(|field| name.eq_ignore_ascii_case(field))
        else {
            continue;
        };
        let words = value
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let mut is_empty = true;
        sha.update([b'0' + index as u8]);
        for word in words {
            sha.update(word);
            sha.update(b" ");
            is_empty = false;
        }
        has_message_id |= index == 0 && !is_empty;
    }
    has_message_id.then(|| sha.finalize().into())
}

/// The boundary of a multipart message (RFC 2046 §5.1.1).
pub(super) fn boundary(header: &[u8]) -> Option<Vec<u8>> {
    let is_type = |name: &[u8]| name.eq_ignore_ascii_case(b"content-type");
    let (_, value) = fields(header).find(|(name, _)| is_type(name))?;
    let value = String::from_utf8_lossy(value);
    let is_multipart = |value: &str| {
        value
            .get(..10)
            .is_some_and(|start| start.eq_ignore_ascii_case("multipart/"))
    };
    let value = value.trim_start();
    if !is_multipart(value) {
        return None;
    }
    let lower = value.to_ascii_lowercase();
    let at = lower.match_indices("boundary").find_map(|(at, name)| {
        let rest = value[at + name.len()..].trim_start().strip_prefix('=')?;
        lower[..at]
            .trim_end()
            .ends_with(';')
            .then_some(rest.trim_start())
    })?;
    let boundary = match at.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => at.split([';', ' ', '\t', '\r', '\n', '(']).next()?,
    };
    (!boundary.is_empty()).then(|| boundary.as_bytes().to_vec())
}

/// The names and values of the fields. Values have their folding.
fn fields(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = header;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = end_of_field(rest);
            let (field, behind) = rest.split_at(end);
            rest = behind;
            if let Some(colon) = memchr::memchr(b':', field) {
                return Some((field[..colon].trim_ascii_end(), &field[colon + 1..]));
            }
        }
        None
    })
}

/// Where the next field begins: behind the first line end that no white space follows.
fn end_of_field(header: &[u8]) -> usize {
    (memchr::memchr_iter(b'\n', header))
        .map(|at| at + 1)
        .find(|&next| !matches!(header.get(next), Some(b' ' | b'\t')))
        .unwrap_or(header.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] =
        b"Received: x\r\nFrom: a@b\r\nSubject: one\r\n two\r\nMessage-ID: <1@b>\r\nDate: d\r\n\r\n";

    #[test]
    fn e06_what_servers_write_into_a_message_does_not_make_it_another() {
        let essence = of_header(HEADER);
        assert!(essence.is_some());
        for same in [
            [&b"X-Scanned-At: 3\r\n"[..], HEADER].concat(),
            [&b"Status: RO\r\nX-UIDL: 7\r\n"[..], HEADER].concat(),
            String::from_utf8_lossy(HEADER)
                .replace("one\r\n two", "one two")
                .into_bytes(),
            String::from_utf8_lossy(HEADER)
                .replace("\r\n", "\n")
                .into_bytes(),
            String::from_utf8_lossy(HEADER)
                .replace("Message-ID", "Message-Id")
                .into_bytes(),
        ] {
            assert_eq!(of_header(&same), essence);
        }
    }

    #[test]
    fn another_message_has_another_essence_and_one_without_a_message_id_has_none() {
        let text = String::from_utf8_lossy(HEADER);
        for other in [
            text.replace("<1@b>", "<2@b>"),
            text.replace("two", "three"),
            text.replace("a@b", "c@b"),
        ] {
            assert_ne!(of_header(other.as_bytes()), of_header(HEADER));
        }
        assert_eq!(
            of_header(text.replace("Message-ID", "X-ID").as_bytes()),
            None
        );
        assert_eq!(of_header(text.replace("<1@b>", " ").as_bytes()), None);
        assert_eq!(of_header(b""), None);
    }

    #[test]
    fn a_boundary_is_found_however_it_is_written() {
        for (field, expected) in [
            ("Content-Type: multipart/mixed; boundary=abc", Some("abc")),
            (
                "content-type:MULTIPART/Mixed;\r\n charset=x;\r\n\tBoundary = \"a b;c\"; x=y",
                Some("a b;c"),
            ),
            (
                "Content-Type: multipart/mixed; boundary=abc; type=x",
                Some("abc"),
            ),
            ("Content-Type: text/plain; boundary=abc", None),
            ("Content-Type: multipart/mixed; x-boundary=abc", None),
            ("Content-Type: multipart/mixed; boundary=\"\"", None),
            ("X-Content-Type: multipart/mixed; boundary=abc", None),
        ] {
            let header = format!("Subject: boundary=no\r\n{field}\r\nTo: x\r\n\r\n");
            let found = boundary(header.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{field}");
        }
    }
}
