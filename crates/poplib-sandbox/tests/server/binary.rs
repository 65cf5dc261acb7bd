//! The command.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::Client;

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_poplib-sandbox"))
}

struct Server {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    plain: SocketAddr,
    tls: SocketAddr,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command()
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut address = |name: &str| {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            let address = line
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix(' '));
            address.unwrap().trim().parse().unwrap()
        };
        let (plain, tls) = (address("plain"), address("tls"));
        Self {
            child,
            output,
            plain,
            tls,
        }
    }

    fn stop(mut self, signal: Signal) -> String {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        let rest = self
            .output
            .lines()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
            .join("\n");
        assert!(self.child.wait().unwrap().success());
        rest
    }
}

#[test]
fn it_serves_until_a_signal_comes() {
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    let client_pem = directory.path().join("bob.pem");
    let mut server = Server::start(&[
        "--user=bob:pass word",
        "--generate=5",
        "--octets=1000..2000",
        "--ca-out",
        ca.to_str().unwrap(),
        &format!("--client-certificate=bob:{}", client_pem.display()),
        "--misbehave=err-on-retr=2",
        "--verbose",
    ]);
    assert_ne!(server.plain, server.tls);
    assert!(
        std::fs::read_to_string(&ca)
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
    let pem = std::fs::read_to_string(&client_pem).unwrap();
    assert!(pem.contains("BEGIN CERTIFICATE") && pem.contains("BEGIN PRIVATE KEY"));
    let mut client = Client::greeted(server.plain);
    client.ok("USER bob");
    client.ok("PASS pass word");
    assert!(client.ok("STAT").starts_with("5 "));
    client.err("RETR 2");
    client.ok("QUIT");
    drop(client);
    let mut told = String::new();
    server.output.read_line(&mut told).unwrap();
    assert!(
        told.starts_with("session 1 from 127.0.0.1:") && told.contains(": bob, no TLS, "),
        "{told}"
    );
    assert!(server.stop(Signal::TERM).contains("  PASS pass word\n"));
}

#[test]
fn it_stops_on_ctrl_c() {
    Server::start(&[]).stop(Signal::INT);
}

#[test]
fn help_lists_every_misbehaviour() {
    let output = command().arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for entry in poplib_sandbox::Misbehaviour::CATALOGUE {
        assert!(
            help.contains(&format!("\n  {}", entry.name)),
            "{}",
            entry.name
        );
    }
}

#[test]
fn mistakes_are_told() {
    for (arguments, words) in [
        (["--misbehave=coffee", "-v"], "no such misbehaviour"),
        (["--user=alice", "-v"], "colon"),
        (["--generate=1", "--octets=9..1"], "must not exceed"),
        (["--ca-out=/nowhere/ca.pem", "-v"], "/nowhere/ca.pem"),
    ] {
        let output = command().args(arguments).output().unwrap();
        assert!(!output.status.success());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(words), "{told}");
    }
}

/// Peak resident memory of a process, in MiB.
#[cfg(target_os = "linux")]
fn peak_memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib = peak.split_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() / 1024
}

#[cfg(target_os = "linux")]
#[test]
fn generated_mail_costs_no_memory() {
    let server = Server::start(&["--generate=1000000", "--octets=17179869184"]);
    let mut client = Client::greeted(server.plain);
    client.ok("USER alice");
    client.ok("PASS secret");
    assert_eq!(client.body("LIST").lines().count(), 1_000_000);
    assert_eq!(client.body("UIDL").lines().count(), 1_000_000);
    client.ok("RETR 1000000");
    client.octets(100_000_000);
    let peak = peak_memory(&server.child);
    assert!(peak < 32, "{peak} MiB");
    drop(client);
    server.stop(Signal::TERM);
}
