//! STLS belongs to the AUTHORIZATION state, awaited or not.

use poplib::tokio::Session;

async fn wrong(session: &mut Session) {
    let _ = session.stls().await;
}

fn main() {}
