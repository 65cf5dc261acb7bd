//! Octets as text: the escapes of the transcripts.

/// The octets that `text` stands for. `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH` are escapes.
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
            other => panic!("unknown escape \\{}", other as char),
        });
    }
    octets
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
