//! The limit of the wire: logs in, asks for every message at once, and throws away what comes; of
//! many users, 64 at a time.
//!
//!     wire HOST PORT PASSWORD MESSAGES USER...

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread;

const AT_ONCE: usize = 64;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, password, messages, users @ ..] = arguments.as_slice() else {
        return Err(io::Error::other("wire HOST PORT PASSWORD MESSAGES USER..."));
    };
    let port = port.parse().map_err(io::Error::other)?;
    let messages = messages.parse().map_err(io::Error::other)?;
    let users = Mutex::new(users.iter());
    let next = || users.lock().ok()?.next();
    let fetch_next = || -> io::Result<u64> {
        let mut octets = 0;
        while let Some(user) = next() {
            octets += fetch(host, port, user, password, messages)?;
        }
        Ok(octets)
    };
    let mut octets = 0;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(fetch_next)).collect();
        for thread in threads {
            octets += (thread.join()).map_err(|_| io::Error::other("a thread panicked"))??;
        }
        io::Result::Ok(())
    })?;
    println!("{octets}");
    Ok(())
}

fn fetch(host: &str, port: u16, user: &str, password: &str, messages: u32) -> io::Result<u64> {
    let mut server = TcpStream::connect((host, port))?;
    server.set_nodelay(true)?;
    answer(&mut server)?;
    for command in [format!("USER {user}\r\n"), format!("PASS {password}\r\n")] {
        server.write_all(command.as_bytes())?;
        answer(&mut server)?;
    }
    let mut all: String = (1..=messages)
        .map(|number| format!("RETR {number}\r\n"))
        .collect();
    all.push_str("QUIT\r\n");
    let mut commands = server.try_clone()?;
    thread::scope(|scope| {
        let sender = scope.spawn(move || commands.write_all(all.as_bytes()));
        let (mut buffer, mut octets) = (vec![0; 256 * 1024], 0);
        loop {
            match server.read(&mut buffer)? {
                0 => break,
                read => octets += read as u64,
            }
        }
        (sender.join()).map_err(|_| io::Error::other("the sender panicked"))??;
        Ok(octets)
    })
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
