//! The configuration file: settings for all accounts, for each account, and for the program.

mod check;
mod example;
mod expand;
mod given;
mod keys;
mod origin;
mod place;
mod program;
mod read;
mod show;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::account::Account;
use crate::cli;
use crate::failure::{Failure, Status};
use crate::print::print;
use crate::report::Report;
use crate::settings::Settings;

pub(crate) use expand::Facts;
pub(crate) use given::Given;
pub(crate) use keys::is_path;
#[cfg(test)]
pub(crate) use keys::{Key, all as keys};
use place::Place;
use program::Program;
pub(crate) use show::quoted;
use table::Table;

/// What the configuration file says, or nothing where there is none.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    /// The file, whether it exists or not.
    path: PathBuf,
    /// What it says of popfetch as a whole.
    program: Table,
    defaults: Table,
    /// In the order of the files and in them.
    accounts: Vec<Section>,
}

/// An `[account.NAME]`.
#[derive(Debug)]
struct Section {
    name: String,
    place: Place,
    table: Table,
}

impl Section {
    /// A failure of this account, which the file is to be blamed for.
    fn at(&self, failure: Failure) -> Failure {
        at(&self.place, failure)
    }
}

/// A failure that what the file says there is to be blamed for.
fn at(place: &Place, failure: Failure) -> Failure {
    Failure {
        status: Status::Configuration,
        message: format!("{place}: {}", failure.message),
        ..failure
    }
}

/// `popfetch config …`.
pub(crate) fn run(
    options: &cli::Config,
    common: &cli::Common,
    report: &Arc<dyn Report>,
) -> Result<Option<Status>, Failure> {
    match options {
        cli::Config::Check(options) => check::run(options, common, report),
        cli::Config::Show(options) => show::run(options, common).map(|()| None),
        cli::Config::Example => print(example::text().as_bytes()).map(|()| None),
    }
}

/// Reads the configuration file and what it includes.
///
/// # Errors
/// [`Status::Configuration`] for the first thing that is wrong.
pub(crate) fn read(files: &cli::Files) -> Result<Configuration, Failure> {
    let (configuration, mut failures) = read_all(files)?;
    if failures.is_empty() {
        return Ok(configuration);
    }
    let others = failures.len() - 1;
    let first = failures.swap_remove(0);
    Err(match others {
        0 => first,
        _ => first.details(&format!(
            "note: more is wrong; `popfetch config check` shows all of it ({others} more)"
        )),
    })
}

/// Reads as much as can be read, and tells everything that is wrong.
fn read_all(files: &cli::Files) -> Result<(Configuration, Vec<Failure>), Failure> {
    match &files.config {
        Some(path) => Ok(read::read(path)),
        None => match default_file() {
            Some(path) if path.exists() => Ok(read::read(&path)),
            path => Ok((
                Configuration {
                    path: path.unwrap_or_default(),
                    ..Configuration::default()
                },
                Vec::new(),
            )),
        },
    }
}

impl Configuration {
    /// What a file with this text says, and everything that is wrong with it.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn of_text(path: &std::path::Path, text: &str) -> (Self, Vec<Failure>) {
        read::read_text(path, text)
    }

    /// The accounts to work on: the one that `--server` describes, or else those of the file, all
    /// of them or the named ones. The command line stands above the account, and that above the
    /// defaults.
    ///
    /// # Errors
    /// [`Status::Usage`] or [`Status::Configuration`] when there is no such account, or one lacks
    /// something.
    pub(crate) fn accounts(
        &self,
        given: &Given,
        names: &[String],
    ) -> Result<Vec<Account>, Failure> {
        if given.settings().server.is_some() {
            exclude_each_other(names.first().map(String::as_str))?;
            return Ok(vec![Account::new(None, given.settings().clone())?]);
        }
        let accounts = self
            .sections(names)?
            .into_iter()
            .map(|section| Ok((section, self.account(section, given, Account::new)?)))
            .collect::<Result<Vec<_>, Failure>>()?;
        distinct(&accounts)?;
        Ok(accounts.into_iter().map(|(_, account)| account).collect())
    }

    /// The one account that the command line or the file describes, for a command that delivers
    /// nothing.
    ///
    /// # Errors
    /// Those of [`accounts`](Self::accounts), and where there are several and none is named.
    pub(crate) fn account_to_look_at(
        &self,
        given: &Given,
        name: Option<&str>,
    ) -> Result<Account, Failure> {
        if given.settings().server.is_some() {
            exclude_each_other(name)?;
            return Account::to_look_at(None, given.settings().clone());
        }
        let names: Vec<String> = name.map(str::to_owned).into_iter().collect();
        match &*self.sections(&names)? {
            [section] => self.account(section, given, Account::to_look_at),
            sections => {
                let names: Vec<&str> = sections.iter().map(|section| &*section.name).collect();
                Err(Failure::new(Status::Usage, "which account?")
                    .hint(format!("there are: {}", names.join(", "))))
            }
        }
    }

    /// Whether the file describes an account of this name.
    pub(crate) fn has_account(&self, name: &str) -> bool {
        self.accounts.iter().any(|section| section.name == name)
    }

    /// The accounts of the file, for commands that deliver nothing. Those that lack something are
    /// left out.
    pub(crate) fn described(&self) -> impl Iterator<Item = Account> {
        let account = |section: &Section| {
            Account::to_look_at(Some(&section.name), self.said(section).settings()?)
        };
        (self.accounts.iter()).filter_map(move |section| account(section).ok())
    }

    /// The names of the accounts, and what the state knows them by. Those that lack something are
    /// left out.
    pub(crate) fn maildrops(&self) -> Vec<(String, String)> {
        let names = |account: Account| (account.name, account.maildrop);
        self.described().map(names).collect()
    }

    /// The sections with these names, or all.
    fn sections(&self, names: &[String]) -> Result<Vec<&Section>, Failure> {
        if self.accounts.is_empty() {
            return Err(self.no_accounts());
        }
        if names.is_empty() {
            return Ok(self.accounts.iter().collect());
        }
        let mut sections: Vec<&Section> = Vec::new();
        for name in names {
            let section = (self.accounts.iter())
                .find(|section| section.name == *name)
                .ok_or_else(|| self.no_account(name))?;
            if !sections.iter().any(|already| already.name == *name) {
                sections.push(section);
            }
        }
        Ok(sections)
    }

    fn account(
        &self,
        section: &Section,
        given: &Given,
        make: fn(Option<&str>, Settings) -> Result<Account, Failure>,
    ) -> Result<Account, Failure> {
        let mut settings = self.layers(section, given).settings()?;
        given.apply(&mut settings)?;
        make(Some(&section.name), settings).map_err(|failure| section.at(failure))
    }

    /// What the file says of an account and the command line leaves in force.
    fn layers(&self, section: &Section, given: &Given) -> Table {
        let mut table = self.said(section);
        table.clear(given.keys());
        table
    }

    /// What the file says of an account.
    fn said(&self, section: &Section) -> Table {
        let mut table = self.defaults.clone();
        table.cover(section.table.clone());
        table
    }

    fn no_accounts(&self) -> Failure {
        let file = self.path.display();
        let message = if self.path.exists() {
            format!("no server was given, and {file} has no accounts")
        } else {
            format!("no server was given, and there is no {file}")
        };
        Failure::new(Status::Usage, message).hint(
            "use --server pops://USER@HOST, or describe accounts there: `popfetch config example`",
        )
    }

    fn no_account(&self, name: &str) -> Failure {
        let message = format!("there is no account {name} in {}", self.path.display());
        let names = self.accounts.iter().map(|section| section.name.as_str());
        let hint = match keys::nearest(name, names.clone()) {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
        };
        Failure::new(Status::Usage, message).hint(hint)
    }
}

fn exclude_each_other(name: Option<&str>) -> Result<(), Failure> {
    name.map_or(Ok(()), |name| {
        let message = format!("--server and the account {name} exclude each other");
        Err(Failure::new(Status::Usage, message))
    })
}

/// Two accounts on one maildrop would each believe that what the other fetched is theirs.
fn distinct(accounts: &[(&Section, Account)]) -> Result<(), Failure> {
    let mut by_maildrop = HashMap::with_capacity(accounts.len());
    for (section, account) in accounts {
        if let Some(other) = by_maildrop.insert(&account.maildrop, section) {
            let message = format!(
                "the accounts {} and {} are the same maildrop, {}",
                other.name, section.name, account.maildrop
            );
            return Err(section
                .at(Failure::new(Status::Configuration, message))
                .details(&format!("note: {} is at {}", other.name, other.place))
                .hint("one account can have several targets"));
        }
    }
    Ok(())
}

/// Where the configuration is unless the user says otherwise.
fn default_file() -> Option<PathBuf> {
    xdg("XDG_CONFIG_HOME", ".config", "config.toml")
}

/// A file of popfetch below one of the XDG base directories.
fn xdg(variable: &str, below_home: &str, name: &str) -> Option<PathBuf> {
    let directory = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    directory(variable)
        .or_else(|| directory("HOME").map(|home| home.join(below_home)))
        .map(|base| base.join("popfetch").join(name))
}
