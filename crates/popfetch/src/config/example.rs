//! `popfetch config example`: every key with what it is for, made from the options' definition.

use std::fmt::Write;

use super::keys::{self, Key};

const BEGINNING: &str = "\
# popfetch's configuration. Every line that begins with `#` is a comment; those with a key show what
# could be said. Keys of [defaults] hold for all accounts, and each account can say something else.
# Paths can begin with ~/ and have {account}, {user} and {host} in them; relative ones are relative
# to this file.

# Further files that describe accounts.
# include = [\"conf.d/*.toml\"]

# The file that remembers what was fetched [default: $XDG_STATE_HOME/popfetch/state.db]
# state = \"FILE\"

# Fetch so many accounts at the same time [default: 8], of them so many at most on one host [default: 4]
# jobs = 8
# per_host = 4

[account.example]
server = \"pops://me@pop.example.org\"
maildir = \"~/Mail/{account}\"
password_command = \"pass show mail/example\"

[defaults]
";

/// The text of the example.
pub(super) fn text() -> String {
    let mut text = BEGINNING.to_owned();
    let mut heading = "";
    for key in keys::all() {
        if key.heading != heading {
            heading = key.heading;
            // A String takes whatever is written to it.
            let _ = write!(text, "\n## {heading}\n");
        }
        for line in wrapped(key.help) {
            let _ = write!(text, "\n# {line}");
        }
        let _ = writeln!(text, "\n# {} = {}", key.name, value(key));
    }
    text
}

fn value(key: &Key) -> String {
    match (&key.default, key.is_flag) {
        (_, true) => "true".into(),
        (Some(default), _) => toml::Value::from(default.as_str()).to_string(),
        (None, _) => toml::Value::from(key.value_name).to_string(),
    }
}

/// The text in lines of no more than 98 characters, if its words allow.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 98 => {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
