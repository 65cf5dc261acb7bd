//! Logs in with an OAuth token by a mechanism of one's own: it takes the token when the server asks for it,
//! and a token that the server finds too old is renewed once.
//!
//! `cargo run --example oauth pops://me@outlook.office365.com TOKEN-COMMAND`, where the command prints a token,
//! and a fresh one if it is given the argument `renew`.

use std::env;
use std::error::Error;
use std::process::Command;

use poplib::blocking::{Client, Session};
use poplib::sasl::{Mechanism, SaslError, SaslMisbehaviour};
use poplib::{Config, LoginError, Secret};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, command] = &arguments[..] else {
        return Err("usage: oauth URL TOKEN-COMMAND".into());
    };
    let config = Config::from_url(url)?;
    let user = config.url_user().ok_or("the URL names no user")?.to_owned();
    let mut session = open(&config, &user, |age| {
        let mut program = Command::new(command);
        if age == Age::Renewed {
            program.arg("renew");
        }
        let printed = program.output().ok()?;
        let token = String::from_utf8(printed.stdout).ok()?;
        Some(Secret::from(token.trim()))
    })?;
    println!("{} messages", session.stat()?.messages);
    session.quit()?;
    Ok(())
}

/// Which token is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// The one at hand.
    Any,
    /// A new one: the server would not have the other.
    Renewed,
}

pub(crate) fn open(
    config: &Config,
    user: &str,
    mut token: impl FnMut(Age) -> Option<Secret>,
) -> Result<Session, Box<dyn Error>> {
    let client = Client::connect(config)?;
    let first = token(Age::Any).ok_or("there is no token")?;
    match client.auth(Bearer::new(user, &first)) {
        Ok(session) => Ok(session),
        // The connection is still there, and the server has said no: one more try, with a new token.
        Err(LoginError {
            client: Some(client),
            ..
        }) => {
            let second = token(Age::Renewed).ok_or("there is no new token")?;
            Ok(client.auth(Bearer::new(user, &second))?)
        }
        Err(LoginError { error, .. }) => Err(error.into()),
    }
}

/// OAUTHBEARER (RFC 7628), in as few lines as a mechanism takes.
struct Bearer {
    message: Secret,
    was_refused: bool,
}

impl Bearer {
    fn new(user: &str, token: &Secret) -> Self {
        let start = format!("n,a={user},\x01auth=Bearer ");
        let message = [start.as_bytes(), token.expose(), b"\x01\x01"].concat();
        Self {
            message: Secret::from(message),
            was_refused: false,
        }
    }
}

impl Mechanism for Bearer {
    fn name(&self) -> &str {
        "OAUTHBEARER"
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, SaslError> {
        Ok(Some(self.message.clone()))
    }

    /// A challenge explains a refusal. The answer to it is a single octet, 0x01.
    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, SaslError> {
        self.was_refused = true;
        Ok(Secret::from("\x01"))
    }

    /// A success behind a refusal is not to be believed.
    fn finish(&mut self) -> Result<(), SaslError> {
        match self.was_refused {
            true => Err(SaslMisbehaviour::UnearnedSuccess.into()),
            false => Ok(()),
        }
    }
}
