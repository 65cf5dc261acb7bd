//! Outputs that take nothing, and colours.

use std::fs::{self, File};
use std::process::Command;

use crate::support::{By, PASSWORD, Rig, ran};

/// Five messages that were fetched, one of them given up, and the configuration that says so.
fn fetched() -> Rig {
    let rig = Rig::five(&["err-on-retr=3"]);
    let (url, home) = (rig.url(By::ImplicitTls), rig.path(""));
    let home = home.display();
    let text = format!(
        "state = '{home}/state.db'\n[account.alice]\nserver = '{url}'\nca_file = '{home}/ca.pem'\n\
         maildir = '{home}/mail'\npassword_command = 'echo {PASSWORD}'\n"
    );
    fs::write(rig.path("config.toml"), text).unwrap();
    for _ in 0..3 {
        ran(&mut rig.bare(&["sync", "--config", "config.toml"])).expect(75);
        rig.pass_hours(1);
    }
    rig.misbehave(&[]);
    rig
}

const CONFIG: [&str; 2] = ["--config", "config.toml"];

#[test]
fn an_output_without_room_is_an_error() {
    let rig = fetched();
    for arguments in [
        &["list"][..],
        &["list", "--headers"],
        &["list", "--json"],
        &["get", "1"],
        &["get", "1", "--json", "--output", "one.eml"],
        &["status"],
        &["status", "--json"],
        &["quarantine", "list"],
        &["quarantine", "list", "--json"],
        &["state", "show", "alice"],
        &["state", "show", "alice", "--json"],
        &["state", "check"],
        &["state", "export", "alice"],
        &["config", "check"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["doctor", "alice"],
        &["doctor", "alice", "--json"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = rig.bare(arguments);
        let ran = ran(command.args(CONFIG).stdout(full)).expect(74);
        assert!(ran.err.starts_with("error: could not "), "{}", ran.err);
        assert!(ran.err.contains("No space left on device"), "{}", ran.err);
    }
    for arguments in [
        &["config", "example"][..],
        &["completions", "bash"],
        &["man"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ran = ran(rig.bare(arguments).stdout(full)).expect(74);
        assert!(ran.err.contains("No space left on device"), "{}", ran.err);
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let rig = fetched();
    for arguments in [
        &["list"][..],
        &["get", "1", "2"],
        &["status", "--json"],
        &["quarantine", "list"],
        &["state", "show", "alice", "--all"],
        &["state", "export", "alice"],
        &["config", "show"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = rig.bare(arguments);
        let ran = ran(command.args(CONFIG).stdout(writer)).expect(0);
        assert_eq!(ran.err, "", "{arguments:?}");
    }
}

#[test]
fn colours_are_there_when_they_are_wanted() {
    let rig = fetched();
    let is_coloured = |options: &[&str], no_color: Option<&str>| {
        let mut command = rig.bare(&["list", "--config", "config.toml"]);
        command
            .args(options)
            .envs(no_color.map(|value| ("NO_COLOR", value)));
        ran(&mut command).expect(0).out.contains('\x1b')
    };
    assert!(!is_coloured(&[], None));
    assert!(is_coloured(&["--color", "always"], None));
    // What is said on the command line is meant for this command.
    assert!(is_coloured(&["--color", "always"], Some("1")));
    assert!(!is_coloured(&["--color", "never"], None));
}

#[test]
fn a_terminal_gets_colours_unless_no_color_says_otherwise() {
    let rig = fetched();
    for (no_color, option, expected) in [
        (None, "auto", true),
        (Some(""), "auto", true),
        (Some("1"), "auto", false),
        (None, "never", false),
    ] {
        let list = rig.bare(&["list", "--config", "config.toml", "--color", option]);
        let words: Vec<&str> = [list.get_program()]
            .into_iter()
            .chain(list.get_args())
            .map(|word| word.to_str().unwrap())
            .collect();
        // It runs the command on a terminal of its own.
        let mut script = Command::new("script");
        script
            .args([
                "--quiet",
                "--return",
                "--command",
                &words.join(" "),
                "/dev/null",
            ])
            .current_dir(rig.path(""))
            .env_clear()
            .env("TERM", "xterm")
            .env("HOME", rig.path(""))
            .envs(no_color.map(|value| ("NO_COLOR", value)));
        let shown = ran(&mut script).expect(0).out;
        assert_eq!(
            shown.contains("\x1b["),
            expected,
            "{no_color:?} {option}: {shown}"
        );
    }
}
