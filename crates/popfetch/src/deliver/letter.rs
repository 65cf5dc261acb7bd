//! A whole message, as targets that take it whole get to see it.

use std::io;

use mail_parser::{HeaderName, HeaderValue, MessageParser};

use super::Ticket;
use super::line_ends::LineEnds;
use super::spool::Spooled;
use crate::settings::LineEnd;

/// The sender is looked for in so many octets of headers.
const HEAD: u64 = 64 * 1024;
/// RFC 5321, section 4.5.3.1.3, without the brackets.
const LONGEST_ADDRESS: usize = 254;

/// A message that is whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Letter<'a> {
    /// The account it comes from.
    pub(crate) account: &'a str,
    pub(crate) ticket: &'a Ticket,
    /// As received.
    pub(crate) octets: u64,
    pub(crate) content: &'a Spooled,
}

impl Letter<'_> {
    /// Gives the content with other line ends to `out`, piece by piece.
    pub(crate) fn write(
        &self,
        line_end: LineEnd,
        mut out: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut line_ends = LineEnds::to(line_end);
        let mut pieces = self.content.pieces();
        while let Some(piece) = pieces.next()? {
            line_ends.convert(piece, &mut out)?;
        }
        line_ends.finish(out)
    }

    /// Whom a report about the delivery would go to: the envelope's sender as the last server
    /// noted it in Return-Path (RFC 5321, section 4.4), or else the first address in From. `None`
    /// where that is nobody, or nothing that an envelope can carry.
    pub(crate) fn sender(&self) -> io::Result<Option<String>> {
        Ok(sender(&self.content.head(HEAD)?))
    }
}

fn sender(head: &[u8]) -> Option<String> {
    let message = MessageParser::new().parse_headers(head)?;
    let address = match message.header(HeaderName::ReturnPath) {
        Some(HeaderValue::Text(path)) => path.to_string(),
        // A report itself: nobody is to be told.
        Some(_) => return None,
        None => message.from()?.first()?.address()?.to_owned(),
    };
    can_be_in_an_envelope(&address).then_some(address)
}

/// Whether an address can stand between the brackets of an envelope's command as it is.
pub(super) fn can_be_in_an_envelope(address: &str) -> bool {
    let is_plain = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>');
    (1..=LONGEST_ADDRESS).contains(&address.len()) && address.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_is_the_envelopes_or_else_the_authors() {
        for (head, expected) in [
            (
                "Return-Path: <bounce@a.org>\r\nFrom: me@b.org\r\n\r\n",
                Some("bounce@a.org"),
            ),
            ("Return-Path: plain@a.org\r\n\r\n", Some("plain@a.org")),
            ("Return-Path: <>\r\nFrom: me@b.org\r\n\r\n", None),
            (
                "Subject: x\r\nFrom: \"Me, too\" <me@b.org>, you@c.org\r\n\r\n",
                Some("me@b.org"),
            ),
            ("From: me@b.org\n\nFrom: you@c.org\n", Some("me@b.org")),
            ("Subject: x\r\n\r\nFrom: me@b.org\r\n", None),
            ("From: undisclosed\r\n\r\n", None),
            ("", None),
            // What could end an envelope's command early, or is no ASCII.
            ("Return-Path: <a@b> SIZE=1\r\n\r\n", Some("a@b")),
            ("Return-Path: <\"a b\"@c>\r\n\r\n", None),
            ("From: <j\u{fc}rgen@b.org>\r\n\r\n", None),
        ] {
            assert_eq!(sender(head.as_bytes()).as_deref(), expected, "{head:?}");
        }
        let long = format!("From: {}@b.org\r\n\r\n", "a".repeat(300));
        assert_eq!(sender(long.as_bytes()), None);
    }
}
