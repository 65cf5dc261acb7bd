//! The accounts that were found, as a configuration file.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use toml::Value;

use super::found::Found;
use crate::cli;
use crate::config;
use crate::escape;
use crate::failure::{Failure, Status};
use crate::print::print;

/// At the end of the name that a file has until the state knows what it must know of its accounts.
const UNFINISHED: &str = ".popfetch-import";

/// A configuration that no command reads yet.
pub(super) enum Prepared {
    /// It is to be printed.
    Text(String),
    /// It stands under the first name, and is to have the second.
    File {
        new: Unfinished,
        path: PathBuf,
        overwrites: bool,
    },
    /// An earlier run wrote the same.
    Finished,
}

impl Prepared {
    /// Writes the file that the options name, for the owner only, under another name; or makes the
    /// text for standard output. What an earlier run left unfinished is overwritten.
    ///
    /// # Errors
    /// When it cannot be written, or another file has the name and may not be overwritten.
    pub(super) fn new(
        found: &[Found],
        source: &Path,
        options: &cli::Import,
    ) -> Result<Self, Failure> {
        let Some(path) = &options.out else {
            return Ok(Self::Text(text(found, source, false)));
        };
        let text = text(found, source, true);
        Self::write(&text, path, options.force).map_err(|error| cannot_write(path, &error))
    }

    fn write(text: &str, path: &Path, overwrites: bool) -> io::Result<Self> {
        // Where it is a link, the file that it leads to is the one to overwrite.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let mut new = path.clone().into_os_string();
        new.push(UNFINISHED);
        let new = PathBuf::from(new);
        match fs::read(&path) {
            Ok(there) if there == text.as_bytes() => return remove(&new).map(|()| Self::Finished),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if overwrites => return Err(error),
            _ if overwrites => {}
            _ => return Err(io::ErrorKind::AlreadyExists.into()),
        }
        if let Some(directory) = parent(&path) {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)?;
        }
        remove(&new)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(Self::File {
            new: Unfinished(new),
            path,
            overwrites,
        })
    }

    /// Gives it to the commands that read it.
    ///
    /// # Errors
    /// When that is impossible.
    pub(super) fn publish(self) -> Result<(), Failure> {
        match self {
            Self::Text(text) => print(text.as_bytes()),
            Self::File {
                new,
                path,
                overwrites,
            } => {
                let directory = parent(&path).unwrap_or(Path::new("."));
                let published = place(&new.0, &path, overwrites)
                    .and_then(|()| File::open(directory))
                    .and_then(|directory| directory.sync_all());
                published.map_err(|error| cannot_write(&path, &error))
            }
            Self::Finished => Ok(()),
        }
    }
}

/// A file that is gone with the value, if it still has this name.
pub(super) struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // The next run overwrites it.
        let _ = fs::remove_file(&self.0);
    }
}

fn place(new: &Path, path: &Path, overwrites: bool) -> io::Result<()> {
    if !overwrites {
        match fs::hard_link(new, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) => return Ok(()),
            // Not every file system has second names.
            Err(_) => {}
        }
    }
    fs::rename(new, path)
}

fn parent(path: &Path) -> Option<&Path> {
    path.parent().filter(|path| !path.as_os_str().is_empty())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let message = format!("could not write {}: {error}", path.display());
    let failure = Failure::new(Status::CannotCreate, message);
    match error.kind() {
        io::ErrorKind::AlreadyExists => failure.hint("--force overwrites it"),
        _ => failure,
    }
}

/// The configuration. Passwords go into files only.
pub(super) fn text(found: &[Found], source: &Path, with_passwords: bool) -> String {
    let mut text = comment(&format!("From {}.", source.display()));
    for found in found {
        text += &format!("\n[account.{}]\n", config::quoted(&found.name));
        for (key, value) in &found.keys {
            text += &format!("{key} = {value}\n");
        }
        let password = found
            .password
            .as_ref()
            .map(|password| String::from_utf8_lossy(password.expose()).into_owned());
        match password {
            Some(password) if with_passwords => {
                text += &format!("password = {}\n", Value::from(password));
            }
            Some(_) => text += "# There is a password; with --out FILE it is written here.\n",
            None => {}
        }
        for note in &found.notes {
            text += &comment(note);
        }
    }
    text
}

/// A line that says nothing to those who read the configuration, whatever is in the text.
fn comment(text: &str) -> String {
    format!("# {}\n", escape::text(&text.replace(['\n', '\r'], " ")))
}
