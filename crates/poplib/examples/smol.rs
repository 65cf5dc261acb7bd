//! The protocol core over another runtime: smol.
//!
//! All it takes is a loop over [`Step`]. This one knows no TLS and no deadlines; for both, look
//! at how `poplib` drives its own streams.
//!
//! `cargo run --example smol 127.0.0.1:1100 alice secret`

use std::env;
use std::error::Error;
use std::io;

use poplib_proto::command::{BodyStart, Greeting, List, Pass, Quit, Retr, User};
use poplib_proto::connection::BodyStep;
use poplib_proto::{Call, Command, Connection, Exchange, Limits, Secret, Step, Want};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::TcpStream;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(address), Some(user), Some(password)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: smol ADDRESS USER PASSWORD".into());
    };
    for message in smol::block_on(fetch(&address, &user, &password))? {
        println!("{} octets", message.len());
    }
    Ok(())
}

/// Fetches all messages, over a connection without TLS.
pub(crate) async fn fetch(
    address: &str,
    user: &str,
    password: &str,
) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut connection = Connection::new(Limits::default());
    connection.allow_plaintext_credentials();
    let stream = TcpStream::connect(address).await?;
    let mut link = Link { connection, stream };
    link.run(Greeting::new()).await?;
    link.call(User::new(user.as_bytes())).await?;
    link.call(Pass::new(Secret::from(password))).await?;
    let mut messages = Vec::new();
    for scan in link.call(List).await?.scans() {
        let start = link.call(Retr::new(scan.number())).await?;
        messages.push(link.body(&start).await?);
    }
    link.call(Quit).await?;
    Ok(messages)
}

struct Link {
    connection: Connection,
    stream: TcpStream,
}

impl Link {
    async fn call<C: Command>(&mut self, command: C) -> Result<C::Output, Box<dyn Error>> {
        self.run(Call::new(command)).await
    }

    /// The driver.
    async fn run<E: Exchange>(&mut self, mut exchange: E) -> Result<E::Output, Box<dyn Error>> {
        loop {
            match exchange.resume(&mut self.connection)? {
                Step::Want(Want::Read) => self.read().await?,
                Step::Want(Want::Write) => self.write().await?,
                Step::StartTls => return Err("there is no TLS here".into()),
                Step::Done(output) => return Ok(output),
            }
        }
    }

    async fn body(&mut self, start: &BodyStart) -> Result<Vec<u8>, Box<dyn Error>> {
        let mut message = Vec::new();
        loop {
            match self.connection.advance_body(start.ticket)? {
                BodyStep::Run => message.extend_from_slice(self.connection.run()),
                BodyStep::Read => self.read().await?,
                BodyStep::End => return Ok(message),
            }
        }
    }

    async fn read(&mut self) -> io::Result<()> {
        let octets = self.stream.read(self.connection.space()).await?;
        self.connection.received(octets);
        Ok(())
    }

    async fn write(&mut self) -> io::Result<()> {
        let octets = self.stream.write(self.connection.to_send()).await?;
        self.connection.sent(octets);
        Ok(())
    }
}
