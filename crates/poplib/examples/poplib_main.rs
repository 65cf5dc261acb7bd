//! Prints a mailbox as `python -m poplib HOST USER PASSWORD` does, over TLS.
//!
//! `cargo run --example poplib_main HOST USER PASSWORD`; in the place of HOST may stand a URL.

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};

use poplib::Config;
use poplib::blocking::Client;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [host, user, password] = &arguments[..] else {
        return Err("usage: poplib_main HOST USER PASSWORD".into());
    };
    let config = if host.contains("://") {
        Config::from_url(host)?
    } else {
        Config::new(host)
    };
    print_mailbox(&config, user, password, &mut io::stdout().lock())
}

pub(crate) fn print_mailbox(
    config: &Config,
    user: &str,
    password: &str,
    output: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let mut client = Client::connect(config)?;
    if let Some(greeting) = client.greeting() {
        output.write_all(greeting.reply().line())?;
        writeln!(output)?;
    }
    client.user(user)?;
    let mut session = client.pass(password)?;
    session.list()?;
    let maildrop = session.stat()?;
    for number in 1..=maildrop.messages {
        writeln!(output, "Message {number}:")?;
        let mut body = session.retr(number)?;
        let mut line = Vec::new();
        while body.read_until(b'\n', &mut line)? > 0 {
            output.write_all(b"   ")?;
            output.write_all(line.strip_suffix(b"\r\n").unwrap_or(&line))?;
            writeln!(output)?;
            line.clear();
        }
        writeln!(output, "-----------------------")?;
    }
    session.quit()?;
    Ok(())
}
