//! What must hold: of every message one copy in every target, nothing else there, and nothing
//! deleted on the server that the worst loss of power would take here.

use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::maildrop::Mail;
use super::world::Inside;

/// Where messages go.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Maildir(PathBuf),
    Mbox(PathBuf),
}

const SEPARATOR: &[u8] = b"From MAILER-DAEMON ";

impl Place {
    /// Whether the worst loss of power leaves the message there.
    fn has_durably(&self, disk: &Disk, content: &[u8]) -> bool {
        match self {
            Self::Maildir(root) => ["new", "cur"].iter().any(|directory| {
                let files = disk.durable_files(&root.join(directory));
                files.into_iter().any(|file| file == content)
            }),
            Self::Mbox(path) => (disk.durable_file(path))
                .is_some_and(|file| memchr::memmem::find(file, content).is_some()),
        }
    }

    /// The messages that a mail program sees there.
    fn messages(&self, disk: &Disk) -> Vec<Vec<u8>> {
        match self {
            Self::Maildir(root) => ["new", "cur"]
                .iter()
                .map(|directory| root.join(directory))
                .flat_map(|directory| files(disk, &directory))
                .collect(),
            Self::Mbox(path) => match disk.node(path) {
                Ok(node) => messages(disk.content(node)),
                Err(_) => Vec::new(),
            },
        }
    }
}

fn files(disk: &Disk, directory: &Path) -> Vec<Vec<u8>> {
    let paths = (disk.names(directory).into_iter()).map(|name| directory.join(name));
    let nodes = paths.filter_map(|path| disk.node(&path).ok());
    nodes.map(|node| disk.content(node).to_vec()).collect()
}

fn messages(mbox: &[u8]) -> Vec<Vec<u8>> {
    let starts: Vec<usize> = memchr::memmem::find_iter(mbox, SEPARATOR).collect();
    let ends = starts.iter().skip(1).copied().chain([mbox.len()]);
    let before = &mbox[..starts.first().copied().unwrap_or(mbox.len())];
    let foreign = (!before.is_empty()).then(|| before.to_vec());
    let ours = starts.iter().zip(ends).map(|(&start, end)| {
        let message = &mbox[start..end];
        let line = memchr::memchr(b'\n', message).map_or(message.len(), |end| end + 1);
        let content = &message[line..];
        content.strip_suffix(b"\n").unwrap_or(content).to_vec()
    });
    foreign.into_iter().chain(ours).collect()
}

impl Mail {
    fn title(&self) -> String {
        let line = self.content.split(|&octet| octet == b'\r').next();
        String::from_utf8_lossy(line.unwrap_or_default()).into_owned()
    }

    /// As targets have it.
    fn stored(&self) -> Vec<u8> {
        let octets = self.content.iter().copied();
        octets.filter(|&octet| octet != b'\r').collect()
    }
}

impl Inside {
    /// The server deletes a message.
    pub(super) fn delete(&mut self, mail: &Mail) {
        let content = mail.stored();
        for place in &self.places {
            if !place.has_durably(&self.disk, &content) {
                let title = mail.title();
                let violation = format!("{title} was deleted and is not safe in {place:?}");
                self.violations.push(violation);
            }
        }
        let messages = &mut self.maildrop.messages;
        messages.retain(|other| other.content != mail.content);
        self.tell(|| format!("  deleted: {}", mail.title()));
    }

    /// Everything has come to its end: each of these messages is once in each place.
    pub(super) fn check(&mut self, all: &[Mail]) {
        for place in &self.places {
            let found = place.messages(&self.disk);
            for mail in all {
                let content = mail.stored();
                let times = found.iter().filter(|other| **other == content).count();
                if times != 1 {
                    let title = mail.title();
                    let violation = format!("{title} is {times} times in {place:?}");
                    self.violations.push(violation);
                }
            }
            let is_known = |content: &Vec<u8>| all.iter().any(|mail| mail.stored() == *content);
            for content in found.iter().filter(|content| !is_known(content)) {
                let content = String::from_utf8_lossy(content);
                let violation = format!("{place:?} has what was never sent: {content:?}");
                self.violations.push(violation);
            }
        }
    }
}
