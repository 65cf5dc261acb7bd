//! Commands and replies (RFC 5321, section 4.2) over TCP or a Unix socket.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::Address;
use crate::escape;

/// RFC 5321, section 4.5.3.1.5, asks for 512.
const LONGEST_LINE: u64 = 4 * 1024;
/// No server has so many extensions.
const MOST_LINES: usize = 100;

/// A connection to a mail server.
pub(super) struct Connection {
    reader: BufReader<Box<dyn Read>>,
    writer: BufWriter<Box<dyn Write>>,
}

impl Connection {
    /// Connects. Nothing that is waited for may take longer than `limit`.
    pub(super) fn open(address: &Address, limit: Duration) -> io::Result<Self> {
        Ok(match address {
            Address::Tcp { host, port } => {
                let stream = connect(host, *port, limit)?;
                stream.set_read_timeout(Some(limit))?;
                stream.set_write_timeout(Some(limit))?;
                Self::over(stream.try_clone()?, stream)
            }
            Address::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(limit))?;
                stream.set_write_timeout(Some(limit))?;
                Self::over(stream.try_clone()?, stream)
            }
        })
    }

    fn over(reader: impl Read + 'static, writer: impl Write + 'static) -> Self {
        Self {
            reader: BufReader::new(Box::new(reader)),
            writer: BufWriter::with_capacity(128 * 1024, Box::new(writer)),
        }
    }

    /// Sends a command and reads the reply.
    pub(super) fn command(&mut self, line: &str) -> io::Result<Reply> {
        self.send(line)?;
        self.reply()
    }

    /// Sends a command.
    pub(super) fn send(&mut self, line: &str) -> io::Result<()> {
        self.writer.write_all(line.as_bytes())?;
        self.writer.write_all(b"\r\n")?;
        self.writer.flush()
    }

    /// Sends a part of a message.
    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.writer.write_all(octets)
    }

    /// Reads a reply, all of its lines, once everything is sent.
    pub(super) fn reply(&mut self) -> io::Result<Reply> {
        self.writer.flush()?;
        let mut lines: Vec<Vec<u8>> = Vec::new();
        loop {
            let mut line = Vec::new();
            let mut reader = (&mut self.reader).take(LONGEST_LINE);
            reader.read_until(b'\n', &mut line).map_err(patience)?;
            if line.pop() != Some(b'\n') {
                return Err(match line.len() {
                    0 => io::Error::other("it closed the connection"),
                    _ => io::Error::other("it sent a line without an end"),
                });
            }
            let code = (line.get(..3))
                .filter(|code| code.iter().all(u8::is_ascii_digit))
                .filter(|code| lines.first().is_none_or(|first| first.starts_with(code)));
            if code.is_none() || lines.len() == MOST_LINES {
                let line = escape::octets(&line);
                return Err(io::Error::other(format!("it sent no reply: {line}")));
            }
            let is_last = line.get(3) != Some(&b'-');
            lines.push(line);
            if is_last {
                return Ok(Reply(lines));
            }
        }
    }
}

/// What a server answered: at least one line, each with the same code of three digits.
#[derive(Debug)]
pub(super) struct Reply(Vec<Vec<u8>>);

impl Reply {
    /// The first digit: 2 and 3 go on, 4 refuses for now, 5 refuses for good.
    pub(super) fn class(&self) -> u8 {
        self.0[0][0] - b'0'
    }

    /// Whether the server hangs up.
    pub(super) fn is_the_end(&self) -> bool {
        self.0[0].starts_with(b"421")
    }

    /// The reply, if it is of this class.
    pub(super) fn expect(self, class: u8) -> io::Result<Self> {
        if self.class() == class {
            return Ok(self);
        }
        Err(io::Error::other(format!("it said {}", self.text())))
    }

    /// Whether this is one of the extensions that a greeting is answered with.
    pub(super) fn has(&self, extension: &str) -> bool {
        self.0.iter().skip(1).any(|line| {
            let line = line.get(4..).unwrap_or_default();
            let keyword = line.split(u8::is_ascii_whitespace).next();
            keyword.is_some_and(|keyword| keyword.eq_ignore_ascii_case(extension.as_bytes()))
        })
    }

    /// Its last line, escaped.
    pub(super) fn text(&self) -> String {
        let line = self.0.last().map_or(&b""[..], Vec::as_slice);
        escape::octets(line.strip_suffix(b"\r").unwrap_or(line)).to_string()
    }
}

/// Connects to the first of the host's addresses that answers.
fn connect(host: &str, port: u16, limit: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, limit) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A time limit of a socket ends in an error that does not say so.
fn patience(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            io::Error::other("it took too long to answer")
        }
        _ => error,
    }
}
