//! Nobody logs in twice.

use poplib::blocking::Session;

fn wrong(session: Session, credentials: &poplib::Credentials) {
    let _ = session.login(credentials);
}

fn main() {}
