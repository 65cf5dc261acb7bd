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

/// What a server has made of a message that was put into its maildrop as `stored`: `wire` is what
/// it sends.
#[must_use]
pub fn passage(stored: &[u8], wire: &[u8]) -> &'static str {
    let expected = on_the_wire(stored);
    if wire == expected {
        "unchanged"
    } else if has_lines_added(&expected, wire) {
        "lines added"
    } else if expected.starts_with(wire.strip_suffix(b"\r\n").unwrap_or(wire)) {
        "cut"
    } else {
        "changed"
    }
}

fn has_lines_added(expected: &[u8], wire: &[u8]) -> bool {
    let mut found = lines(wire);
    lines(expected).all(|line| found.any(|found| found == line))
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
    fn what_a_server_makes_of_a_message_is_named() {
        for (stored, wire, expected) in [
            (&b"a: b\n\nc"[..], &b"a: b\r\n\r\nc\r\n"[..], "unchanged"),
            (b"a: b\n\nc", b"x: y\r\na: b\r\n\r\nc\r\n", "lines added"),
            (b"a: b\n\nc", b"a: b\r\nx: y\r\n\r\nc\r\n", "lines added"),
            (b"a: b\n", b"a: b\r\n\r\n", "lines added"),
            (b"c", b"x: y\r\n\r\nc\r\n", "lines added"),
            (b"a: b\n\nc\0d", b"a: b\r\n\r\nc\r\n", "cut"),
            (b"a: b\n\nc\0d\ne", b"a: b\r\n\r\nc\r\ne\r\n", "changed"),
            (b"a: b\n\nc", b"x: b\r\n\r\nc\r\n", "changed"),
        ] {
            let found = passage(stored, wire);
            assert_eq!(found, expected, "{}", wire.escape_ascii());
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
