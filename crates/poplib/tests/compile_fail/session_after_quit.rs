//! Nothing comes after QUIT.

use poplib::blocking::Session;

fn wrong(mut session: Session) {
    let quit = |session: Session| session.quit();
    let _ = quit(session);
    let _ = session.noop();
}

fn main() {}
