//! Fetches a message with poplib's blocking client, in clear.

use std::error::Error;
use std::io;

use poplib::blocking::Session;
use poplib::{Config, Credentials, Security};

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::new("localhost").with_security(Security::Plaintext);
    let mut session = Session::open(&config, &Credentials::password("me", "secret"))?;
    session.retr(1)?.copy_to(&mut io::stdout())?;
    session.quit()?;
    Ok(())
}
