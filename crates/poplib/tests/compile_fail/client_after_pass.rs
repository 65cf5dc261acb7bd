//! What has logged in is no client any more.

use poplib::blocking::Client;

fn wrong(client: Client) {
    let log_in = |client: Client| client.pass("secret");
    let _session = log_in(client);
    let _ = client.greeting();
}

fn main() {}
