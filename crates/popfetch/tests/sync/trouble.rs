//! Trouble that is this machine's own: no network, no room, nobody who reads.

use std::fs::{self, File};
use std::net::TcpListener;
use std::process::Command;

use crate::support::{By, PASSWORD, Rig, ran};
use crate::targets::SmallDisk;

#[test]
fn a_port_on_which_nobody_listens_is_told() {
    let rig = Rig::five(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "pops://alice@localhost:{}",
        listener.local_addr().unwrap().port()
    );
    drop(listener);
    let options = ["sync", "--server", &url, "--maildir", "mail"];
    let refused = ran(rig.bare(&options).env("POPFETCH_PASSWORD", PASSWORD)).expect(69);
    assert!(
        refused.err.contains("Connection refused"),
        "{}",
        refused.err
    );
    assert!(
        refused.err.contains("hint: check host and port"),
        "{}",
        refused.err
    );
}

/// The command in a network of its own, in which there is nothing.
fn without_network(command: &Command) -> Command {
    let mut unshared = Command::new("unshare");
    unshared
        .arg("--net")
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        unshared.envs(value.map(|value| (name, value)));
    }
    unshared.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    unshared.current_dir(command.get_current_dir().unwrap());
    unshared
}

#[test]
fn a_machine_without_network_is_told() {
    let rig = Rig::five(&[]);
    for (server, expected) in [
        ("pops://alice@192.0.2.1", "Network is unreachable"),
        (
            "pops://alice@pop.example.org",
            "check the host name, and whether this machine is online",
        ),
    ] {
        let mut sync = rig.bare(&["sync", "--server", server, "--maildir", "mail"]);
        sync.env("POPFETCH_PASSWORD", PASSWORD);
        let refused = ran(&mut without_network(&sync)).expect(69);
        assert!(refused.err.contains(expected), "{}", refused.err);
    }
}

#[test]
fn a_state_without_room_loses_nothing() {
    let rig = Rig::five(&[]);
    let disk = rig.path("disk");
    let _mounted = SmallDisk::mounted(&disk);
    let mut sync = rig.bare(&[
        "sync",
        "--server",
        &rig.url(By::ImplicitTls),
        "--keep",
        "none",
    ]);
    sync.args([
        "--ca-file",
        "ca.pem",
        "--maildir",
        "mail",
        "--state",
        "disk/state.db",
    ])
    .env("POPFETCH_PASSWORD", PASSWORD);
    let ballast = disk.join("ballast");
    for room in [0, 32 * 1024] {
        fs::write(&ballast, vec![0; 1024 * 1024 - room]).unwrap();
        let full = ran(&mut sync).expect(74);
        assert!(
            full.err.contains(" the state disk/state.db: "),
            "{}",
            full.err
        );
        assert_eq!(rig.left(), 5);
    }
    fs::remove_file(&ballast).unwrap();
    ran(&mut sync).expect(0);
    rig.assert_five();
    assert_eq!(rig.left(), 0);
}

#[test]
fn mail_is_fetched_though_nobody_can_be_told_of_it() {
    for options in [&[][..], &["--json"]] {
        let rig = Rig::five(&[]);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let untold = ran(rig.sync(By::ImplicitTls).args(options).stdout(full)).expect(74);
        assert!(
            untold
                .err
                .starts_with("error: could not tell what happened: No space left"),
            "{}",
            untold.err
        );
        rig.assert_five();
        ran(rig.sync(By::ImplicitTls).args(options)).expect(0);
    }
}

#[test]
fn mail_is_fetched_though_nobody_reads_of_it() {
    for options in [&[][..], &["--json"]] {
        let rig = Rig::five(&[]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = ran(rig.sync(By::ImplicitTls).args(options).stdout(writer)).expect(0);
        assert_eq!(ran.err, "");
        rig.assert_five();
    }
}
