//! A POP3 client as small as can be, so that the servers can be looked at without the library
//! that they are to judge.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

pub(crate) struct RawClient(BufReader<TcpStream>);

impl RawClient {
    /// Connects in clear text and returns the greeting too.
    pub(crate) fn connect(port: u16) -> (Self, String) {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let mut client = Self(BufReader::new(stream));
        let greeting = client.line();
        (client, greeting)
    }

    /// Connects and logs in with USER and PASS.
    pub(crate) fn login(port: u16, user: &str, password: &str) -> Self {
        let (mut client, _) = Self::connect(port);
        client.ok(&format!("USER {user}"));
        client.ok(&format!("PASS {password}"));
        client
    }

    /// Sends a command and returns the first line of the answer.
    pub(crate) fn command(&mut self, command: &str) -> String {
        write!(self.0.get_mut(), "{command}\r\n").unwrap();
        self.line()
    }

    /// Sends a command that must succeed.
    pub(crate) fn ok(&mut self, command: &str) -> String {
        let answer = self.command(command);
        assert!(answer.starts_with("+OK"), "{command}: {answer}");
        answer
    }

    /// Sends a command that must succeed and returns the rest of the answer, byte-stuffing undone.
    pub(crate) fn body(&mut self, command: &str) -> Vec<u8> {
        self.ok(command);
        let mut body = Vec::new();
        loop {
            let start = body.len();
            self.0.read_until(b'\n', &mut body).unwrap();
            // Dovecot 2.3 does not stuff a dot that is the very first octet.
            // What ends in a bare LF does not count as a line.
            let after_crlf = start == 0 || body[..start].ends_with(b"\r\n");
            match &body[start..] {
                b"" => panic!("{command}: the connection ended in the answer"),
                b".\r\n" if after_crlf => {
                    body.truncate(start);
                    return body;
                }
                [b'.', b'.', ..] if after_crlf => drop(body.remove(start)),
                _ => {}
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}
