//! The marker that is left in each target, by which it is known again: for a Maildir a file in it,
//! for an mbox one beside it.
//!
//! What it shows is the last batch of messages that was begun there, and it is durable before the
//! state says so. So a target that shows an earlier batch than the state was set back, and one that
//! shows no marker is not the one that it was: its disk may be away. Device and inode tell nothing:
//! they change when a disk is mounted again, and stay the same when it was formatted.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::{cannot_read, cannot_write, maildir, mbox, sameness};
use crate::failure::Failure;
use crate::fs::{FileSystem, SharedFile};
use crate::key::hex;
use crate::state::{Target, Token};

/// The longest that is read: maildrops have names of any length.
const LONGEST: usize = 4096;
const GREETING: &str =
    "popfetch knows by this file that mail is delivered here. Please leave it where it is.";

/// What a marker shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// Which state it belongs to, and which account there; hexadecimal digits.
    pub(super) state: String,
    pub(super) account: String,
    /// The account's, when the marker was made.
    pub(super) maildrop: String,
    pub(super) token: Token,
    pub(super) batch: u64,
}

impl Shown {
    fn to_text(&self) -> String {
        let Self {
            state,
            account,
            maildrop,
            token,
            batch,
        } = self;
        let [even, odd] = match batch % 2 {
            0 => [*batch, 0],
            _ => [0, *batch],
        };
        format!(
            "{GREETING}\nformat 1\nstate {state}\naccount {account}\nmaildrop {maildrop}\ntoken {}\n{}{}",
            hex(token),
            line(token, even),
            line(token, odd),
        )
    }

    fn from_text(text: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        };
        if value("format")? != "1" {
            return None;
        }
        let token = from_hex(value("token")?)?;
        let batches = text.lines().filter_map(|line| batch(&token, line));
        Some(Self {
            state: value("state")?.into(),
            account: value("account")?.into(),
            maildrop: value("maildrop")?.into(),
            batch: batches.max()?,
            token,
        })
    }
}

/// `batch`, twenty digits, and eight that prove them, so that a write that was cut short is told.
/// There are two such lines, which are written in turn: one of them is always whole.
fn line(token: &Token, batch: u64) -> String {
    let digits = format!("{batch:020}");
    let sum = Sha256::new().chain_update(token).chain_update(&digits);
    format!("batch {digits} {}\n", hex(&sum.finalize()[..4]))
}

fn batch(token: &Token, text: &str) -> Option<u64> {
    let digits = text.strip_prefix("batch ")?.split(' ').next()?;
    let batch = digits.parse().ok()?;
    (line(token, batch).trim_end() == text).then_some(batch)
}

fn from_hex(digits: &str) -> Option<Token> {
    let mut token = Token::default();
    if digits.len() != 2 * token.len() {
        return None;
    }
    for (index, octet) in token.iter_mut().enumerate() {
        *octet = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(token)
}

/// Where the markers of a target are, and what tells when it was changed.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// The target itself.
    pub(super) path: PathBuf,
    directory: PathBuf,
    /// What the names of markers begin with; behind it comes the token.
    prefix: OsString,
    /// `new/` of a Maildir, or the mbox.
    dated: PathBuf,
    /// Whether nothing is amiss where that is not there: mail programs remove an mbox that has
    /// become empty.
    may_be_empty: bool,
}

impl Site {
    /// That of a target that is a file or a directory.
    pub(super) fn of(target: &Target) -> Option<Self> {
        let path = PathBuf::from(OsString::from_vec(target.location.clone()));
        match target.kind.as_str() {
            maildir::KIND => Some(Self {
                directory: path.clone(),
                prefix: "popfetch-".into(),
                dated: path.join("new"),
                may_be_empty: false,
                path,
            }),
            mbox::KIND => {
                let mut prefix = OsString::from(".");
                prefix.push(path.file_name()?);
                prefix.push(".popfetch-");
                Some(Self {
                    directory: path.parent()?.into(),
                    prefix,
                    dated: path.clone(),
                    may_be_empty: true,
                    path,
                })
            }
            _ => None,
        }
    }

    pub(super) fn file(&self, token: &Token) -> PathBuf {
        let mut name = self.prefix.clone();
        name.push(hex(token));
        self.directory.join(name)
    }

    /// What the marker with this token shows; `None` where there is none.
    pub(super) fn read(
        &self,
        file_system: &dyn FileSystem,
        token: &Token,
    ) -> io::Result<Option<Shown>> {
        Ok(self.open(file_system, token)?.map(|opened| opened.shown))
    }

    /// Every marker that can be read. A directory that may not be listed shows none.
    pub(super) fn all(&self, file_system: &dyn FileSystem) -> io::Result<Vec<Shown>> {
        let names = match file_system.names(&self.directory) {
            Ok(names) => names,
            Err(error) if is_missing(&error) => return Ok(Vec::new()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let tokens = names.iter().filter_map(|name| self.token(name));
        let shown = tokens.filter_map(|token| self.read(file_system, &token).ok()?);
        Ok(shown.collect())
    }

    fn token(&self, name: &OsStr) -> Option<Token> {
        let digits = name.as_bytes().strip_prefix(self.prefix.as_bytes())?;
        from_hex(std::str::from_utf8(digits).ok()?)
    }

    fn open(&self, file_system: &dyn FileSystem, token: &Token) -> io::Result<Option<Opened>> {
        let file = match file_system.open_shared(&self.file(token), None) {
            Ok(file) => file,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = vec![0; LONGEST];
        let length = file.read_at(&mut text, 0)?;
        let shown = (std::str::from_utf8(&text[..length]).ok()).and_then(|text| {
            let shown = Shown::from_text(text).filter(|shown| shown.token == *token)?;
            Some((text.find("\nbatch ")? + 1, shown))
        });
        let (lines, shown) = shown
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its marker is damaged"))?;
        let lines = lines as u64;
        Ok(Some(Opened { file, lines, shown }))
    }

    /// Makes a marker, durably.
    pub(super) fn create(
        &self,
        file_system: &dyn FileSystem,
        shown: &Shown,
        mode: u32,
    ) -> io::Result<()> {
        let path = self.file(&shown.token);
        let mut file = match file_system.create(&path, mode) {
            // An attempt that was interrupted left it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                file_system.remove(&path)?;
                file_system.create(&path, mode)?
            }
            created => created?,
        };
        file.write_all(shown.to_text().as_bytes())?;
        file.sync()?;
        file_system.sync_directory(&self.directory)
    }

    /// Has the marker tell this batch. It is not durable yet.
    ///
    /// # Errors
    /// There is no marker, or it cannot be written.
    pub(super) fn advance(
        &self,
        file_system: &dyn FileSystem,
        token: &Token,
        batch: u64,
    ) -> io::Result<Box<dyn SharedFile>> {
        let opened = self.open(file_system, token)?;
        let Opened { file, lines, .. } = opened.ok_or(io::ErrorKind::NotFound)?;
        let line = line(token, batch);
        file.write_at(line.as_bytes(), lines + batch % 2 * line.len() as u64)?;
        Ok(file)
    }

    /// Removes a marker that is of no use any more.
    pub(super) fn remove(
        &self,
        file_system: &dyn FileSystem,
        token: &Token,
    ) -> Result<(), Failure> {
        let path = self.file(token);
        match file_system.remove(&path) {
            Err(error) if !is_missing(&error) => Err(cannot_write(&path, &error)),
            _ => Ok(()),
        }
    }

    /// When the target was changed last, by its own times; `None` where it is not there.
    pub(super) fn changed(&self, file_system: &dyn FileSystem) -> io::Result<Option<i64>> {
        match file_system.changed(&self.dated) {
            Ok(time) => Ok(Some(time)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What must be there in every target that is what it was, besides the marker.
    pub(super) fn dated(&self) -> Option<&Path> {
        (!self.may_be_empty).then_some(&self.dated)
    }
}

/// A marker that is open.
struct Opened {
    file: Box<dyn SharedFile>,
    /// Where in it the batches are told.
    lines: u64,
    shown: Shown,
}

/// A target whose marker is known, while messages are delivered to it.
#[derive(Debug)]
pub(crate) struct Marked {
    site: Site,
    /// `None` where no marker can be: nothing is told then.
    token: Option<Token>,
    /// The last batch that the state knows of.
    batch: AtomicU64,
}

impl Marked {
    pub(super) fn new(site: Site, token: Option<Token>, batch: u64) -> Self {
        let batch = AtomicU64::new(batch);
        Self { site, token, batch }
    }

    /// A target without a marker.
    #[cfg(test)]
    pub(super) fn without(target: &Target) -> Self {
        Self::new(Site::of(target).unwrap(), None, 0)
    }

    /// The batch that is being delivered.
    pub(super) fn next(&self) -> u64 {
        self.batch.load(Ordering::Relaxed) + 1
    }

    /// Has the marker tell the next batch. It is to be made durable by the caller, before the state
    /// says so.
    ///
    /// # Errors
    /// The target is no longer what it was.
    pub(super) fn begin(
        &self,
        file_system: &dyn FileSystem,
    ) -> Result<Option<Box<dyn SharedFile>>, Failure> {
        let advance = |token| self.site.advance(file_system, token, self.next());
        let marker = self.token.as_ref().map(advance).transpose();
        marker.map_err(|error| match is_missing(&error) {
            true => self.away("its marker is not there"),
            false => self.cannot_write(&error),
        })
    }

    /// The same, and makes it durable at once.
    ///
    /// # Errors
    /// As above.
    pub(super) fn begin_durably(&self, file_system: &dyn FileSystem) -> Result<(), Failure> {
        let marker = self.begin(file_system)?;
        let synced = marker.map_or(Ok(()), |marker| marker.sync());
        synced.map_err(|error| self.cannot_write(&error))
    }

    /// Looks whether the target is still there.
    ///
    /// # Errors
    /// It does not show its marker.
    pub(super) fn check(&self, file_system: &dyn FileSystem) -> Result<(), Failure> {
        let shown = self.token.map(|token| self.site.read(file_system, &token));
        match shown.transpose() {
            Ok(Some(None)) => Err(self.away("its marker is not there")),
            Ok(_) => Ok(()),
            Err(error) => Err(cannot_read(&self.site.path, &error)),
        }
    }

    fn cannot_write(&self, error: &io::Error) -> Failure {
        cannot_write(&self.site.path, error)
    }

    /// It is not what it was.
    pub(super) fn away(&self, why: &str) -> Failure {
        sameness::away(&self.site, why)
    }

    /// Whether the target as it is now had this batch begun in it.
    pub(super) fn has_begun(&self, batch: u64) -> bool {
        batch <= self.batch.load(Ordering::Relaxed)
    }

    /// The state knows of that batch.
    pub(super) fn begun(&self) {
        self.batch.fetch_add(1, Ordering::Relaxed);
    }

    /// When the target was changed last, by its own times.
    pub(super) fn changed(&self, file_system: &dyn FileSystem) -> Result<Option<i64>, Failure> {
        let changed = self.site.changed(file_system);
        changed.map_err(|error| cannot_read(&self.site.path, &error))
    }
}

/// Whether an error says that there is no such file, nor perhaps a directory that leads to it.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::OsFileSystem;

    const TOKEN: Token = [0xab; 16];

    fn shown(batch: u64) -> Shown {
        Shown {
            state: "0123".into(),
            account: "4567".into(),
            maildrop: "me@example.org".into(),
            token: TOKEN,
            batch,
        }
    }

    fn maildir(directory: &tempfile::TempDir) -> Site {
        let location = directory.path().as_os_str().as_bytes().to_vec();
        let kind = maildir::KIND.into();
        Site::of(&Target { kind, location }).unwrap()
    }

    #[test]
    fn a_marker_tells_the_batch_that_it_was_told_last() {
        let directory = tempfile::tempdir().unwrap();
        let site = maildir(&directory);
        let batch = || {
            site.read(&OsFileSystem, &TOKEN)
                .unwrap()
                .map(|shown| shown.batch)
        };
        assert_eq!(batch(), None);
        site.create(&OsFileSystem, &shown(1), 0o600).unwrap();
        for next in [2, 3, 3, 10, 11, 100] {
            site.advance(&OsFileSystem, &TOKEN, next).unwrap();
            assert_eq!(batch(), Some(next));
        }
        assert_eq!(site.all(&OsFileSystem).unwrap(), [shown(100)]);
        site.remove(&OsFileSystem, &TOKEN).unwrap();
        site.remove(&OsFileSystem, &TOKEN).unwrap();
        assert_eq!(batch(), None);
        assert!(site.advance(&OsFileSystem, &TOKEN, 101).is_err());
    }

    #[test]
    fn a_line_that_was_written_in_part_leaves_the_other_one() {
        let text = shown(8).to_text();
        let whole = |text: &str| Shown::from_text(text).map(|shown| shown.batch);
        assert_eq!(whole(&text), Some(8));
        // The ninth is on its way into the second line.
        let second = text.len() - line(&TOKEN, 9).len();
        for written in 0..line(&TOKEN, 9).len() {
            let torn = [
                &text[..second],
                &line(&TOKEN, 9)[..written],
                &text[second + written..],
            ];
            assert!(matches!(whole(&torn.concat()), Some(8 | 9)), "{written}");
        }
        // The digits of one marker prove nothing in another.
        let foreign = text.replace(&hex(&TOKEN), &hex(&[0xcd; 16]));
        assert_eq!(whole(&foreign), None);
        assert_eq!(whole(""), None);
        assert_eq!(whole(&text.replace("format 1", "format 2")), None);
    }

    #[test]
    fn the_markers_of_an_mbox_lie_beside_it_and_are_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let site = |name: &str| {
            let location = directory.path().join(name).into_os_string().into_vec();
            let kind = mbox::KIND.into();
            Site::of(&Target { kind, location }).unwrap()
        };
        site("in").create(&OsFileSystem, &shown(1), 0o600).unwrap();
        let name = format!(".in.popfetch-{}", hex(&TOKEN));
        assert!(directory.path().join(name).exists());
        assert_eq!(site("in").all(&OsFileSystem).unwrap().len(), 1);
        assert_eq!(site("out").all(&OsFileSystem).unwrap(), []);
        assert_eq!(site("no/where").all(&OsFileSystem).unwrap(), []);
    }
}
