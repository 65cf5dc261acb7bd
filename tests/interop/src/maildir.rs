use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
};

use crate::{Error, Mailbox, error::Doing};

/// A Maildir on disk: a server's, or what a client delivered.
#[derive(Clone, Debug)]
pub struct Maildir(PathBuf);

impl Maildir {
    /// The Maildir at `path`, which need not exist yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Everything in `new/` and `cur/`, in no order.
    ///
    /// # Errors
    ///
    /// A directory or file cannot be read.
    pub fn messages(&self) -> Result<Vec<Vec<u8>>, Error> {
        self.files()?
            .iter()
            .map(|file| fs::read(file).doing(|| format!("reading {}", file.display())))
            .collect()
    }

    /// The files in `new/` and `cur/`, in no order.
    ///
    /// # Errors
    ///
    /// A directory cannot be read.
    pub fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        for part in ["new", "cur"] {
            let dir = self.0.join(part);
            let reading = || format!("reading {}", dir.display());
            for entry in fs::read_dir(&dir).doing(reading)? {
                files.push(entry.doing(reading)?.path());
            }
        }
        Ok(files)
    }

    /// Makes the Maildir and puts the messages into `new/`, in names that sort in their order.
    pub(crate) fn fill(&self, mailbox: &Mailbox, owner: Owner) -> Result<(), Error> {
        for part in ["", "new", "cur", "tmp"] {
            let dir = self.0.join(part);
            fs::create_dir_all(&dir).doing(|| format!("making {}", dir.display()))?;
            owner.own(&dir)?;
        }
        for (index, message) in mailbox.messages().enumerate() {
            let name = format!(
                "{}.M{index}.interop,S={}",
                1_700_000_000 + index,
                message.len()
            );
            let file = self.0.join("new").join(name);
            fs::write(&file, message).doing(|| format!("writing {}", file.display()))?;
            owner.own(&file)?;
        }
        Ok(())
    }
}

/// Who owns the mail on a server: servers refuse to read it as root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Owner {
    fn own(self, path: &Path) -> Result<(), Error> {
        chown(path, Some(self.uid), Some(self.gid))
            .doing(|| format!("giving {} to uid {}", path.display(), self.uid))
    }
}
