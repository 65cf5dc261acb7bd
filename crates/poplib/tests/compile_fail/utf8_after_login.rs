//! UTF8 belongs to the AUTHORIZATION state (RFC 6856 §2).

use poplib::blocking::Session;

fn wrong(session: &mut Session) {
    let _ = session.utf8();
}

fn main() {}
