//! Sends a message with lettre's blocking client.

use std::error::Error;

use lettre::transport::smtp::authentication::Credentials;
use lettre::{Message, SmtpTransport, Transport};

fn main() -> Result<(), Box<dyn Error>> {
    let message = Message::builder()
        .from("me@example.org".parse()?)
        .to("you@example.org".parse()?)
        .subject("Hello")
        .body("Hello".to_owned())?;
    let mailer = SmtpTransport::relay("smtp.example.org")?
        .credentials(Credentials::new("me".to_owned(), "secret".to_owned()))
        .build();
    mailer.send(&message)?;
    Ok(())
}
