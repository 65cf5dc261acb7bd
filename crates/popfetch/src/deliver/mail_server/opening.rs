//! From the connection to the first envelope: TLS, the greeting, what the server can do, the login.

use std::io;

use poplib::{TlsError, TlsErrorKind};

use super::address::Security;
use super::connection::{Connection, Reply};
use super::{MailServer, Session};
use crate::deliver::host_name;
use crate::failure::{Failure, Status};
use crate::words;

impl MailServer {
    /// Connects, as safely as the address demands.
    ///
    /// # Errors
    /// Why the server takes nothing, or is to get nothing.
    pub(super) fn open(&self) -> Result<Session<'_>, Failure> {
        let security = self.address.security;
        let mut connection = (Connection::open(&self.address.place, self.time_limit))
            .map_err(|e| self.cannot(&e))?;
        if security == Security::Tls {
            connection = self.encrypted(connection)?;
        }
        let greeting = connection.reply().and_then(|reply| reply.expect(2));
        greeting.map_err(|error| self.cannot(&error))?;
        let mut extensions = self.hello(&mut connection)?;
        if security == Security::StartTls {
            self.start_tls(&mut connection, &extensions)?;
            connection = self.encrypted(connection)?;
            // Anybody could have said what was said before.
            extensions = self.hello(&mut connection)?;
        }
        if let Some(whose) = self.address.login(&self.access.account) {
            self.log_in(whose, &mut connection, &extensions)?;
        }
        Ok(Session {
            server: self,
            takes_8bit: extensions.has("8BITMIME"),
            takes_size: extensions.has("SIZE"),
            connection,
        })
    }

    fn hello(&self, connection: &mut Connection) -> Result<Reply, Failure> {
        let hello = format!("{} {}", self.protocol.hello(), host_name());
        (connection.command(&hello).and_then(|reply| reply.expect(2)))
            .map_err(|error| self.cannot(&error))
    }

    fn start_tls(&self, connection: &mut Connection, extensions: &Reply) -> Result<(), Failure> {
        let scheme = self.protocol.kind();
        let without = |why: &str| {
            let message = format!("could not connect to {}: {why}", self.address);
            Failure::new(Status::Unavailable, message).hint(format!(
                "try {scheme}s://, which is TLS from the start; {scheme}+plaintext:// does without \
                 TLS, for everybody on the way to read"
            ))
        };
        if !extensions.has("STARTTLS") {
            return Err(without("it offers no TLS on this port"));
        }
        let reply = (connection.command("STARTTLS")).map_err(|error| self.cannot(&error))?;
        match reply.class() {
            2 => Ok(()),
            _ => Err(without(&format!("it refused STARTTLS: {}", reply.text()))),
        }
    }

    fn encrypted(&self, connection: Connection) -> Result<Connection, Failure> {
        let config =
            (self.access.tls.unversioned_client_config()).map_err(|error| self.no_tls(&error))?;
        let encrypted = connection.encrypted(config, self.address.host());
        encrypted.map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            match inner.cloned().map(TlsError::unversioned_from_rustls) {
                Some(error) => self.no_tls(&error),
                None => self.cannot(&error),
            }
        })
    }

    fn no_tls(&self, error: &TlsError) -> Failure {
        let message = format!(
            "could not connect to {}: {}",
            self.address,
            words::all(error)
        );
        let failure = Failure::new(Status::Unavailable, message);
        match error.kind() {
            TlsErrorKind::UnknownIssuer | TlsErrorKind::BadCertificate => failure.hint(
                "if the server has an authority of its own, name it with --target-ca-file PEM; to \
                 trust this one certificate, give its SHA-256 with --target-pin sha256:HEX",
            ),
            TlsErrorKind::BadSignature => failure.hint(
                "the authority may have been made anew under its old name: name its certificate \
                 with --target-ca-file PEM; if nobody did, do not go on",
            ),
            TlsErrorKind::PinMismatch { .. } => failure.hint(
                "if those who run the server confirm the new certificate, name that with \
                 --target-pin",
            ),
            TlsErrorKind::WrongName { .. } => failure.hint(
                "use the name that the certificate is for; if somebody else answers in the \
                 server's place, do not go on",
            ),
            TlsErrorKind::NotTls if self.address.security == Security::Tls => {
                failure.hint(format!(
                    "this port does not begin with TLS; use {0}:// instead of {0}s:// for STARTTLS",
                    self.protocol.kind()
                ))
            }
            _ => failure.hint("what it did not take stays on the server and is fetched again"),
        }
    }

    /// The failure of the connection.
    pub(super) fn cannot(&self, error: &io::Error) -> Failure {
        self.failed("connect to", error)
    }
}
