//! Logs in with the strongest way that both sides know, and tells the refusals apart.
//!
//! `cargo run --example login pops://me@pop.example.org`, and the password on standard input.

use std::env;
use std::error::Error;
use std::io::{self, Write};

use poplib::blocking::Client;
use poplib::{Chain, CodeKind, Config, Credentials, LoginError};

fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).ok_or("usage: login URL")?;
    let config = Config::from_url(&url)?;
    let user = config.url_user().ok_or("the URL names no user")?;
    eprint!("Password: ");
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;
    let credentials = Credentials::password(user, password.trim_end());
    log_in(&config, &credentials, &mut io::stdout())
}

pub(crate) fn log_in(
    config: &Config,
    credentials: &Credentials,
    output: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let mut client = Client::connect(config)?;
    if let Some(tls) = client.tls() {
        writeln!(output, "{}, {}", tls.version(), tls.cipher_suite())?;
    }
    // A server without CAPA can still do what RFC 1939 demands.
    if let Ok(capabilities) = client.capa() {
        let mechanisms: Vec<&str> = capabilities.sasl().collect();
        writeln!(output, "mechanisms: {}", mechanisms.join(" "))?;
    }
    match client.login(credentials) {
        Ok(mut session) => {
            writeln!(output, "messages: {}", session.stat()?.messages)?;
            session.quit()?;
        }
        Err(LoginError { error, .. }) => {
            let is_wrong = error
                .code()
                .is_some_and(|code| code.kind() == CodeKind::Auth);
            let what = match error.is_retryable() {
                true => "try again later",
                false if is_wrong => "wrong user name or password",
                false => "this will not work",
            };
            writeln!(output, "{what}: {}", Chain(&error))?;
        }
    }
    Ok(())
}
