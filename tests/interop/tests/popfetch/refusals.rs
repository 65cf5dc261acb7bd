//! Servers that popfetch must not talk to, or cannot: what it says, and what it does not send.

use std::net::TcpListener;

use interop::{ClearText, Dovecot, Mailbox, Server, ServerCertificate, Tap};

use crate::support::{Home, dovecot, dovecot_called, dovecot_with, pop, pops};

/// Both ways to TLS, and whether a login was tried.
fn refused_before_any_credential(server: &Server, home: &Home, options: &[&str], words: &[&str]) {
    for url in [pops(server), pop(server)] {
        let run = home.run(&url, "secret", options);
        run.failed(&[69], words);
        assert!(run.text().contains("hint:"), "{}", run.text());
    }
    assert!(!server.log().contains("Login:"), "{}", server.log());
    assert!(!server.log().contains("user=<alice>"), "{}", server.log());
}

#[test]
fn a11_an_unknown_authority_is_refused_before_any_credential() {
    let server = dovecot(&Mailbox::ordinary(1));
    let home = Home::trusting(&server);
    refused_before_any_credential(&server, &home, &[], &["certificate", "--ca-file"]);
}

#[test]
fn a11_another_authority_than_the_trusted_is_refused_before_any_credential() {
    let server = dovecot(&Mailbox::ordinary(1));
    let home = Home::trusting(&dovecot(&Mailbox::ordinary(0)));
    let options = ["--ca-file", "ca.pem"];
    refused_before_any_credential(&server, &home, &options, &["certificate"]);
}

#[test]
fn p13_a_wrong_name_is_refused_before_any_credential() {
    let server = dovecot_called(ServerCertificate::OtherName);
    let home = Home::trusting(&server);
    let options = ["--ca-file", "ca.pem"];
    let words = ["localhost", "pop.example.org"];
    refused_before_any_credential(&server, &home, &options, &words);
}

#[test]
fn p13_a_certificate_out_of_date_is_refused_before_any_credential() {
    let server = dovecot_called(ServerCertificate::Expired);
    let home = Home::trusting(&server);
    let options = ["--ca-file", "ca.pem"];
    refused_before_any_credential(&server, &home, &options, &["out of date"]);
}

#[test]
fn a02_where_stls_is_not_offered_nothing_is_sent() {
    let server = dovecot_with(
        &Mailbox::ordinary(1),
        Dovecot {
            clear_text: ClearText::Only,
            ..Dovecot::default()
        },
    );
    let tap = Tap::before(server.plain_port()).unwrap();
    let home = Home::trusting(&server);
    let url = format!("pop://alice@localhost:{}", tap.port());
    let run = home.sync(&url, &[]);
    run.failed(&[69, 76], &["TLS", "hint:"]);
    let sent = tap.from_clients().escape_ascii().to_string();
    for secret in ["USER", "PASS", "APOP", "AUTH", "alice", "secret"] {
        assert!(!sent.contains(secret), "{sent}");
    }

    home.sync(&url, &["--allow-plaintext"]).ok(&server);
}

#[test]
fn a_server_that_refuses_clear_text_says_so() {
    let server = dovecot_with(
        &Mailbox::ordinary(1),
        Dovecot {
            clear_text: ClearText::Refused,
            ..Dovecot::default()
        },
    );
    let home = Home::trusting(&server);
    let run = home.sync(&pop(&server), &["--allow-plaintext", "--auth", "user"]);
    run.failed(&[77], &["Plaintext authentication disallowed"]);
}

#[test]
fn a_port_where_nothing_listens_ends_with_69() {
    let server = dovecot(&Mailbox::ordinary(0));
    let home = Home::trusting(&server);
    // Closed again before the run; nobody is given the number so soon.
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let run = home.sync(&format!("pops://alice@localhost:{port}"), &[]);
    run.failed(&[69], &["localhost", "refused", "hint:"]);
}

#[test]
fn p12_tls_asked_of_the_clear_text_port_names_the_mistake() {
    let server = dovecot(&Mailbox::ordinary(1));
    let home = Home::trusting(&server);
    let url = format!("pops://alice@localhost:{}", server.plain_port());
    let run = home.sync(&url, &[]);
    run.failed(&[69, 76], &["TLS", "hint:", "pop://"]);
}

#[test]
fn p12_clear_text_asked_of_the_tls_port_names_the_mistake() {
    let server = dovecot(&Mailbox::ordinary(1));
    let home = Home::trusting(&server);
    let url = format!("pop://alice@localhost:{}", server.tls_port());
    let run = home.sync(&url, &["--timeout", "3"]);
    run.failed(&[69, 76], &["hint:", "pops://"]);
}
