//! "Byte for byte, line ends aside": what a message must look like after each step of its way.
//!
//! A Maildir holds LF line ends, POP3 carries CRLF. A server sends CRLF for each LF that has no
//! CR before it, and ends the last line if the message did not. Nothing else may change.

/// What RETR must yield, after byte-stuffing is undone, for a message stored as `stored`.
#[must_use]
pub fn on_the_wire(stored: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(stored.len() + stored.len() / 32 + 2);
    for line in lines(stored) {
        match line {
            [text @ .., b'\n'] if text.last() == Some(&b'\r') => wire.extend_from_slice(line),
            [text @ .., b'\n'] => {
                wire.extend_from_slice(text);
                wire.extend_from_slice(b"\r\n");
            }
            text => wire.extend_from_slice(text),
        }
    }
    if !stored.ends_with(b"\n") {
        wire.extend_from_slice(b"\r\n");
    }
    wire
}

/// What a Maildir must hold after a message came over the wire as `wire`.
#[must_use]
pub fn in_a_maildir(wire: &[u8]) -> Vec<u8> {
    let mut delivered = Vec::with_capacity(wire.len());
    for line in lines(wire) {
        match line {
            [text @ .., b'\r', b'\n'] => {
                delivered.extend_from_slice(text);
                delivered.push(b'\n');
            }
            line => delivered.extend_from_slice(line),
        }
    }
    delivered
}

/// Asserts that both sides hold the same messages in whatever order, and shows the first
/// difference.
///
/// # Panics
///
/// When they differ.
pub fn assert_same_messages(mut expected: Vec<Vec<u8>>, mut found: Vec<Vec<u8>>) {
    expected.sort_unstable();
    found.sort_unstable();
    let counts = (expected.len(), found.len());
    for (expected, found) in expected.iter().zip(&found) {
        assert!(
            expected == found,
            "of {counts:?} messages expected and found these are the first that differ:\n{}",
            difference(expected, found)
        );
    }
    assert_eq!(counts.0, counts.1, "messages expected and found");
}

fn difference(expected: &[u8], found: &[u8]) -> String {
    let at = expected
        .iter()
        .zip(found)
        .position(|(expected, found)| expected != found)
        .unwrap_or_else(|| expected.len().min(found.len()));
    let around = |bytes: &[u8]| {
        let end = bytes.len().min(at + 60);
        bytes[at.saturating_sub(60)..end].escape_ascii().to_string()
    };
    format!(
        "octet {at} of {} and {}\nexpected …{}…\nfound    …{}…",
        expected.len(),
        found.len(),
        around(expected),
        around(found)
    )
}

/// Lines with their LF; the last may have none.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_change_and_nothing_else() {
        for (stored, wire, delivered) in [
            (&b""[..], &b"\r\n"[..], &b"\n"[..]),
            (b"\n", b"\r\n", b"\n"),
            (b"a\nb", b"a\r\nb\r\n", b"a\nb\n"),
            (b"a\r\n", b"a\r\n", b"a\n"),
            (b"a\r\r\n", b"a\r\r\n", b"a\r\n"),
            (b"a\rb\0\xff\r", b"a\rb\0\xff\r\r\n", b"a\rb\0\xff\r\n"),
            (b".\n..\n", b".\r\n..\r\n", b".\n..\n"),
        ] {
            assert_eq!(on_the_wire(stored), wire, "{}", stored.escape_ascii());
            assert_eq!(in_a_maildir(wire), delivered, "{}", stored.escape_ascii());
        }
    }

    #[test]
    fn order_does_not_matter() {
        assert_same_messages(
            vec![b"a".to_vec(), b"b".to_vec()],
            vec![b"b".to_vec(), b"a".to_vec()],
        );
    }

    #[test]
    #[should_panic(expected = "octet 1 of 3 and 3")]
    fn a_changed_octet_is_shown() {
        assert_same_messages(vec![b"a\rb".to_vec()], vec![b"a\nb".to_vec()]);
    }

    #[test]
    #[should_panic(expected = "messages expected and found")]
    fn a_second_copy_is_a_difference() {
        assert_same_messages(vec![b"a".to_vec()], vec![b"a".to_vec(); 2]);
    }
}
