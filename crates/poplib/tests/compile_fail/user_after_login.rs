//! USER belongs to the AUTHORIZATION state.

use poplib::blocking::Session;

fn wrong(session: &mut Session) {
    let _ = session.user("me");
}

fn main() {}
