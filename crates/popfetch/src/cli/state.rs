//! `popfetch state …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Files;

/// What can be done about the state.
#[derive(Debug, Subcommand)]
pub(crate) enum State {
    /// Tell what is known of an account or of messages, and why they are not deleted
    Show(Show),
    /// Let an account go by another server, port or user; nothing is fetched again
    Move(Move),
    /// Fetch from a maildrop though it has the messages of another that the state knows
    Separate(Separate),
    /// Use a target as it is that is not what mail was delivered to, such as an empty new disk
    AcceptTarget(AcceptTarget),
    /// Settle messages that were on their way into a target that is gone
    Resolve(Resolve),
    /// Show what was learned of servers, or forget it
    Quirks(Quirks),
    /// Look whether the file is sound
    Check(Check),
    /// Print all that is known of an account, as JSON lines for `popfetch state import`
    Export(Export),
    /// Take in an account that `popfetch state export` has printed
    Import(Import),
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The account, by its name in the configuration file, else as USER@HOST
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: String,

    /// Messages, by their unique-ids [default: those that are held up]
    #[arg(value_name = "UID", conflicts_with = "all")]
    pub(crate) unique_ids: Vec<String>,

    /// Every message
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Debug, Args)]
#[command(after_help = MOVE)]
pub(crate) struct Move {
    /// What the state knows it by, as `popfetch status` shows it
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: String,

    /// Its name in the configuration file, where the new server stands; else USER@HOST[:PORT]
    #[arg(value_name = "NEW")]
    pub(crate) new: String,

    /// Show what would be done and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) files: Files,
}

const MOVE: &str = "\
Ports 110 and 995 are those of the same maildrop. All that is known of messages stays, and is right
if the server at the new address has the same messages under the same unique-ids.

Example:
  popfetch state move me@old.example.org me@new.example.org";

#[derive(Debug, Args)]
pub(crate) struct Separate {
    /// The new account, by its name in the configuration file, else as USER@HOST
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: String,

    /// Show what would be done and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Debug, Args)]
pub(crate) struct AcceptTarget {
    /// The Maildir or mbox, as the error names it
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,

    /// What it lacks was put away elsewhere, and is not fetched again [default: it is, if the
    /// server still has it]
    #[arg(long)]
    pub(crate) moved: bool,

    /// Only for this account; may be given more than once [default: all that deliver there]
    #[arg(short, long, value_name = "ACCOUNT")]
    pub(crate) account: Vec<String>,

    /// Show what would be done and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Debug, Args)]
pub(crate) struct Resolve {
    /// The accounts [default: all]
    #[arg(value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,

    /// Have them fetched again, for the targets of today; without this or the next, they are shown
    #[arg(long, conflicts_with = "as_delivered")]
    pub(crate) fetch_again: bool,

    /// Take them for delivered into the target that is gone
    #[arg(long)]
    pub(crate) as_delivered: bool,

    /// Show what would be done and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Debug, Args)]
pub(crate) struct Quirks {
    /// Only this account
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,

    /// Forget this, or all that was learned; if the server is still like that, it is learned again
    #[arg(long, value_name = "NAME", num_args = 0..=1, requires = "account")]
    pub(crate) clear: Option<Option<String>>,

    /// Show what would be forgotten and change nothing
    #[arg(long, requires = "clear")]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The account, by its name in the configuration file, else as USER@HOST
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: String,

    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// What `popfetch state export` has printed; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Look whether it can be taken in, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) files: Files,
}
