//! A server that is as it should be.

use poplib_sandbox::{Builder, Mailbox, SessionRecord, TlsVersions};

use crate::support::{By, PASSWORD, Rig, USER, five, ran};
use crate::{doctor, examine, names};

/// Five messages, and the ways to log in that cost little.
fn light(build: impl FnOnce(Builder) -> Builder) -> Rig {
    Rig::built(Mailbox::messages(five()), |builder| {
        build(builder.mechanisms(["CRAM-MD5", "PLAIN"]))
    })
}

#[test]
fn nothing_is_found() {
    let rig = light(|builder| builder);
    for by in [By::ImplicitTls, By::Stls] {
        let ran = ran(&mut doctor(&rig, by)).expect(0);
        assert_eq!(names(&ran), [""; 0], "{}", ran.out);
        assert!(ran.out.ends_with(": good (nothing found)\n"), "{}", ran.out);
    }
    assert_eq!(rig.left(), 5);
}

#[test]
fn nothing_is_found_in_an_empty_maildrop() {
    let rig = Rig::new(Mailbox::empty());
    let ran = examine(&rig, &[]).expect(0);
    assert!(names(&ran).is_empty(), "{}", ran.out);
}

#[test]
fn all_that_is_offered_works() {
    let rig = Rig::five(&[]);
    let out = examine(&rig, &[]).expect(0).out;
    for method in [
        "SCRAM-SHA-512-PLUS",
        "SCRAM-SHA-256-PLUS",
        "SCRAM-SHA-1-PLUS",
        "SCRAM-SHA-512",
        "SCRAM-SHA-256",
        "SCRAM-SHA-1",
        "CRAM-MD5",
        "DIGEST-MD5",
        "APOP",
        "PLAIN",
        "LOGIN",
        "USER",
    ] {
        let works = |line: &str| line.split_whitespace().eq([method, "works"]);
        assert!(out.lines().any(works), "{method}: {out}");
    }
}

#[test]
fn the_maildrop_is_as_it_was() {
    let rig = Rig::five(&[]);
    examine(&rig, &[]).expect(0);
    assert_eq!(rig.left(), 5);
    let sessions = rig.sandbox.sessions();
    let lines = || sessions.iter().flat_map(SessionRecord::lines);
    assert!(!lines().any(|line| line.starts_with("DELE")));
    // Whoever reads does not quit.
    for session in &sessions {
        let lines = session.lines();
        let reads = lines.iter().any(|line| line.starts_with("RETR"));
        assert!(
            !reads || !lines.iter().any(|line| line == "QUIT"),
            "{lines:?}"
        );
    }
    assert!(rig.sandbox.retrievals(USER).unwrap().len() <= 3);
}

#[test]
fn without_a_user_nobody_logs_in() {
    let rig = Rig::five(&[]);
    let port = rig.sandbox.tls_addr().port();
    let url = format!("pops://localhost:{port}");
    let ran = ran(rig
        .bare(&["doctor", &url])
        .arg("--ca-file")
        .arg(rig.path("ca.pem")))
    .expect(0);
    assert!(ran.out.contains("trusted            yes"), "{}", ran.out);
    assert!(
        rig.sandbox
            .sessions()
            .iter()
            .all(|session| session.user.is_none())
    );
}

#[test]
fn an_account_of_the_configuration_file() {
    let rig = light(|builder| builder);
    let (url, ca) = (rig.url(By::ImplicitTls), rig.path("ca.pem"));
    let account = format!(
        "[account.work]\nserver = \"{url}\"\nca_file = \"{}\"\n",
        ca.display()
    );
    std::fs::write(rig.path("config.toml"), account).unwrap();
    let mut command = rig.bare(&["doctor", "work", "--config", "config.toml"]);
    let ran = ran(command.env("POPFETCH_PASSWORD", PASSWORD)).expect(0);
    assert!(
        ran.out.ends_with("work: good (nothing found)\n"),
        "{}",
        ran.out
    );
}

#[test]
fn p12_versions_of_tls() {
    let with = |versions| {
        let rig = light(|builder| builder.tls_versions(versions));
        examine(&rig, &[]).expect(0)
    };
    assert!(
        with(TlsVersions::Only12)
            .out
            .contains("note it does not speak TLS 1.3")
    );
    assert!(names(&with(TlsVersions::Only13)).is_empty());
}

/// Ports and sums differ from run to run.
fn settled(rig: &Rig, text: &str) -> String {
    let pin = |line: &str| match line.split_once("sha256:") {
        Some((label, _)) => format!("{label}sha256:…"),
        None => line.to_owned(),
    };
    let text = text
        .replace(&rig.sandbox.tls_addr().port().to_string(), "995")
        .replace(&rig.sandbox.plain_addr().port().to_string(), "110");
    let stamp = |line: String| match (line.find('<'), line.find('>')) {
        (Some(start), Some(end)) => format!("{}<…{}", &line[..start], &line[end..]),
        _ => line,
    };
    text.lines()
        .map(pin)
        .map(stamp)
        .map(|line| line + "\n")
        .collect()
}

#[test]
fn what_is_printed() {
    let rig = light(|builder| builder);
    let text = ran(&mut doctor(&rig, By::Stls)).expect(0).out;
    insta::assert_snapshot!("healthy", settled(&rig, &text));
    rig.misbehave(&["top-truncated=10", "rounded-octets", "duplicate-uidl"]);
    let text = ran(&mut doctor(&rig, By::Stls)).expect(1).out;
    insta::assert_snapshot!("odd", settled(&rig, &text));
    let json = ran(doctor(&rig, By::ImplicitTls).arg("--json"))
        .expect(1)
        .out;
    insta::assert_snapshot!("json", settled(&rig, &json));
    let brief = ran(doctor(&rig, By::ImplicitTls).arg("--quiet"))
        .expect(1)
        .out;
    assert!(brief.starts_with("note Q13"), "{brief}");
}
