//! A client that knows nothing: it sends octets and reads octets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use poplib_sandbox::{Builder, Mailbox, Sandbox};

/// No answer takes so long; a test that waits longer has failed.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) const MESSAGES: [&str; 3] = [
    "Subject: one\n\nfirst\n",
    "Subject: two\n\n.dot\n..\n.\nlast\n",
    "Subject: three\nTo: you\n\n1\n2\n3",
];

/// `alice:secret` with [`MESSAGES`], to be changed before it starts.
pub(crate) fn alice() -> Builder {
    Sandbox::builder().mailbox("alice", "secret", Mailbox::messages(MESSAGES))
}

/// A session of alice's.
pub(crate) fn logged_in(fault: &str) -> (Sandbox, Client) {
    let sandbox = alice().misbehave(fault).start().unwrap();
    let client = again(&sandbox);
    (sandbox, client)
}

/// Another one.
pub(crate) fn again(sandbox: &Sandbox) -> Client {
    Client::logged_in(sandbox, "alice", "secret")
}

/// The body of the answer to one command of hers.
pub(crate) fn reply(fault: &str, command: &str) -> String {
    logged_in(fault).1.body(command)
}

/// Bob's, with the unique-ids A to D.
pub(crate) fn bob(fault: &str) -> Sandbox {
    let mailbox = Mailbox::messages(["a", "b", "c", "d"]).unique_ids(["A", "B", "C", "D"]);
    let builder = Sandbox::builder().mailbox("bob", "secret", mailbox);
    builder.misbehave(fault).start().unwrap()
}

/// A session of his.
pub(crate) fn bobs(sandbox: &Sandbox) -> Client {
    Client::logged_in(sandbox, "bob", "secret")
}

/// One of [`MESSAGES`] as it goes over the wire.
pub(crate) fn crlf(number: usize) -> String {
    let mut message = MESSAGES[number - 1].replace('\n', "\r\n");
    if !message.ends_with('\n') {
        message.push_str("\r\n");
    }
    message
}

/// What follows a login of alice's, who says all this at once, up to the end.
pub(crate) fn pipelined(fault: &str, commands: &str) -> String {
    let (_sandbox, mut client) = logged_in(fault);
    client.send(format!("{commands}QUIT\r\n"));
    String::from_utf8_lossy(&client.rest()).into_owned()
}

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects and reads nothing.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Connects and reads the greeting.
    pub(crate) fn greeted(address: SocketAddr) -> Self {
        let mut client = Self::connect(address);
        assert!(client.line().starts_with("+OK "));
        client
    }

    /// Connects and logs in.
    pub(crate) fn logged_in(sandbox: &Sandbox, user: &str, password: &str) -> Self {
        let mut client = Self::greeted(sandbox.plain_addr());
        client.ok(&format!("USER {user}"));
        client.ok(&format!("PASS {password}"));
        client
    }

    pub(crate) fn tcp(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(octets.as_ref()).unwrap();
    }

    /// One line with its end; empty at the end of the stream.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).unwrap();
        String::from_utf8_lossy(&line).into_owned()
    }

    /// Sends a command and reads the status line, without its CRLF.
    pub(crate) fn command(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n"));
        let line = self.line();
        line.strip_suffix("\r\n").unwrap_or(&line).to_owned()
    }

    /// Sends a command that must succeed; returns what follows `+OK `.
    pub(crate) fn ok(&mut self, command: &str) -> String {
        let answer = self.command(command);
        let text = answer.strip_prefix("+OK");
        let text = text.unwrap_or_else(|| panic!("{command} was answered {answer:?}"));
        text.trim_start().to_owned()
    }

    /// Sends a command that must fail; returns what follows `-ERR `.
    pub(crate) fn err(&mut self, command: &str) -> String {
        let answer = self.command(command);
        let text = answer.strip_prefix("-ERR");
        let text = text.unwrap_or_else(|| panic!("{command} was answered {answer:?}"));
        text.trim_start().to_owned()
    }

    /// Sends a command with a multi-line answer; returns the body as sent, without the final dot.
    pub(crate) fn body(&mut self, command: &str) -> String {
        self.ok(command);
        let mut body = String::new();
        loop {
            match &*self.line() {
                ".\r\n" => return body,
                "" => panic!("the stream ended in the answer to {command}"),
                line => body.push_str(line),
            }
        }
    }

    /// Everything up to the end of the stream, however it ends.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).ok();
        rest
    }

    /// The next so many octets.
    pub(crate) fn octets(&mut self, count: usize) -> Vec<u8> {
        let mut octets = vec![0; count];
        self.stream.read_exact(&mut octets).unwrap();
        octets
    }

    /// Whether nothing arrives for a while. The only thing a test can do about silence is to
    /// wait; it can pass by mistake but never fail by mistake.
    pub(crate) fn hears_nothing(&mut self) -> bool {
        let short = Duration::from_millis(150);
        self.tcp().set_read_timeout(Some(short)).unwrap();
        let read = self.stream.get_mut().read(&mut [0]);
        self.tcp().set_read_timeout(Some(DEADLINE)).unwrap();
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// What a body is without its stuffing.
pub(crate) fn unstuffed(body: &str) -> String {
    let lines = body.split_inclusive('\n');
    lines
        .map(|line| line.strip_prefix('.').unwrap_or(line))
        .collect()
}
