//! A home for `popfetch`, and what came of a run.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use interop::{Dovecot, Mailbox, Maildir, Server, ServerCertificate, User, compare};
use tempfile::TempDir;

/// Alice's Dovecot.
pub(crate) fn dovecot(mailbox: &Mailbox) -> Server {
    dovecot_with(mailbox, Dovecot::default())
}

/// The same, otherwise as given.
pub(crate) fn dovecot_with(mailbox: &Mailbox, dovecot: Dovecot) -> Server {
    Dovecot {
        users: vec![User::new("alice", "secret").with(mailbox)],
        ..dovecot
    }
    .start()
    .unwrap()
}

/// The same, with another certificate.
pub(crate) fn dovecot_called(certificate: ServerCertificate) -> Server {
    dovecot_with(
        &Mailbox::ordinary(1),
        Dovecot {
            certificate,
            ..Dovecot::default()
        },
    )
}

/// `pops://alice@localhost`, the port of implicit TLS.
pub(crate) fn pops(server: &Server) -> String {
    format!("pops://alice@localhost:{}", server.tls_port())
}

/// `pop://alice@localhost`, the port that offers STLS.
pub(crate) fn pop(server: &Server) -> String {
    format!("pop://alice@localhost:{}", server.plain_port())
}

/// The one that protects the login, where there is TLS.
pub(crate) fn safest(server: &Server) -> String {
    if server.has_tls() {
        pops(server)
    } else {
        pop(server)
    }
}

/// A user's machine: a home directory with a Maildir, a state, and a file of authorities.
pub(crate) struct Home(TempDir);

impl Home {
    /// A new one, which trusts the server's authority.
    pub(crate) fn trusting(server: &Server) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("ca.pem"), server.ca_pem()).unwrap();
        Self(home)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn maildir(&self) -> Maildir {
        Maildir::at(self.0.path().join("Mail"))
    }

    /// `popfetch sync` with the file of authorities and the right password.
    pub(crate) fn sync(&self, url: &str, options: &[&str]) -> Run {
        let trust = ["--ca-file", "ca.pem"];
        self.run(url, "secret", &[&trust, options].concat())
    }

    /// `popfetch sync` as given, to its end.
    pub(crate) fn run(&self, url: &str, password: &str, options: &[&str]) -> Run {
        let output = self.command(url, password, options).output().unwrap();
        Run(output)
    }

    /// `popfetch doctor` with the file of authorities and the right password.
    pub(crate) fn doctor(&self, url: &str, options: &[&str]) -> Run {
        let mut command = self.bare("secret");
        command
            .args(["doctor", url, "--ca-file", "ca.pem"])
            .args(options);
        Run(command.output().unwrap())
    }

    /// `popfetch sync`, not started.
    pub(crate) fn command(&self, url: &str, password: &str, options: &[&str]) -> Command {
        let mut command = self.bare(password);
        command
            .args([
                "sync",
                "--server",
                url,
                "--maildir",
                "Mail",
                "--state",
                "state.db",
            ])
            .args(options);
        command
    }

    fn bare(&self, password: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_popfetch-under-test"));
        command
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("POPFETCH_PASSWORD", password)
            .stdin(Stdio::null());
        command
    }

    /// Asserts that the Maildir holds these messages, each once, and nothing else.
    pub(crate) fn assert_holds(&self, mailbox: &Mailbox) {
        let expected = mailbox
            .messages()
            .map(|stored| compare::in_a_maildir(&compare::on_the_wire(&stored)))
            .collect();
        compare::assert_same_messages(expected, self.maildir().messages().unwrap());
        let tmp = self.maildir().path().join("tmp");
        assert_eq!(fs::read_dir(tmp).unwrap().count(), 0, "files left in tmp/");
    }
}

/// How a run ended.
pub(crate) struct Run(Output);

impl Run {
    pub(crate) fn status(&self) -> i32 {
        self.0.status.code().expect("an exit status")
    }

    /// Everything it printed.
    pub(crate) fn text(&self) -> String {
        let Output { stdout, stderr, .. } = &self.0;
        format!(
            "{}{}",
            String::from_utf8_lossy(stdout),
            String::from_utf8_lossy(stderr)
        )
    }

    /// The first line of each of doctor's findings.
    pub(crate) fn findings(&self) -> Vec<String> {
        let is_finding = |line: &&str| {
            ["note ", "care ", "bad "]
                .iter()
                .any(|word| line.starts_with(word))
        };
        let text = self.text();
        text.lines().filter(is_finding).map(str::to_owned).collect()
    }

    /// Asserts that it succeeded.
    pub(crate) fn ok(self, server: &Server) {
        let text = self.text();
        assert_eq!(self.status(), 0, "{text}\n{}", server.log());
    }

    /// Asserts that it ended with one of these statuses and said all these words.
    pub(crate) fn failed(&self, statuses: &[i32], words: &[&str]) {
        let text = self.text();
        assert!(
            statuses.contains(&self.status()),
            "{}: {text}",
            self.status()
        );
        for word in words {
            assert!(text.contains(word), "{word:?} is not in: {text}");
        }
    }
}
