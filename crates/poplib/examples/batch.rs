//! Saves all messages of a mailbox as files, many on their way at once. What goes wrong with one message
//! does not keep the others.
//!
//! `cargo run --example batch pops://me@pop.example.org DIRECTORY`, and the password on standard input.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use poplib::blocking::{Body, Session};
use poplib::{Config, Credentials};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, directory] = &arguments[..] else {
        return Err("usage: batch URL DIRECTORY".into());
    };
    let config = Config::from_url(url)?;
    let user = config.url_user().ok_or("the URL names no user")?;
    eprint!("Password: ");
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;
    let credentials = Credentials::password(user, password.trim_end());
    save_all(
        &config,
        &credentials,
        directory.as_ref(),
        |number, saved| match saved {
            Ok(path) => println!("{number}: {}", path.display()),
            Err(Unsaved::Refused(error)) => eprintln!("{number}: {error}"),
            Err(Unsaved::Disk(error)) => eprintln!("{number}: it could not be written: {error}"),
        },
    )?;
    Ok(())
}

/// Why a message is not there, though the session goes on.
#[derive(Debug)]
pub(crate) enum Unsaved {
    /// The server would not give it.
    Refused(poplib::Error),
    /// The disk would not take it.
    Disk(io::Error),
}

/// Tells what became of each message. An error is one of the connection: it ends the session, and the
/// messages that were not told of are not there.
pub(crate) fn save_all(
    config: &Config,
    credentials: &Credentials,
    directory: &Path,
    mut tell: impl FnMut(u32, Result<PathBuf, Unsaved>),
) -> Result<(), poplib::Error> {
    let mut session = Session::open(config, credentials)?;
    let listing = session.list()?;
    // With LIST's octets poplib knows how much is on its way.
    let mut bodies = session.retr_many(listing.scans())?;
    while let Some((number, body)) = bodies.next_body()? {
        let path = directory.join(format!("{number}.eml"));
        let saved = match body {
            Ok(body) => save(body, &path)?.map_err(Unsaved::Disk),
            Err(error) => Err(Unsaved::Refused(error)),
        };
        tell(number, saved.map(|()| path));
    }
    drop(bodies);
    session.quit()?;
    Ok(())
}

/// The outer error is the connection's, the inner one the disk's.
fn save(mut body: Body<'_>, path: &Path) -> Result<io::Result<()>, poplib::Error> {
    let part = path.with_extension("part");
    let mut file = match File::create(&part) {
        Ok(file) => file,
        // The body is dropped here, and poplib skips it.
        Err(error) => return Ok(Err(error)),
    };
    while let Some(chunk) = body.chunk()? {
        if let Err(error) = file.write_all(chunk) {
            return Ok(Err(error));
        }
    }
    Ok(file.sync_all().and_then(|()| fs::rename(&part, path)))
}
