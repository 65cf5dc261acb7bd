//! The settings in force for an account, and where each of them comes from.

use std::fmt;

use toml::Value;

use super::place::{self, Place};
use super::{Configuration, Given, Section, keys};

/// Who says what a setting is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File(Place),
    Option,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(place) => place.fmt(f),
            Self::Option => f.write_str("option"),
        }
    }
}

/// A setting as it can be shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) key: &'static str,
    /// Without what is secret.
    pub(super) value: Value,
    pub(super) origin: Origin,
}

impl Configuration {
    /// The settings in force, in the order of the help. Without a section, those of `--server`.
    pub(super) fn in_force(&self, section: Option<&Section>, given: &Given) -> Vec<Shown> {
        let table = section.map(|section| self.layers(section, given));
        keys::all()
            .iter()
            .filter_map(|key| {
                let entry = table.as_ref().and_then(|table| table.get(key.name));
                let (value, origin) = match (given.value(key.name), entry) {
                    (Some(value), _) => (value, Origin::Option),
                    (None, Some(entry)) => (entry.value.clone(), Origin::File(entry.place.clone())),
                    (None, None) => (key.default.clone()?.into(), Origin::Default),
                };
                Some(Shown {
                    key: key.name,
                    value: without_secrets(key.name, value),
                    origin,
                })
            })
            .collect()
    }
}

fn without_secrets(key: &str, value: Value) -> Value {
    match value {
        _ if keys::is_secret(key) => "…".into(),
        Value::String(text) => place::without_password(&text).into(),
        value => value,
    }
}
