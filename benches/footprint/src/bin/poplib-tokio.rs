//! Fetches a message with poplib's client for tokio.

use std::error::Error;
use std::io::{self, Write};

use poplib::tokio::Session;
use poplib::{Config, Credentials};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::new("pop.example.org");
    let mut session = Session::open(&config, &Credentials::password("me", "secret")).await?;
    let message = session.retr(1).await?.collect().await?;
    io::stdout().write_all(&message)?;
    session.quit().await?;
    Ok(())
}
