use clap::Parser;

use super::*;
use crate::cli;

fn account(options: &[&str]) -> Result<Account, Failure> {
    let given = ["popfetch", "sync", "--maildir", "mail", "--server"];
    match cli::Cli::try_parse_from(given.iter().chain(options))
        .unwrap()
        .command
    {
        cli::Command::Sync(sync) => Account::new(None, sync.settings.settings().clone()),
        _ => unreachable!(),
    }
}

fn name_of(options: &[&str]) -> String {
    account(options).unwrap().name
}

#[test]
fn both_ports_of_a_server_are_one_maildrop() {
    for url in [
        "pops://me@Pop.Example.org",
        "pop://me@pop.example.org",
        "pop3://me@pop.example.org:995",
    ] {
        assert_eq!(name_of(&[url]), "me@pop.example.org");
    }
    // A tunnel may lead anywhere.
    assert_eq!(name_of(&["pops://me@localhost:1995"]), "me@localhost:1995");
    assert_eq!(name_of(&["pops://me@[::1]:1995"]), "me@[::1]:1995");
    assert_ne!(name_of(&["pops://me@host"]), name_of(&["pops://ME@host"]));
}

#[test]
fn the_option_names_the_user_before_the_url() {
    assert_eq!(
        account(&["pops://me@host", "--user", "you"]).unwrap().user,
        "you"
    );
    assert_eq!(
        account(&["pops://me%40a.org@host"]).unwrap().user,
        "me@a.org"
    );
    let failure = account(&["pops://host"]).unwrap_err();
    assert_eq!(failure.status, Status::Usage);
    assert!(failure.hint.unwrap().contains("--user"));
}

#[test]
fn a11_plaintext_is_only_for_those_who_ask_twice() {
    let security = |options: &[&str]| account(options).unwrap().config.security();
    assert_eq!(security(&["pop://me@host"]), Security::Stls);
    assert_eq!(
        security(&["pop://me@host", "--allow-plaintext"]),
        Security::Plaintext
    );
    assert_eq!(
        security(&["pops://me@host", "--allow-plaintext"]),
        Security::ImplicitTls
    );
}

#[test]
fn p19_the_url_names_the_method_unless_the_option_does() {
    use poplib::sasl::Method;

    let only = |options: &[&str]| account(options).unwrap().config.login_policy().only;
    assert_eq!(only(&["pops://me@host"]), None);
    assert_eq!(only(&["pops://me;AUTH=+APOP@host"]), Some(Method::Apop));
    assert_eq!(
        only(&["pops://me;AUTH=PLAIN@host", "--auth", "login"]),
        Some(Method::Login)
    );
    assert_eq!(only(&["pops://me;AUTH=PLAIN@host", "--auth", "auto"]), None);
}

#[test]
fn a_file_without_certificates_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    let ca = |path: &Path| {
        account(&["pops://me@host", "--ca-file", path.to_str().unwrap()])
            .unwrap_err()
            .status
    };
    assert_eq!(ca(&path), Status::Configuration);
    fs::write(&path, "no certificate").unwrap();
    assert_eq!(ca(&path), Status::Configuration);
}

#[test]
fn a_keyring_has_the_password_where_it_is_wanted() {
    let source = |options: &[&str]| account(options).unwrap().password;
    assert!(matches!(
        source(&["pops://me@host", "--keyring"]),
        Source::Keyring
    ));
    assert!(matches!(source(&["pops://me@host"]), Source::Ask));
    let targets = account(&["pops://me@host", "--target-keyring"]).unwrap();
    assert!(matches!(targets.password, Source::Ask));
    assert!(matches!(
        targets.destinations.access.password,
        Source::Keyring
    ));
}

#[test]
fn an_internationalized_host_is_one_host_however_it_is_written() {
    let maildrop = |host: &str| account(&[&format!("pops://me@{host}")]).unwrap().maildrop;
    assert_eq!(maildrop("Bücher.example"), "me@xn--bcher-kva.example");
    assert_eq!(
        maildrop("Bücher.example"),
        maildrop("xn--bcher-kva.example")
    );
    let failure = account(&["pops://me@bücher..example"]).unwrap_err();
    assert_eq!(failure.status, Status::Usage);
    let words = "server: the host is not ASCII, and no valid internationalized name either";
    assert_eq!(failure.message, words);
    let proxy = ["pops://me@host", "--proxy", "socks5://bücher..example"];
    assert_eq!(account(&proxy).unwrap_err().status, Status::Usage);
}
