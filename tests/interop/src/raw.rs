use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::{Ipv4Addr, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// A POP3 client that is not the library's: what the servers are looked at with, without what
/// they are to judge.
pub struct RawClient(BufReader<TcpStream>);

impl RawClient {
    /// Connects in clear text and returns the greeting too.
    ///
    /// # Errors
    ///
    /// The server cannot be reached.
    pub fn connect(port: u16) -> io::Result<(Self, String)> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut client = Self(BufReader::new(stream));
        let greeting = client.line()?;
        Ok((client, greeting))
    }

    /// Connects and logs in with USER and PASS, when the server has noticed that the session
    /// before has ended: until then the maildrop may be in use (Q20).
    ///
    /// # Errors
    ///
    /// The server goes on refusing that, or cannot be reached.
    pub fn login(port: u16, user: &str, password: &str) -> io::Result<Self> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let (mut client, _) = Self::connect(port)?;
            client.ok(&format!("USER {user}"))?;
            match client.ok(&format!("PASS {password}")) {
                Ok(_) => return Ok(client),
                Err(refused) if Instant::now() > deadline => return Err(refused),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Ends the session, and waits until the server has ended it.
    ///
    /// # Errors
    ///
    /// The answer is not +OK, or the connection does not end.
    pub fn quit(mut self) -> io::Result<()> {
        self.ok("QUIT")?;
        self.0.read_to_end(&mut Vec::new()).map(drop)
    }

    /// Sends a command and returns the first line of the answer.
    ///
    /// # Errors
    ///
    /// There is no whole line.
    pub fn command(&mut self, command: &str) -> io::Result<String> {
        write!(self.0.get_mut(), "{command}\r\n")?;
        self.line()
    }

    /// The same, for a command that must succeed.
    ///
    /// # Errors
    ///
    /// The answer is not +OK. With -ERR the error's kind is [`ErrorKind::Unsupported`].
    pub fn ok(&mut self, command: &str) -> io::Result<String> {
        let answer = self.command(command)?;
        let kind = match answer.get(..3) {
            Some("+OK") => return Ok(answer),
            Some("-ER") => ErrorKind::Unsupported,
            _ => ErrorKind::InvalidData,
        };
        Err(io::Error::new(kind, format!("{command}: {answer}")))
    }

    /// The same, with the rest of an answer of many lines, byte-stuffing undone.
    ///
    /// # Errors
    ///
    /// The answer is not +OK, or does not end.
    pub fn body(&mut self, command: &str) -> io::Result<Vec<u8>> {
        self.ok(command)?;
        let mut body = Vec::new();
        loop {
            let start = body.len();
            self.0.read_until(b'\n', &mut body)?;
            // Dovecot 2.3 and Twisted do not stuff a dot that is the very first octet.
            // What ends in a bare LF does not count as a line.
            let after_crlf = start == 0 || body[..start].ends_with(b"\r\n");
            match &body[start..] {
                b"" => return Err(ErrorKind::UnexpectedEof.into()),
                b".\r\n" if after_crlf => {
                    body.truncate(start);
                    return Ok(body);
                }
                [b'.', b'.', ..] if after_crlf => drop(body.remove(start)),
                _ => {}
            }
        }
    }

    /// How many messages STAT counts.
    ///
    /// # Errors
    ///
    /// The answer is not what it should be.
    pub fn count(&mut self) -> io::Result<usize> {
        let answer = self.ok("STAT")?;
        let count = answer
            .split(' ')
            .nth(1)
            .and_then(|count| count.parse().ok());
        count.ok_or_else(|| io::Error::other(answer))
    }

    /// What RETR gives for each message of a maildrop, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// No session comes about.
    pub fn maildrop(port: u16, user: &str, password: &str) -> io::Result<Vec<io::Result<Vec<u8>>>> {
        let messages = Self::retrieve_all(port, user, password)?;
        let mut client = Self::login(port, user, password)?;
        let first = client.body("RETR 1");
        client.quit()?;
        if first.ok()
            == messages
                .first()
                .and_then(|body| body.as_ref().ok())
                .cloned()
        {
            return Ok(messages);
        }
        // Mailutils writes into the messages what has been done with them, once.
        Self::retrieve_all(port, user, password)
    }

    /// After an answer that breaks the session the next message is asked for in a new one.
    fn retrieve_all(port: u16, user: &str, password: &str) -> io::Result<Vec<io::Result<Vec<u8>>>> {
        let mut client = Self::login(port, user, password)?;
        client.body("UIDL")?;
        let mut messages = Vec::new();
        for number in 1..=client.count()? {
            let body = client.body(&format!("RETR {number}"));
            // What was believed to be the end was not, if this is answered by something else.
            let goes_on = client.ok("NOOP");
            if goes_on.is_err() {
                client = Self::login(port, user, password)?;
            }
            messages.push(body.and_then(|body| goes_on.map(|_| body)));
        }
        client.quit()?;
        Ok(messages)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}
