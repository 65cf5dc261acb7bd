//! The keys that an account can have, as clap's definition of the options has them.

use std::sync::LazyLock;

use clap::ValueHint;

use crate::settings;

/// A key of `[defaults]` and `[account.NAME]`.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// Whether its value is a path, or several.
    pub(crate) is_path: bool,
    /// The group of keys of which one that stands higher covers all that stand lower.
    pub(crate) group: Option<Group>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// Whether one account can have several of them.
    pub(crate) multiple: bool,
}

/// Every key, in the order of the help.
pub(crate) fn all() -> &'static [Key] {
    static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
        let command = settings::definition();
        let group = |id| {
            let group = command
                .get_groups()
                .find(|group| group.get_args().any(|argument| argument == id))?;
            Some(Group {
                name: group.get_id().as_str().to_owned().leak(),
                multiple: group.clone().is_multiple(),
            })
        };
        (command.get_arguments())
            .map(|argument| Key {
                name: argument.get_id().as_str().to_owned().leak(),
                is_path: argument.get_value_hint() != ValueHint::Unknown,
                group: group(argument.get_id()),
            })
            .collect()
    });
    &KEYS
}

pub(super) fn find(name: &str) -> Option<&'static Key> {
    all().iter().find(|key| key.name == name)
}

/// The candidate that differs least from `name`, if it could be what was meant.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    // Somebody who writes an option's name means the key.
    let name = name.replace('-', "_").to_lowercase();
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(&name, candidate), candidate))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, candidate)| distance <= 1 + candidate.len() / 4)
        .map(|(_, candidate)| candidate)
}
