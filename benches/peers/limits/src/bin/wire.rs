//! The limit of the wire: logs in, asks for every message at once, and throws away what comes.
//!
//!     wire HOST PORT USER PASSWORD MESSAGES

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::{env, thread};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [host, port, user, password, messages] = arguments.as_slice() else {
        return Err(io::Error::other("wire HOST PORT USER PASSWORD MESSAGES"));
    };
    let messages: u32 = messages.parse().map_err(io::Error::other)?;
    let mut server = TcpStream::connect((host.as_str(), port.parse().map_err(io::Error::other)?))?;
    server.set_nodelay(true)?;
    answer(&mut server)?;
    for command in [format!("USER {user}\r\n"), format!("PASS {password}\r\n")] {
        server.write_all(command.as_bytes())?;
        answer(&mut server)?;
    }
    let mut commands = server.try_clone()?;
    let sender = thread::spawn(move || {
        let mut all: String = (1..=messages)
            .map(|number| format!("RETR {number}\r\n"))
            .collect();
        all.push_str("QUIT\r\n");
        commands.write_all(all.as_bytes())
    });
    let (mut buffer, mut octets) = (vec![0; 256 * 1024], 0);
    loop {
        match server.read(&mut buffer)? {
            0 => break,
            read => octets += read as u64,
        }
    }
    sender
        .join()
        .map_err(|_| io::Error::other("the sender panicked"))??;
    println!("{octets}");
    Ok(())
}

/// Reads a line, which must be good news. Nothing follows it before the next command.
fn answer(server: &mut TcpStream) -> io::Result<()> {
    let mut line = Vec::new();
    let mut buffer = [0; 512];
    while line.last() != Some(&b'\n') {
        let read = server.read(&mut buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.extend_from_slice(&buffer[..read]);
    }
    match line.starts_with(b"+OK") {
        true => Ok(()),
        false => Err(io::Error::other(String::from_utf8_lossy(&line))),
    }
}
