//! The accounts that were found, as a configuration file.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use toml::Value;

use super::found::Found;
use crate::cli;
use crate::config;
use crate::escape;
use crate::failure::{Failure, Status};
use crate::print::print;

/// Writes the file that the options name, for the owner only, or to standard output.
pub(super) fn configuration(
    found: &[Found],
    source: &Path,
    options: &cli::Import,
) -> Result<(), Failure> {
    let Some(path) = &options.out else {
        return print(text(found, source, false).as_bytes());
    };
    let mut open = OpenOptions::new();
    open.write(true).mode(0o600);
    match options.force {
        true => open.create(true).truncate(true),
        false => open.create_new(true),
    };
    if let Some(directory) = path.parent().filter(|path| !path.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| {
                let message = format!("could not make {}: {error}", directory.display());
                Failure::new(Status::CannotCreate, message)
            })?;
    }
    let text = text(found, source, true);
    let written = open.open(path).and_then(|mut file| {
        restrict(&file)?;
        file.write_all(text.as_bytes())
    });
    written.map_err(|error| {
        let message = format!("could not write {}: {error}", path.display());
        let failure = Failure::new(Status::CannotCreate, message);
        match error.kind() {
            io::ErrorKind::AlreadyExists => failure.hint("--force overwrites it"),
            _ => failure,
        }
    })
}

/// A file that was there before may have been open to others.
fn restrict(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o600))
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
