//! The messages themselves: other content, with octets that are true of it.

use std::io::{self, BufRead, Cursor, Read};

use super::{Misbehaviour, Misbehaviours};
use crate::mailbox::Maildrop;
use crate::marks::Marks;

/// What UW's servers keep in the mailbox and show to everybody.
const FOLDER_DATA: &[u8] = b"From: Mail System Internal Data <MAILER-DAEMON@localhost>\r\n\
    Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\n\
    \r\n\
    This text is part of the internal format of your mail folder.\r\n";

impl Misbehaviours {
    pub(crate) fn alter(&self, maildrop: Box<dyn Maildrop>) -> Box<dyn Maildrop> {
        let mut alteration = Alteration {
            first_only: u64::MAX,
            replaced: None,
            appended: Vec::new(),
        };
        let mut altered = false;
        for misbehaviour in &self.active {
            altered |= alteration.include(misbehaviour);
        }
        match altered {
            true => Box::new(Altered {
                maildrop,
                alteration,
            }),
            false => maildrop,
        }
    }
}

struct Alteration {
    first_only: u64,
    /// The content of message 1.
    replaced: Option<&'static [u8]>,
    /// To every message.
    appended: Vec<u8>,
}

impl Alteration {
    /// `false` if the misbehaviour is of another kind.
    fn include(&mut self, misbehaviour: &Misbehaviour) -> bool {
        match misbehaviour {
            Misbehaviour::FirstOnly(messages) => self.first_only = *messages,
            Misbehaviour::FolderData => self.replaced = Some(FOLDER_DATA),
            Misbehaviour::BareLfDot => self.appended.extend_from_slice(b"before\n.\nafter\r\n"),
            Misbehaviour::OddOctets => {
                let odd = b"nul \0 bare \r 8-bit \xe4 no UTF-8 \xff\xfe\xc3\r\n";
                self.appended.extend_from_slice(odd);
            }
            Misbehaviour::LongLine(octets) => {
                self.appended
                    .resize(self.appended.len() + *octets as usize, b'x');
                self.appended.extend_from_slice(b"\r\n");
            }
            _ => return false,
        }
        true
    }
}

struct Altered {
    maildrop: Box<dyn Maildrop>,
    alteration: Alteration,
}

impl Altered {
    fn replaced(&self, number: u64) -> Option<&'static [u8]> {
        self.alteration.replaced.filter(|_| number == 1)
    }
}

impl Maildrop for Altered {
    fn messages(&self) -> u64 {
        self.maildrop.messages().min(self.alteration.first_only)
    }

    fn octets(&self, number: u64) -> io::Result<u64> {
        let octets = match self.replaced(number) {
            Some(replaced) => replaced.len() as u64,
            None => self.maildrop.octets(number)?,
        };
        Ok(octets + self.alteration.appended.len() as u64)
    }

    fn unique_id(&self, number: u64) -> Vec<u8> {
        self.maildrop.unique_id(number)
    }

    fn content(&self, number: u64) -> io::Result<Box<dyn BufRead + Send>> {
        let content: Box<dyn BufRead + Send> = match self.replaced(number) {
            Some(replaced) => Box::new(replaced),
            None => self.maildrop.content(number)?,
        };
        let appended = Cursor::new(self.alteration.appended.clone());
        Ok(Box::new(content.chain(appended)))
    }

    fn remove(&self, marked: &Marks) -> io::Result<()> {
        self.maildrop.remove(marked)
    }
}
