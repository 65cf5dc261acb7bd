//! That nothing is deleted on the server before it is on the disk, as the kernel sees it.

mod log;
mod order;

use std::{fs, process::Command};

use interop::{Mailbox, Server};

use crate::support::{Home, dovecot, pop};

/// Fetches under strace with `--keep none` and nothing encrypted, into the Maildir and what else
/// the options say. The calls.
fn fetched(server: &Server, home: &Home, options: &[&str]) -> Vec<log::Call> {
    let usual = ["--keep", "none", "--allow-plaintext", "--auth", "user"];
    let popfetch = home.command(&pop(server), "secret", &[&usual, options].concat());
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-y", "-s", "64", "-o", "trace", "-e"])
        .arg(log::CALLS)
        .arg(popfetch.get_program())
        .args(popfetch.get_args())
        .current_dir(popfetch.get_current_dir().unwrap())
        .env_clear()
        .envs(
            popfetch
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let output = strace
        .output()
        .expect("strace; tests/interop/prepare installs it");
    assert!(output.status.success(), "{output:?}");
    log::read(&fs::read_to_string(home.path().join("trace")).unwrap())
}

fn in_order(messages: usize, options: &[&str], delivered: usize) {
    let mailbox = Mailbox::ordinary(messages);
    let server = dovecot(&mailbox);
    let home = Home::trusting(&server);
    let calls = fetched(&server, &home, options);
    home.assert_holds(&mailbox);
    assert_eq!(order::check(&calls), Ok(delivered));
}

#[test]
fn few_messages_are_durable_before_they_are_deleted() {
    in_order(3, &[], 3);
}

#[test]
fn many_messages_are_durable_before_they_are_deleted() {
    in_order(100, &[], 100);
}

#[test]
fn an_mbox_is_durable_before_its_messages_are_deleted() {
    in_order(3, &["--mbox", "mbox"], 3 + 1);
}
