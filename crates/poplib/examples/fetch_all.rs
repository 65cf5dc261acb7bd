//! Opens a mailbox and prints all its messages: the example of the reference of Python's poplib.
//!
//! `cargo run --example fetch_all pop.example.org`, and the password on standard input.

use std::env;
use std::error::Error;
use std::io::{self, Write};

use poplib::Config;
use poplib::blocking::Client;

fn main() -> Result<(), Box<dyn Error>> {
    let host = env::args().nth(1).unwrap_or_else(|| "localhost".into());
    let user = env::var("USER").map_err(|_| "USER must be the name to log in with")?;
    eprint!("Password: ");
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;
    fetch_all(
        &Config::new(&host),
        &user,
        password.trim_end(),
        &mut io::stdout(),
    )
}

pub(crate) fn fetch_all(
    config: &Config,
    user: &str,
    password: &str,
    output: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let mut client = Client::connect(config)?;
    client.user(user)?;
    let mut session = client.pass(password)?;
    for scan in session.list()?.scans() {
        session.retr(scan.number())?.copy_to(output)?;
    }
    session.quit()?;
    Ok(())
}
