//! The page that leads from Python's poplib is complete, and its two programs run.
#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

#[allow(dead_code, reason = "main is what cargo runs")]
#[path = "../examples/fetch_all.rs"]
mod fetch_all;
#[allow(dead_code, reason = "main is what cargo runs")]
#[path = "../examples/poplib_main.rs"]
mod poplib_main;

use poplib::{Config, Tls};
use poplib_sandbox::{Mailbox, Sandbox};

const PAGE: &str = include_str!("../docs/from-poplib.md");

/// The classes, methods, constants, exceptions and attributes of poplib's reference and module.
const NAMES: [&str; 41] = [
    "POP3",
    "POP3_SSL",
    "error_proto",
    "set_debuglevel",
    "getwelcome",
    "capa",
    "user",
    "pass_",
    "apop",
    "rpop",
    "stat",
    "list",
    "retr",
    "dele",
    "rset",
    "noop",
    "quit",
    "close",
    "top",
    "uidl",
    "utf8",
    "stls",
    "POP3_PORT",
    "POP3_SSL_PORT",
    "CR",
    "LF",
    "CRLF",
    "HAVE_SSL",
    "_MAXLINE",
    "encoding",
    "welcome",
    "host",
    "port",
    "timeout",
    "sock",
    "file",
    "_tls_established",
    "_create_socket",
    "_shortcmd",
    "_longcmd",
    "context",
];

/// Whether `name` stands in the page between characters that no name has.
fn names(text: &str, name: &str) -> bool {
    let is_of_name = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(name).any(|(at, _)| {
        !text[..at].ends_with(is_of_name) && !text[at + name.len()..].starts_with(is_of_name)
    })
}

#[test]
fn the_page_names_everything_that_poplib_has() {
    let prose: String = PAGE.split("```").step_by(2).collect();
    for name in NAMES {
        assert!(names(&prose, name), "{name}");
    }
}

#[test]
fn the_table_of_the_page_has_a_row_for_each_method_of_poplib() {
    let table = PAGE.split("\n## ").nth(1).unwrap();
    for name in &NAMES[..22] {
        let has = |row: &str| names(row.split('|').nth(1).unwrap_or_default(), name);
        assert!(table.lines().any(has), "{name}");
    }
}

#[test]
fn the_page_shows_the_programs_as_they_are() {
    for program in [
        include_str!("../examples/fetch_all.rs"),
        include_str!("../examples/poplib_main.rs"),
    ] {
        let (_, function) = program.split_once("pub(crate) ").unwrap();
        assert!(PAGE.contains(function), "{function}");
    }
}

#[test]
fn the_links_within_the_page_lead_somewhere() {
    let anchors: Vec<String> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| {
            let kept = |character: &char| character.is_alphanumeric() || " -_".contains(*character);
            let anchor: String = heading.chars().filter(kept).collect();
            anchor.to_lowercase().replace(' ', "-")
        })
        .collect();
    for link in PAGE.split("](#").skip(1) {
        let target = link.split(')').next().unwrap().to_owned();
        assert!(anchors.contains(&target), "{target} of {anchors:?}");
    }
}

fn sandbox() -> (Sandbox, Config) {
    let mailbox = Mailbox::messages(["Subject: one\n\nfirst\n", "Subject: two\n\n.\nend  \n"]);
    let sandbox = Sandbox::builder()
        .mailbox("me", "secret", mailbox)
        .apop(false);
    let sandbox = sandbox.start().unwrap();
    let config = Config::new("localhost")
        .with_port(sandbox.tls_addr().port())
        .with_tls(Tls::with_authorities(sandbox.ca_pem().as_bytes()).unwrap());
    (sandbox, config)
}

#[test]
fn the_example_of_the_reference_prints_every_message() {
    let (_sandbox, config) = sandbox();
    let mut output = Vec::new();
    fetch_all::fetch_all(&config, "me", "secret", &mut output).unwrap();
    let expected = "Subject: one\r\n\r\nfirst\r\nSubject: two\r\n\r\n.\r\nend  \r\n";
    assert_eq!(String::from_utf8(output).unwrap(), expected);
}

#[test]
fn the_test_section_prints_the_mailbox() {
    let (sandbox, config) = sandbox();
    let mut output = Vec::new();
    poplib_main::print_mailbox(&config, "me", "secret", &mut output).unwrap();
    let expected = "\
        +OK poplib-sandbox ready\n\
        Message 1:\n   Subject: one\n   \n   first\n-----------------------\n\
        Message 2:\n   Subject: two\n   \n   .\n   end  \n-----------------------\n";
    assert_eq!(String::from_utf8(output).unwrap(), expected);
    assert_eq!(sandbox.messages_left("me").unwrap(), 2);
}
