//! Attacks on the way and by the server, against the command itself: what was sent is looked at.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use poplib_sandbox::{CertificateSpec, Mailbox, Stage};

use crate::listener::{assert_no_password, assert_nothing_in_clear, commands, sync, tap};
use crate::support::{By, PASSWORD, Ran, Rig, USER, finish, five, ran, start};

/// Runs `sync` by STLS through a tap, against a server that does this. Nothing was sent but STLS.
#[track_caller]
fn by_stls(faults: &[&str]) -> Ran {
    let rig = Rig::five(faults);
    let tap = tap(&rig, By::Stls);
    let mut command = sync(&rig, By::Stls, "localhost", &tap);
    let ran = ran(command.args(["--ca-file", "ca.pem", "--timeout", "2"]));
    assert_nothing_in_clear(By::Stls, &tap.records());
    assert!(
        rig.sandbox
            .sessions()
            .iter()
            .all(|session| session.user.is_none())
    );
    assert_eq!(rig.delivered().len(), 0);
    ran
}

#[test]
fn a01_nothing_injected_before_tls_is_believed() {
    for text in [
        "x",
        "+OK",
        "+OK\\r\\n",
        "+OK\\r\\n+OK 0 0\\r\\n",
        "\\x16\\x03\\x01",
    ] {
        by_stls(&[&format!("inject-before-tls={text}")]).expect(76);
        let split = by_stls(&[&format!("inject-before-tls-split={text}")]);
        assert!(matches!(split.status, Some(69 | 76)), "{}", split.err);
    }
}

#[test]
fn a02_without_stls_no_credential_is_sent() {
    for faults in [
        &["no-stls"][..],
        &["refuse=STLS"],
        &["no-capa", "refuse=STLS"],
        &["answer=STLS:+ERR\\r\\n"],
        &["answer=STLS:nonsense\\r\\n"],
        &["close-on=STLS"],
        &["stall=STLS"],
        &["stall=tls"],
        &["old-tls"],
    ] {
        let ran = by_stls(faults);
        assert!(
            matches!(ran.status, Some(69 | 75 | 76)),
            "{faults:?}: {}",
            ran.err
        );
    }
}

#[test]
fn a03_what_was_offered_before_tls_does_not_count() {
    let rig = Rig::built(Mailbox::messages(five()), |builder| {
        let forged = ["STLS", "SASL PLAIN", "USER", "PIPELINING"];
        builder
            .capabilities(Stage::BeforeTls, forged)
            .capabilities(Stage::UnderTls, ["SASL CRAM-MD5", "UIDL"])
            .capabilities(Stage::AfterLogin, ["UIDL"])
    });
    ran(&mut rig.sync(By::Stls)).expect(0);
    let record = rig.sandbox.sessions().remove(0);
    assert_eq!(record.received_before_tls, b"STLS\r\n");
    let said = commands(&rig.sandbox);
    assert_eq!(said[..2], ["STLS", "CAPA"]);
    assert!(said.iter().any(|line| line == "AUTH CRAM-MD5"), "{said:?}");
    assert!(
        !said
            .iter()
            .any(|line| line.contains("PLAIN") || line.starts_with("USER"))
    );
    assert_no_password(&record.received());
}

#[test]
fn a05_apop_is_never_automatic_under_tls_and_wants_a_msg_id() {
    let without_sasl = || {
        Rig::built(Mailbox::messages(five()), |builder| {
            builder.mechanisms([""; 0])
        })
    };
    let rig = without_sasl();
    rig.run(&[]).expect(0);
    assert!(
        !commands(&rig.sandbox)
            .iter()
            .any(|line| line.starts_with("APOP"))
    );
    for stamp in ["bad-stamp", "two-stamps", "stamp=<a>"] {
        let rig = without_sasl();
        rig.misbehave(&[stamp]);
        let ran = rig.run(&["--auth", "apop"]);
        assert!(!matches!(ran.status, Some(0)), "{stamp}");
        assert!(
            !commands(&rig.sandbox)
                .iter()
                .any(|line| line.starts_with("APOP")),
            "{stamp}"
        );
    }
}

#[test]
fn a06_no_name_and_no_password_makes_a_second_line() {
    for odd in ["a\r\nDELE 1", "a\nDELE 1", "a\rDELE 1", "\r\nQUIT"] {
        for method in [
            "user",
            "apop",
            "plain",
            "login",
            "scram-sha-256",
            "cram-md5",
        ] {
            let rig = Rig::five(&[]);
            let refused = |ran: Ran| assert!(!matches!(ran.status, Some(0)), "{odd:?} {method}");
            refused(rig.run(&["--auth", method, "--user", odd]));
            let mut command = rig.sync(By::ImplicitTls);
            command
                .env("POPFETCH_PASSWORD", odd)
                .args(["--auth", method]);
            refused(ran(&mut command));
            let said = commands(&rig.sandbox);
            let second = |line: &String| line.starts_with("DELE") || line.starts_with("STAT");
            assert!(!said.iter().any(second), "{odd:?} {method}: {said:?}");
            assert_eq!(rig.left(), 5);
        }
    }
}

#[test]
fn a07_endless_answers_end_in_bounded_memory() {
    for fault in [
        "endless-line=CAPA",
        "endless-line=LIST",
        "endless-line=UIDL",
        "endless-line=RETR",
        "endless-lines=CAPA",
        "endless-lines=LIST",
        "endless-lines=UIDL",
        "endless-challenge",
    ] {
        let rig = Rig::five(&[fault]);
        let command = rig.sync(By::ImplicitTls);
        let mut limited = Command::new("sh");
        // Of address space, in KiB; an ordinary run takes a half of it.
        limited.args(["-c", "ulimit -v 1000000; exec \"$0\" \"$@\""]);
        limited.arg(command.get_program()).args(command.get_args());
        limited.args(["--auth", "login"]).current_dir(rig.path("."));
        limited
            .env_clear()
            .env("HOME", rig.path("."))
            .env("POPFETCH_PASSWORD", PASSWORD);
        let ran = ran(&mut limited);
        let is_told = matches!(ran.status, Some(69 | 75 | 76 | 77));
        assert!(is_told || fault == "endless-lines=CAPA", "{fault}: {ran:?}");
        assert_eq!(rig.left(), 5);
    }
}

#[test]
fn a10_whoever_stalls_or_drips_is_left_in_time() {
    let stalled = |fault: &str, by| {
        let rig = Rig::five(&[fault]);
        let mut command = rig.sync(by);
        let child = start(command.args(["--timeout", "1", "--auth", "user"]));
        (fault.to_owned(), rig, child)
    };
    let begun = Instant::now();
    let mut all: Vec<(String, Rig, Child)> = vec![
        stalled("stall=STLS", By::Stls),
        stalled("stall=tls", By::Stls),
        stalled("stall-in-body=3:1000", By::ImplicitTls),
        stalled("drip=600", By::ImplicitTls),
    ];
    for phase in [
        "greeting", "tls", "CAPA", "USER", "PASS", "UIDL", "LIST", "RETR", "QUIT",
    ] {
        all.push(stalled(&format!("stall={phase}"), By::ImplicitTls));
    }
    for (fault, rig, child) in all {
        let ran = finish(child);
        let is_told = matches!(ran.status, Some(69 | 75));
        // A server may be without CAPA; and what is stored is stored, however QUIT ends.
        assert!(
            is_told || ["stall=CAPA", "stall=QUIT"].contains(&&*fault),
            "{fault}: {ran:?}"
        );
        assert_eq!(rig.left(), 5, "{fault}");
    }
    // Some attempts are made again; none is without an end.
    assert!(begun.elapsed() < Duration::from_secs(120));
}

#[test]
fn a11_by_default_nobody_is_believed_and_nothing_turns_that_off() {
    let rig = Rig::five(&[]);
    for by in [By::ImplicitTls, By::Stls] {
        let tap = tap(&rig, by);
        let ran = ran(&mut sync(&rig, by, "localhost", &tap)).expect(69);
        assert!(
            ran.err.contains("no authority that is trusted"),
            "{}",
            ran.err
        );
        assert_nothing_in_clear(by, &tap.records());
    }
    let help = ran(&mut rig.bare(&["sync", "--help"])).expect(0).out;
    let options = help
        .split_whitespace()
        .filter(|word| word.starts_with("--"));
    for option in options {
        for word in ["insecure", "verify", "check", "unsafe", "accept"] {
            assert!(!option.contains(word), "{option}");
        }
    }
}

#[test]
fn a12_no_server_talks_the_command_into_a_weaker_method() {
    let rig = Rig::built(Mailbox::messages(five()), |builder| {
        builder.mechanisms(["PLAIN", "LOGIN"])
    });
    let ran = rig.run(&["--auth", "scram-sha-256"]);
    assert!(!matches!(ran.status, Some(0)), "{}", ran.out);
    assert_no_password(&commands(&rig.sandbox).join("\n").into_bytes());
    // Nor does one that does not prove that it knows the password, or asks for hours of work.
    for (fault, method) in [
        ("scram-wrong-signature", "auto"),
        ("scram-wrong-signature", "scram-sha-256"),
        ("scram-foreign-nonce", "auto"),
        ("scram-foreign-nonce", "scram-sha-256"),
        ("scram-iterations=4294967295", "scram-sha-256"),
    ] {
        let rig = Rig::five(&[fault]);
        let ran = rig.run(&["--auth", method]);
        assert!(!matches!(ran.status, Some(0)), "{fault}: {}", ran.out);
        assert_no_password(&commands(&rig.sandbox).join("\n").into_bytes());
        assert_eq!(rig.delivered().len(), 0, "{fault}");
    }
}

#[test]
fn a14_no_text_of_a_server_moves_the_terminal() {
    let odd = "\\x1b[2J\\x07\\x9b1m\\xe2\\x80\\xae\\x08";
    for fault in [
        format!("greeting=-ERR {odd}\\r\\n"),
        format!("refuse-login={odd}"),
        format!("answer=UIDL:-ERR {odd}\\r\\n"),
        format!("answer=LIST:{odd}\\r\\n"),
        format!("answer=RETR:-ERR {odd}\\r\\n"),
        format!("answer=QUIT:-ERR {odd}\\r\\n"),
    ] {
        for format in [&[][..], &["--json"], &["-v"], &["-vvv"]] {
            let rig = Rig::five(&[&fault]);
            let ran = rig.run(format);
            for text in [ran.out, ran.err] {
                let moves = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
                assert!(!text.contains(moves), "{fault} {format:?}: {text:?}");
            }
        }
    }
}

#[test]
fn a16_a_token_is_not_sent_to_another_host() {
    let rig = Rig::built(Mailbox::messages(five()), |builder| {
        builder
            .bearer_token(USER, "t0ken")
            .certificate(CertificateSpec::for_names(["pop.example.org"]))
    });
    for method in ["oauthbearer", "xoauth2"] {
        for (host, status) in [("pop.example.org", 0), ("pop.example.net", 69)] {
            for by in [By::ImplicitTls, By::Stls] {
                let heard = rig.sandbox.sessions().len();
                let tap = tap(&rig, by);
                let mut command = sync(&rig, by, host, &tap);
                command.env("POPFETCH_PASSWORD", "t0ken");
                let ran = ran(command.args(["--ca-file", "ca.pem", "--auth", method]));
                ran.expect(status);
                assert_nothing_in_clear(by, &tap.records());
                let sessions = rig.sandbox.sessions().split_off(heard);
                let logged_in = sessions.iter().any(|session| session.user.is_some());
                assert_eq!(logged_in, status == 0, "{host} {method}");
                // The next address has the same mail, and is no other name of this maildrop.
                for name in ["state.db", "state.db-wal", "state.db-shm"] {
                    let _: std::io::Result<()> = std::fs::remove_file(rig.path(name));
                }
                let _: std::io::Result<()> = std::fs::remove_dir_all(rig.path("mail"));
            }
        }
    }
}
