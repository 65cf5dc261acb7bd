//! A server that falls silent, or sends an octet in each interval, in every phase of a session: the
//! deadline ends it, and nothing is lost.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::set_up::{Into, SetUp};
use crate::slow::slow;
use crate::support::{By, Rig, ran};

/// Shorter than the deadline, so that no single read takes too long.
const PAUSE: Duration = Duration::from_millis(400);
const DEADLINE: &str = "1";
/// Enough for a busy machine, and less than most of what is slow here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A part of a session.
struct Phase {
    by: By,
    /// What the sandbox does there.
    stall: &'static str,
    /// The client's line with which it begins; nothing for the beginning of the connection.
    line: &'static str,
    /// The status that ends it, and what is said.
    status: i32,
    says: &'static str,
}

const PHASES: [Phase; 8] = [
    Phase::new(By::Plaintext, "stall@1", "", 69, "greeting"),
    Phase::new(By::ImplicitTls, "stall=tls@1", "", 69, "TLS handshake"),
    Phase::new(By::Plaintext, "stall=PASS@1", "PASS", 75, "log in"),
    Phase::new(By::Plaintext, "stall=LIST@1", "LIST", 75, "list"),
    Phase::new(By::Plaintext, "stall=UIDL@1", "UIDL", 75, "list"),
    Phase::new(
        By::Plaintext,
        "stall-in-body=3:1000@1",
        "RETR 3",
        75,
        "fetch message 3",
    ),
    Phase::new(By::Plaintext, "stall=DELE@1", "DELE", 75, "delete"),
    Phase::new(By::Plaintext, "stall=QUIT@1", "QUIT", 75, "QUIT"),
];

impl Phase {
    const fn new(
        by: By,
        stall: &'static str,
        line: &'static str,
        status: i32,
        says: &'static str,
    ) -> Self {
        Self {
            by,
            stall,
            line,
            status,
            says,
        }
    }

    fn set_up(&self) -> SetUp {
        SetUp {
            by: self.by,
            into: Into::Maildir,
            messages: 5,
        }
    }

    /// Runs into the deadline, and once more without anything in the way.
    fn ends_in_time(&self, rig: &Rig, address: SocketAddr) {
        let command = || {
            let mut command = self.set_up().command_at(rig, address);
            command.args(["--auth", "user", "--pipeline", "off"]);
            command
        };
        let begun = Instant::now();
        let first = ran(command().args(["--timeout", DEADLINE]));
        assert!(begun.elapsed() < PATIENCE, "{}", self.stall);
        let told = format!("{}: {}", self.stall, first.err);
        assert_eq!(first.status, Some(self.status), "{told}");
        assert!(first.err.contains("took too long"), "{told}");
        assert!(first.err.contains(self.says), "{told}");
        self.set_up().await_server(rig);
        let second = ran(&mut command()).expect(0);
        self.set_up()
            .assert_everything_once(rig, self.stall, &second);
    }
}

#[test]
fn a10_a_stall_in_any_phase_ends_at_its_deadline() {
    thread::scope(|scope| {
        for phase in &PHASES {
            scope.spawn(|| {
                let rig = phase.set_up().rig();
                rig.misbehave(&[phase.stall]);
                phase.ends_in_time(&rig, rig.address(phase.by));
            });
        }
    });
}

#[test]
fn a10_an_octet_in_each_interval_ends_at_the_deadline_of_any_phase() {
    thread::scope(|scope| {
        for phase in &PHASES {
            scope.spawn(|| {
                let rig = phase.set_up().rig();
                let way = slow(rig.address(phase.by), phase.line, PAUSE);
                phase.ends_in_time(&rig, way);
            });
        }
    });
}
