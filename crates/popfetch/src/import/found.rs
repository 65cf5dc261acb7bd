//! An account as another program has it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use toml::{Table, Value};

use crate::config;
use crate::failure::{Failure, Status};
use crate::settings::Settings;

/// What becomes one `[account.NAME]`.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) name: String,
    /// The settings but for the password, in the order to write them in.
    pub(super) keys: Vec<(&'static str, Value)>,
    pub(super) password: Option<poplib::Secret>,
    /// Where the program keeps unique-ids, and which of them are this account's.
    pub(super) memory: Option<Memory>,
    /// What could not be carried over.
    pub(super) notes: Vec<String>,
}

/// A file of unique-ids.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) file: PathBuf,
    pub(super) of: Owner,
}

/// How a file says whose unique-ids they are.
#[derive(Debug)]
pub(super) enum Owner {
    /// mpop: below a line ` NUMBER HOST USER`, one a line.
    Mpop { host: String, user: String },
    /// fetchmail: `USER@SERVER UNIQUE-ID` in each line.
    Fetchmail { server: String, user: String },
    /// getmail: the file has this account's only; NUL and the time follow.
    Getmail,
}

/// How the server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    Tls,
    Stls,
    Plaintext,
}

impl Found {
    pub(super) fn new(name: &str) -> Self {
        let is_good = |c: char| c.is_alphanumeric() || "-_.@+".contains(c);
        let name: String = name
            .chars()
            .map(|c| if is_good(c) { c } else { '_' })
            .collect();
        let name = name.trim_start_matches(['-', '.']);
        Self {
            name: if name.is_empty() { "account" } else { name }.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        let value = match value.into() {
            // To other programs braces are part of a name.
            Value::String(path) if config::is_path(key) => {
                path.replace('{', "{{").replace('}', "}}").into()
            }
            value => value,
        };
        self.keys.push((key, value));
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(super) fn server(&mut self, security: Security, host: &str, port: Option<&str>) {
        let scheme = match security {
            Security::Tls => "pops",
            Security::Stls | Security::Plaintext => "pop",
        };
        let host = match host.contains(':') {
            true => format!("[{host}]"),
            false => host.to_owned(),
        };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        self.set("server", format!("{scheme}://{host}{port}"));
        if security == Security::Plaintext {
            self.set("allow_plaintext", true);
        }
    }

    /// Takes out settings whose value popfetch has no use for, which it notes, and those that
    /// others make needless.
    pub(super) fn drop_what_is_wrong(&mut self) {
        let Self { keys, notes, .. } = self;
        // Programs let a password stand above a command for it.
        let has_password = self.password.is_some();
        let has_pin = keys.iter().any(|(key, _)| *key == "pin");
        keys.retain(|(key, _)| match *key {
            "password_command" | "netrc" => !has_password,
            "ca_file" => !has_pin,
            _ => true,
        });
        keys.retain(|(key, value)| {
            let alone = Table::from_iter([((*key).to_owned(), value.clone())]);
            let checked = Settings::deserialize(alone);
            if let Err(error) = &checked {
                notes.push(format!("`{key} = {value}`: {}", error.message()));
            }
            checked.is_ok()
        });
    }

    /// The settings as a table of the configuration file.
    pub(super) fn settings(&self) -> Table {
        self.keys
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect()
    }

    /// The unique-ids of messages that were fetched.
    ///
    /// # Errors
    /// When their file cannot be read, as where nothing was fetched, or where it is elsewhere.
    pub(super) fn unique_ids(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let Some(memory) = &self.memory else {
            return Ok(Vec::new());
        };
        let octets = fs::read(&memory.file).map_err(|error| {
            let file = memory.file.display();
            let message = format!(
                "could not read what was fetched before from {file}: {error}; everything on the \
                 server would be fetched again"
            );
            Failure::new(Status::Configuration, message)
        })?;
        Ok(memory.of.unique_ids(&octets))
    }
}

/// Gives each account a name of its own: users of one server share its name in fetchmail, and names
/// may differ in what ours cannot have.
pub(super) fn tell_apart(found: &mut [Found]) {
    let mut names = BTreeSet::new();
    for Found { name, .. } in found {
        let (base, mut number) = (name.clone(), 1);
        while !names.insert(name.clone()) {
            number += 1;
            *name = format!("{base}-{number}");
        }
    }
}

impl Owner {
    pub(super) fn unique_ids(&self, octets: &[u8]) -> Vec<Vec<u8>> {
        let lines = octets.split(|octet| *octet == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let lines = lines.filter(|line| !line.is_empty());
        match self {
            Self::Mpop { host, user } => {
                let wanted = format!("{host} {user}");
                let mut is_ours = false;
                lines
                    .filter_map(|line| match line {
                        [b'#', ..] => None,
                        [b' ', head @ ..] => {
                            let whose = head.iter().position(|octet| *octet == b' ');
                            is_ours = whose.is_some_and(|at| head[at + 1..] == *wanted.as_bytes());
                            None
                        }
                        unique_id => is_ours.then(|| unique_id.to_vec()),
                    })
                    .collect()
            }
            Self::Fetchmail { server, user } => {
                let wanted = format!("{user}@{server} ");
                lines
                    .filter_map(|line| line.strip_prefix(wanted.as_bytes()))
                    .map(<[u8]>::to_vec)
                    .collect()
            }
            Self::Getmail => lines
                .filter_map(|line| line.split(|octet| *octet == 0).next())
                .map(<[u8]>::to_vec)
                .collect(),
        }
    }
}
