//! STAT belongs to the TRANSACTION state.

use poplib::blocking::Client;

fn wrong(client: &mut Client) {
    let _ = client.stat();
}

fn main() {}
