//! The next command comes after the body.

use poplib::blocking::Session;

fn wrong(session: &mut Session) {
    let body = session.retr(1).unwrap();
    let _ = session.noop();
    let _ = body.collect();
}

fn main() {}
