//! Fetches a message with async-pop.

use std::error::Error;
use std::io::{self, Write};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let tls = async_native_tls::TlsConnector::new();
    let mut client = async_pop::connect(("pop.example.org", 995), "pop.example.org", &tls).await?;
    client.login("me", "secret").await?;
    let message = client.retr(1).await?;
    io::stdout().write_all(&message)?;
    client.quit().await?;
    Ok(())
}
