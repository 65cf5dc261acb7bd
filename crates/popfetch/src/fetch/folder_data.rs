//! UW's servers keep the state of a mailbox in its first message, and show it (Q28). Anybody can
//! send mail that looks a little like it, so all of it must match (Q51).

use super::{Broken, Fetcher, Opened, header};
use crate::plan::Fetch;
use crate::report::Event;

/// It has some hundred octets.
const MOST_OCTETS: u64 = 4096;
const SUBJECT: &[u8] = b"DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA";
const BODY: &str = "This text is part of the internal format of your mail folder, and is not a real \
    message. It is created automatically by the mail system software. If deleted, important folder \
    data will be lost, and it will be re-created with the data reset to initial values.";
/// The body has four lines.
const LINES: u32 = 8;

impl Fetcher<'_> {
    /// Whether message 1 is to be fetched and is none. It is looked at when it is new.
    pub(super) async fn is_folder_data(
        &self,
        opened: &mut Opened,
        wanted: &[Fetch],
    ) -> Result<bool, Broken> {
        let listing = &opened.listing;
        let is_small = || (listing.octets(0)).is_none_or(|octets| octets <= MOST_OCTETS);
        let may_be =
            |fetch: &Fetch| fetch.position == 0 && fetch.past.is_none() && fetch.known.is_empty();
        if !wanted.iter().any(may_be) || listing.number(0) != 1 || !is_small() {
            return Ok(false);
        }
        // Its body is looked at only where the header may be that of folder data.
        let mut is_folder_data = false;
        self.read_top(opened, &[0], 0, |_, header| {
            is_folder_data = header.is_ok_and(|header| has_header(&header));
        })
        .await?;
        if is_folder_data {
            self.read_top(opened, &[0], LINES, |_, message| {
                is_folder_data = message.is_ok_and(|message| is_all_of_it(&message));
            })
            .await?;
        }
        if is_folder_data {
            self.event(Event::LeftAlone {
                number: 1,
                why: "it is the server's own data about the mailbox",
            });
        }
        Ok(is_folder_data)
    }
}

fn has_header(message: &[u8]) -> bool {
    let has = |name| header::field(message, name).is_some();
    header::field(message, "Subject") == Some(SUBJECT) && (has("X-IMAP") || has("X-IMAPbase"))
}

fn is_all_of_it(message: &[u8]) -> bool {
    let body = &message[header::alone(message).len()..];
    let body = String::from_utf8_lossy(body);
    has_header(message) && body.split_whitespace().eq(BODY.split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER_DATA: &str = "From: Mail System Internal Data <MAILER-DAEMON@x>\r\n\
        Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\n\
        X-IMAP: 0979830219 0000000001\r\nStatus: RO\r\n\r\n\
        This text is part of the internal format of your mail folder, and is not\r\n\
        a real message.  It is created automatically by the mail system software.\r\n\
        If deleted, important folder data will be lost, and it will be re-created\r\n\
        with the data reset to initial values.\r\n";

    #[test]
    fn q51_folder_data_is_known_by_all_of_it_and_not_by_less() {
        let without = |part: &str, instead: &str| FOLDER_DATA.replace(part, instead);
        for folder_data in [
            FOLDER_DATA.to_owned(),
            without("X-IMAP", "X-IMAPbase"),
            without("\r\n", "\n"),
        ] {
            assert!(is_all_of_it(folder_data.as_bytes()), "{folder_data}");
        }
        for mail in [
            without("DON'T", "Re: DON'T"),
            without("INTERNAL DATA\r\n", "INTERNAL DATA?\r\n"),
            without("X-IMAP:", "X-Other:"),
            without("with the data", "with no data"),
            without("values.\r\n", "values.\r\n\r\nWho wrote this to me?\r\n"),
            without("This text", "You wrote:\r\nThis text"),
            without("with the data reset to initial values.\r\n", ""),
            without("\r\n\r\nThis", "\r\nThis"),
            FOLDER_DATA.split("This text").next().unwrap().to_owned(),
        ] {
            assert!(!is_all_of_it(mail.as_bytes()), "{mail}");
        }
    }
}
