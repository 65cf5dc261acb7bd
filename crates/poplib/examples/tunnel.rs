//! The protocol core on a transport of one's own: a program whose standard input and output lead to the
//! server. There is no socket in this one.
//!
//! `cargo run --example tunnel alice ssh mail.example.org nc localhost 110`, and the password on standard
//! input. The tunnel has to keep it secret, as there is no TLS within.

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use poplib::proto::command::{Greeting, List, Pass, Quit, Retr, User};
use poplib::proto::connection::BodyStep;
use poplib::proto::{Call, Connection, Exchange, Step, Want};
use poplib::{Limits, Secret};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [user, program, rest @ ..] = &arguments[..] else {
        return Err("usage: tunnel USER PROGRAM [ARGUMENT…]".into());
    };
    eprint!("Password: ");
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;
    let mut tunnel = Tunnel::new(Command::new(program).args(rest))?;
    for message in fetch(&mut tunnel, user, password.trim_end())? {
        println!("{} octets", message.len());
    }
    Ok(())
}

/// What goes in at one end of the program comes out at the server.
pub(crate) struct Tunnel {
    program: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Tunnel {
    pub(crate) fn new(command: &mut Command) -> io::Result<Self> {
        let mut program = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (program.stdin.take(), program.stdout.take()) else {
            return Err(io::Error::other(
                "the program has no standard input or output",
            ));
        };
        Ok(Self {
            program,
            input,
            output,
        })
    }
}

impl Read for Tunnel {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.output.read(space)
    }
}

impl Write for Tunnel {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.input.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.input.flush()
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        // It may have ended already.
        self.program.kill().ok();
        self.program.wait().ok();
    }
}

/// Fetches all messages over any stream.
pub(crate) fn fetch(
    stream: &mut (impl Read + Write),
    user: &str,
    password: &str,
) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut connection = Connection::new(Limits::default());
    connection.allow_plaintext_credentials();
    let mut link = Link { stream, connection };
    link.run(Greeting::new())?;
    link.run(Call::new(User::new(user.as_bytes())))?;
    link.run(Call::new(Pass::new(Secret::from(password))))?;
    let mut messages = Vec::new();
    for scan in link.run(Call::new(List))?.scans() {
        let start = link.run(Call::new(Retr::new(scan.number())))?;
        let mut message = Vec::new();
        loop {
            match link.connection.advance_body(start.ticket)? {
                BodyStep::Run => message.extend_from_slice(link.connection.run()),
                BodyStep::Read => link.read()?,
                BodyStep::End => break,
            }
        }
        messages.push(message);
    }
    link.run(Call::new(Quit))?;
    Ok(messages)
}

struct Link<'a, S> {
    stream: &'a mut S,
    connection: Connection,
}

impl<S: Read + Write> Link<'_, S> {
    /// The driver: it does what the exchange asks for until the exchange is done.
    fn run<E: Exchange>(&mut self, mut exchange: E) -> Result<E::Output, Box<dyn Error>> {
        loop {
            match exchange.resume(&mut self.connection)? {
                Step::Want(Want::Read) => self.read()?,
                Step::Want(Want::Write) => {
                    let octets = self.stream.write(self.connection.to_send())?;
                    self.connection.sent(octets);
                    self.stream.flush()?;
                }
                Step::StartTls => return Err("there is no TLS in this tunnel".into()),
                Step::Done(output) => return Ok(output),
            }
        }
    }

    fn read(&mut self) -> io::Result<()> {
        // Nothing read is the end of the stream, and the connection has to know.
        let octets = self.stream.read(self.connection.space())?;
        self.connection.received(octets);
        Ok(())
    }
}
