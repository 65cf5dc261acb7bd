//! `docs/popfetch.md`, as it should be.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::*;
use crate::config::{self, Key};

const BEGINNING: &str = "\
# popfetch

Every command, option and key of the configuration file. This page is made from the options' definition
by `POPFETCH_WRITE_REFERENCE=1 cargo test -p popfetch reference`; a test tells when it is out of date.

## The configuration file

TOML, in `$XDG_CONFIG_HOME/popfetch/config.toml` (`~/.config/popfetch/config.toml`) or where `--config`
says. `popfetch config example` prints one to begin with, `popfetch config check` tells what is wrong, and
`popfetch config show` what is in force and why.

```toml
include = [\"conf.d/*.toml\"]     # more accounts; relative to this file
state = \"state.db\"
jobs = 16                       # accounts at the same time, as --jobs
per_host = 4                    # of them on the same host, as --per-host

[defaults]                      # for every account that says nothing else
maildir = \"~/Mail/{account}\"

[account.work]
server = \"pops://me@pop.example.com\"
password_command = \"pass show mail/work\"
keep = \"14d\"
```

- An account stands above `[defaults]`, the command line above both. Whoever names a target, a source of
  the password, or what to trust, replaces what stands below of the same kind.
- With `--server`, options describe one account: no account of the file and no `[defaults]` are used.
- Paths: `~/` is the home directory; `{account}`, `{user}` and `{host}` stand for what they say, `{{` and
  `}}` for braces, in the path of a Unix socket, too. Relative paths are relative to the file that names them, on the command line to the
  working directory.
- `state`, `jobs` and `per_host` are read where a command begins, and not again by `popfetch run`.
- Included files describe accounts and nothing else. `*` stands for any part of a file's name.
- A file with a `password` in it must be readable by its owner only, as must `password_file` and netrc.
  Commands that print a password get `POPFETCH_ACCOUNT`, `POPFETCH_USER` and `POPFETCH_HOST` in their
  environment; for a mail server as a target, the last two are the user and the host in its URL. They have two
  minutes; then they are ended, with all that they have started where there is no terminal, and the account is
  tried again later.
- The state knows an account by user and host. It can be renamed; two accounts on one maildrop are refused.

### Keys of accounts

";

/// The whole page.
fn page() -> String {
    let mut page = BEGINNING.to_owned();
    let mut heading = "";
    for key in config::keys() {
        if key.heading != heading {
            heading = key.heading;
            let _ = write!(page, "**{heading}**\n\n| key | value | |\n|---|---|---|\n");
        }
        let last = config::keys()
            .iter()
            .rfind(|other| other.heading == heading);
        let _ = writeln!(
            page,
            "| `{}` | {} | {} |",
            key.name,
            value(key),
            cell(key.help)
        );
        if last.is_some_and(|last| last.name == key.name) {
            page.push('\n');
        }
    }
    page.push_str("## Commands\n");
    let mut command = Cli::command().term_width(100);
    command.build();
    commands(&mut page, &command, "");
    page
}

fn value(key: &Key) -> String {
    match (key.is_flag, key.value_name) {
        (true, _) => "true, false".into(),
        (false, name) => cell(name),
    }
}

/// Text that does not end the cell it is in.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn commands(page: &mut String, command: &Command, above: &str) {
    for command in command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let name = format!("{above} {}", command.get_name());
        if command.has_subcommands() {
            commands(page, command, &name);
            continue;
        }
        let help = command.clone().render_long_help().to_string();
        let help: String = help
            .lines()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect();
        let _ = write!(page, "\n### popfetch{name}\n\n```text\n{help}```\n");
    }
}

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/popfetch.md");
    let page = page();
    if env::var_os("POPFETCH_WRITE_REFERENCE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/popfetch.md is out of date; run: POPFETCH_WRITE_REFERENCE=1 cargo test -p popfetch reference"
    );
}
