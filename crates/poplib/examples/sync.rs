//! Keeps a directory in step with a mailbox: fetches what is new, by its unique-id, and deletes nothing.
//!
//! `cargo run --example sync pops://me@pop.example.org DIRECTORY`, and the password on standard input.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use poplib::blocking::Session;
use poplib::{Config, Credentials};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, directory] = &arguments[..] else {
        return Err("usage: sync URL DIRECTORY".into());
    };
    let config = Config::from_url(url)?;
    let user = config.url_user().ok_or("the URL names no user")?;
    eprint!("Password: ");
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;
    let credentials = Credentials::password(user, password.trim_end());
    let new = fetch_new(&config, &credentials, directory.as_ref())?;
    println!("{new} new messages");
    Ok(())
}

/// Fetches the messages that the directory has not got, and tells how many there were.
pub(crate) fn fetch_new(
    config: &Config,
    credentials: &Credentials,
    directory: &Path,
) -> Result<usize, Box<dyn Error>> {
    fs::create_dir_all(directory)?;
    let mut session = Session::open(config, credentials)?;
    let mut new = 0;
    for message in &session.uidl()? {
        let path = directory.join(file_name(message.uid));
        if path.exists() {
            continue;
        }
        // A connection may break in the middle. Only a whole message gets the name that counts.
        let part = path.with_extension("part");
        let mut file = File::create(&part)?;
        session.retr(message.number)?.copy_to(&mut file)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        new += 1;
    }
    session.quit()?;
    Ok(new)
}

/// A unique-id may hold any printable character, the slash included.
fn file_name(unique_id: &[u8]) -> String {
    let digits: String = unique_id
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    format!("{digits}.eml")
}
