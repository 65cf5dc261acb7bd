//! Just enough JSON (RFC 8259) for a flat object: three strings do not earn a dependency.

use alloc::string::String;
use alloc::vec::Vec;

/// The members of an object whose values are strings, numbers or literals, in their order, with
/// strings unescaped. Values that are objects or arrays are passed over. `None` where the text
/// is no object.
pub(super) fn members(text: &str) -> Option<Vec<(String, String)>> {
    let mut reader = Reader { rest: text };
    let mut members = Vec::new();
    reader.expect('{')?;
    if reader.expect('}').is_some() {
        return reader.at_end().then_some(members);
    }
    loop {
        let name = reader.string()?;
        reader.expect(':')?;
        if let Some(value) = reader.value()? {
            members.push((name, value));
        }
        if reader.expect(',').is_none() {
            reader.expect('}')?;
            return reader.at_end().then_some(members);
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn at_end(&mut self) -> bool {
        self.skip_space();
        self.rest.is_empty()
    }

    fn expect(&mut self, wanted: char) -> Option<()> {
        self.skip_space();
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    /// `Some(None)` for an object or an array.
    fn value(&mut self) -> Option<Option<String>> {
        self.skip_space();
        match self.rest.chars().next()? {
            '"' => self.string().map(Some),
            '{' | '[' => self.skip_nested().map(|()| None),
            _ => self.scalar().map(Some),
        }
    }

    fn scalar(&mut self) -> Option<String> {
        let is_scalar = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let end = self.rest.find(|c| !is_scalar(c)).unwrap_or(self.rest.len());
        let (scalar, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!scalar.is_empty()).then(|| scalar.into())
    }

    /// Counts brackets instead of descending, so that no depth of them can exhaust the stack.
    fn skip_nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.rest.chars().next()? {
                '"' => {
                    self.string()?;
                    continue;
                }
                '{' | '[' => depth += 1,
                '}' | ']' => depth -= 1,
                _ => {}
            }
            self.next();
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.expect('"')?;
        let mut string = String::new();
        loop {
            match self.next()? {
                '"' => return Some(string),
                '\\' => string.push(self.escape()?),
                c if c.is_ascii_control() => return None,
                c => string.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            '"' => '"',
            '\\' => '\\',
            '/' => '/',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.code_point(),
            _ => return None,
        })
    }

    fn code_point(&mut self) -> Option<char> {
        let first = self.code_unit()?;
        let mut units = Vec::from([first]);
        if matches!(first, 0xD800..=0xDBFF) {
            self.rest = self.rest.strip_prefix("\\u")?;
            units.push(self.code_unit()?);
        }
        char::decode_utf16(units).next()?.ok()
    }

    fn code_unit(&mut self) -> Option<u16> {
        let digits = self.rest.get(..4)?;
        self.rest = &self.rest[4..];
        let all_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        all_digits.then(|| u16::from_str_radix(digits, 16).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn flat(text: &str) -> Option<Vec<(String, String)>> {
        members(text)
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Option<Vec<(String, String)>> {
        Some(
            pairs
                .iter()
                .map(|&(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    #[test]
    fn objects_are_read() {
        assert_eq!(flat("{}"), pairs([]));
        assert_eq!(flat(" { } "), pairs([]));
        assert_eq!(
            flat("{ \"a\" : \"b\" ,\r\n\t\"c\":401,\"d\":null}"),
            pairs([("a", "b"), ("c", "401"), ("d", "null")])
        );
        assert_eq!(
            flat(r#"{"a":[1,{"b":"]}"}],"c":{"d":{}},"e":"f"}"#),
            pairs([("e", "f")])
        );
        assert_eq!(
            flat(r#"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é"}"#),
            pairs([("a", "\"\\/\u{8}\u{c}\n\r\té😀é")])
        );
    }

    #[test]
    fn what_is_no_object_is_nothing() {
        for text in [
            "",
            "null",
            "[]",
            "{",
            "}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":\"b\"",
            "{\"a\":\"b\",}",
            "{\"a\":\"b\"}x",
            "{\"a\":[}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12\"}",
            "{\"a\":\"\\ud83d\"}",
            "{\"a\":\"\\ud83d\\u0041\"}",
            "{\"a\":\"\\udc00\"}",
            "{\"a\":\"\\u+123\"}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\",
            "{\"a\":\"\\ué123\"}",
            "{a:1}",
        ] {
            assert_eq!(flat(text), None, "{text}");
        }
    }

    #[test]
    fn a08_a_million_brackets_are_passed_over_once() {
        let deep = ["{\"a\":", &"[".repeat(500_000), &"]".repeat(500_000), "}"].concat();
        assert_eq!(flat(&deep), pairs([]));
        assert_eq!(flat(&["{\"a\":", &"[".repeat(1 << 20)].concat()), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>(), json in "[\\[\\]{}\",:a\\\\u0 ]*") {
            members(&text);
            members(&json);
        }
    }
}
