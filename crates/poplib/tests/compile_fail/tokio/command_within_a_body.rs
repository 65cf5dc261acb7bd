//! The next command comes after the body, awaited or not.

use poplib::tokio::Session;

async fn wrong(session: &mut Session) {
    let body = session.retr(1).await.unwrap();
    let _ = session.noop().await;
    let _ = body.collect().await;
}

fn main() {}
