//! Prints the subjects of a mailbox, and shows how such a program is tested: against poplib-sandbox, which
//! misbehaves on request.
//!
//! `cargo run --example subjects pops://me@pop.example.org`, and the password on standard input.
//! `cargo test --example subjects` runs its tests.

use std::env;
use std::error::Error;
use std::io;

use poplib::blocking::Session;
use poplib::{Config, Credentials};

fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).ok_or("usage: subjects URL")?;
    let config = Config::from_url(&url)?;
    let user = config.url_user().ok_or("the URL names no user")?;
    eprint!("Password: ");
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;
    let credentials = Credentials::password(user, password.trim_end());
    for subject in subjects(&config, &credentials)? {
        println!("{subject}");
    }
    Ok(())
}

fn subjects(config: &Config, credentials: &Credentials) -> Result<Vec<String>, poplib::Error> {
    let mut session = Session::open(config, credentials)?;
    let mut subjects = Vec::new();
    for scan in session.list()?.scans() {
        let message = match session.top(scan.number(), 0) {
            Ok(header) => header.collect()?,
            // TOP is optional. RETR is not.
            Err(poplib::Error::Protocol(_)) => session.retr(scan.number())?.collect()?,
            Err(error) => return Err(error),
        };
        subjects.push(subject(&String::from_utf8_lossy(&message)));
    }
    session.quit()?;
    Ok(subjects)
}

fn subject(message: &str) -> String {
    let mut header = message.lines().take_while(|line| !line.is_empty());
    let subject = header.find_map(|line| line.strip_prefix("Subject: "));
    subject.unwrap_or("(none)").to_owned()
}

#[cfg(test)]
mod tests {
    use poplib::Tls;
    use poplib_sandbox::{Builder, Mailbox, Sandbox};

    use super::*;

    /// A server with two messages, and how to reach it.
    fn server(builder: Builder) -> (Sandbox, Config) {
        let mail = ["Subject: one\n\nHello\n", "From: me\n\nSubject: not this\n"];
        let server = builder
            .mailbox("alice", "secret", Mailbox::messages(mail))
            .start()
            .unwrap();
        let config = Config::new(server.host())
            .with_port(server.tls_addr().port())
            .with_tls(Tls::with_authorities(server.ca_pem().as_bytes()).unwrap());
        (server, config)
    }

    fn alice() -> Credentials {
        Credentials::password("alice", "secret")
    }

    #[test]
    fn subjects_are_those_of_the_headers() {
        let (server, config) = server(Sandbox::builder());
        assert_eq!(subjects(&config, &alice()).unwrap(), ["one", "(none)"]);
        assert_eq!(server.messages_left("alice").unwrap(), 2);
    }

    #[test]
    fn a_server_without_top_is_asked_for_the_messages() {
        let (_server, config) = server(Sandbox::builder().misbehave("no-top"));
        assert_eq!(subjects(&config, &alice()).unwrap(), ["one", "(none)"]);
    }

    #[test]
    fn a_connection_that_breaks_may_be_tried_again() {
        let (_server, config) = server(Sandbox::builder().misbehave("close-on=LIST@1"));
        let error = subjects(&config, &alice()).unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_eq!(subjects(&config, &alice()).unwrap(), ["one", "(none)"]);
    }
}
