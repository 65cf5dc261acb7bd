//! DELE belongs to the TRANSACTION state.

use poplib::blocking::Client;

fn wrong(client: &mut Client) {
    let _ = client.dele(1);
}

fn main() {}
