//! RETR belongs to the TRANSACTION state, awaited or not.

use poplib::tokio::Client;

async fn wrong(client: &mut Client) {
    let _ = client.retr(1).await;
}

fn main() {}
