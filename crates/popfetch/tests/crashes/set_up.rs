//! What is fetched, how and into what, and what must be so in the end.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use poplib_sandbox::Mailbox;

use crate::support::{By, Ran, Rig, USER, five, names, ran, sorted};

const ALL: &str = "POPFETCH_CRASHES";

/// Whether a campaign is to be run whole.
pub(crate) fn is_whole() -> bool {
    std::env::var(ALL).is_ok_and(|value| value == "all")
}

/// The numbers from 1 to `last`: all of them in a whole campaign, otherwise one in `share`.
pub(crate) fn numbers(last: usize, share: usize) -> impl Iterator<Item = usize> {
    let (first, step) = if is_whole() {
        (1, 1)
    } else {
        (share / 2, share)
    };
    (first..=last).step_by(step)
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Into {
    Maildir,
    Mbox,
}

/// A way to fetch some messages and to keep none on the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetUp {
    pub(crate) by: By,
    pub(crate) into: Into,
    pub(crate) messages: usize,
}

impl SetUp {
    /// A server with the messages.
    pub(crate) fn rig(self) -> Rig {
        Rig::new(Mailbox::messages(self.mail()))
    }

    fn mail(self) -> Vec<Vec<u8>> {
        let more = (6..).map(|number| format!("Subject: {number}\n\nFrom me\n").into_bytes());
        five().into_iter().chain(more).take(self.messages).collect()
    }

    pub(crate) fn command(self, rig: &Rig) -> Command {
        self.command_at(rig, rig.address(self.by))
    }

    /// By way of an address that leads to the sandbox.
    pub(crate) fn command_at(self, rig: &Rig, address: SocketAddr) -> Command {
        let target = match self.into {
            Into::Maildir => ["--maildir", "mail"],
            Into::Mbox => ["--mbox", "mbox"],
        };
        rig.sync_at(self.by, address, &[target, ["--keep", "none"]].concat())
    }

    /// Runs once more, undisturbed, and asserts that then each message is there once, nothing else
    /// is, and the server and the state have nothing left to do. `what` came before.
    #[track_caller]
    pub(crate) fn assert_recovers(self, rig: &Rig, what: &str) {
        self.await_server(rig);
        let ran = ran(&mut self.command(rig));
        assert_eq!(ran.status, Some(0), "{what}\n{}\n{}", ran.out, ran.err);
        self.assert_everything_once(rig, what, &ran);
    }

    #[track_caller]
    pub(crate) fn assert_everything_once(self, rig: &Rig, what: &str, ran: &Ran) {
        let delivered = match self.into {
            Into::Maildir => rig.delivered(),
            Into::Mbox => rig.in_mbox("mbox"),
        };
        let expected = sorted(self.mail());
        assert!(
            delivered == expected,
            "{what}\n{:?}\nis not\n{:?}\n{}{}",
            beginnings(&delivered),
            beginnings(&expected),
            ran.out,
            ran.err
        );
        assert_eq!(names(&rig.path("mail/tmp")), [""; 0], "{what}");
        assert!(!rig.path("mbox.lock").exists(), "{what}");
        assert_eq!(rig.left(), 0, "{what}");
        // Where the answer to QUIT was lost, nobody has confirmed the deletion.
        let is_settled = |state: &String| state == "gone" || state == "stored";
        let states = rig.states();
        assert!(states.iter().all(is_settled), "{what}: {states:?}");
    }

    /// Waits until the server has noticed that nobody is there any more, and the maildrop is free.
    #[track_caller]
    pub(crate) fn await_server(self, rig: &Rig) {
        let sessions = rig.sandbox.sessions().len() as u64;
        assert!(rig.sandbox.wait_ended(sessions, Duration::from_secs(60)));
        assert!(rig.sandbox.messages_left(USER).is_ok());
    }
}

fn beginnings(messages: &[Vec<u8>]) -> Vec<String> {
    let beginning = |message: &Vec<u8>| message[..message.len().min(20)].escape_ascii().to_string();
    messages.iter().map(beginning).collect()
}
