//! A chunk lies in the receive buffer, which the next one overwrites.

use poplib::blocking::Session;

fn wrong(session: &mut Session) {
    let mut body = session.retr(1).unwrap();
    let first = body.chunk();
    let second = body.chunk();
    drop((first, second));
}

fn main() {}
