//! The keys that an account can have, as clap's definition of the options has them.

use std::sync::LazyLock;

use clap::{Arg, Command, ValueHint};

use crate::settings;

/// A key of `[defaults]` and `[account.NAME]`.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// Whether its value is a path, or several.
    pub(crate) is_path: bool,
    /// Whether its value is the address of a mail server, or several: paths of sockets, perhaps.
    pub(crate) is_address: bool,
    /// Whether it is true or false.
    pub(crate) is_flag: bool,
    /// Whether nobody may see its value.
    pub(crate) is_secret: bool,
    pub(crate) heading: &'static str,
    pub(crate) help: &'static str,
    /// What its value is called.
    pub(crate) value_name: &'static str,
    /// The value where nobody says anything, if it can be said.
    pub(crate) default: Option<String>,
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
        // The definition lives as long as the keys, which is for good.
        let command: &'static Command = Box::leak(Box::new(settings::definition()));
        let mut keys: Vec<Key> = command
            .get_arguments()
            .map(|argument| key(command, argument))
            .collect();
        let headings: Vec<&str> = keys.iter().map(|key| key.heading).collect();
        keys.sort_by_key(|key| headings.iter().position(|heading| *heading == key.heading));
        keys
    });
    &KEYS
}

fn key(command: &'static Command, argument: &'static Arg) -> Key {
    let value_name = (argument.get_value_names())
        .and_then(<[_]>::first)
        .map_or("", |name| name.as_str());
    let help = leaked(argument.get_help().map(ToString::to_string));
    let group = command
        .get_groups()
        .find(|group| group.get_args().any(|member| member == argument.get_id()));
    Key {
        name: argument.get_id().as_str(),
        is_path: argument.get_value_hint() != ValueHint::Unknown,
        is_address: ["lmtp", "smtp"].contains(&argument.get_id().as_str()),
        is_flag: argument
            .get_num_args()
            .is_some_and(|range| range.max_values() == 0),
        is_secret: value_name == settings::PASSWORD,
        heading: argument.get_help_heading().unwrap_or_default(),
        help,
        value_name,
        default: default(help),
        group: group.map(|group| Group {
            name: group.get_id().as_str(),
            multiple: group.clone().is_multiple(),
        }),
    }
}

/// The default that a help text names, unless it is no value but a description.
fn default(help: &str) -> Option<String> {
    let (_, default) = help.rsplit_once("[default: ")?;
    let default = default.strip_suffix(']')?;
    (!default.contains(' ')).then(|| default.to_owned())
}

/// Text for as long as the program runs. Only called once for each key.
fn leaked(text: Option<String>) -> &'static str {
    text.unwrap_or_default().leak()
}

pub(super) fn find(name: &str) -> Option<&'static Key> {
    all().iter().find(|key| key.name == name)
}

/// Whether nobody may see the key's value.
pub(super) fn is_secret(name: &str) -> bool {
    find(name).is_some_and(|key| key.is_secret)
}

/// Whether the key's value is a path, in which braces mean something.
pub(crate) fn is_path(name: &str) -> bool {
    find(name).is_some_and(|key| key.is_path)
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
