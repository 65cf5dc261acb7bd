//! The messages themselves: other content, and the octets that are told of it.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::sync::Arc;

use super::content::{self, Content, Multipart, Repeated};
use super::{History, Misbehaviour, Misbehaviours};
use crate::mailbox::Maildrop;
use crate::marks::Marks;

/// What UW's servers keep in the mailbox and show to everybody.
const FOLDER_DATA: &[u8] = b"Date: Thu, 18 Jan 2001 15:03:39 +0000\r\n\
    From: Mail System Internal Data <MAILER-DAEMON@localhost>\r\n\
    Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\n\
    Message-ID: <979830219@localhost>\r\n\
    X-IMAP: 0979830219 0000000001\r\n\
    Status: RO\r\n\
    \r\n\
    This text is part of the internal format of your mail folder, and is not\r\n\
    a real message.  It is created automatically by the mail system software.\r\n\
    If deleted, important folder data will be lost, and it will be re-created\r\n\
    with the data reset to initial values.\r\n";

/// Mail about it.
const MENTIONS_FOLDER_DATA: &[u8] = b"From: Sender <sender@example.org>\r\n\
    Subject: Re: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\n\
    Message-ID: <question@example.org>\r\n\
    \r\n\
    Who wrote this message to me, and why may I not delete it?\r\n";

const STATUS_LINE: &[u8] = b"Status: RO\r\n";
/// Behind every message.
const BARE_LF_DOT: &[u8] = b"before\n.\nafter\r\n";
const ODD_OCTETS: &[u8] = b"nul \0 bare \r 8-bit \xe4 no UTF-8 \xff\xfe\xc3\r\n";

impl Misbehaviours {
    /// The maildrop as one session sees it. `retrievals` says how often messages were retrieved in
    /// others, by unique-id.
    pub(crate) fn alter(
        self: &Arc<Self>,
        maildrop: Box<dyn Maildrop>,
        retrievals: BTreeMap<Vec<u8>, u64>,
        history: &mut History,
    ) -> Box<dyn Maildrop> {
        if self.active.is_empty() {
            return maildrop;
        }
        self.course
            .unique_ids
            .get_or_init(|| history.unique_ids(self, &*maildrop));
        Box::new(Altered {
            maildrop,
            misbehaviours: Arc::clone(self),
            retrievals,
        })
    }

    /// A line that is as long as any other, and like none.
    pub(super) fn scan_stamp(&self) -> Vec<u8> {
        format!("X-Scanned-At: {:016}\r\n", self.course.new_number()).into_bytes()
    }
}

struct Altered {
    maildrop: Box<dyn Maildrop>,
    misbehaviours: Arc<Misbehaviours>,
    retrievals: BTreeMap<Vec<u8>, u64>,
}

impl Altered {
    /// What stands in the place of a message.
    fn replaced(&self, number: u64) -> Option<&'static [u8]> {
        self.misbehaviours.find(|misbehaviour| match misbehaviour {
            Misbehaviour::FolderData if number == 1 => Some(FOLDER_DATA),
            Misbehaviour::MentionsFolderData if number == 1 => Some(MENTIONS_FOLDER_DATA),
            _ => None,
        })
    }

    /// Whether an earlier session has retrieved the message.
    fn was_seen(&self, number: u64) -> bool {
        self.retrievals
            .contains_key(&self.maildrop.unique_id(number))
    }

    /// The content, but for a header without end.
    fn finite(&self, number: u64) -> io::Result<Content> {
        let mut content: Content = match self.replaced(number) {
            Some(replaced) => Box::new(replaced),
            None => self.maildrop.content(number)?,
        };
        for misbehaviour in &self.misbehaviours.active {
            content = match misbehaviour {
                Misbehaviour::StatusLine | Misbehaviour::CountedStatusLine
                    if self.was_seen(number) =>
                {
                    let (header, rest) = content::split_header(content)?;
                    content::prefixed([&*header, STATUS_LINE].concat(), rest)
                }
                Misbehaviour::CountedScanStamp => {
                    content::prefixed(self.misbehaviours.scan_stamp(), content)
                }
                Misbehaviour::FreshBoundaries => {
                    let (header, rest) = content::split_header(content)?;
                    let made = self.multipart(number, &header);
                    content::followed(content::prefixed(made.head, rest), made.tail)
                }
                other => match appended(other) {
                    Some(octets) => content::followed(content, octets),
                    None => content,
                },
            };
        }
        Ok(content)
    }

    fn multipart(&self, number: u64, header: &[u8]) -> Multipart {
        let made = self.misbehaviours.course.new_number();
        Multipart::new(header, &self.maildrop.unique_id(number), made)
    }

    /// Octets that the altered content has beyond the true one.
    fn added(&self, number: u64) -> io::Result<u64> {
        let mut added = 0;
        for misbehaviour in &self.misbehaviours.active {
            added += match misbehaviour {
                Misbehaviour::CountedStatusLine if self.was_seen(number) => STATUS_LINE.len(),
                Misbehaviour::CountedScanStamp => self.misbehaviours.scan_stamp().len(),
                Misbehaviour::FreshBoundaries => {
                    let (header, _) = content::split_header(self.maildrop.content(number)?)?;
                    let made = self.multipart(number, &header);
                    made.head.len() + made.tail.len() - header.len()
                }
                other => appended(other).map_or(0, |octets| octets.len()),
            } as u64;
        }
        Ok(added)
    }

    /// What is told of a message that has so many octets.
    fn told(&self, number: u64, mut octets: u64) -> io::Result<u64> {
        for misbehaviour in &self.misbehaviours.active {
            octets = match misbehaviour {
                Misbehaviour::MoreOctets(more) => octets + more,
                Misbehaviour::HiddenLines => octets + 40 + self.chance(number) % 29,
                Misbehaviour::MeaninglessOctets => 1 + self.chance(number) % 100_000,
                Misbehaviour::UnixOctets => octets - crlfs(self.finite(number)?)?,
                _ => octets,
            };
        }
        Ok(octets)
    }

    /// A number that depends on the message and on nothing else.
    fn chance(&self, number: u64) -> u64 {
        let unique_id = self.maildrop.unique_id(number);
        unique_id.iter().fold(7, |number: u64, octet| {
            number.wrapping_mul(31).wrapping_add(u64::from(*octet))
        })
    }
}

/// What a misbehaviour appends to every message.
fn appended(misbehaviour: &Misbehaviour) -> Option<Vec<u8>> {
    match misbehaviour {
        Misbehaviour::BareLfDot => Some(BARE_LF_DOT.to_vec()),
        Misbehaviour::OddOctets => Some(ODD_OCTETS.to_vec()),
        Misbehaviour::LongLine(octets) => {
            let mut line = vec![b'x'; *octets as usize];
            line.extend_from_slice(b"\r\n");
            Some(line)
        }
        _ => None,
    }
}

/// How many line ends have two octets.
fn crlfs(mut content: Content) -> io::Result<u64> {
    let mut crlfs = 0;
    let mut line = Vec::new();
    while content.read_until(b'\n', &mut line)? > 0 {
        crlfs += u64::from(line.ends_with(b"\r\n"));
        line.clear();
    }
    Ok(crlfs)
}

impl Maildrop for Altered {
    fn messages(&self) -> u64 {
        let messages = self.maildrop.messages();
        let first_only = self.misbehaviours.find(|misbehaviour| match misbehaviour {
            Misbehaviour::FirstOnly(most) => Some(*most),
            _ => None,
        });
        messages.min(first_only.unwrap_or(messages))
    }

    fn octets(&self, number: u64) -> io::Result<u64> {
        let octets = match self.replaced(number) {
            Some(replaced) => replaced.len() as u64,
            None => self.maildrop.octets(number)?,
        };
        self.told(number, octets + self.added(number)?)
    }

    fn unique_id(&self, number: u64) -> Vec<u8> {
        self.maildrop.unique_id(number)
    }

    fn content(&self, number: u64) -> io::Result<Box<dyn BufRead + Send>> {
        let endless = Misbehaviour::EndlessHeader(number);
        if self.misbehaviours.has(&endless) {
            return Ok(Box::new(Repeated::new(b"X-Endless: header\r\n")));
        }
        self.finite(number)
    }

    fn remove(&self, marked: &Marks) -> io::Result<()> {
        self.maildrop.remove(marked)
    }
}
