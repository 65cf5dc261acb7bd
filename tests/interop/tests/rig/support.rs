//! POP3 clients that are not the library's, so that the servers can be looked at without what
//! they are to judge.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpStream},
    process::Command,
    time::Duration,
};

use interop::Server;

/// Runs Python with its own `poplib` and `implicit_tls()` and `stls()`, which connect to `server`
/// and verify its certificate with OpenSSL. Returns what the script prints.
pub(crate) fn python(server: &Server, script: &str) -> String {
    const PREAMBLE: &str = "
import poplib, ssl, sys
ca, plain, tls = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
def implicit_tls():
    return poplib.POP3_SSL('localhost', int(tls), context=context, timeout=60)
def stls():
    client = poplib.POP3('localhost', int(plain), timeout=60)
    client.stls(context)
    return client
";
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, server.ca_pem()).unwrap();
    let output = Command::new("python3")
        .args(["-c", &format!("{PREAMBLE}\n{script}")])
        .arg(ca)
        .args([server.plain_port(), server.tls_port()].map(|port| port.to_string()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}\n{}", server.log());
    String::from_utf8(output.stdout).unwrap()
}

/// RFC 4648 section 4.
pub(crate) fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    octets
        .chunks(3)
        .flat_map(|chunk| {
            let bits = (0..3).fold(0, |bits, at| {
                bits << 8 | usize::from(*chunk.get(at).unwrap_or(&0))
            });
            (0..4).map(move |digit| match digit <= chunk.len() {
                true => char::from(DIGITS[bits >> (18 - 6 * digit) & 63]),
                false => '=',
            })
        })
        .collect()
}

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
