//! `popfetch doctor` against the sandbox, as the user runs it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod healthy;
mod quirks;
mod refusals;

use std::process::Command;

use support::{By, PASSWORD, Ran, Rig, ran};

/// `popfetch doctor` with what it needs, as the sandbox's user.
fn doctor(rig: &Rig, by: By) -> Command {
    let mut command = rig.bare(&["doctor", &rig.url(by)]);
    command.arg("--ca-file").arg(rig.path("ca.pem"));
    command.env("POPFETCH_PASSWORD", PASSWORD);
    if matches!(by, By::Plaintext) {
        command.arg("--allow-plaintext");
    }
    command
}

/// Examines by TLS with these further options.
fn examine(rig: &Rig, options: &[&str]) -> Ran {
    ran(doctor(rig, By::ImplicitTls).args(options))
}

/// The names of the findings, in their order; `-` for one that has none.
fn names(ran: &Ran) -> Vec<String> {
    let findings = ran.out.lines().filter_map(|line| {
        let (severity, rest) = line.split_once(' ')?;
        let first = rest.split(' ').next()?;
        let is_name = first.len() > 1 && first[1..].bytes().all(|octet| octet.is_ascii_digit());
        ["note", "care", "bad"]
            .contains(&severity)
            .then(|| match is_name {
                true => first.to_owned(),
                false => "-".to_owned(),
            })
    });
    findings.collect()
}
