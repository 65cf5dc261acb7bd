//! Whether targets could take mail, as far as that can be seen without changing anything.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::Destination;
use super::maildir;
use super::mbox;
use crate::failure::{Failure, Status};

impl Destination {
    /// The setting that names it.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::Maildir(_) => maildir::KIND,
            Self::Mbox(_) => mbox::KIND,
            Self::Exec(_) => super::exec::KIND,
            Self::MailServer(protocol, _) => protocol.kind(),
            Self::StandardOutput => super::stdout::KIND,
        }
    }

    /// Looks at files and directories. Commands and servers show by themselves whether they are
    /// there.
    ///
    /// # Errors
    /// [`Status::CannotCreate`] when mail could not be put there now.
    pub(crate) fn look(&self) -> Result<(), Failure> {
        match self {
            Self::Maildir(path) => maildir(path),
            Self::Mbox(path) => mbox(path),
            Self::Exec(_) | Self::MailServer(..) | Self::StandardOutput => Ok(()),
        }
    }
}

fn maildir(path: &Path) -> Result<(), Failure> {
    if !exists(path)? {
        return room_for(path);
    }
    directory(path)?;
    for part in ["tmp", "new", "cur"].map(|name| path.join(name)) {
        if !exists(&part)? {
            writable(path)?;
        } else if part.is_symlink() {
            return Err(cannot(&part, "it is a link, not a directory"));
        } else {
            directory(&part)?;
            writable(&part)?;
        }
    }
    Ok(())
}

fn mbox(path: &Path) -> Result<(), Failure> {
    if !exists(path)? {
        return room_for(path);
    }
    if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return Err(cannot(
            path,
            "it is a link or a directory, not a regular file",
        ));
    }
    permitted(path, Access::READ_OK | Access::WRITE_OK)
}

/// Whether something can be made at this path.
fn room_for(path: &Path) -> Result<(), Failure> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    let parent = match parent.as_os_str().is_empty() {
        true => Path::new("."),
        false => parent,
    };
    if !exists(parent)? {
        return Err(cannot(path, &format!("there is no {}", parent.display()))
            .hint(format!("mkdir -p {}", parent.display())));
    }
    directory(parent)?;
    writable(parent)
}

/// Whether anything has this name, if it only is a link that leads nowhere.
fn exists(path: &Path) -> Result<bool, Failure> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(cannot(path, &error.to_string())),
    }
}

fn directory(path: &Path) -> Result<(), Failure> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(cannot(path, "it is no directory")),
        Err(error) => Err(cannot(path, &error.to_string())),
    }
}

/// Whether files can be made in this directory.
fn writable(directory: &Path) -> Result<(), Failure> {
    permitted(directory, Access::WRITE_OK | Access::EXEC_OK)
}

fn permitted(path: &Path, access: Access) -> Result<(), Failure> {
    accessat(CWD, path, access, AtFlags::EACCESS).map_err(|error| {
        cannot(path, &io::Error::from(error).to_string())
            .hint("see whose it is and what its permissions are: ls -ld")
    })
}

fn cannot(path: &Path, why: &str) -> Failure {
    let message = format!("no mail could be put into {}: {why}", path.display());
    Failure::new(Status::CannotCreate, message)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// What is found out about a path in a directory that has this and that in it.
    fn looked(destination: fn(std::path::PathBuf) -> Destination, name: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for part in ["mail/tmp", "mail/new", "mail/cur", "half/tmp", "linked/tmp"] {
            fs::create_dir_all(root.join(part)).unwrap();
        }
        symlink(root.join("mail/new"), root.join("linked/new")).unwrap();
        symlink(root.join("mail"), root.join("link")).unwrap();
        symlink(root.join("nowhere"), root.join("dangling")).unwrap();
        fs::write(root.join("file"), "").unwrap();
        let before = walk(root);
        let found = destination(root.join(name)).look();
        assert_eq!(walk(root), before);
        match found {
            Ok(()) => String::new(),
            Err(failure) => (failure.to_string()).replace(root.to_str().unwrap(), "."),
        }
    }

    fn walk(directory: &Path) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                found.extend(walk(&path));
            }
            found.push(path);
        }
        found.sort();
        found
    }

    #[test]
    fn a_maildir_is_there_or_can_be_made() {
        let look = |name| looked(Destination::Maildir, name);
        for name in ["mail", "half", "link", "new"] {
            assert_eq!(look(name), "", "{name}");
        }
        for (name, why) in [
            ("a/b", "./a/b: there is no ./a\n  hint: mkdir -p ./a"),
            ("file", "./file: it is no directory"),
            ("file/mail", "Not a directory"),
            ("dangling", "No such file"),
            ("linked", "./linked/new: it is a link"),
        ] {
            assert!(look(name).contains(why), "{}", look(name));
        }
    }

    #[test]
    fn an_mbox_is_a_file_or_can_be_made() {
        let look = |name| looked(Destination::Mbox, name);
        for name in ["file", "new", "mail/mbox"] {
            assert_eq!(look(name), "", "{name}");
        }
        for (name, why) in [
            ("a/mbox", "./a/mbox: there is no ./a\n  hint: mkdir -p ./a"),
            ("mail", "./mail: it is a link or a directory"),
            ("dangling", "./dangling: it is a link or a directory"),
        ] {
            assert!(look(name).contains(why), "{}", look(name));
        }
    }
}
