use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use crate::{
    Error, Mailbox, Server, ServerCertificate, User, compare,
    error::Doing,
    rig::jail,
    server::{self, Ground},
};

/// Cyrus from Debian's `cyrus-pop3d`, to be started.
///
/// It offers EXPIRE, LOGIN-DELAY, IMPLEMENTATION, APOP, PLAIN, LOGIN, CRAM-MD5, DIGEST-MD5, SCRAM-SHA-1,
/// SCRAM-SHA-256 and SCRAM-SHA-512, and under TLS their -PLUS forms, for which 3.6 accepts only
/// `tls-unique`.
///
/// The mail is delivered over LMTP: Cyrus puts header lines before each message, refuses NUL, and
/// makes a line end of every CR.
#[derive(Clone, Debug, Default)]
pub struct Cyrus {
    /// Who may log in, and their mail.
    pub users: Vec<User>,
    /// What the certificate says.
    pub certificate: ServerCertificate,
}

impl Cyrus {
    /// Starts the server, waits until it answers, and delivers the mail.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where `tests/interop/prepare` has not run; [`Error::NotReady`] with the
    /// server's log where it does not start; [`Error::Io`] where it refuses a message.
    pub fn start(&self) -> Result<Server, Error> {
        let server = server::start("Cyrus", Some(self.certificate), |ground| {
            self.set_up(ground)?;
            jail::command("cyrus", ground.dir, include_str!("cyrus/start.sh"))
        })?;
        for user in &self.users {
            deliver(&server.dir().join("lmtp"), &user.name, &user.mailbox)
                .doing(|| format!("delivering to {}\n{}", user.name, server.log()))?;
        }
        Ok(server)
    }

    /// Whether Cyrus accepts this message: it refuses NUL.
    #[must_use]
    pub fn takes(message: &[u8]) -> bool {
        !message.contains(&0)
    }

    fn set_up(&self, ground: &Ground<'_>) -> Result<(), Error> {
        ground.write_users(&self.users)?;
        for (name, template) in [
            ("imapd.conf", include_str!("cyrus/imapd.conf")),
            ("cyrus.conf", include_str!("cyrus/cyrus.conf")),
        ] {
            ground.write(name, &ground.fill(template, &[]))?;
        }
        Ok(())
    }
}

/// Hands the messages over by LMTP (RFC 2033).
fn deliver(socket: &Path, user: &str, mailbox: &Mailbox) -> io::Result<()> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut stream = BufReader::new(stream);
    expect(&mut stream, "220")?;
    command(&mut stream, "LHLO localhost", "250")?;
    for message in mailbox.messages() {
        command(&mut stream, "MAIL FROM:<>", "250")?;
        command(&mut stream, &format!("RCPT TO:<{user}>"), "250")?;
        command(&mut stream, "DATA", "354")?;
        let mut data = Vec::with_capacity(message.len());
        for line in compare::on_the_wire(&message).split_inclusive(|octet| *octet == b'\n') {
            if line.starts_with(b".") {
                data.push(b'.');
            }
            data.extend_from_slice(line);
        }
        stream.get_mut().write_all(&data)?;
        command(&mut stream, ".", "250")?;
    }
    command(&mut stream, "QUIT", "221")
}

fn command(stream: &mut BufReader<UnixStream>, line: &str, wanted: &str) -> io::Result<()> {
    write!(stream.get_mut(), "{line}\r\n")?;
    expect(stream, wanted)
}

fn expect(stream: &mut BufReader<UnixStream>, wanted: &str) -> io::Result<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if !line.starts_with(wanted) {
            return Err(io::Error::other(format!(
                "LMTP answer {line:?}, not {wanted}"
            )));
        }
        // A hyphen after the code announces another line.
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(());
        }
    }
}
