//! The options: the one place that defines them, from which parsing, help and documents come.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use poplib::sasl::Method;

use crate::plan::Keep;

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
   64  the command line makes no sense
   69  the server cannot be reached, or is not who it should be
   73  a file or directory cannot be made
   74  reading or writing failed
   75  it may work later; what is stored is safe
   76  the server does not keep to the protocol
   77  the server refused the login
   78  a setting is wrong: a password file, a certificate file
  130  stopped by Ctrl-C (143: by SIGTERM); what is stored is safe";

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
    /// Fetch what is new from one account into a Maildir
    Sync(Box<Sync>),
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
    /// The Maildir that gets the mail; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) maildir: PathBuf,

    /// How long messages stay on the server once they are stored: forever, or none [default: forever]
    #[arg(
        long,
        value_name = "HOW",
        default_value = "forever",
        hide_default_value = true,
        value_parser = keep
    )]
    pub(crate) keep: Keep,

    /// The file that remembers what was fetched [default: $XDG_STATE_HOME/popfetch/state.db]
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,

    /// Show what would be done and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) server: Server,
}

const EXAMPLES: &str = "\
Without --password-file and --password-command, the password is taken from POPFETCH_PASSWORD, or
asked for on the terminal.

Examples:
  popfetch sync --server pops://me@pop.example.org --maildir ~/Mail
  popfetch sync --server pops://me@pop.example.org --maildir ~/Mail --keep none \\
      --password-command 'pass show mail'";

/// A server, and who logs in there.
#[derive(Debug, Args)]
#[command(next_help_heading = "The server")]
pub(crate) struct Server {
    /// pops://[USER@]HOST[:PORT] for TLS (port 995), pop://… for STLS, which is then demanded
    /// (port 110)
    #[arg(long = "server", value_name = "URL")]
    pub(crate) url: String,

    /// The user name, if it is not in the URL
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// How to log in: auto (the best that both sides know), scram-sha-256-plus, scram-sha-1-plus,
    /// scram-sha-256, scram-sha-1, cram-md5, apop, plain, login, user (USER and PASS), or with an
    /// access token for a password oauthbearer, xoauth2 [default: auto]
    #[arg(long, value_name = "METHOD", value_parser = auth)]
    pub(crate) auth: Option<Auth>,

    /// Take the password from the first line of a file that nobody else can read
    #[arg(long, value_name = "FILE", conflicts_with = "password_command")]
    pub(crate) password_file: Option<PathBuf>,

    /// Take the password from the first line that a shell command prints
    #[arg(long, value_name = "COMMAND")]
    pub(crate) password_command: Option<String>,

    /// Trust the authorities in this file instead of the system's
    #[arg(long, value_name = "PEM", conflicts_with = "pin")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Trust exactly the certificate with this SHA-256, whatever its name and dates
    #[arg(long, value_name = "sha256:HEX", value_parser = pin)]
    pub(crate) pin: Option<[u8; 32]>,

    /// With pop://, do without TLS: everybody on the way can read password and mail
    #[arg(long)]
    pub(crate) allow_plaintext: bool,

    /// How many seconds the server may take for each step, and for each piece of a message
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
}

/// How to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    /// The best that both sides know and that is safe.
    Auto,
    /// This and nothing else.
    Only(Method),
}

fn auth(text: &str) -> Result<Auth, String> {
    if text == "auto" {
        return Ok(Auth::Auto);
    }
    match text.parse() {
        Ok(Method::External | Method::Anonymous) | Err(_) => {
            Err("see `popfetch sync --help` for the methods that are known".into())
        }
        Ok(method) => Ok(Auth::Only(method)),
    }
}

fn keep(text: &str) -> Result<Keep, String> {
    match text {
        "forever" => Ok(Keep::Forever),
        "none" => Ok(Keep::None),
        _ => Err("it is `forever` or `none`; keeping for some days is not supported yet".into()),
    }
}

fn pin(text: &str) -> Result<[u8; 32], String> {
    let wrong = || "it is `sha256:` and 64 hexadecimal digits".to_owned();
    let digits = text
        .strip_prefix("sha256:")
        .ok_or_else(wrong)?
        .replace(':', "");
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut pin = [0; 32];
    for (octet, start) in pin.iter_mut().zip((0..).step_by(2)) {
        *octet = u8::from_str_radix(&digits[start..start + 2], 16).map_err(|_| wrong())?;
    }
    Ok(pin)
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds.into())),
        _ => Err("it is a number of seconds, at least 1".into()),
    }
}
