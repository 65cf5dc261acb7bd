//! Many accounts in one run.

use std::{fmt::Write as _, fs, net::TcpListener, process::Command};

use interop::{Dovecot, Mailbox, Maildir, User, compare};

use crate::support::Home;

#[test]
fn of_fifty_accounts_a_wrong_password_and_a_stall_stop_no_other() {
    let message = |user, number| format!("Subject: {number}\n\nfor user{user} only\n").into_bytes();
    let mailboxes: Vec<Mailbox> = (0..49)
        .map(|user| Mailbox::of((0..12).map(|number| message(user, number))))
        .collect();
    let users = (mailboxes.iter().enumerate())
        .map(|(user, mailbox)| User::new(&format!("user{user}"), "secret").with(mailbox));
    let server = Dovecot {
        users: users.collect(),
        ..Dovecot::default()
    }
    .start()
    .unwrap();
    // It takes connections and says nothing.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();

    let home = Home::trusting(&server);
    let mut config = "[defaults]\nca_file = \"~/ca.pem\"\nmaildir = \"~/{account}\"\n\n".to_owned();
    let port = silent.local_addr().unwrap().port();
    writeln!(
        config,
        "[account.silent]\nserver = \"pops://silent@localhost:{port}\"\ntimeout = 2\n"
    )
    .unwrap();
    for user in 0..49 {
        writeln!(
            config,
            "[account.user{user}]\nserver = \"pops://user{user}@localhost:{}\"",
            server.tls_port()
        )
        .unwrap();
        if user == 7 {
            writeln!(config, "password_env = \"WRONG\"").unwrap();
        }
    }
    fs::write(home.path().join("config.toml"), config).unwrap();

    let sync = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_popfetch-under-test"));
        command
            .args(["sync", "--config", "config.toml"])
            .args(["--jobs", "16", "--per-host", "16"])
            .current_dir(home.path())
            .env_clear()
            .env("HOME", home.path())
            .env("POPFETCH_PASSWORD", "secret")
            .env("WRONG", "wrong");
        let output = command.output().unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    // The second run finds nothing new, and fails where the first did.
    for stored in ["stored 576 messages", "nothing to do"] {
        let (status, out, err) = sync();
        assert_eq!(status, Some(77), "{out}{err}\n{}", server.log());
        let errors: Vec<&str> = err
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert_eq!(errors.len(), 2, "{err}");
        assert!(
            err.contains("error: silent: ") && err.contains("error: user7: "),
            "{err}"
        );
        let total = out.lines().last().unwrap();
        assert!(
            total.starts_with(&format!("50 accounts: {stored}")),
            "{total}"
        );
        assert!(total.ends_with(", 2 failed"), "{total}");
    }
    for (user, mailbox) in mailboxes.iter().enumerate().filter(|(user, _)| *user != 7) {
        let expected = (mailbox.messages())
            .map(|stored| compare::in_a_maildir(&compare::on_the_wire(&stored)))
            .collect();
        let maildir = Maildir::at(home.path().join(format!("user{user}")));
        compare::assert_same_messages(expected, maildir.messages().unwrap());
    }
}
