//! What one attempt to open a session teaches the next.

use std::time::Instant;

use poplib_proto::Error as ProtocolError;
use poplib_proto::command::Login;
use poplib_proto::sasl::Credentials;

use crate::core::Core;
use crate::quirks::Avoided;
use crate::{Config, Error};

/// The opening of a session, over as many connections as it takes: each gives up one thing that
/// the last one broke at, and none is given up twice.
///
/// That a connection broke proves nothing: what comes of the next one shows whether what was given
/// up had a part in it.
pub(crate) struct Opening {
    begun: Instant,
    avoided: Avoided,
    /// A way to log in at which the server hung up, and how.
    hung_up: Option<(String, Error)>,
}

impl Opening {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            begun: Instant::now(),
            avoided: config.known().avoided(Instant::now()),
            hung_up: None,
        }
    }

    /// When the first connection was begun.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// What the next connection does without.
    pub(crate) fn avoided(&self) -> Avoided {
        self.avoided
    }

    /// Whether to go on after CAPA; otherwise there must be another connection (Q24).
    ///
    /// # Errors
    ///
    /// `outcome`'s own where no other connection would help.
    pub(crate) fn goes_on<T>(&mut self, outcome: Result<T, Error>) -> Result<bool, Error> {
        match outcome {
            Ok(_) | Err(Error::Protocol(ProtocolError::Refused(_))) => Ok(true),
            Err(error) if error.is_silence() => {
                self.avoided.capa = true;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The login to try, once CAPA has been asked or left out.
    pub(crate) fn login(&self, core: &Core, credentials: &Credentials) -> Result<Login, Error> {
        let except = self.hung_up.as_ref().map(|(way, _)| way.clone());
        Ok(core.login(credentials, except)?.without_asking())
    }

    /// How the session was opened; `None` where there must be another connection.
    ///
    /// # Errors
    ///
    /// What to tell of the attempts where no other connection would help.
    pub(crate) fn opened<T>(
        &mut self,
        outcome: Result<T, Error>,
        login: &Login,
    ) -> Result<Option<T>, Error> {
        let error = match outcome {
            Ok(how) => return Ok(Some(how)),
            Err(error) => error,
        };
        if !error.is_silence() {
            return Err(match (&error, self.hung_up.take()) {
                // Nothing else could be tried: what could was the answer.
                (Error::Protocol(ProtocolError::NoWay(_)), Some((_, first))) => first,
                _ => error,
            });
        }
        if login.is_pipelined() && !self.avoided.pipelining {
            self.avoided.pipelining = true;
            return Ok(None);
        }
        match login.tried() {
            Some(tried) if self.hung_up.is_none() => {
                self.hung_up = Some((tried.to_owned(), error));
                Ok(None)
            }
            _ => Err(error),
        }
    }
}
