use clap::CommandFactory;

use poplib::sasl::Method;

use super::*;
use crate::plan::Keep;
use crate::settings::Auth;

fn sync(options: &[&str]) -> Result<Sync, clap::Error> {
    let given = [
        "popfetch",
        "sync",
        "--server",
        "pops://me@host",
        "--maildir",
        "mail",
    ];
    match Cli::try_parse_from(given.iter().chain(options))?.command {
        Command::Sync(sync) => Ok(*sync),
        _ => unreachable!(),
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn nothing_is_deleted_unless_asked() {
    assert_eq!(
        sync(&[])
            .unwrap()
            .settings
            .settings()
            .keep
            .unwrap_or_default(),
        Keep::Forever
    );
    let keep = sync(&["--keep", "none"]).unwrap().settings.settings().keep;
    assert_eq!(keep, Some(Keep::None));
}

#[test]
fn every_method_is_in_the_help() {
    let help = Cli::command()
        .find_subcommand("sync")
        .and_then(|sync| {
            sync.get_arguments()
                .find(|argument| argument.get_id() == "auth")
        })
        .and_then(|auth| auth.get_help().map(ToString::to_string))
        .unwrap();
    for &method in Method::ALL {
        let name = method.name().trim_start_matches('+').to_ascii_lowercase();
        let accepted = sync(&["--auth", &name]).map(|sync| sync.settings.settings().auth);
        match accepted {
            Ok(auth) => {
                assert_eq!(auth, Some(Auth::Only(method)));
                assert!(help.contains(&name), "{name}");
            }
            Err(_) => assert!(!help.contains(&name), "{name}"),
        }
    }
    assert_eq!(
        sync(&["--auth", "auto"]).unwrap().settings.settings().auth,
        Some(Auth::Auto)
    );
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    for options in [
        &["--password-file", "x", "--password-command", "y"][..],
        &[
            "--ca-file",
            "x",
            "--pin",
            &format!("sha256:{}", "0".repeat(64)),
        ],
        &["-q", "-v"],
    ] {
        assert!(sync(options).is_err(), "{options:?}");
    }
}

#[test]
fn the_help_orders_the_statuses_as_the_program_does() {
    use crate::failure::Status;

    let (_, list) = STATUSES.rsplit_once(": ").unwrap();
    let listed: Vec<u8> = list
        .trim_end_matches(".")
        .split(", ")
        .map(|status| status.parse().unwrap())
        .collect();
    let mut statuses = [
        Status::Usage,
        Status::Unavailable,
        Status::CannotCreate,
        Status::InputOutput,
        Status::Temporary,
        Status::Protocol,
        Status::LoginRefused,
        Status::Configuration,
        Status::Interrupted,
        Status::Terminated,
    ];
    statuses.sort_by_key(|status| std::cmp::Reverse(status.severity()));
    let ordered: Vec<u8> = statuses.map(Status::code).into_iter().chain([0]).collect();
    assert_eq!(listed, ordered);
}
