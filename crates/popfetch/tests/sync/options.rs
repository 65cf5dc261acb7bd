//! The options of `sync`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use poplib_sandbox::Mailbox;

use crate::support::{By, PASSWORD, Rig, USER, five, names, ran, typed};

#[test]
fn a_dry_run_changes_nothing() {
    let rig = Rig::five(&[]);
    let first = rig.run(&["--dry-run", "--keep", "none"]).expect(0);
    assert_eq!(first.out.matches("would fetch").count(), 5, "{}", first.out);
    assert_eq!(names(&rig.path(".")), ["ca.pem"]);
    assert_eq!(rig.sandbox.retrievals(USER).unwrap().len(), 0);

    rig.run(&[]).expect(0);
    let second = rig.run(&["--dry-run", "--keep", "none"]).expect(0);
    assert_eq!(
        second.out.matches("would delete").count(),
        5,
        "{}",
        second.out
    );
    let planned = rig
        .run(&["--dry-run", "--keep", "none", "--json"])
        .expect(0);
    assert!(planned.out.contains(r#""delete":5,"#), "{}", planned.out);
    assert_eq!(rig.left(), 5);
    rig.assert_five();
}

#[test]
fn whoever_changes_nothing_says_so_and_how_long_it_took() {
    let rig = Rig::five(&["delay=1"]);
    for (command, options, is_dry) in [
        ("sync", &["--dry-run"][..], true),
        ("mark-seen", &["--dry-run"], true),
        ("mark-seen", &[], false),
    ] {
        let more = ["--state", "state.db", "--maildir", "mail", "--json"];
        let mut command = rig.ask(&[command]);
        let ran = ran(command.args(more).args(options)).expect(0);
        let mut lines = ran.out.lines();
        let finished = lines.find(|line| line.contains("\"finished\"")).unwrap();
        let finished: serde_json::Value = serde_json::from_str(finished).unwrap();
        assert_eq!(finished["dry_run"], is_dry);
        assert!(finished["seconds"].as_f64().unwrap() > 0.0, "{finished}");
    }
}

#[test]
fn events_for_programs_are_one_json_object_a_line() {
    let rig = Rig::five(&["err-on-retr=3"]);
    let ran = rig.run(&["--json", "--keep", "none"]).expect(75);
    assert_eq!(ran.err, "");
    let events: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "began",
            "connected",
            "planned",
            "stored",
            "stored",
            "stored",
            "stored",
            "not-fetched",
            "deleted",
            "finished",
            "failed",
            "ended"
        ]
    );
    assert_eq!(events[1]["tls"]["version"], "TLSv1.3");
    let stored = &events[3];
    let file = stored["file"].as_str().unwrap();
    assert_eq!(fs::read(file).unwrap(), five()[0]);
    assert_eq!(stored["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(events[7]["number"], 3);
    assert_eq!(events[10]["status"], 75);
}

#[test]
fn quiet_says_only_what_is_wrong() {
    let rig = Rig::five(&["err-on-retr=3@2"]);
    let ran = rig.run(&["-q"]).expect(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}

#[test]
fn verbose_tells_of_each_message() {
    let rig = Rig::five(&[]);
    let ran = rig.run(&["-v"]).expect(0);
    assert!(
        ran.out.contains("logged in to localhost (TLSv1.3"),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.matches(".popfetch\n").count(), 5, "{}", ran.out);
}

#[test]
fn a13_no_trace_shows_the_password() {
    let rig = Rig::five(&[]);
    for method in ["user", "plain", "login"] {
        let ran = rig.run(&["-vvv", "--auth", method]).expect(0);
        assert!(ran.err.contains("S: +OK"), "{}", ran.err);
        for secret in [PASSWORD, "b3BlbiBzZXNhbWU", "AGFsaWNlAG9wZW4gc2VzYW1l"] {
            assert!(!ran.err.contains(secret) && !ran.out.contains(secret));
        }
    }
}

#[test]
fn every_method_to_log_in_that_a_password_serves() {
    for method in [
        "auto",
        "user",
        "apop",
        "plain",
        "login",
        "cram-md5",
        "digest-md5",
        "scram-sha-1",
        "scram-sha-256",
        "scram-sha-512",
        "scram-sha-1-plus",
        "scram-sha-256-plus",
        "scram-sha-512-plus",
    ] {
        let rig = Rig::built(Mailbox::messages(five()), |builder| builder.apop(true));
        rig.run(&["--auth", method]).expect(0);
        rig.assert_five();
    }
}

#[test]
fn p18_utf8_is_asked_for_where_it_is_wanted() {
    for (options, wanted) in [(&["--utf8"][..], true), (&[], false)] {
        let rig = Rig::five(&[]);
        rig.run(options).expect(0);
        rig.assert_five();
        let lines = rig.sandbox.sessions()[0].lines();
        assert_eq!(lines.iter().any(|line| line == "UTF8"), wanted);
    }
}

#[test]
fn the_password_comes_from_a_file_or_a_command() {
    let rig = Rig::five(&[]);
    let file = rig.path("password");
    fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let mut command = rig.sync(By::ImplicitTls);
    command
        .env_remove("POPFETCH_PASSWORD")
        .args(["--password-file", "password"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = ran(&mut command).expect(78);
    assert!(
        refused.err.contains("hint: chmod 600 password"),
        "{}",
        refused.err
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    ran(&mut command).expect(0);

    let mut command = rig.sync(By::ImplicitTls);
    command
        .env_remove("POPFETCH_PASSWORD")
        .args(["--password-command", "cat password"]);
    ran(&mut command).expect(0);

    let mut command = rig.sync(By::ImplicitTls);
    let nobody = ran(command.env_remove("POPFETCH_PASSWORD")).expect(78);
    assert!(nobody.err.contains("--password-command"), "{}", nobody.err);
}

#[test]
fn a_pinned_certificate_needs_no_authority() {
    let rig = Rig::five(&[]);
    let url = rig.url(By::ImplicitTls);
    let pin = |pin: &str| {
        let mut command = rig.bare(&[
            "sync",
            "--server",
            &url,
            "--maildir",
            "mail",
            "--state",
            "state.db",
        ]);
        ran(command
            .args(["--pin", pin])
            .env("POPFETCH_PASSWORD", PASSWORD))
    };
    let wrong = pin(&format!("sha256:{}", "0".repeat(64))).expect(69);
    let right = wrong.err.split("--pin ").nth(1).unwrap().trim();
    pin(right).expect(0);
    rig.assert_five();
    assert!(rig.sandbox.sessions()[0].user.is_none());
}

#[test]
fn the_state_is_where_xdg_says() {
    let rig = Rig::five(&[]);
    let url = rig.url(By::ImplicitTls);
    let mut command = rig.bare(&typed(&url, &[]));
    command.env("POPFETCH_PASSWORD", PASSWORD);
    ran(&mut command).expect(0);
    assert!(rig.path(".local/state/popfetch/state.db").exists());
    // Another state knows of nothing, and the Maildir does.
    let ran = ran(command.env("XDG_STATE_HOME", rig.path("xdg"))).expect(75);
    assert!(ran.err.contains("by another state"), "{}", ran.err);
    assert!(rig.path("xdg/popfetch/state.db").exists());
    rig.assert_five();
}
