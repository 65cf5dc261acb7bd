//! Messages that are files.

use std::fs::{self, File};
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::line_ends::ToCrlf;
use super::{Maildrop, Source};
use crate::digest;
use crate::marks::Marks;

pub(crate) struct Maildir {
    path: PathBuf,
    delivered: AtomicU64,
}

impl Maildir {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            delivered: AtomicU64::new(0),
        }
    }

    /// The message files of `new` and `cur` in the order of their names, which is the order of
    /// their arrival where the names begin with the time, as they should.
    fn scan(&self) -> io::Result<Vec<Message>> {
        let mut messages = Vec::new();
        for folder in ["new", "cur"] {
            for entry in fs::read_dir(self.path.join(folder))? {
                let entry = entry?;
                let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                if !hidden && entry.file_type()?.is_file() {
                    messages.push(Message::new(entry.path()));
                }
            }
        }
        messages.sort_by(|a, b| a.path.file_name().cmp(&b.path.file_name()));
        Ok(messages)
    }
}

impl Source for Maildir {
    fn messages(&self) -> io::Result<u64> {
        Ok(self.scan()?.len() as u64)
    }

    fn open(&self) -> io::Result<Box<dyn Maildrop>> {
        Ok(Box::new(View {
            messages: self.scan()?,
        }))
    }

    fn deliver(&self, message: Vec<u8>) -> io::Result<()> {
        let number = self.delivered.fetch_add(1, Ordering::Relaxed);
        let name = format!("9999999999.{number:06}_{}.sandbox", std::process::id());
        let temporary = self.path.join("tmp").join(&name);
        fs::write(&temporary, message)?;
        fs::rename(temporary, self.path.join("new").join(name))
    }

    fn choose_unique_ids(&self, _unique_ids: Vec<Vec<u8>>) {}
}

struct View {
    messages: Vec<Message>,
}

impl View {
    fn get(&self, number: u64) -> &Message {
        &self.messages[number as usize - 1]
    }
}

impl Maildrop for View {
    fn messages(&self) -> u64 {
        self.messages.len() as u64
    }

    fn octets(&self, number: u64) -> io::Result<u64> {
        self.get(number).octets()
    }

    fn unique_id(&self, number: u64) -> Vec<u8> {
        unique_id(&self.get(number).path)
    }

    fn content(&self, number: u64) -> io::Result<Box<dyn BufRead + Send>> {
        Ok(Box::new(ToCrlf::new(File::open(&self.get(number).path)?)))
    }

    fn remove(&self, marked: &Marks) -> io::Result<()> {
        for number in marked.iter() {
            match fs::remove_file(&self.get(number).path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

struct Message {
    path: PathBuf,
    octets: OnceLock<u64>,
}

impl Message {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            octets: OnceLock::new(),
        }
    }

    /// Counted by reading the file once: CRLF line ends make it longer than the file.
    fn octets(&self) -> io::Result<u64> {
        if let Some(octets) = self.octets.get() {
            return Ok(*octets);
        }
        let octets = io::copy(
            &mut ToCrlf::new(File::open(&self.path)?).by_ref(),
            &mut io::sink(),
        )?;
        Ok(*self.octets.get_or_init(|| octets))
    }
}

/// RFC 1939 §7: one to 70 octets from 0x21 to 0x7E.
fn unique_id(path: &Path) -> Vec<u8> {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let base = name
        .split(|octet| *octet == b':')
        .next()
        .unwrap_or_default();
    let allowed = (1..=70).contains(&base.len()) && base.iter().all(u8::is_ascii_graphic);
    if allowed {
        base.to_vec()
    } else {
        digest::hex(&digest::sha256(base)).into_bytes()
    }
}
