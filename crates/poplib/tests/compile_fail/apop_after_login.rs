//! APOP belongs to the AUTHORIZATION state.

use poplib::blocking::Session;

fn wrong(session: Session) {
    let _ = session.apop("me", "secret");
}

fn main() {}
