//! What a message's header says of it, decoded for display. Nothing that is stored goes through
//! this.

use mail_parser::{Address, DateTime, MessageParser};

use crate::clock::to_the_minute;

/// The fields that tell a person which message it is. Not escaped: whoever prints them does that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) date: Option<Date>,
    /// The first sender's address and name.
    pub(crate) sender: Option<String>,
    pub(crate) sender_name: Option<String>,
    pub(crate) subject: Option<String>,
}

/// When a message was written, as its sender's clock and time zone have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Date(DateTime);

impl Header {
    /// Decodes the header that `octets` begin with.
    pub(crate) fn parse(octets: &[u8]) -> Self {
        let Some(message) = MessageParser::default().parse_headers(octets) else {
            return Self::default();
        };
        let sender = message.from().and_then(Address::first);
        let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            date: (message.date().filter(|date| date.is_valid())).map(|date| Date(*date)),
            sender: owned(sender.and_then(|sender| sender.address())),
            sender_name: owned(sender.and_then(|sender| sender.name())),
            subject: owned(message.subject()),
        }
    }

    /// The sender for a person: the name, else the address.
    pub(crate) fn shown_sender(&self) -> Option<&str> {
        self.sender_name.as_deref().or(self.sender.as_deref())
    }
}

impl Date {
    /// Date and time by RFC 3339.
    pub(crate) fn to_rfc3339(&self) -> String {
        self.0.to_rfc3339()
    }

    /// Date and time for a table, without the time zone.
    pub(crate) fn to_short(&self) -> String {
        to_the_minute(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_decoded() {
        let header = Header::parse(
            b"Date: Fri, 2 Jan 2026 09:05:00 +0100\r\n\
              From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>, b@example.org\r\n\
              Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n =?utf-8?b?8J+Quw==?=\r\n\r\n",
        );
        let date = header.date.as_ref().unwrap();
        assert_eq!(date.to_short(), "2026-01-02 09:05");
        assert_eq!(date.to_rfc3339(), "2026-01-02T09:05:00+01:00");
        assert_eq!(header.shown_sender(), Some("Jürgen"));
        assert_eq!(header.sender.as_deref(), Some("j@example.org"));
        assert_eq!(header.subject.as_deref(), Some("Grüße🐻"));
    }

    #[test]
    fn what_is_not_there_is_none() {
        assert_eq!(Header::parse(b""), Header::default());
        assert_eq!(Header::parse(b"no header at all"), Header::default());
        let header = Header::parse(b"From: a@example.org\r\nDate: 99 Foo\r\nSubject:\r\n\r\n");
        assert_eq!((header.date, header.subject), (None, None));
        assert_eq!(header.sender.as_deref(), Some("a@example.org"));
    }
}
