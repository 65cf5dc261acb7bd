//! A POP3 server for tests, demos and benches that misbehaves on request.
//!
//! ```
//! use poplib_sandbox::{Mailbox, Sandbox};
//! use std::io::{BufRead, BufReader, Write};
//! use std::net::TcpStream;
//!
//! # fn main() -> std::io::Result<()> {
//! let sandbox = Sandbox::builder()
//!     .mailbox("alice", "secret", Mailbox::messages(["Subject: hello\n\nworld\n"]))
//!     .misbehave("cut-in-body=1:5@1") // the first session only
//!     .start()?;
//!
//! let mut client = TcpStream::connect(sandbox.plain_addr())?;
//! client.write_all(b"USER alice\r\nPASS secret\r\nRETR 1\r\n")?;
//! let last = BufReader::new(client).lines().last().unwrap()?;
//! assert_eq!(last, "Subje");
//! assert_eq!(sandbox.messages_left("alice")?, 1);
//! assert!(sandbox.sessions()[0].received().ends_with(b"RETR 1\r\n"));
//! # Ok(())
//! # }
//! ```

mod account;
mod base64;
mod builder;
mod certificate;
mod command;
mod connection;
mod digest;
mod input;
mod mailbox;
mod marks;
mod message;
mod misbehave;
mod output;
mod record;
mod response;
mod sandbox;
mod sasl;
mod server;
mod session;
mod settings;
mod stream;
mod tls;
mod transaction;

pub use builder::Builder;
pub use certificate::{CertificateSpec, Validity};
pub use command::Keyword;
pub use mailbox::{Generated, Mailbox, Octets};
pub use misbehave::{
    Answer, Entry, Fault, InBody, Misbehaviour, Phase, Sessions, Text, UnknownFault,
};
pub use record::SessionRecord;
pub use sandbox::Sandbox;
pub use settings::Stage;
pub use tls::{TlsFacts, TlsVersions};
