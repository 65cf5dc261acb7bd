//! What goes wrong before any mail is seen: a clear message, the likely cause, the right status.

use std::net::TcpListener;

use poplib_sandbox::{CertificateSpec, Mailbox, Validity};

use crate::support::{By, PASSWORD, Ran, Rig, USER, five, ran};

/// The sandbox has heard no name and no password.
fn assert_no_credentials(rig: &Rig) {
    for session in rig.sandbox.sessions() {
        for line in session.lines() {
            let verb = line.split(' ').next().unwrap_or_default();
            assert!(!["USER", "PASS", "APOP", "AUTH"].contains(&verb), "{line}");
        }
    }
}

fn certified(certificate: CertificateSpec) -> Rig {
    Rig::built(Mailbox::messages(five()), |builder| {
        builder.certificate(certificate)
    })
}

#[track_caller]
fn assert_says(ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(ran.err.contains(word), "{word:?} is not in:\n{}", ran.err);
    }
}

#[test]
fn a_wrong_password_ends_with_the_servers_words() {
    let rig = Rig::five(&[]);
    for method in ["auto", "user", "plain", "scram-sha-256"] {
        let mut command = rig.sync(By::ImplicitTls);
        command
            .env("POPFETCH_PASSWORD", "wrong")
            .args(["--auth", method]);
        let ran = ran(&mut command).expect(77);
        assert_says(
            &ran,
            &[
                "error: ",
                "log in to localhost as alice",
                "server said: -ERR",
                "hint: ",
            ],
        );
    }
}

#[test]
fn p09_other_refusals_of_a_login_are_no_wrong_password() {
    for (text, status) in [
        ("[IN-USE] locked", 75),
        ("[LOGIN-DELAY] wait", 75),
        ("[SYS/TEMP] later", 75),
        ("[SYS/PERM] broken", 69),
        ("[AUTH] no", 77),
        ("no", 77),
    ] {
        let rig = Rig::five(&[]);
        rig.misbehave(&[&format!("refuse-login={text}")]);
        let ran = rig.run(&[]).expect(status);
        assert_says(&ran, &["server said: -ERR", text]);
    }
}

#[test]
fn what_oauth_explains_is_told() {
    let explanation = r#"oauth-explanation={"status":"invalid_token","scope":"mail"}"#;
    let rig = Rig::built(Mailbox::messages(five()), |builder| {
        builder.bearer_token(USER, "t0ken")
    });
    rig.misbehave(&[explanation]);
    let mut command = rig.sync(By::ImplicitTls);
    command.env("POPFETCH_PASSWORD", "expired");
    let ran = ran(command.args(["--auth", "oauthbearer"])).expect(77);
    assert_says(&ran, &["refused the login (invalid_token, scope mail)"]);
}

#[test]
fn a_server_that_falls_silent_is_told_where() {
    for (fault, attempt) in [
        ("stall=greeting", "connect to localhost"),
        ("stall=AUTH", "log in to localhost as alice"),
    ] {
        let rig = Rig::five(&[fault]);
        let ran = rig.run(&["--timeout", "1", "--auth", "plain"]);
        assert_says(&ran, &["could not ", attempt, "took too long"]);
    }
}

#[test]
fn a_way_to_log_in_that_the_server_lacks_is_no_wrong_password() {
    let rig = Rig::five(&[]);
    rig.misbehave(&["answer=AUTH:-ERR Unsupported authentication mechanism.\\r\\n"]);
    let ran = rig.run(&["--auth", "plain"]).expect(77);
    assert_says(
        &ran,
        &["no such way to log in", "leave --auth out", "doctor"],
    );
}

#[test]
fn q17_hanging_up_at_the_password_is_a_refusal() {
    let rig = Rig::five(&["close-on-wrong-password"]);
    let mut command = rig.sync(By::ImplicitTls);
    ran(command
        .env("POPFETCH_PASSWORD", "wrong")
        .args(["--auth", "user"]))
    .expect(77);
}

#[test]
fn p13_an_unknown_authority_is_refused_before_any_credential() {
    let rig = Rig::five(&[]);
    let other = Rig::five(&[]);
    for by in [By::ImplicitTls, By::Stls] {
        let url = rig.url(by);
        let mut command = rig.bare(&[
            "sync",
            "--server",
            &url,
            "--maildir",
            "mail",
            "--state",
            "state.db",
        ]);
        command.env("POPFETCH_PASSWORD", PASSWORD);
        // The platform does not know it, and neither does another authority.
        let platform = ran(&mut command).expect(69);
        assert_says(
            &platform,
            &["no authority that is trusted", "--ca-file", "--pin"],
        );
        let foreign = ran(command.arg("--ca-file").arg(other.path("ca.pem"))).expect(69);
        assert_says(&foreign, &["certificate", "hint: "]);
    }
    assert_no_credentials(&rig);
}

#[test]
fn p13_a_wrong_name_is_refused_before_any_credential() {
    let other_name = certified(CertificateSpec::for_names(["pop.example.org"]));
    let common_name = certified(CertificateSpec::common_name_only("localhost"));
    for rig in [other_name, common_name] {
        for by in [By::ImplicitTls, By::Stls] {
            let ran = ran(&mut rig.sync(by)).expect(69);
            assert_says(
                &ran,
                &["certificate is not for localhost", "hint: use the name"],
            );
        }
        assert_no_credentials(&rig);
    }
}

#[test]
fn p13_an_expired_certificate_is_refused_before_any_credential() {
    let expired = CertificateSpec {
        validity: Validity::Expired,
        ..CertificateSpec::default()
    };
    let rig = certified(expired);
    assert_says(&rig.run(&[]).expect(69), &["out of date", "clock"]);
    assert_no_credentials(&rig);
}

#[test]
fn a02_stls_that_was_taken_away_is_missed() {
    let rig = Rig::five(&["no-stls"]);
    let ran = ran(&mut rig.sync(By::Stls)).expect(69);
    assert_says(&ran, &["no TLS on this port", "pops://"]);
    assert_no_credentials(&rig);
}

#[test]
fn a01_what_was_injected_before_tls_is_an_attack() {
    let rig = Rig::five(&["inject-before-tls=+OK"]);
    ran(&mut rig.sync(By::Stls)).expect(76);
    assert_no_credentials(&rig);
}

#[test]
fn q29_tls_where_plain_was_expected_and_the_reverse() {
    let rig = Rig::five(&["swap-ports"]);
    let plain = rig.run(&[]).expect(76);
    assert_says(&plain, &["does not speak TLS", "hint: ", "pop://"]);
    let mut command = rig.sync(By::Stls);
    let tls = ran(command.args(["--timeout", "1"])).expect(69);
    assert_says(&tls, &["greeting", "hint: ", "pops://"]);
    assert_no_credentials(&rig);
}

#[test]
fn q29_another_protocol_answers() {
    for (fault, name) in [("imap-greeting", "IMAP"), ("smtp-greeting", "SMTP")] {
        let rig = Rig::five(&[fault]);
        assert_says(
            &rig.run(&[]).expect(76),
            &[
                "could not connect to localhost",
                name,
                "server said: ",
                "hint: check host and port",
            ],
        );
        assert_no_credentials(&rig);
    }
}

#[test]
fn a_greeting_that_refuses_is_no_wrong_password() {
    let said = "server said: -ERR";
    for (fault, status, words) in [
        ("err-greeting", 75, ["greeted with a refusal", said]),
        (
            "greeting=-ERR no\\r\\n",
            75,
            ["greeted with a refusal", said],
        ),
        (
            "greeting=-ERR [SYS/PERM] no\\r\\n",
            69,
            ["ask those who run it", said],
        ),
        (
            "cut-after=0",
            69,
            ["closed the connection", "without a greeting"],
        ),
    ] {
        let ran = Rig::five(&[fault]).run(&[]).expect(status);
        assert_says(&ran, &["could not connect to localhost", "hint: "]);
        assert_says(&ran, &words);
    }
}

#[test]
fn nobody_listens() {
    let rig = Rig::five(&[]);
    // Bound and not accepting would hang; bound and closed again is free.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("pops://{USER}@127.0.0.1:{port}");
    let mut command = rig.bare(&[
        "sync",
        "--server",
        &url,
        "--maildir",
        "mail",
        "--state",
        "state.db",
    ]);
    let ran = ran(command.env("POPFETCH_PASSWORD", PASSWORD)).expect(69);
    assert_says(
        &ran,
        &[
            "could not connect to 127.0.0.1",
            "hint: check host and port",
        ],
    );
}

#[test]
fn the_name_does_not_exist() {
    let rig = Rig::five(&[]);
    let url = format!("pops://{USER}@does-not-exist.invalid");
    let mut command = rig.bare(&[
        "sync",
        "--server",
        &url,
        "--maildir",
        "mail",
        "--state",
        "state.db",
    ]);
    let ran = ran(command.env("POPFETCH_PASSWORD", PASSWORD)).expect(69);
    assert_says(&ran, &["hint: check the host name"]);
}

#[test]
fn the_command_line_makes_no_sense() {
    let rig = Rig::five(&[]);
    for arguments in [
        &["sync"][..],
        &[
            "sync",
            "--server",
            "pops://a@b",
            "--maildir",
            "m",
            "--keep",
            "14",
        ],
        &[
            "sync",
            "--server",
            "pops://a@b",
            "--maildir",
            "m",
            "--auth",
            "gssapi",
        ],
        &["sync", "--server", "imap://a@b", "--maildir", "m"],
        &["sync", "--server", "pops://b", "--maildir", "m"],
        &[
            "sync",
            "--server",
            "pops://a@b",
            "--maildir",
            "m",
            "--pin",
            "sha1:00",
        ],
        &[
            "sync",
            "--server",
            "pops://a@b",
            "--maildir",
            "m",
            "--timeout",
            "0",
        ],
        &["frobnicate"],
    ] {
        let ran = ran(&mut rig.bare(arguments)).expect(64);
        assert_says(&ran, &["error: "]);
    }
}

#[test]
fn a_state_that_cannot_be_read_is_left_alone() {
    let rig = Rig::five(&[]);
    std::fs::write(
        rig.path("state.db"),
        "this is not a database at all".repeat(100),
    )
    .unwrap();
    let ran = rig.run(&[]).expect(74);
    assert_says(&ran, &["could not read the state", "hint: restore"]);
    assert_eq!(rig.sandbox.sessions().len(), 0);
}
