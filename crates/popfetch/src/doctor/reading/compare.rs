//! Whether TOP shows what RETR shows (Q23), and what else a message tells of its server. Pure.

use memchr::memchr;
use memchr::memmem;
use serde::Serialize;

/// What TOP answered, measured against RETR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TopAnswer {
    /// The header, and as many lines of the body as were asked for.
    Right,
    /// The right octets, but not all of them.
    CutOff {
        octets: usize,
    },
    /// More of the message than was asked for.
    TooMuch {
        octets: usize,
    },
    /// Another header, or another message.
    Other,
    Refused(String),
}

impl TopAnswer {
    pub(super) fn is_answer(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

/// Measures what TOP answered when it was asked for so many lines of the body.
pub(super) fn top(message: &[u8], answer: &[u8], lines: u32) -> TopAnswer {
    let expected = head(message, lines);
    // Whether the empty line behind the header belongs to it is not said by RFC 1939.
    if answer == expected || trimmed(answer) == trimmed(expected) {
        TopAnswer::Right
    } else if expected.starts_with(trimmed(answer)) {
        TopAnswer::CutOff {
            octets: answer.len(),
        }
    } else if message.starts_with(trimmed(answer)) {
        TopAnswer::TooMuch {
            octets: answer.len(),
        }
    } else {
        TopAnswer::Other
    }
}

/// The header with the empty line behind it, and so many lines of the body.
fn head(message: &[u8], lines: u32) -> &[u8] {
    let mut end = 0;
    let mut body_lines = None;
    while body_lines != Some(lines) {
        let Some(line_end) = memchr(b'\n', &message[end..]) else {
            return message;
        };
        let line = &message[end..end + line_end];
        end += line_end + 1;
        body_lines = match body_lines {
            None if trimmed(line).is_empty() => Some(0),
            None => None,
            Some(lines) => Some(lines + 1),
        };
    }
    &message[..end]
}

/// Without the line ends at the end.
fn trimmed(octets: &[u8]) -> &[u8] {
    let end = octets.iter().rposition(|octet| !b"\r\n".contains(octet));
    &octets[..end.map_or(0, |last| last + 1)]
}

/// A line that is a lone dot between bare LFs (Q9).
pub(super) fn has_bare_lf_dot(message: &[u8]) -> bool {
    memmem::find(message, b"\n.\n").is_some()
}

/// What UW's servers keep in a mailbox for themselves (Q28).
pub(super) fn is_folder_data(message: &[u8]) -> bool {
    memmem::find(head(message, 0), b"FOLDER INTERNAL DATA").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"Subject: x\r\nFrom: y\r\n\r\none\r\ntwo\r\nthree\r\n";

    #[test]
    fn q23_the_header_and_so_many_lines() {
        let header = &MESSAGE[..MESSAGE.len() - b"one\r\ntwo\r\nthree\r\n".len()];
        assert_eq!(top(MESSAGE, header, 0), TopAnswer::Right);
        let without_the_empty_line = &header[..header.len() - 2];
        assert_eq!(top(MESSAGE, without_the_empty_line, 0), TopAnswer::Right);
        assert_eq!(
            top(MESSAGE, &[header, b"one\r\n"].concat(), 1),
            TopAnswer::Right
        );
        assert_eq!(top(MESSAGE, MESSAGE, 3), TopAnswer::Right);
        assert_eq!(top(MESSAGE, MESSAGE, 100), TopAnswer::Right);
    }

    #[test]
    fn q23_what_is_not_that() {
        for (answer, lines, expected) in [
            (&b""[..], 0, TopAnswer::CutOff { octets: 0 }),
            (b"Subject: x\r\n", 0, TopAnswer::CutOff { octets: 12 }),
            (&MESSAGE[..30], 5, TopAnswer::CutOff { octets: 30 }),
            (
                MESSAGE,
                0,
                TopAnswer::TooMuch {
                    octets: MESSAGE.len(),
                },
            ),
            (
                b"X-New: z\r\nSubject: x\r\nFrom: y\r\n\r\n",
                0,
                TopAnswer::Other,
            ),
        ] {
            assert_eq!(top(MESSAGE, answer, lines), expected);
        }
    }

    #[test]
    fn q08_q09_line_feeds_alone() {
        let message = b"Subject: x\n\none\ntwo\n";
        assert_eq!(top(message, b"Subject: x\n\none\n", 1), TopAnswer::Right);
        assert!(has_bare_lf_dot(b"a\n.\nb") && !has_bare_lf_dot(b"a\r\n.\r\nb"));
    }

    #[test]
    fn q28_folder_data_is_told_by_its_header() {
        let subject = b"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\n\r\n";
        assert!(is_folder_data(subject));
        assert!(!is_folder_data(
            b"Subject: x\r\n\r\nFOLDER INTERNAL DATA\r\n"
        ));
    }

    #[test]
    fn q23_a_message_that_is_only_a_header() {
        assert_eq!(
            top(b"Subject: x\r\n", b"Subject: x\r\n\r\n", 0),
            TopAnswer::Right
        );
        assert_eq!(top(b"", b"", 0), TopAnswer::Right);
    }
}
