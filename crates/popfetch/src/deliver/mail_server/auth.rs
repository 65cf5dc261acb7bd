//! The login (RFC 4954), which [`Address`](super::Address) lets come about under TLS only.

use std::io;

use base64ct::{Base64, Encoding};
use poplib::Secret;
use poplib::sasl::{Login, Mechanism, Password, Plain, SaslError, Unusable};

use super::MailServer;
use super::connection::{Connection, Reply};
use crate::failure::{Failure, Status};
use crate::secret::{self, Whose};

impl MailServer {
    /// Logs in with the one of PLAIN and LOGIN that the server offers.
    ///
    /// # Errors
    /// [`Status::LoginRefused`] when it refuses, and whatever keeps it from being asked.
    pub(super) fn log_in(
        &self,
        whose: Whose<'_>,
        connection: &mut Connection,
        extensions: &Reply,
    ) -> Result<(), Failure> {
        let user = whose.user;
        let failed = |status, why: &str| {
            let message = format!("could not log in to {} as {user}: {why}", self.address);
            Failure::new(status, message)
        };
        let password = Password::new(user, self.password(whose)?);
        let mechanism = offered(extensions, &password)
            .ok_or_else(|| failed(Status::Unavailable, "it offers neither PLAIN nor LOGIN"))?;
        let mut mechanism =
            mechanism.map_err(|error| failed(Status::Configuration, &error.to_string()))?;
        let reply = exchange(connection, &mut *mechanism).map_err(|error| self.cannot(&error))?;
        match reply.class() {
            2 => Ok(()),
            4 => Err(failed(Status::Temporary, reply.text().as_str())),
            _ => Err(failed(Status::LoginRefused, reply.text().as_str())
                .hint("check the user name in the URL, and where --target-password-… leads")),
        }
    }

    /// The password. Who gives it is asked once: a command may take its time, or ask somebody.
    fn password(&self, whose: Whose<'_>) -> Result<Secret, Failure> {
        if let Some(password) = self.password.get() {
            return Ok(password.clone());
        }
        let password = secret::password(&self.access.password, whose)?;
        Ok(self.password.get_or_init(|| password).clone())
    }
}

fn offered(
    extensions: &Reply,
    password: &Password,
) -> Option<Result<Box<dyn Mechanism>, Unusable>> {
    if extensions.offers("AUTH", "PLAIN") {
        Some(Plain::new(password).map(|plain| Box::new(plain) as _))
    } else if extensions.offers("AUTH", "LOGIN") {
        Some(Login::new(password).map(|login| Box::new(login) as _))
    } else {
        None
    }
}

/// Says what the mechanism says until the server has decided.
fn exchange(connection: &mut Connection, mechanism: &mut dyn Mechanism) -> io::Result<Reply> {
    let command = format!("AUTH {}", mechanism.name());
    let mut reply = match mechanism.initial_response().map_err(misbehaved)? {
        Some(response) => connection.secret(&line(&format!("{command} "), &response))?,
        None => connection.command(&command)?,
    };
    while reply.class() == 3 {
        // Neither mechanism reads what it is asked.
        let response = mechanism.respond(b"").map_err(misbehaved)?;
        reply = connection.secret(&line("", &response))?;
    }
    if reply.class() == 2 {
        mechanism.finish().map_err(misbehaved)?;
    }
    Ok(reply)
}

/// A line that ends in a response.
fn line(before: &str, response: &Secret) -> Secret {
    let encoded = Secret::from(Base64::encode_string(response.expose()));
    Secret::from([before.as_bytes(), encoded.expose(), b"\r\n"].concat())
}

fn misbehaved(error: SaslError) -> io::Error {
    io::Error::other(error)
}
