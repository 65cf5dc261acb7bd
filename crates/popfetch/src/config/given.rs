//! What the command line says of accounts. It stands above everything that files say.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::keys;
use crate::failure::{Failure, Status};
use crate::settings::Settings;

/// The account options of a command, and which of them were given.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    settings: Settings,
    matches: ArgMatches,
}

impl Given {
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The names of the settings that were given, as keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        keys::all()
            .iter()
            .map(|key| key.name)
            .filter(|name| self.was_given(name))
    }

    /// Puts what was given over `settings`.
    pub(super) fn apply(&self, settings: &mut Settings) -> Result<(), Failure> {
        settings
            .update_from_arg_matches(&self.matches)
            .map_err(|error| Failure::new(Status::Usage, error.to_string()))
    }

    /// Nothing at all.
    pub(super) fn nothing() -> Self {
        let command = Self::augment_args(Command::new("nothing"));
        Self {
            settings: Settings::default(),
            matches: command.get_matches_from(["nothing"]),
        }
    }

    /// What was given of a setting, as a configuration file would say it.
    pub(super) fn value(&self, key: &str) -> Option<toml::Value> {
        if !self.was_given(key) {
            return None;
        }
        let texts = self.matches.get_raw(key).into_iter().flatten();
        let mut values: Vec<toml::Value> = texts
            .map(|text| text.to_string_lossy().into_owned().into())
            .collect();
        let is_flag = keys::find(key).is_some_and(|key| key.is_flag);
        Some(match values.len() {
            _ if is_flag => true.into(),
            1 => values.remove(0),
            _ => toml::Value::Array(values),
        })
    }

    fn was_given(&self, name: &str) -> bool {
        // Not every key is an option of every command.
        matches!(self.matches.try_contains_id(name), Ok(true))
            && self.matches.value_source(name) == Some(ValueSource::CommandLine)
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self {
            settings: Settings::from_arg_matches(matches)?,
            matches: matches.clone(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Given {
    fn augment_args(command: Command) -> Command {
        Settings::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Settings::augment_args_for_update(command)
    }
}
