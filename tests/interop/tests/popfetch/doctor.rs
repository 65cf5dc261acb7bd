//! What `popfetch doctor` says of servers that nobody has told to misbehave.

use interop::{Courier, Cyrus, Mailbox, Server, User};

use crate::support::{Home, Run, dovecot, pop, pops};

/// The first line of each finding.
fn findings(run: &Run) -> Vec<String> {
    let text = run.text();
    let is_finding = |line: &&str| {
        ["note ", "care ", "bad "]
            .iter()
            .any(|word| line.starts_with(word))
    };
    text.lines().filter(is_finding).map(str::to_owned).collect()
}

#[track_caller]
fn assert_finds(server: &Server, url: &str, expected: &[&str]) {
    let run = Home::trusting(server).doctor(url);
    assert_eq!(findings(&run), expected, "{}\n{}", run.text(), server.log());
}

fn alice() -> Vec<User> {
    vec![User::new("alice", "secret").with(&Mailbox::ordinary(5))]
}

#[test]
fn dovecot_is_healthy() {
    let server = dovecot(&Mailbox::ordinary(5));
    for url in [pops(&server), pop(&server)] {
        assert_finds(&server, &url, &[]);
    }
    assert_eq!(server.maildir("alice").files().unwrap().len(), 5);
}

#[test]
fn what_is_found_with_cyrus() {
    let server = Cyrus {
        users: alice(),
        ..Cyrus::default()
    }
    .start()
    .unwrap();
    // It knows tls-unique alone (P17), and takes its time over each refusal.
    assert_finds(
        &server,
        &pops(&server),
        &[
            "note Q19 SCRAM-SHA-256-PLUS is offered and is refused",
            "note Q19 SCRAM-SHA-1-PLUS is offered and is refused",
        ],
    );
}

#[test]
fn what_is_found_with_courier() {
    let server = Courier {
        users: alice(),
        ..Courier::default()
    }
    .start()
    .unwrap();
    assert_finds(
        &server,
        &pop(&server),
        &["note P10 LOGIN-DELAY 10: seconds that must lie between two logins"],
    );
}
