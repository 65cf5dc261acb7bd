//! The help texts, as they are printed where no terminal says how wide it is.

use poplib_sandbox::Mailbox;

use crate::support::{Rig, ran};

#[test]
fn help() {
    let rig = Rig::new(Mailbox::empty());
    for (name, arguments) in [
        ("popfetch", &["--help"][..]),
        ("demo", &["demo", "--help"]),
        ("sync", &["sync", "--help"]),
        ("run", &["run", "--help"]),
        ("list", &["list", "--help"]),
        ("get", &["get", "--help"]),
        ("status", &["status", "--help"]),
        ("quarantine", &["quarantine", "--help"]),
        ("quarantine-retry", &["quarantine", "retry", "--help"]),
        ("state", &["state", "--help"]),
        ("state-show", &["state", "show", "--help"]),
        ("state-move", &["state", "move", "--help"]),
        ("state-accept-target", &["state", "accept-target", "--help"]),
        ("state-resolve", &["state", "resolve", "--help"]),
        ("state-quirks", &["state", "quirks", "--help"]),
        ("config", &["config", "--help"]),
        ("config-show", &["config", "show", "--help"]),
        ("completions", &["completions", "--help"]),
        ("man", &["man", "--help"]),
        ("import", &["import", "--help"]),
        ("doctor", &["doctor", "--help"]),
    ] {
        insta::assert_snapshot!(name, ran(&mut rig.bare(arguments)).expect(0).out);
    }
}

#[test]
fn mistakes_on_the_command_line() {
    let rig = Rig::new(Mailbox::empty());
    let with_server = |options: &[&'static str]| {
        let given = ["sync", "--server", "pops://me@host", "--maildir", "mail"];
        [&given, options].concat()
    };
    for (name, arguments) in [
        ("no-server", vec!["sync"]),
        ("keep", with_server(&["--keep", "14"])),
        ("auth", with_server(&["--auth", "gssapi"])),
        ("pin", with_server(&["--pin", "sha1:00"])),
        ("misspelt", with_server(&["--mailder", "x"])),
        (
            "url",
            vec!["sync", "--server", "imap://me@host", "--maildir", "mail"],
        ),
        (
            "password-in-url",
            vec!["sync", "--server", "pops://me:x@host", "--maildir", "mail"],
        ),
        (
            "no-user",
            vec!["sync", "--server", "pops://host", "--maildir", "mail"],
        ),
    ] {
        let ran = ran(&mut rig.bare(&arguments)).expect(64);
        let home = rig.path("");
        let shown = ran.err.replace(home.to_str().unwrap(), "$HOME/");
        insta::assert_snapshot!(name, shown);
    }
}
