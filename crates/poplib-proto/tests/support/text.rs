//! Octets as text: the escapes of the transcripts.

use base64ct::{Base64, Encoding};

/// The octets that `text` stands for. `\r`, `\n`, `\t`, `\0`, `\\`, `\xHH` are escapes, and `\b{…}` is
/// base64 of what stands in it.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        let (&escape, tail) = rest.split_first().expect("an escape is not complete");
        rest = tail;
        octets.push(match escape {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            b'\\' => b'\\',
            b'x' => {
                let (digits, tail) = rest.split_at(2);
                rest = tail;
                let digits = str::from_utf8(digits).expect("two hexadecimal digits");
                u8::from_str_radix(digits, 16).expect("two hexadecimal digits")
            }
            b'b' => {
                let (encoded, tail) = base64(rest);
                octets.extend(encoded.into_bytes());
                rest = tail;
                continue;
            }
            other => panic!("unknown escape \\{}", other as char),
        });
    }
    octets
}

/// Base64 of what stands in the braces at the front, and what follows them.
fn base64(text: &[u8]) -> (String, &[u8]) {
    let inner = text.strip_prefix(b"{").expect("a brace");
    let end = inner.iter().position(|&octet| octet == b'}');
    let (inner, tail) = inner.split_at(end.expect("another brace"));
    let inner = str::from_utf8(inner).expect("UTF-8");
    (Base64::encode_string(&unescape(inner)), &tail[1..])
}

/// A line of a transcript: its octets and `line_end`, which `\c` at the end leaves out.
pub(crate) fn line(text: &str, line_end: &[u8]) -> Vec<u8> {
    match text.strip_suffix("\\c") {
        Some(text) => unescape(text),
        None => [&unescape(text), line_end].concat(),
    }
}

/// The text that stands for `octets`.
pub(crate) fn escape(octets: &[u8]) -> String {
    let mut text = String::new();
    for chunk in octets.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '\r' => text.push_str("\\r"),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\0' => text.push_str("\\0"),
                control if control.is_ascii_control() => {
                    text.push_str(&format!("\\x{:02x}", control as u32));
                }
                printable => text.push(printable),
            }
        }
        for octet in chunk.invalid() {
            text.push_str(&format!("\\x{octet:02x}"));
        }
    }
    text
}
