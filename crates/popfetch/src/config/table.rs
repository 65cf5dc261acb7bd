//! A table of settings, each with the place where it was said.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::keys;
use super::place::Place;
use crate::failure::{Failure, Status};
use crate::settings::Settings;

/// What `[defaults]`, an `[account.NAME]` or the top of the file says. Every entry was found to be of its key's type.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(BTreeMap<&'static str, Entry>);

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) value: toml::Value,
    pub(super) place: Place,
}

impl Table {
    pub(super) fn insert(&mut self, key: &'static str, entry: Entry) {
        self.0.insert(key, entry);
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.0.get(key)
    }

    /// Puts `above` over this table.
    pub(super) fn cover(&mut self, above: Self) {
        self.clear(above.0.keys().copied());
        self.0.extend(above.0);
    }

    /// Takes these keys out, and those of their groups: who names a target wants no other.
    pub(super) fn clear(&mut self, keys: impl Iterator<Item = &'static str>) {
        for key in keys.filter_map(keys::find) {
            self.0.retain(|name, _| {
                *name != key.name
                    && (key.group.is_none()
                        || keys::find(name).and_then(|other| other.group) != key.group)
            });
        }
    }

    /// All of it as settings.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        Settings::deserialize(self.to_toml())
            .map_err(|error| Failure::new(Status::Configuration, error.message()))
    }

    /// All of it without places.
    pub(super) fn to_toml(&self) -> toml::Table {
        (self.0.iter())
            .map(|(key, entry)| ((*key).to_owned(), entry.value.clone()))
            .collect()
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The value may be a password.
        write!(f, "Entry({})", self.place)
    }
}
