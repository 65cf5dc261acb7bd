//! `--auth`, each way.

use interop::Mailbox;

use crate::support::{Home, dovecot, pops};

#[test]
fn each_method_logs_in_by_its_own_way() {
    let server = dovecot(&Mailbox::ordinary(1));
    for (auth, logged) in [
        // To Dovecot USER and PASS are PLAIN.
        ("user", "method=PLAIN"),
        ("apop", "method=APOP"),
        ("plain", "method=PLAIN"),
        ("login", "method=LOGIN"),
        ("cram-md5", "method=CRAM-MD5"),
        ("digest-md5", "method=DIGEST-MD5"),
        ("scram-sha-1", "method=SCRAM-SHA-1"),
        ("scram-sha-256", "method=SCRAM-SHA-256"),
        ("auto", "method=SCRAM-SHA-256"),
    ] {
        let home = Home::trusting(&server);
        home.sync(&pops(&server), &["--auth", auth]).ok(&server);
        let log = server.log();
        let login = log.lines().rfind(|line| line.contains("Login:")).unwrap();
        assert!(login.contains(logged), "{auth}: {login}");
    }
}

#[test]
fn p09_a_wrong_password_ends_with_77_and_the_servers_words() {
    let server = dovecot(&Mailbox::ordinary(1));
    for auth in [
        "user",
        "apop",
        "plain",
        "login",
        "cram-md5",
        "digest-md5",
        "scram-sha-1",
        "scram-sha-256",
        "auto",
    ] {
        let home = Home::trusting(&server);
        let options = ["--ca-file", "ca.pem", "--auth", auth];
        let run = home.run(&pops(&server), "wrong", &options);
        run.failed(&[77], &["[AUTH] Authentication failed."]);
    }
    assert!(!server.log().contains("Login:"), "{}", server.log());
}
