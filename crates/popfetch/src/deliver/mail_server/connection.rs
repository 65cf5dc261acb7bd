//! Commands and replies (RFC 5321, section 4.2) over whatever [`Socket`] there is.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::time::Duration;

use poplib::Secret;
use rustls::ClientConfig;

use super::address::Place;
use super::socket::Socket;
use crate::escape;

/// RFC 5321, section 4.5.3.1.5, asks for 512.
const LONGEST_LINE: u64 = 4 * 1024;
/// No server has so many extensions.
const MOST_LINES: usize = 100;
/// So much of a message is sent at once.
const PIECE: usize = 128 * 1024;

/// A connection to a mail server.
pub(super) struct Connection {
    socket: BufReader<Socket>,
    /// How long a reply may take, the handshake of TLS, and the sending of a [`PIECE`].
    limit: Duration,
    /// Parts of a message that are still to be sent.
    pending: Vec<u8>,
}

impl Connection {
    /// Connects. Nothing that is waited for may take longer than `limit`.
    pub(super) fn open(place: &Place, limit: Duration) -> io::Result<Self> {
        let socket = Socket::open(place, limit)?;
        Ok(Self::over(socket, limit))
    }

    fn over(socket: Socket, limit: Duration) -> Self {
        Self {
            socket: BufReader::new(socket),
            limit,
            pending: Vec::new(),
        }
    }

    /// Goes on over TLS.
    pub(super) fn encrypted(self, config: Arc<ClientConfig>, host: &str) -> io::Result<Self> {
        // Whoever sits on the way could have put it there, to be taken for what comes by TLS.
        if !self.socket.buffer().is_empty() {
            return Err(io::Error::other("it went on talking before TLS had begun"));
        }
        let mut socket = self.socket.into_inner();
        socket.begin(self.limit);
        let encrypted = socket.encrypted(config, host).map_err(patience)?;
        Ok(Self::over(encrypted, self.limit))
    }

    /// Sends a command and reads the reply.
    pub(super) fn command(&mut self, line: &str) -> io::Result<Reply> {
        self.send(line)?;
        self.reply()
    }

    /// The same with a line that nobody else may see, which is complete.
    pub(super) fn secret(&mut self, line: &Secret) -> io::Result<Reply> {
        let sent = self.socket.get_mut().send(line.expose(), self.limit);
        sent.map_err(patience)?;
        self.reply()
    }

    /// Sends a command.
    pub(super) fn send(&mut self, line: &str) -> io::Result<()> {
        self.write(line.as_bytes())?;
        self.write(b"\r\n")?;
        self.flush()
    }

    /// Sends a part of a message, or keeps it until there is more.
    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        if self.pending.len() + octets.len() > PIECE {
            self.flush()?;
        }
        self.pending.extend_from_slice(octets);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let sent = self.socket.get_mut().send(&self.pending, self.limit);
        self.pending.clear();
        sent.map_err(patience)
    }

    /// Reads a reply, all of its lines, once everything is sent.
    pub(super) fn reply(&mut self) -> io::Result<Reply> {
        self.flush()?;
        self.socket.get_mut().begin(self.limit);
        let mut lines: Vec<Vec<u8>> = Vec::new();
        loop {
            let mut line = Vec::new();
            let mut reader = (&mut self.socket).take(LONGEST_LINE);
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
        self.parameters(extension).next().is_some()
    }

    /// Whether that extension has this parameter.
    pub(super) fn offers(&self, extension: &str, parameter: &str) -> bool {
        (self.parameters(extension).flatten())
            .any(|offered| offered.eq_ignore_ascii_case(parameter.as_bytes()))
    }

    /// The parameters of an extension, for each line that has it.
    fn parameters(&self, extension: &str) -> impl Iterator<Item = impl Iterator<Item = &[u8]>> {
        self.0.iter().skip(1).filter_map(move |line| {
            let line = line.get(4..).unwrap_or_default();
            let mut words = line.split(u8::is_ascii_whitespace);
            let keyword = words.next()?;
            (keyword.eq_ignore_ascii_case(extension.as_bytes())).then_some(words)
        })
    }

    /// Its last line, escaped.
    pub(super) fn text(&self) -> String {
        let line = self.0.last().map_or(&b""[..], Vec::as_slice);
        escape::octets(line.strip_suffix(b"\r").unwrap_or(line)).to_string()
    }
}

/// A time limit of a socket ends in an error that does not say so, and so does the end of a
/// connection that has TLS.
fn patience(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::other("it closed the connection"),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            io::Error::other("it took too long to answer")
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_message_is_sent_piece_by_piece() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let mut connection = Connection::open(&Place::Unix(path), Duration::from_secs(60)).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let heard = std::thread::spawn(move || {
            let mut heard = Vec::new();
            server.read_to_end(&mut heard).map(|_| heard)
        });
        let mut kept = Vec::new();
        for octets in [PIECE / 2, PIECE / 2, 1, 2, PIECE - 3, PIECE] {
            connection.write(&vec![b'x'; octets]).unwrap();
            kept.push(connection.pending.len());
        }
        assert_eq!(kept, [PIECE / 2, PIECE, 1, 3, PIECE, PIECE]);
        connection.flush().unwrap();
        drop(connection);
        assert_eq!(heard.join().unwrap().unwrap().len(), 3 * PIECE);
    }
}
