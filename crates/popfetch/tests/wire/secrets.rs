//! No output and no file has the password in it but those where the user wrote it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::listener::assert_no_password;
use crate::support::{By, PASSWORD, Rig, kill, ran, wait_until};

/// A configuration file that holds the password itself, and perhaps a proxy with one.
fn configured(faults: &[&str], with_proxy: bool) -> Rig {
    let rig = Rig::five(faults);
    let server = rig.url(By::ImplicitTls);
    let proxy = match with_proxy {
        true => format!("proxy = \"socks5://me:{PASSWORD}@localhost:1\"\n"),
        false => String::new(),
    };
    let text = format!(
        "[account.a]\nserver = \"{server}\"\npassword = \"{PASSWORD}\"\n{proxy}\
         ca_file = \"ca.pem\"\nmaildir = \"mail\"\n"
    );
    fs::write(rig.path("config.toml"), text).unwrap();
    fs::set_permissions(rig.path("config.toml"), fs::Permissions::from_mode(0o600)).unwrap();
    rig
}

/// Runs a command with every way of printing, and looks at all that it prints.
#[track_caller]
fn assert_silent(rig: &Rig, arguments: &[&str]) {
    for format in [&[][..], &["-vvv"], &["-vvv", "--json"]] {
        let mut command = rig.with_state(arguments);
        command.args(["--config", "config.toml"]).args(format);
        let ran = ran(&mut command);
        assert_ne!(ran.status, Some(64), "{arguments:?}: {}", ran.err);
        assert_no_password(ran.out.as_bytes());
        assert_no_password(ran.err.as_bytes());
    }
}

const COMMANDS: [&[&str]; 11] = [
    &["list", "--headers"],
    &["sync"],
    &["mark-seen"],
    &["sync", "--keep", "none", "--dry-run"],
    &["get", "1", "--output", "1.eml", "--force"],
    &["status"],
    &["quarantine", "list"],
    &["config", "check"],
    &["config", "show"],
    &["config", "show", "a"],
    &["doctor", "a"],
];

#[test]
fn a13_no_command_prints_the_password() {
    let servers: [&[&str]; 6] = [
        &[],
        &["err-on-retr=2", "err-on-dele=3"],
        &["refuse-login=[AUTH] no"],
        &["close-on=PASS", "close-on=AUTH"],
        &["answer=AUTH:nonsense\\r\\n"],
        &["unusable-mechanism", "endless-challenge"],
    ];
    for faults in servers {
        let rig = configured(faults, false);
        for arguments in COMMANDS {
            assert_silent(&rig, arguments);
        }
        assert_no_file_has_it(&rig);
    }
}

#[test]
fn a13_no_command_prints_the_password_of_a_proxy() {
    let rig = configured(&[], true);
    for arguments in COMMANDS {
        assert_silent(&rig, arguments);
    }
    let broken = fs::read_to_string(rig.path("config.toml")).unwrap();
    let broken = broken.replace("localhost:1", "localhost:port");
    fs::write(rig.path("config.toml"), broken).unwrap();
    for arguments in COMMANDS {
        assert_silent(&rig, arguments);
    }
    assert_no_file_has_it(&rig);
}

#[test]
fn a13_a_service_tells_nobody_the_password() {
    for (log, end) in [
        ("text", "stored 5 messages"),
        ("json", "\"event\":\"waiting\""),
    ] {
        let rig = configured(&[], false);
        let mut command = rig.with_state(&["run", "--config", "config.toml", "-vvv", "--log", log]);
        command.args(["--metrics", "127.0.0.1:0", "--interval", "1h"]);
        let log = fs::File::create(rig.path("log")).unwrap();
        let child = command.stderr(log).stdout(Stdio::piped()).spawn().unwrap();
        let said = || fs::read_to_string(rig.path("log")).unwrap();
        wait_until("the end of the first visit", || said().contains(end));
        let metrics = scraped(&said());
        assert!(metrics.contains("popfetch_sessions_total"), "{metrics}");
        assert_no_password(metrics.as_bytes());
        kill(&child, "TERM");
        assert_no_password(&child.wait_with_output().unwrap().stdout);
        assert_no_password(said().as_bytes());
        assert_no_file_has_it(&rig);
    }
}

/// The metrics, from the address that the log names.
fn scraped(log: &str) -> String {
    let (_, after) = log.split_once("127.0.0.1:").expect("the address");
    let port: String = after.chars().take_while(char::is_ascii_digit).collect();
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Looks at all files below the rig's directory, but for the configuration.
#[track_caller]
fn assert_no_file_has_it(rig: &Rig) {
    let mut files = Vec::new();
    collect(&rig.path("."), &mut files);
    assert!(files.len() > 1);
    for path in files {
        if !path.ends_with("config.toml") {
            assert_no_password(&fs::read(&path).unwrap());
        }
    }
}

fn collect(directory: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => collect(&entry.path(), files),
            false => files.push(entry.path()),
        }
    }
}
