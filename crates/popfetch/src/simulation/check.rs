//! What must hold: of every message one copy in every target, nothing else there, and nothing
//! deleted on the server that the worst loss of power would take here.

use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::mail::{self, Mail};
use super::maildrop::Maildrop;
use super::world::Inside;

/// Where messages go.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Maildir(PathBuf),
    Mbox(PathBuf),
}

const SEPARATOR: &[u8] = b"From MAILER-DAEMON ";

impl Place {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Maildir(path) | Self::Mbox(path) => path,
        }
    }

    /// Whether a mail program finds the message there.
    pub(super) fn shows(&self, disk: &Disk, mail: &Mail) -> bool {
        let messages = self.messages(disk);
        messages.iter().any(|message| mail.is_whole_in(message))
    }

    /// Whether the worst loss of power leaves the whole message there.
    fn has_durably(&self, disk: &Disk, mail: &Mail) -> bool {
        match self {
            Self::Maildir(root) => ["new", "cur"].iter().any(|directory| {
                let files = disk.durable_files(&root.join(directory));
                files.into_iter().any(|file| mail.is_whole_in(file))
            }),
            Self::Mbox(path) => (disk.durable_file(path)).is_some_and(|file| {
                let messages = messages(file);
                messages.iter().any(|message| mail.is_whole_in(message))
            }),
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

impl Inside {
    /// The server deletes a message.
    pub(super) fn delete(&mut self, mail: &Mail) {
        for place in &self.places {
            if !place.has_durably(&self.disk, mail) {
                let title = mail.title();
                let violation = format!("{title} was deleted and is not safe in {place:?}");
                self.violations.push(violation);
            }
        }
        let messages = &mut self.maildrop.messages;
        messages.retain(|other| other.number != mail.number);
        self.tell(|| format!("  deleted: {}", mail.title()));
    }

    /// Somebody else deletes this message.
    pub(super) fn take(&mut self, index: usize) {
        let mail = self.maildrop.messages.remove(index);
        self.tell(|| format!("somebody else deletes {}", mail.title()));
        let is_safe =
            |place: &Place| place.has_durably(&self.disk, &mail) && place.shows(&self.disk, &mail);
        if !self.places.iter().all(is_safe) {
            self.maildrop.taken.push(mail.number);
        }
    }

    /// Everything has come to its end: what of it should not be.
    ///
    /// Each message is once in each place, and nothing else is there but what [`Given`] allows. A
    /// message that somebody else deleted before it was safe may be missing, and so may one that a
    /// disk lost when the server had none any more.
    ///
    /// [`Given`]: super::given::Given
    pub(super) fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for place in &self.places {
            self.check(place, &mut findings);
        }
        findings
    }

    fn check(&self, place: &Place, findings: &mut Vec<String>) {
        let Maildrop {
            all, taken, given, ..
        } = &self.maildrop;
        let found = place.messages(&self.disk).into_iter();
        let found = found.filter(|content| self.maildrop.may_own(content));
        let mut found: Vec<Vec<u8>> = found.map(|content| mail::stored(&content)).collect();
        for mail in all {
            let before = found.len();
            found.retain(|content| !mail.is_whole_in(content));
            let times = before - found.len();
            let is_lost = self.is_lost(place, mail) || taken.contains(&mail.number);
            let least = usize::from(!is_lost);
            if !(least..=given.most(mail)).contains(&times) {
                let title = mail.title();
                findings.push(format!("{title} is {times} times in {place:?}"));
            }
        }
        found.sort();
        for same in found.chunk_by(|a, b| a == b) {
            let most = given.most_remains(&same[0]);
            if same.len() > most {
                let (content, times) = (String::from_utf8_lossy(&same[0]), same.len());
                findings.push(format!(
                    "{place:?} has {times} times, and not {most} times, {content:?}"
                ));
            }
        }
    }
}
