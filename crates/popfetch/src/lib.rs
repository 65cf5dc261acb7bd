//! `popfetch`: fetches POP3 mail and never loses or duplicates a message.
//!
//! | room | what is in it |
//! |---|---|
//! | `cli`, `config`, `settings`, `account`, `secret` | what the user wants |
//! | `plan` | what to fetch, skip and delete: a pure function |
//! | `fetch` | a session with the server |
//! | `deliver` | making messages durable, in the one order that is safe |
//! | `state` | what is known of each message |
//! | `report`, `failure`, `words`, `escape` | what the user gets to see |
//! | `visit`, `jobs`, `stop` | one account once; how many at the same time; the end |
//! | `metrics` | numbers of a process that stays |
//! | `sync`, `run`, `list`, `get`, `status`, `state_command`, `doctor`, `demo`, `import`, `generate` | the commands |

mod account;
mod cli;
mod clock;
mod config;
mod deliver;
mod demo;
mod doctor;
mod escape;
mod evidence;
mod failure;
mod fetch;
mod fs;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod generate;
mod get;
mod import;
mod jobs;
mod key;
mod likeness;
mod list;
mod metrics;
mod plan;
mod print;
mod quarantine;
mod random;
mod report;
mod run;
mod secret;
mod settings;
#[cfg(test)]
mod simulation;
mod sizes;
mod state;
mod state_command;
mod status;
mod stop;
mod sync;
mod visit;
mod why;
mod words;

#[cfg(feature = "measuring")]
#[doc(hidden)]
pub use deliver::measuring;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use cli::{Cli, Color, Command};
use failure::Status;
use report::{Event, Human, Json, Outlet, Report, Verbosity};

/// Runs the command with these arguments, the program's name first. The status to exit with.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return show_usage(&error),
    };
    set_colors(cli.common.color);
    trace(cli.common.verbose);
    let outlet = outlet(&cli.command);
    let report = report(&cli, outlet.clone());
    let result = match &cli.command {
        Command::Demo(options) => demo::run(options, &cli.common, &report),
        Command::Sync(options) => sync::run(options, &report, &outlet),
        Command::MarkSeen(options) => sync::mark_seen(options, &report, &outlet),
        Command::List(options) => list::run(options, &cli.common, &report).map(|()| None),
        Command::Get(options) => get::run(options, &cli.common, &report).map(|()| None),
        Command::Status(options) => status::run(options, &cli.common).map(|()| None),
        Command::Run(options) => run::run(options, &report, &outlet),
        Command::Quarantine(options) => quarantine::run(options, &cli.common).map(|()| None),
        Command::State(options) => state_command::run(options, &cli.common).map(|()| None),
        Command::Doctor(options) => doctor::run(options, &cli.common),
        Command::Config(options) => config::run(options, &cli.common, &report),
        Command::Import(options) => import::run(options, &cli.common, &report).map(|()| None),
        Command::Completions(options) => generate::completions(options).map(|()| None),
        Command::Man(options) => generate::man(options).map(|()| None),
    };
    let status = result.unwrap_or_else(|failure| {
        report.report("", Event::Failed { failure: &failure });
        Some(failure.status)
    });
    let untold = untold(&outlet);
    status.or(untold).map_or(ExitCode::SUCCESS, ExitCode::from)
}

/// Complains if not everything could be told. The status of that.
fn untold(outlet: &Outlet) -> Option<Status> {
    let failure = outlet.failure()?;
    let complaint = Event::Failed { failure: &failure };
    Human::new(Verbosity::Quiet, io::sink(), io::stderr()).report("", complaint);
    Some(failure.status)
}

/// Prints clap's error, or the help that was asked for.
fn show_usage(error: &clap::Error) -> ExitCode {
    // There is nobody to tell if that fails.
    let _: io::Result<()> = error.print();
    if error.use_stderr() {
        Status::Usage.into()
    } else {
        ExitCode::SUCCESS
    }
}

fn set_colors(color: Color) {
    let (out, err) = match color {
        Color::Always => (true, true),
        Color::Never => (false, false),
        Color::Auto => {
            let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            (
                wanted && io::stdout().is_terminal(),
                wanted && io::stderr().is_terminal(),
            )
        }
    };
    console::set_colors_enabled(out);
    console::set_colors_enabled_stderr(err);
}

/// The wire trace, from the second `-v` on, on standard error. The library withholds secrets.
fn trace(verbose: u8) {
    let level = match verbose {
        0 | 1 => return,
        2 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_env_filter(format!("poplib={level}"))
        .with_ansi(console::colors_enabled_stderr())
        .with_writer(io::stderr)
        .init();
}

/// Where it is told what happened, as far as the options say. The configuration may say more.
fn outlet(command: &Command) -> Outlet {
    let outlet = Outlet::default();
    let settings = match command {
        Command::Sync(options) => options.settings.settings(),
        Command::Run(options) => options.settings.settings(),
        _ => return outlet,
    };
    if settings.stdout == Some(true) {
        outlet.leave_standard_output();
    }
    outlet
}

fn report(Cli { common, command }: &Cli, out: Outlet) -> Arc<dyn Report> {
    if common.json {
        return Arc::new(Json::new(out));
    }
    let verbosity = match (common.quiet, common.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, _) => Verbosity::Verbose,
    };
    if let Command::Run(options) = command {
        return report::log(options.log, verbosity);
    }
    Arc::new(Human::new(verbosity, out, io::stderr()))
}
