//! The options: the one place that defines them, from which parsing, help and documents come.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::config::Given;
use crate::get::Wanted;
use crate::jobs::Limits;
use crate::report::Format;
use crate::settings::{POLICY, Span, TARGETS};

pub(crate) mod state;
#[cfg(test)]
mod tests;

/// Fetch POP3 mail and never lose or duplicate a message.
#[derive(Debug, Parser)]
#[command(name = "popfetch", version, max_term_width = 100, after_help = STATUSES)]
#[command(propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const STATUSES: &str = "\
Exit status:
    0  done, also when there was no mail
    1  doctor: the server is usable with care
   64  the command line makes no sense
   66  the server has no such message
   69  the server cannot be reached, or is not who it should be
   73  a file or directory cannot be made
   74  reading or writing failed
   75  it may work later; what is stored is safe
   76  the server does not keep to the protocol
   77  the server refused the login
   78  a setting is wrong: a password file, a certificate file
  130  stopped by Ctrl-C (143: by SIGTERM); what is stored is safe
With several accounts, the worst of theirs: 143, 130, 64, 78, 73, 74, 77, 76, 69, 75, 0.";

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is printed")]
pub(crate) struct Common {
    /// Print events for programs: one JSON object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Say only what is wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say more: each message; twice: each command sent; three times: every line both ways
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Use colours: auto (on a terminal, unless NO_COLOR is set), always, never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See it work: fetch sample mail from a server inside this program into ./popfetch-demo
    Demo(Demo),
    /// Fetch what is new
    Sync(Box<Sync>),
    /// Keep fetching what is new until it is stopped
    Run(Box<Run>),
    /// Leave alone from now on what is on the server and was not fetched
    MarkSeen(Box<Sync>),
    /// List the messages on the server, and whether they were fetched
    List(Box<List>),
    /// Print messages, or write them to files; nothing is remembered and nothing deleted
    Get(Box<Get>),
    /// Tell what is known of each account, without asking any server
    Status(Status),
    /// Decide about messages that were given up after several attempts
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Look at what is remembered of messages and servers, and put it right
    #[command(subcommand)]
    State(state::State),
    /// Look at a server: what it can do, what is odd about it, and whether that matters
    Doctor(Box<Doctor>),
    /// Look at the configuration file
    #[command(subcommand)]
    Config(Config),
    /// Take over the accounts of another program, and what it has fetched
    Import(Import),
    /// Print a script that completes commands and options for a shell
    Completions(Completions),
    /// Print the manual page, or write those of all commands into a directory
    Man(Man),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Tell everything that is wrong, without asking any server
    Check(Check),
    /// Print the settings in force and where each comes from; secrets are left out
    Show(Box<Show>),
    /// Print a configuration file with every key, to begin with
    Example,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The accounts to show [default: all]
    #[arg(value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,

    #[command(flatten)]
    pub(crate) files: Files,

    #[command(flatten)]
    pub(crate) settings: Given,
}

#[derive(Debug, Args)]
#[command(after_help = IMPORT)]
pub(crate) struct Import {
    /// mpop, fetchmail, getmail
    #[arg(value_name = "PROGRAM", hide_possible_values = true)]
    pub(crate) program: Program,

    /// Its configuration [default: where the program looks for it]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Write ours into this file, for its owner only [default: print it, without passwords]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Overwrite that file
    #[arg(long, requires = "out")]
    pub(crate) force: bool,

    /// Write it also where the file cannot be read in which the program has what it fetched:
    /// everything on that server is then fetched again
    #[arg(long, requires = "out")]
    pub(crate) fetch_again: bool,

    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Program {
    Mpop,
    Fetchmail,
    Getmail,
}

const IMPORT: &str = "\
What the program has fetched is remembered in the state, as messages to leave alone: the next
`popfetch sync` fetches what came after. Popfetch does not delete them from the server either.
What cannot be carried over is told, and stands as a comment in what is written.

Example:
  popfetch import mpop --out ~/.config/popfetch/config.toml";

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// bash, zsh, fish, elvish, powershell
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write a page for each command into this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where the sample mail goes [default: popfetch-demo]
    #[arg(
        long,
        value_name = "DIR",
        default_value = "popfetch-demo",
        hide_default_value = true
    )]
    pub(crate) maildir: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Sync {
    /// The accounts of the configuration file to fetch from [default: all]
    #[arg(value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,

    #[command(flatten)]
    pub(crate) files: Files,

    /// Show what would be done and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) limits: Limits,

    #[command(flatten)]
    pub(crate) settings: Given,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = SIGNALS)]
pub(crate) struct Run {
    /// The accounts of the configuration file to fetch from [default: all]
    #[arg(value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,

    #[command(flatten)]
    pub(crate) files: Files,

    /// Fetch so often; a tenth earlier or later, at random [default: 5m]
    #[arg(long, value_name = "TIME")]
    pub(crate) interval: Option<Span>,

    /// Offer metrics for Prometheus: http://ADDR/metrics, to everybody who can connect, so that
    /// 127.0.0.1:PORT is wise
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<SocketAddr>,

    /// How the log on standard error is written: text, or json (the events of --json, each with
    /// its time) [default: text]
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        conflicts_with = "json",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) log: Format,

    #[command(flatten)]
    pub(crate) limits: Limits,

    #[command(flatten)]
    pub(crate) settings: Given,
}

const SIGNALS: &str = "\
Signals:
  SIGHUP           read the configuration again and fetch from every account now; a configuration
                   with an error in it is refused, and the old one kept
  SIGTERM, Ctrl-C  finish the messages on their way and end, with status 0; the second time at once

After a failure an account is tried again soon, and then less and less often; after a refused login
late; after an error in its settings not before SIGHUP. A LOGIN-DELAY of the server is kept.";

/// The options of `sync` that say what becomes of messages are understood and do nothing, so that
/// a command line can be kept and only its first word changed.
#[derive(Debug, Args)]
#[command(mut_args(hide_delivery))]
pub(crate) struct List {
    /// The account of the configuration file, if there are several
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,

    #[command(flatten)]
    pub(crate) files: Files,

    /// Show date, sender and subject too
    #[arg(long)]
    pub(crate) headers: bool,

    #[command(flatten)]
    pub(crate) settings: Given,
}

#[derive(Debug, Args)]
#[command(mut_args(hide_delivery), after_help = GET)]
pub(crate) struct Get {
    /// Which messages: their numbers or their unique-ids, as `popfetch list` shows them
    #[arg(required = true, value_name = "N|UID")]
    pub(crate) messages: Vec<Wanted>,

    /// The account of the configuration file, if there are several
    #[arg(short, long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,

    #[command(flatten)]
    pub(crate) files: Files,

    /// Write to this file, or into this directory as N.eml
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Keep line ends as they were received, CRLF, instead of LF
    #[arg(long)]
    pub(crate) raw: bool,

    /// Replace a file that is there
    #[arg(long, requires = "output")]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) settings: Given,
}

const GET: &str = "\
On a terminal, control characters are spelt out. Several messages on standard output follow each
other. A unique-id of digits only is written uid:DIGITS.";

/// What is of no use to commands that deliver nothing.
fn hide_delivery(option: clap::Arg) -> clap::Arg {
    let heading = option.get_help_heading();
    let delivers = heading.is_some_and(|heading| [TARGETS, POLICY].contains(&heading));
    option.hide(delivers)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Quarantine {
    /// Show them: how often they failed, since when, and why
    List(Status),
    /// Have them fetched by the next sync
    Retry(Chosen),
    /// Never fetch them; they stay on the server
    Drop(Chosen),
}

/// Messages that were given up.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// Which messages: their unique-ids, as `popfetch quarantine list` shows them
    #[arg(value_name = "UID", required_unless_present = "all")]
    pub(crate) unique_ids: Vec<String>,

    /// All that were given up
    #[arg(long, conflicts_with = "unique_ids")]
    pub(crate) all: bool,

    /// Only messages of this account; may be given more than once
    #[arg(short, long, value_name = "ACCOUNT")]
    pub(crate) account: Vec<String>,

    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The accounts, by their names in the configuration file, else as USER@HOST [default: all]
    #[arg(value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,

    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Debug, Args)]
#[command(mut_args(hide_delivery), after_help = DOCTOR_EXAMPLES)]
pub(crate) struct Doctor {
    /// A host, which is looked at on ports 995 and 110; a URL as --server takes it; or an account
    /// of the configuration file
    #[arg(value_name = "HOST|ACCOUNT", conflicts_with = "server")]
    pub(crate) subject: Option<String>,

    #[command(flatten)]
    pub(crate) files: Files,

    /// See whether QUIT deletes what was read: reads the smallest message and quits, which on a
    /// server that does loses that message
    #[arg(long)]
    pub(crate) quit_after_reading: bool,

    #[command(flatten)]
    pub(crate) settings: Given,
}

/// The files of popfetch itself.
#[derive(Clone, Debug, Args)]
pub(crate) struct Files {
    /// Where accounts are described [default: $XDG_CONFIG_HOME/popfetch/config.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The file that remembers what was fetched [default: $XDG_STATE_HOME/popfetch/state.db]
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}

const DOCTOR_EXAMPLES: &str = "\
With a user it logs in, by each way that the server offers, and reads a few of the smallest
messages. It deletes nothing, stops at the first refused password, and sends none without TLS.

Exit status: 0 good, 1 usable with care, otherwise that of a sync that fails for the same reason.

Examples:
  popfetch doctor pop.example.org
  popfetch doctor pop.example.org --user me
  popfetch doctor work
  popfetch doctor pop://me@pop.example.org:1110 --json";

const EXAMPLES: &str = "\
With --server, the options describe one account. Without it, accounts of the configuration file are
fetched from, and options override what stands there.

Where nothing else is said, the password is taken from POPFETCH_PASSWORD, or asked for on the
terminal.

Examples:
  popfetch sync
  popfetch sync --server pops://me@pop.example.org --maildir ~/Mail
  popfetch sync --server pops://me@pop.example.org --maildir ~/Mail --keep none \\
      --password-command 'pass show mail'";
