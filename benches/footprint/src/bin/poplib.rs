//! Fetches a message with poplib's blocking client.

use std::error::Error;
use std::io;

use poplib::blocking::Session;
use poplib::{Config, Credentials};

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::new("pop.example.org");
    let mut session = Session::open(&config, &Credentials::password("me", "secret"))?;
    session.retr(1)?.copy_to(&mut io::stdout())?;
    session.quit()?;
    Ok(())
}
