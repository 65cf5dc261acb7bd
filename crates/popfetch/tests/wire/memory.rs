//! What a look into the memory of a command finds that has logged in.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};

use crate::listener::passwords;
use crate::support::{By, PASSWORD, Rig, kill, names, start, wait_until};

/// Where in the memory of a process these octets stand: the names of its mappings, and what is near.
fn found(child: &Child, sought: &[u8]) -> Vec<String> {
    let process = format!("/proc/{}", child.id());
    let maps = fs::read_to_string(format!("{process}/maps")).unwrap();
    let mut memory = File::open(format!("{process}/mem")).unwrap();
    let mut places = Vec::new();
    for map in maps.lines() {
        let words: Vec<&str> = map.split_whitespace().collect();
        let name = words.get(5).copied().unwrap_or("anonymous");
        if !words[1].starts_with("rw") {
            continue;
        }
        let (from, to) = words[0].split_once('-').unwrap();
        let address = |hex| u64::from_str_radix(hex, 16).unwrap();
        memory.seek(SeekFrom::Start(address(from))).unwrap();
        let mut octets = vec![0; (address(to) - address(from)) as usize];
        // Not everything that is mapped is there.
        if memory.read_exact(&mut octets).is_err() {
            continue;
        }
        for at in memchr::memmem::find_iter(&octets, sought) {
            let around = at.saturating_sub(64)..(at + 96).min(octets.len());
            places.push(format!("{name}: {}", octets[around].escape_ascii()));
        }
    }
    places
}

/// The places where the password, or what mechanisms make of it, stands.
fn passwords_in(child: &Child) -> Vec<String> {
    // Nobody looks for nothing: the user's name is in the memory of every command.
    assert!(!found(child, b"alice").is_empty());
    let places = passwords().into_iter().flat_map(|password| {
        let places = found(child, password.as_bytes());
        places
            .into_iter()
            .map(move |place| format!("{password} in {place}"))
    });
    places.collect()
}

/// Those in a `sync` that waits in the middle of a message.
fn while_fetching(give: Give, method: &str) -> Vec<String> {
    let rig = Rig::five(&["stall-in-body=3:1000"]);
    let mut command = rig.sync(By::ImplicitTls);
    command
        .env_remove("POPFETCH_PASSWORD")
        .args(["--auth", method]);
    give(&rig, &mut command);
    let mut child = start(&mut command);
    wait_until("the third message", || {
        let begun = |sent: &[u8]| memchr::memmem::find(sent, b"0123456789abcdef").is_some();
        rig.sandbox
            .sessions()
            .iter()
            .any(|session| begun(&session.sent))
    });
    let places = passwords_in(&child);
    child.kill().unwrap();
    child.wait().unwrap();
    places
}

/// Those in a `run` that waits for its next visit.
fn while_waiting(give: Give, method: &str) -> Vec<String> {
    let rig = Rig::five(&[]);
    let mut child = waiting(&rig, give, method);
    let places = passwords_in(&child);
    child.kill().unwrap();
    child.wait().unwrap();
    rig.assert_five();
    places
}

/// A `run` that waits for its next visit.
fn waiting(rig: &Rig, give: Give, method: &str) -> Child {
    let mut command = rig.ask(&[
        "run",
        "--interval",
        "1h",
        "--maildir",
        "mail",
        "--auth",
        method,
    ]);
    command.args(["--state", "state.db", "--log", "json"]);
    command.env_remove("POPFETCH_PASSWORD");
    give(rig, &mut command);
    let log = File::create(rig.path("log")).unwrap();
    let child = command.stderr(log).spawn().unwrap();
    wait_until("the end of the first visit", || {
        fs::read_to_string(rig.path("log"))
            .unwrap()
            .contains("\"event\":\"waiting\"")
    });
    child
}

/// Tells a command where its password is.
type Give = fn(&Rig, &mut Command);

fn by_file(rig: &Rig, command: &mut Command) {
    let file = rig.path("password");
    fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    command.args(["--password-file", "password"]);
}

fn by_command(rig: &Rig, command: &mut Command) {
    by_file(rig, &mut Command::new("true"));
    command.args(["--password-command", "cat password"]);
}

fn by_netrc(rig: &Rig, command: &mut Command) {
    let text = format!("machine localhost login alice password \"{PASSWORD}\"\n");
    let file = rig.path("netrc");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    command.arg("--netrc=netrc");
}

fn by_environment(_: &Rig, command: &mut Command) {
    command.env("POPFETCH_PASSWORD", PASSWORD);
}

/// Every source with one method, and every method with one source.
fn pairs() -> Vec<(Give, &'static str)> {
    let methods = ["user", "login", "scram-sha-256", "cram-md5", "apop"];
    let by_methods = methods.map(|method| (by_file as Give, method));
    let sources: [Give; 3] = [by_file, by_command, by_netrc];
    let by_sources = sources.map(|give| (give, "plain"));
    by_methods.into_iter().chain(by_sources).collect()
}

#[test]
fn a13_after_the_login_one_copy_is_left_for_the_next_session() {
    for (give, method) in pairs() {
        let places = while_fetching(give, method);
        assert!(places.len() <= 1, "{method}: {places:#?}");
    }
}

#[test]
fn a13_between_visits_no_password_is_left_that_can_be_had_again() {
    for (give, method) in pairs() {
        let places = while_waiting(give, method);
        assert_eq!(places, [""; 0], "{method}");
    }
    // The environment is the kernel's gift, and stays.
    let places = while_waiting(by_environment, "plain");
    assert!(
        places.iter().any(|place| place.contains("[stack]")),
        "{places:#?}"
    );
}

/// Where the kernel writes what is left of a process, and whether it does.
fn dumps_are_files() -> bool {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let limit = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    pattern.trim_end() == "core" && limit.unwrap().contains("unlimited")
}

/// The dump of a `run` that is killed while it waits for its next visit.
fn dump_while_waiting(give: Give, method: &str) -> Vec<u8> {
    let rig = Rig::five(&[]);
    let mut child = waiting(&rig, give, method);
    let id = child.id().to_string();
    let mut unlimited = Command::new("prlimit");
    unlimited.args(["--core=unlimited", "--pid", &id]);
    assert!(unlimited.status().unwrap().success());
    kill(&child, "ABRT");
    assert!(child.wait().unwrap().core_dumped());
    let mut names = names(&rig.path(".")).into_iter();
    let name = names.find(|name| name.starts_with("core"));
    fs::read(rig.path(&name.unwrap())).unwrap()
}

/// A dump has the registers of all threads, too, and what cannot be written to.
#[test]
fn a13_the_dump_of_a_process_that_was_killed_between_visits_has_no_password() {
    if !dumps_are_files() {
        println!("left out: the kernel writes no dumps here");
        return;
    }
    let place = |dump: &[u8], password: &str| memchr::memmem::find(dump, password.as_bytes());
    for method in ["plain", "scram-sha-256"] {
        let dump = dump_while_waiting(by_file, method);
        for password in passwords() {
            assert_eq!(place(&dump, &password), None, "{method}: {password}");
        }
    }
    // Where it cannot be wiped, it is found.
    assert!(place(&dump_while_waiting(by_environment, "plain"), PASSWORD).is_some());
}
