//! Where passwords come from: a file, a command, the environment, netrc, a keyring, the person at
//! the terminal.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use console::Term;
use poplib::Secret;

use crate::failure::{Failure, Status};

mod command;
mod keyring;
mod netrc;
#[cfg(test)]
mod tests;

pub(crate) use command::{kill, shell};

/// The variable that may hold a password.
pub(crate) const VARIABLE: &str = "POPFETCH_PASSWORD";
/// The same for the mail servers that mail is handed over to.
pub(crate) const TARGET_VARIABLE: &str = "POPFETCH_TARGET_PASSWORD";

/// How long a command or a keyring may take to give a password: somebody may have to type in
/// another one for it.
const LIMIT: Duration = Duration::from_secs(2 * 60);

/// No password is longer; a file that is was named by mistake.
const LONGEST: u64 = 64 * 1024;

/// Where to look for a password.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Nowhere: it is known.
    Given(Secret),
    /// The first line of a file that nobody else can read.
    File(PathBuf),
    /// The first line that a shell command prints.
    Command(String),
    /// A variable of the environment.
    Environment(String),
    /// The entry of a netrc file.
    Netrc(PathBuf),
    /// The system's keyring.
    Keyring,
    /// The environment, or else the person at the terminal.
    Ask,
}

/// Whom a password lets in, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose<'a> {
    /// What the user calls the account.
    pub(crate) account: &'a str,
    pub(crate) user: &'a str,
    pub(crate) host: &'a str,
}

/// The password from its source.
///
/// # Errors
/// [`Status::Configuration`] when the source has none or is open to others.
pub(crate) fn password(source: &Source, whose: Whose<'_>) -> Result<Secret, Failure> {
    match source {
        Source::Given(password) => Ok(password.clone()),
        Source::File(path) => from_file(path),
        Source::Command(command) => command::password(command, whose),
        Source::Netrc(path) => netrc::password(path, whose),
        Source::Keyring => keyring::password(whose),
        Source::Environment(variable) => from_environment(variable)
            .ok_or_else(|| configuration(format!("the variable {variable} holds no password"))),
        Source::Ask => from_environment(VARIABLE).map_or_else(|| from_terminal(whose), Ok),
    }
}

/// Whether a password that this machine keeps is there. Nobody is asked, and nothing is run.
///
/// # Errors
/// As those of [`password`].
pub(crate) fn check(source: &Source, whose: Whose<'_>) -> Result<(), Failure> {
    match source {
        Source::File(_) | Source::Netrc(_) => password(source, whose).map(drop),
        Source::Keyring => keyring::available(),
        Source::Given(_) | Source::Command(_) | Source::Environment(_) | Source::Ask => Ok(()),
    }
}

fn from_environment(variable: &str) -> Option<Secret> {
    std::env::var_os(variable)
        .filter(|password| !password.is_empty())
        .map(|password| Secret::from(password.into_encoded_bytes()))
}

fn from_file(path: &Path) -> Result<Secret, Failure> {
    let file = private(path, "password file")?;
    first_line(file)
        .map_err(|error| cannot_read(path, "password file", &error))?
        .ok_or_else(|| configuration(format!("the password file {} is empty", path.display())))
}

/// A whole file that nobody else can read.
fn private_text(path: &Path, what: &str) -> Result<Secret, Failure> {
    let mut octets = Vec::new();
    private(path, what)?
        .take(LONGEST)
        .read_to_end(&mut octets)
        .map_err(|error| cannot_read(path, what, &error))?;
    Ok(Secret::from(octets))
}

/// Opens a file, if only its owner can read or change it, and that is us or root.
fn private(path: &Path, what: &str) -> Result<File, Failure> {
    let file = File::open(path).map_err(|error| cannot_read(path, what, &error))?;
    // Asked of the open file: a path may lead elsewhere a moment later.
    let metadata = (file.metadata()).map_err(|error| cannot_read(path, what, &error))?;
    if metadata.mode() & 0o077 != 0 {
        let message = format!(
            "the {what} {} can be read or changed by others (mode {:03o})",
            path.display(),
            metadata.mode() & 0o777
        );
        return Err(configuration(message).hint(format!("chmod 600 {}", path.display())));
    }
    let owner = metadata.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        let message = format!("the {what} {} belongs to another user", path.display());
        return Err(configuration(message));
    }
    Ok(file)
}

fn cannot_read(path: &Path, what: &str, error: &io::Error) -> Failure {
    configuration(format!(
        "could not read the {what} {}: {error}",
        path.display()
    ))
}

fn from_terminal(whose: Whose<'_>) -> Result<Secret, Failure> {
    let Whose { user, host, .. } = whose;
    let asked = || -> io::Result<String> {
        let terminal = Term::stderr();
        terminal.write_str(&format!("Password of {user} at {host}: "))?;
        terminal.read_secure_line()
    };
    let none = || {
        configuration("there is no password, and no terminal to ask for it".into()).hint(format!(
            "use --password-file FILE, --password-command COMMAND, or the variable {VARIABLE}"
        ))
    };
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(none());
    }
    asked().map(Secret::from).map_err(|_| none())
}

/// The first line without its end. `None` if there is nothing at all.
fn first_line(source: impl Read) -> io::Result<Option<Secret>> {
    let mut octets = Vec::new();
    source.take(LONGEST).read_to_end(&mut octets)?;
    let end = memchr::memchr(b'\n', &octets);
    let secret = {
        let line = &octets[..end.unwrap_or(octets.len())];
        Secret::from(line.strip_suffix(b"\r").unwrap_or(line))
    };
    let nothing = octets.is_empty();
    // What was read is wiped when this is dropped.
    drop(Secret::from(octets));
    Ok((!nothing).then_some(secret))
}

fn configuration(message: String) -> Failure {
    Failure::new(Status::Configuration, message)
}
