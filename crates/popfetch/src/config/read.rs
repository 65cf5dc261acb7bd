//! Reading configuration files, and finding everything that is wrong in them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, ValueDeserializer};

use super::keys::{self, Key};
use super::place::Text;
use super::table::{Entry, Table};
use super::{Configuration, Program, Section};
use crate::failure::{Failure, Status};
use crate::settings::{self, Settings};

/// What stands at the top of the file beside the keys of the program.
const TOP: [&str; 3] = ["defaults", "account", "include"];

/// Reads a file and what it includes.
pub(super) fn read(path: &Path) -> (Configuration, Vec<Failure>) {
    let mut reader = Reader::new(path);
    for included in reader.file(path, true) {
        reader.file(&included, false);
    }
    reader.end()
}

struct Reader {
    configuration: Configuration,
    /// Where each account is in the configuration.
    by_name: HashMap<String, usize>,
    failures: Vec<Failure>,
}

/// Reads a text as if it stood in a file that others cannot read, and nothing that it names.
#[cfg(feature = "fuzzing")]
pub(super) fn read_text(path: &Path, text: &str) -> (Configuration, Vec<Failure>) {
    let mut reader = Reader::new(path);
    reader.text(&Text::new(path, text), 0o600, true);
    let named = ["ca_file", "target_ca_file"];
    for section in &mut reader.configuration.accounts {
        section.table.clear(named.into_iter());
    }
    reader.configuration.defaults.clear(named.into_iter());
    reader.end()
}

impl Reader {
    fn new(path: &Path) -> Self {
        Self {
            configuration: Configuration {
                path: path.to_owned(),
                ..Configuration::default()
            },
            by_name: HashMap::new(),
            failures: Vec::new(),
        }
    }

    fn end(self) -> (Configuration, Vec<Failure>) {
        (self.configuration, self.failures)
    }

    /// Reads one file. The files it includes, if it may include any.
    fn file(&mut self, path: &Path, is_main: bool) -> Vec<PathBuf> {
        let (text, mode) = match content(path) {
            Ok(read) => read,
            Err(failure) => {
                self.failures.push(failure);
                return Vec::new();
            }
        };
        self.text(&Text::new(path, &text), mode, is_main)
    }

    fn text(&mut self, text: &Text<'_>, mode: u32, is_main: bool) -> Vec<PathBuf> {
        let (table, errors) = DeTable::parse_recoverable(text.text);
        if !errors.is_empty() {
            self.failures
                .extend(errors.iter().map(|error| no_toml(text, error)));
            return Vec::new();
        }
        let mut includes = Vec::new();
        for (key, value) in as_it_stands(table.into_inner()) {
            match (&**key.get_ref(), is_main) {
                ("account", _) => self.accounts(text, mode, value),
                ("defaults", true) => {
                    if let Some(table) = self.table(text, value) {
                        self.configuration.defaults = self.settings(text, mode, table);
                    }
                }
                ("include", true) => includes = self.include(text, value),
                (name, _) => match Program::KEYS.iter().find(|key| **key == name) {
                    Some(key) if is_main => self.program(text, key, value),
                    _ => self.unknown_at_top(text, &key.span(), name, is_main),
                },
            }
        }
        includes
    }

    fn accounts(&mut self, text: &Text<'_>, mode: u32, value: Spanned<DeValue<'_>>) {
        let accounts = self.table(text, value).unwrap_or_default();
        for (name, value) in as_it_stands(accounts) {
            let (span, name) = (name.span(), name.into_inner().into_owned());
            if let Err(message) = check_name(&name) {
                self.failures.push(text.failure(&span, message));
                continue;
            }
            let Some(table) = self.table(text, value) else {
                continue;
            };
            let place = text.place(&span);
            if let Some(&earlier) = self.by_name.get(&name) {
                let earlier = &self.configuration.accounts[earlier];
                let failure = text.failure(&span, &format!("the account {name} is there already"));
                self.failures
                    .push(failure.details(&format!("note: it was described at {}", earlier.place)));
                continue;
            }
            let table = self.settings(text, mode, table);
            let accounts = &mut self.configuration.accounts;
            self.by_name.insert(name.clone(), accounts.len());
            accounts.push(Section { name, place, table });
        }
    }

    /// The value, if it is a table.
    fn table<'a>(&mut self, text: &Text<'_>, value: Spanned<DeValue<'a>>) -> Option<DeTable<'a>> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => Some(table),
            _ => {
                let failure = text.failure(&span, "this must be a table");
                self.failures
                    .push(failure.hint("accounts begin with a line like [account.work]"));
                None
            }
        }
    }

    fn settings(&mut self, text: &Text<'_>, mode: u32, table: DeTable<'_>) -> Table {
        let mut settings = Table::default();
        let mut singles: Vec<&Key> = Vec::new();
        for (name, value) in as_it_stands(table) {
            let Some(key) = self.key(text, &name) else {
                continue;
            };
            let rival = singles.iter().find(|rival| rival.group == key.group);
            if let Some(rival) = rival {
                let message = format!("`{}` and `{}` exclude each other", rival.name, key.name);
                self.failures.push(text.failure(&name.span(), &message));
                continue;
            }
            if key.group.is_some_and(|group| !group.multiple) {
                singles.push(key);
            }
            if key.is_secret && mode & 0o077 != 0 {
                self.failures.push(open_to_others(text, &name.span(), mode));
            }
            if let Some(entry) = self.entry(text, key, value) {
                settings.insert(key.name, entry);
            }
        }
        settings
    }

    fn key(&mut self, text: &Text<'_>, name: &Spanned<DeString<'_>>) -> Option<&'static Key> {
        let key = keys::find(name.get_ref());
        if key.is_none() {
            let names = keys::all().iter().map(|key| key.name);
            self.unknown(text, &name.span(), name.get_ref(), names);
        }
        key
    }

    fn entry(&mut self, text: &Text<'_>, key: &Key, value: Spanned<DeValue<'_>>) -> Option<Entry> {
        let span = value.span();
        let value = toml::Value::deserialize(ValueDeserializer::from(value));
        let checked = value.and_then(|mut value| {
            if key.is_path {
                make_absolute(&mut value, text.file, |_| true);
            } else if key.is_address {
                make_absolute(&mut value, text.file, settings::is_socket);
            }
            let alone = toml::Table::from_iter([(key.name.to_owned(), value.clone())]);
            Settings::deserialize(alone).map(|_| value)
        });
        match checked {
            Ok(value) => Some(Entry {
                value,
                place: text.place(&span),
            }),
            Err(error) => {
                let message = match key.is_secret {
                    // The message would say what it is instead.
                    true => "it must be a string",
                    false => error.message(),
                };
                self.failures.push(text.failure(&span, message));
                None
            }
        }
    }

    fn include(&mut self, text: &Text<'_>, value: Spanned<DeValue<'_>>) -> Vec<PathBuf> {
        let span = value.span();
        let patterns = Vec::<String>::deserialize(ValueDeserializer::from(value))
            .map_err(|_| text.failure(&span, "it is an array of file names"))
            .and_then(|patterns| {
                let files = patterns.iter().map(|pattern| matching(pattern, text.file));
                files
                    .collect::<Result<Vec<_>, String>>()
                    .map_err(|message| text.failure(&span, &message))
            });
        match patterns {
            Ok(files) => files.into_iter().flatten().collect(),
            Err(failure) => {
                self.failures.push(failure);
                Vec::new()
            }
        }
    }

    fn program(&mut self, text: &Text<'_>, name: &'static str, value: Spanned<DeValue<'_>>) {
        let span = value.span();
        let value = toml::Value::deserialize(ValueDeserializer::from(value));
        let checked = value.and_then(|mut value| {
            if name == "state" {
                make_absolute(&mut value, text.file, |_| true);
            }
            let alone = toml::Table::from_iter([(name.to_owned(), value.clone())]);
            Program::deserialize(alone).map(|_| value)
        });
        match checked {
            Ok(value) => {
                let place = text.place(&span);
                let entry = Entry { value, place };
                self.configuration.program.insert(name, entry);
            }
            Err(error) => self.failures.push(text.failure(&span, error.message())),
        }
    }

    fn unknown_at_top(&mut self, text: &Text<'_>, span: &Range<usize>, name: &str, is_main: bool) {
        if !is_main && top().any(|known| known == name) {
            let message = format!("`{name}` does not belong into an included file");
            self.failures.push(
                text.failure(span, &message)
                    .hint("there it can say [account.NAME] only"),
            );
        } else if keys::find(name).is_some() {
            let message = format!("`{name}` must be in [defaults] or in an [account.NAME]");
            self.failures.push(text.failure(span, &message));
        } else {
            self.unknown(text, span, name, top());
        }
    }

    fn unknown<'a>(
        &mut self,
        text: &Text<'_>,
        span: &Range<usize>,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) {
        let failure = text.failure(span, &format!("nobody knows the key `{name}`"));
        self.failures.push(match keys::nearest(name, known) {
            Some(nearest) => failure.hint(format!("did you mean `{nearest}`?")),
            None => failure.hint("`popfetch config example` shows every key"),
        });
    }
}

/// A table's entries in the order of the file.
fn as_it_stands(table: DeTable<'_>) -> Vec<(Spanned<DeString<'_>>, Spanned<DeValue<'_>>)> {
    let mut entries: Vec<_> = table.into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn top() -> impl Iterator<Item = &'static str> {
    TOP.into_iter().chain(Program::KEYS)
}

/// A file's text and permissions.
fn content(path: &Path) -> Result<(String, u32), Failure> {
    let cannot = |error: io::Error| {
        let message = format!(
            "could not read the configuration {}: {error}",
            path.display()
        );
        Failure::new(Status::Configuration, message)
    };
    let mut file = File::open(path).map_err(cannot)?;
    let mode = file.metadata().map_err(cannot)?.mode() & 0o777;
    if mode & 0o002 != 0 {
        // It can name commands.
        let message = format!(
            "{} can be changed by everybody (mode {mode:03o})",
            path.display()
        );
        return Err(Failure::new(Status::Configuration, message)
            .hint(format!("chmod o-w {}", path.display())));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(cannot)?;
    Ok((text, mode))
}

fn no_toml(text: &Text<'_>, error: &toml::de::Error) -> Failure {
    let span = error.span().unwrap_or_default();
    let failure = text.failure(&span, error.message());
    let value = text.text.get(span).unwrap_or_default();
    if value.starts_with(char::is_alphabetic) && error.message().contains("boolean") {
        return failure.hint("text stands in quotes");
    }
    failure
}

fn open_to_others(text: &Text<'_>, span: &Range<usize>, mode: u32) -> Failure {
    let message = format!("a password in a file that others can read or change (mode {mode:03o})");
    text.failure(span, &message)
        .hint(format!("chmod 600 {}", text.file.display()))
}

/// A name that is shown in reports and stands in paths.
fn check_name(name: &str) -> Result<(), &'static str> {
    let is_good = |c: char| c.is_alphanumeric() || "-_.@+".contains(c);
    if name.is_empty() || name.starts_with(['-', '.']) || !name.chars().all(is_good) {
        return Err(
            "an account's name has letters, digits and - _ . @ +, and begins with none of - .",
        );
    }
    Ok(())
}

/// Relative paths in a file are relative to it, wherever the command is run.
fn make_absolute(value: &mut toml::Value, file: &Path, is_path: fn(&str) -> bool) {
    match value {
        toml::Value::String(path) if is_path(path) && !path.starts_with('~') => {
            let absolute = beside(file, path);
            if let Ok(absolute) = absolute.into_os_string().into_string() {
                *path = absolute;
            }
        }
        toml::Value::Array(paths) => {
            paths
                .iter_mut()
                .for_each(|path| make_absolute(path, file, is_path));
        }
        _ => {}
    }
}

fn beside(file: &Path, path: &str) -> PathBuf {
    let joined = file.parent().unwrap_or(Path::new("")).join(path);
    std::path::absolute(&joined).unwrap_or(joined)
}

/// The files that a pattern stands for, in the order of their names. `*` is any part of a name.
fn matching(pattern: &str, file: &Path) -> Result<Vec<PathBuf>, String> {
    let path = match super::expand::home(Path::new(pattern)) {
        Ok(path) => beside(file, &path.to_string_lossy()),
        Err(failure) => return Err(failure.message),
    };
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(format!("`{pattern}` is no name of a file"));
    };
    let name = name.to_string_lossy();
    if !name.contains('*') {
        return Ok(vec![path.clone()]);
    }
    let Ok(entries) = fs::read_dir(directory) else {
        return Ok(Vec::new());
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| fits(&entry.file_name().to_string_lossy(), &name))
        .map(|entry| entry.path())
        .collect();
    files.sort();
    Ok(files)
}

/// Whether a name is what a pattern with `*` describes. Names that begin with a dot are hidden.
fn fits(name: &str, pattern: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}
