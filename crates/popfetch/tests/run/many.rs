//! Several accounts in one process, and one with many messages.

use std::fs;

use poplib_sandbox::{Generated, Mailbox};

use crate::support::{
    By, PASSWORD, Rig, USER, delivered, finish, kill, names, ran, start, wait_until,
};

/// The lines without what differs from run to run: the times that it took, and the order of
/// accounts that are fetched side by side. What each of them says keeps its own order.
fn stable(text: &str) -> String {
    let untimed = |line: &str| {
        let mut words: Vec<&str> = line.split(' ').collect();
        for at in 1..words.len() {
            if words[at].trim_end_matches(',') == "s" {
                words[at - 1] = "N";
            }
        }
        words.join(" ")
    };
    let mut lines: Vec<String> = text.lines().map(untimed).collect();
    lines.sort_by_key(|line| line.split(':').next().map(str::to_owned));
    lines.join("\n")
}

#[test]
fn one_of_three_accounts_has_a_wrong_password() {
    let message = || Mailbox::messages(["Subject: hello\n\nhello\n"]);
    let rig = Rig::built(message(), |builder| {
        builder
            .mailbox("bob", PASSWORD, message())
            .mailbox("carol", "another", message())
    });
    let port = rig.sandbox.tls_addr().port();
    let account = |user: &str| {
        format!(
            "[account.{user}]\nserver = \"pops://{user}@localhost:{port}\"\n\
             maildir = \"~/mail/{user}\"\n"
        )
    };
    let defaults = "[defaults]\nca_file = \"~/ca.pem\"\nauth = \"plain\"\n";
    let accounts = [USER, "bob", "carol"].map(account).concat();
    fs::create_dir(rig.path("mail")).unwrap();
    fs::write(rig.path("config.toml"), format!("{defaults}{accounts}")).unwrap();
    let command = || {
        let mut command = rig.bare(&["sync", "--config", "config.toml", "--jobs", "2"]);
        command.env("POPFETCH_PASSWORD", PASSWORD);
        command
    };
    let run = ran(&mut command()).expect(77);
    insta::assert_snapshot!("three", stable(&run.out));
    insta::assert_snapshot!("three-errors", run.err);
    for (user, messages) in [(USER, 1), ("bob", 1), ("carol", 0)] {
        assert_eq!(delivered(&rig.path("mail").join(user)).len(), messages);
    }
    // Programs see it, too, and the account that failed by its name.
    let run = ran(command().arg("--json")).expect(77);
    let failed = run
        .out
        .lines()
        .find(|line| line.contains("\"failed\","))
        .unwrap();
    assert!(failed.contains("\"account\":\"carol\"") && failed.contains("\"status\":77"));
    assert!(
        run.out
            .lines()
            .last()
            .unwrap()
            .starts_with("{\"event\":\"total\",")
    );
}

#[test]
fn stopped_in_the_middle_of_5000_messages_the_rest_comes_later_and_nothing_twice() {
    let rig = Rig::new(Mailbox::generated(Generated {
        seed: 5,
        messages: 5_000,
        octets: 600.into(),
    }));
    rig.misbehave(&["stall-in-body=1200:100@1"]);
    let child = start(&mut rig.sync(By::ImplicitTls));
    // Under tmp/ before the first batch is complete, and later.
    wait_until("those before the one that stalls", || {
        names(&rig.path("mail/tmp")).len() + names(&rig.path("mail/new")).len() >= 1_199
    });
    kill(&child, "INT");
    let ran = finish(child).expect(130);
    assert!(ran.err.contains("stopped by Ctrl-C"), "{}", ran.err);
    assert!(ran.err.contains("hint: nothing is lost"), "{}", ran.err);
    let first = names(&rig.path("mail/new")).len();
    assert!(
        ran.out.contains(&format!("stored {first} messages")),
        "{}",
        ran.out
    );
    assert_eq!(first, 1_199);
    assert_eq!(names(&rig.path("mail/tmp")), [""; 0]);

    rig.run(&[]).expect(0);
    assert_eq!(names(&rig.path("mail/new")).len(), 5_000);
    let mut contents = rig.delivered();
    contents.dedup();
    assert_eq!(contents.len(), 5_000);
    // Those on their way when it stopped were asked for twice, and no others.
    let again = rig.sandbox.retrievals(USER).unwrap();
    let twice = again.values().filter(|&&times| times > 1).count();
    assert!(twice < 1_000, "{twice} were fetched again");
}
