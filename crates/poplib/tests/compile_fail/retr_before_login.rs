//! RETR belongs to the TRANSACTION state.

use poplib::blocking::Client;

fn wrong(client: &mut Client) {
    let _ = client.retr(1);
}

fn main() {}
