//! The units for systemd.

use std::fs;
use std::path::Path;
use std::process::Command;

use poplib_sandbox::Mailbox;

use crate::support::{Rig, ran};

const UNITS: [&str; 2] = ["popfetch.service", "popfetch-user.service"];
const PROGRAM: &str = "/usr/local/bin/popfetch";

/// A unit as it is shipped.
fn unit(name: &str) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist");
    fs::read_to_string(directory.join(name)).unwrap()
}

#[test]
fn the_units_start_the_command_with_options_that_it_has() {
    let rig = Rig::new(Mailbox::empty());
    for name in UNITS {
        let unit = unit(name);
        let start = format!("ExecStart={PROGRAM} ");
        let start = unit
            .lines()
            .find_map(|line| line.strip_prefix(&start))
            .unwrap();
        let arguments: Vec<&str> = start.split(' ').chain(["--help"]).collect();
        ran(&mut rig.bare(&arguments)).expect(0);
    }
}

#[test]
fn systemd_finds_no_fault_with_the_units() {
    let rig = Rig::new(Mailbox::empty());
    for name in UNITS {
        // It wants the program to be there.
        let path = rig.path(name);
        fs::write(&path, unit(name).replace(PROGRAM, "/bin/sh")).unwrap();
        let verify = Command::new("systemd-analyze")
            .arg("verify")
            .arg(&path)
            .output();
        let Ok(verify) = verify else {
            println!("left out: there is no systemd-analyze here");
            return;
        };
        let said = String::from_utf8_lossy(&verify.stderr);
        assert!(verify.status.success() && said.is_empty(), "{said}");
    }
}
