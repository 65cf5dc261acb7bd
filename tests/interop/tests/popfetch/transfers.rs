//! What is on the server is in the Maildir, byte for byte, line ends aside.

use interop::{Mailbox, Server};

use crate::support::{Home, dovecot, pop, pops};

const MAILS: usize = 1_500;

/// What RETR and DELE came to in each session that ended with QUIT.
fn sessions(server: &Server) -> Vec<String> {
    server
        .log()
        .lines()
        .filter_map(|line| {
            line.split_once("Disconnected: Logged out ")
                .map(|(_, counts)| counts)
        })
        .map(|counts| {
            let words = counts.split([' ', ',']).filter(|word| !word.is_empty());
            let counted = words.filter_map(|word| match word.split_once('=')? {
                ("retr", count) => Some(format!("retr {}", count.split('/').next()?)),
                ("del", count) => Some(format!("dele {}", count.split('/').next()?)),
                _ => None,
            });
            counted.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// Fetches everything, and then nothing.
fn fetches_everything_once(url: impl Fn(&Server) -> String, options: &[&str]) {
    let mailbox = Mailbox::mixed(2026, MAILS);
    let server = dovecot(&mailbox);
    let home = Home::trusting(&server);
    home.sync(&url(&server), options).ok(&server);
    home.assert_holds(&mailbox);
    home.sync(&url(&server), options).ok(&server);
    assert_eq!(home.maildir().files().unwrap().len(), MAILS);
    assert_eq!(
        sessions(&server),
        [format!("retr {MAILS} dele 0").as_str(), "retr 0 dele 0"]
    );
    assert_eq!(server.maildir("alice").files().unwrap().len(), MAILS);
}

#[test]
fn fifteen_hundred_mails_by_implicit_tls() {
    fetches_everything_once(pops, &[]);
}

#[test]
fn fifteen_hundred_mails_by_stls() {
    fetches_everything_once(pop, &[]);
}

#[test]
fn fifteen_hundred_mails_in_clear_text_where_that_is_allowed() {
    fetches_everything_once(pop, &["--allow-plaintext"]);
}

#[test]
fn what_breaks_mail_clients_arrives() {
    let mailbox = Mailbox::nasty();
    let server = dovecot(&mailbox);
    let home = Home::trusting(&server);
    home.sync(&pops(&server), &[]).ok(&server);
    home.assert_holds(&mailbox);
}

#[test]
fn keep_none_empties_the_server_of_what_is_stored() {
    let mailbox = Mailbox::mixed(7, 60);
    let server = dovecot(&mailbox);
    let home = Home::trusting(&server);
    home.sync(&pops(&server), &["--keep", "none"]).ok(&server);
    home.assert_holds(&mailbox);
    assert_eq!(server.maildir("alice").files().unwrap().len(), 0);
    home.sync(&pops(&server), &["--keep", "none"]).ok(&server);
    home.assert_holds(&mailbox);
}

#[test]
fn keep_none_deletes_later_what_an_earlier_run_fetched() {
    let mailbox = Mailbox::ordinary(5);
    let server = dovecot(&mailbox);
    let home = Home::trusting(&server);
    home.sync(&pops(&server), &[]).ok(&server);
    home.sync(&pops(&server), &["--keep", "none"]).ok(&server);
    home.assert_holds(&mailbox);
    assert_eq!(sessions(&server), ["retr 5 dele 0", "retr 0 dele 5"]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let server = dovecot(&Mailbox::ordinary(3));
    let home = Home::trusting(&server);
    home.sync(&pops(&server), &["--keep", "none", "--dry-run"])
        .ok(&server);
    assert!(!home.maildir().path().exists());
    assert_eq!(server.maildir("alice").files().unwrap().len(), 3);
}
