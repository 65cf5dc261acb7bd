//! Fetches a mailbox with many messages on their way at once, also from a server that says that it
//! can do that and cannot.
//!
//! `cargo run --example pipelining pops://me@pop.example.org`, and the password on standard input.

use std::{env, io};

use poplib::blocking::Session;
use poplib::{Config, Credentials, Error, ProtocolError};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = env::args().nth(1).ok_or("usage: pipelining URL")?;
    let config = Config::from_url(&url)?;
    let user = config.url_user().ok_or("the URL names no user")?;
    eprint!("Password: ");
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;
    let credentials = Credentials::password(user, password.trim_end());
    for (number, message) in fetch(&config, &credentials)? {
        println!("{number}: {} octets", message.len());
    }
    Ok(())
}

/// The messages with their numbers; those that the server refuses are left out.
pub(crate) fn fetch(
    config: &Config,
    credentials: &Credentials,
) -> Result<Vec<(u32, Vec<u8>)>, Error> {
    match fetch_once(config, credentials) {
        // The configuration remembers it, and the next session sends one command at a time.
        Err(Error::Protocol(ProtocolError::PipelineBroken(_))) => fetch_once(config, credentials),
        outcome => outcome,
    }
}

fn fetch_once(config: &Config, credentials: &Credentials) -> Result<Vec<(u32, Vec<u8>)>, Error> {
    let mut session = Session::open(config, credentials)?;
    // CAPA, STAT, UIDL and LIST in one round trip.
    let listing = session.overview()?.listing?;
    let mut messages = Vec::new();
    let mut bodies = session.retr_many(listing.scans())?;
    while let Some((number, body)) = bodies.next_body()? {
        match body {
            Ok(body) => messages.push((number, body.collect()?)),
            Err(refused) => eprintln!("{number}: {refused}"),
        }
    }
    drop(bodies);
    session.quit()?;
    Ok(messages)
}
