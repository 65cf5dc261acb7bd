//! What can be said of an account: on the command line as options, in the configuration file as
//! keys, under the same names. This is the one definition of both.

mod values;

use std::path::PathBuf;

use clap::{Arg, ArgGroup, Args, Command};
use serde::Deserialize;

use crate::plan::{Keep, Oversize};

pub(crate) use values::{
    Auth, Count, FileMode, LineEnd, Password, Pin, Pipeline, Size, Span, is_socket,
};

/// The settings of one account, each of which may be left open. A key of the configuration file is
/// the option's name with `_` for `-`.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[group(skip)]
#[command(group = ArgGroup::new("target").multiple(true))]
pub(crate) struct Settings {
    /// pops://[USER@]HOST[:PORT] for TLS (port 995), pop://… for STLS, which is then demanded
    /// (port 110)
    #[arg(long, value_name = "URL", help_heading = SERVER)]
    pub(crate) server: Option<String>,

    /// The user name, if it is not in the URL
    #[arg(long, value_name = "NAME", help_heading = SERVER)]
    pub(crate) user: Option<String>,

    /// How to log in: auto (the best that both sides know), scram-sha-512-plus,
    /// scram-sha-256-plus, scram-sha-1-plus, scram-sha-512, scram-sha-256, scram-sha-1, cram-md5,
    /// apop, plain, login, user (USER and PASS), digest-md5 (never by auto: it is weak and historic), or
    /// with an access token for a password oauthbearer, xoauth2 [default: auto]
    #[arg(long, value_name = "METHOD", help_heading = SERVER)]
    pub(crate) auth: Option<Auth>,

    /// The password itself
    #[arg(skip)]
    pub(crate) password: Option<Password>,

    /// Take the password from the first line of a file that nobody else can read
    #[arg(long, value_name = "FILE", group = "secret", help_heading = SERVER)]
    pub(crate) password_file: Option<PathBuf>,

    /// Take the password from the first line that a shell command prints
    #[arg(long, value_name = "COMMAND", group = "secret", help_heading = SERVER)]
    pub(crate) password_command: Option<String>,

    /// Take the password from this variable of the environment
    #[arg(long, value_name = "VARIABLE", group = "secret", help_heading = SERVER)]
    pub(crate) password_env: Option<String>,

    /// Take the password from ~/.netrc, or from another such file, that nobody else can read
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = values::NETRC,
        group = "secret",
        help_heading = SERVER
    )]
    #[serde(deserialize_with = "values::netrc")]
    pub(crate) netrc: Option<PathBuf>,

    /// Take the password from the system's keyring, where it is filed under the service popfetch
    /// and the user name USER@HOST; if popfetch was built with the feature `keyring`
    #[arg(long, num_args = 0, default_missing_value = "true", group = "secret", help_heading = SERVER)]
    pub(crate) keyring: Option<bool>,

    /// Trust the authorities in this file instead of the system's
    #[arg(long, value_name = "PEM", group = "trust", help_heading = SERVER)]
    pub(crate) ca_file: Option<PathBuf>,

    /// Trust exactly the certificate with this SHA-256, whatever its name and dates
    #[arg(long, value_name = "sha256:HEX", group = "trust", help_heading = SERVER)]
    pub(crate) pin: Option<Pin>,

    /// With pop://, do without TLS: everybody on the way can read password and mail
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = SERVER)]
    pub(crate) allow_plaintext: Option<bool>,

    /// Through a proxy: socks5://[USER[:PASSWORD]@]HOST[:PORT], socks4a://…, http://… or https://…, whose
    /// certificate is verified as the server's is, except by --pin
    #[arg(long, value_name = "URL", help_heading = SERVER)]
    pub(crate) proxy: Option<String>,

    /// Ask the server for UTF-8 in messages and user names, where it offers that (RFC 6856); without
    /// it some servers refuse such messages, or change them
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = SERVER)]
    pub(crate) utf8: Option<bool>,

    /// How many commands may be on their way at once: auto, off, or a number [default: auto]
    #[arg(long, value_name = "HOW", help_heading = SERVER)]
    pub(crate) pipeline: Option<Pipeline>,

    /// How many seconds the server may take for each step, and for each piece of a message
    #[arg(long, value_name = "SECONDS", help_heading = SERVER)]
    pub(crate) timeout: Option<Span>,

    /// Send RSET before QUIT, to servers that delete whatever was read
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = SERVER)]
    pub(crate) rset_before_quit: Option<bool>,

    /// A Maildir that gets the mail; made if it is not there
    #[arg(long, value_name = "DIR", group = "target", help_heading = TARGETS)]
    #[serde(deserialize_with = "values::one_or_many")]
    pub(crate) maildir: Vec<PathBuf>,

    /// A file in mbox format that gets the mail; made if it is not there
    #[arg(long, value_name = "FILE", group = "target", help_heading = TARGETS)]
    #[serde(deserialize_with = "values::one_or_many")]
    pub(crate) mbox: Vec<PathBuf>,

    /// A shell command that gets each message on its standard input
    #[arg(long, value_name = "COMMAND", group = "target", help_heading = TARGETS)]
    #[serde(deserialize_with = "values::one_or_many")]
    pub(crate) exec: Vec<String>,

    /// A server that gets the mail by LMTP: lmtps://[USER@]HOST[:PORT] for TLS, lmtp://… for
    /// STARTTLS, which is then demanded; HOST[:PORT], likewise unless it is this machine; the path
    /// of a Unix socket; or lmtp+plaintext://… for no TLS, with everybody on the way reading
    #[arg(long, value_name = "ADDRESS", group = "target", help_heading = TARGETS)]
    #[serde(deserialize_with = "values::one_or_many")]
    pub(crate) lmtp: Vec<String>,

    /// A server that gets the mail by SMTP: smtps://[USER@]HOST[:PORT] for TLS, smtp://… for
    /// STARTTLS, which is then demanded; HOST[:PORT], likewise unless it is this machine; the path
    /// of a Unix socket; or smtp+plaintext://… for no TLS, with everybody on the way reading
    #[arg(long, value_name = "ADDRESS", group = "target", help_heading = TARGETS)]
    #[serde(deserialize_with = "values::one_or_many")]
    pub(crate) smtp: Vec<String>,

    /// Whom LMTP and SMTP deliver to [default: the user]
    #[arg(long, value_name = "ADDRESS", help_heading = TARGETS)]
    pub(crate) recipient: Option<String>,

    /// Take the password for LMTP and SMTP from the first line of a file that nobody else can read
    #[arg(long, value_name = "FILE", group = "target-secret", help_heading = TARGETS)]
    pub(crate) target_password_file: Option<PathBuf>,

    /// Take the password for LMTP and SMTP from the first line that a shell command prints
    #[arg(long, value_name = "COMMAND", group = "target-secret", help_heading = TARGETS)]
    pub(crate) target_password_command: Option<String>,

    /// Take the password for LMTP and SMTP from this variable of the environment instead of
    /// POPFETCH_TARGET_PASSWORD
    #[arg(long, value_name = "VARIABLE", group = "target-secret", help_heading = TARGETS)]
    pub(crate) target_password_env: Option<String>,

    /// Take the password for LMTP and SMTP from ~/.netrc, or from another such file
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = values::NETRC,
        group = "target-secret",
        help_heading = TARGETS
    )]
    #[serde(deserialize_with = "values::netrc")]
    pub(crate) target_netrc: Option<PathBuf>,

    /// Take the password for LMTP and SMTP from the system's keyring, as --keyring does
    #[arg(long, num_args = 0, default_missing_value = "true", group = "target-secret", help_heading = TARGETS)]
    pub(crate) target_keyring: Option<bool>,

    /// The password for LMTP and SMTP itself
    #[arg(skip)]
    pub(crate) target_password: Option<Password>,

    /// For LMTP and SMTP, trust the authorities in this file instead of the system's
    #[arg(long, value_name = "PEM", group = "target-trust", help_heading = TARGETS)]
    pub(crate) target_ca_file: Option<PathBuf>,

    /// For LMTP and SMTP, trust exactly the certificate with this SHA-256
    #[arg(long, value_name = "sha256:HEX", group = "target-trust", help_heading = TARGETS)]
    pub(crate) target_pin: Option<Pin>,

    /// Write the messages to standard output, in mbox format
    #[arg(long, num_args = 0, default_missing_value = "true", group = "target", help_heading = TARGETS)]
    pub(crate) stdout: Option<bool>,

    /// Line ends in files and for commands: lf, crlf, or keep (as received) [default: lf]
    #[arg(long, value_name = "WHICH", help_heading = TARGETS)]
    pub(crate) line_ends: Option<LineEnd>,

    /// Put a Received field before each message that says when and from where it was fetched
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = TARGETS)]
    pub(crate) received: Option<bool>,

    /// Permissions of new files, in octal [default: 600]
    #[arg(long, value_name = "MODE", help_heading = TARGETS)]
    pub(crate) mode: Option<FileMode>,

    /// A shell command that gets each message's headers before it is fetched, prints one word,
    /// fetch, skip or delete, and ends with status 0; anything else lets the message wait
    #[arg(long, value_name = "COMMAND", help_heading = POLICY)]
    pub(crate) filter: Option<String>,

    /// How long messages stay on the server once they are stored: forever, none, a time (14d), or
    /// as long as all of them take no more than so much room (500MB) [default: forever]
    #[arg(long, value_name = "HOW", help_heading = POLICY)]
    pub(crate) keep: Option<Keep>,

    /// Leave messages on the server that are larger than this
    #[arg(long, value_name = "SIZE", help_heading = POLICY)]
    pub(crate) skip_over: Option<Size>,

    /// What becomes of those: skip, or headers (store their headers only, marked) [default: skip]
    #[arg(long, value_name = "WHAT", help_heading = POLICY)]
    pub(crate) oversize: Option<Oversize>,

    /// No message is larger than this: what comes beyond it is not read, and one that LIST tells to
    /// be larger is not asked for [default: 64GiB]
    #[arg(long, value_name = "SIZE", help_heading = POLICY)]
    pub(crate) largest_message: Option<Size>,

    /// Fetch so many messages at most in one session, then begin another
    #[arg(long, value_name = "N", help_heading = POLICY)]
    pub(crate) max_messages: Option<u32>,

    /// Fetch so much at most in one session, then begin another
    #[arg(long, value_name = "SIZE", help_heading = POLICY)]
    pub(crate) max_octets: Option<Size>,

    /// In the first run, leave alone what is on the server already
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = POLICY)]
    pub(crate) only_new: Option<bool>,

    /// How often `popfetch run` fetches
    #[arg(skip)]
    pub(crate) interval: Option<Span>,
}

impl Settings {
    /// Every path among them.
    pub(crate) fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let single = [
            &mut self.password_file,
            &mut self.netrc,
            &mut self.ca_file,
            &mut self.target_password_file,
            &mut self.target_netrc,
            &mut self.target_ca_file,
        ];
        (single.into_iter().flatten())
            .chain(&mut self.maildir)
            .chain(&mut self.mbox)
    }

    /// Every path of a Unix socket among them.
    pub(crate) fn sockets_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let addresses = self.lmtp.iter_mut().chain(&mut self.smtp);
        addresses.filter(|address| is_socket(address))
    }
}

/// Every setting, those included that are keys of the configuration file only: a password that
/// stood on a command line could be seen by everybody on the machine.
pub(crate) fn definition() -> Command {
    let mut command = Settings::augment_args(Command::new("account"))
        .disable_help_flag(true)
        .arg(
            Arg::new("password")
                .value_name(PASSWORD)
                .group("secret")
                .help("The password itself, if nobody else can read the configuration file")
                .help_heading(SERVER),
        )
        .arg(
            Arg::new("target_password")
                .value_name(PASSWORD)
                .group("target-secret")
                .help("The password for LMTP and SMTP itself, likewise")
                .help_heading(TARGETS),
        )
        .arg(
            Arg::new("interval")
                .value_name("TIME")
                .help("How often `popfetch run` fetches [default: 5m]")
                .help_heading(POLICY),
        );
    // Only then do groups know their members.
    command.build();
    command
}

/// What the value of a setting is called that nobody may see, and of no other.
pub(crate) const PASSWORD: &str = "PASSWORD";
const SERVER: &str = "The server";
pub(crate) const TARGETS: &str =
    "Where the mail goes (several may be given; each gets every message)";
pub(crate) const POLICY: &str = "Which messages";
