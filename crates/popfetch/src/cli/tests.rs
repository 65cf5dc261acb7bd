use clap::CommandFactory;

use super::*;

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
        Command::Demo(_) => unreachable!(),
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn nothing_is_deleted_unless_asked() {
    assert_eq!(sync(&[]).unwrap().keep, Keep::Forever);
    assert_eq!(sync(&["--keep", "none"]).unwrap().keep, Keep::None);
    assert!(sync(&["--keep", "14d"]).is_err());
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
    for method in Method::ALL {
        let name = method.name().trim_start_matches('+').to_ascii_lowercase();
        let accepted = sync(&["--auth", &name]).map(|sync| sync.server.auth);
        match accepted {
            Ok(auth) => {
                assert_eq!(auth, Some(Auth::Only(method)));
                assert!(help.contains(&name), "{name}");
            }
            Err(_) => assert!(!help.contains(&name), "{name}"),
        }
    }
    assert_eq!(
        sync(&["--auth", "auto"]).unwrap().server.auth,
        Some(Auth::Auto)
    );
}

#[test]
fn a_pin_is_a_sha256() {
    let pin = |text: &str| sync(&["--pin", text]).map(|sync| sync.server.pin);
    let digits = "00ff".repeat(16);
    let octets = std::array::from_fn(|position| if position % 2 == 0 { 0 } else { 255 });
    assert_eq!(pin(&format!("sha256:{digits}")).unwrap(), Some(octets));
    assert_eq!(
        pin(&format!("sha256:{}", digits.to_uppercase())).unwrap(),
        Some(octets)
    );
    for wrong in [
        &digits,
        "sha256:",
        "sha256:00",
        &format!("sha256:{}", "é".repeat(32)),
    ] {
        assert!(pin(wrong).is_err(), "{wrong}");
    }
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
