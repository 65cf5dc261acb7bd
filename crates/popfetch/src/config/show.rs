//! `popfetch config show`: the settings in force, as a configuration file would have them, and
//! where each of them comes from.

use serde_json::json;

use super::origin::{Origin, Shown};
use super::read;
use crate::cli;
use crate::escape;
use crate::failure::Failure;
use crate::print::print;

/// Where comments begin, unless a value is longer.
const COMMENTS: usize = 44;

pub(super) fn run(options: &cli::Show, common: &cli::Common) -> Result<(), Failure> {
    let configuration = read(&options.files)?;
    let given = &options.settings;
    let program = configuration.program_in_force(&options.files)?;
    let accounts: Vec<(Option<String>, Vec<Shown>)> = if given.settings().server.is_some() {
        vec![(None, configuration.in_force(None, given))]
    } else {
        (configuration.sections(&options.accounts)?.into_iter())
            .map(|section| {
                let shown = configuration.in_force(Some(section), given);
                (Some(section.name.clone()), shown)
            })
            .collect()
    };
    let mut text = match common.json {
        true => format!("{}\n", json!({ "program": as_json(&program) })),
        false => as_text(None, &program),
    };
    for (name, shown) in &accounts {
        text += &match common.json {
            true => format!(
                "{}\n",
                json!({ "account": name, "settings": as_json(shown) })
            ),
            false => as_text(name.as_deref(), shown),
        };
    }
    print(text.as_bytes())
}

fn as_text(name: Option<&str>, shown: &[Shown]) -> String {
    let mut text = match name {
        Some(name) => format!("[account.{}]\n", quoted(name)),
        None => String::new(),
    };
    for Shown { key, value, origin } in shown {
        let line = format!("{key} = {}", escape::text(&value.to_string()));
        text += &format!(
            "{line:COMMENTS$}  # {}\n",
            escape::text(&origin.to_string())
        );
    }
    text + "\n"
}

/// A key of TOML needs quotes unless it is made of the simplest letters.
pub(crate) fn quoted(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if name.chars().all(is_bare) {
        name.to_owned()
    } else {
        toml::Value::from(name).to_string()
    }
}

fn as_json(shown: &[Shown]) -> serde_json::Map<String, serde_json::Value> {
    shown
        .iter()
        .map(|Shown { key, value, origin }| {
            let place = match origin {
                Origin::File(place) => json!({
                    "file": place.file.to_string_lossy(),
                    "line": place.line,
                    "column": place.column,
                }),
                Origin::Default | Origin::Option => json!(null),
            };
            let from = match origin {
                Origin::Default => "default",
                Origin::File(_) => "file",
                Origin::Option => "option",
            };
            let setting = json!({ "value": value, "from": from, "place": place });
            ((*key).to_owned(), setting)
        })
        .collect()
}
