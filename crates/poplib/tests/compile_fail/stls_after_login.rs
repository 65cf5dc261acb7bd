//! STLS belongs to the AUTHORIZATION state.

use poplib::blocking::Session;

fn wrong(session: &mut Session) {
    let _ = session.stls();
}

fn main() {}
