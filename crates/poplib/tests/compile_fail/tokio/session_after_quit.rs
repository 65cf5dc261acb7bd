//! Nothing comes after QUIT, awaited or not.

use poplib::tokio::Session;

async fn wrong(mut session: Session) {
    let quit = |session: Session| session.quit();
    let _ = quit(session).await;
    let _ = session.noop().await;
}

fn main() {}
