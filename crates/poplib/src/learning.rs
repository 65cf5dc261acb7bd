//! What sessions show of their server: which answers came, and at which none did.

use poplib_proto::Error as ProtocolError;
use poplib_proto::command::{Login, Survey};

use crate::Error;
use crate::core::Core;
use crate::evidence::Point;
use crate::quirks::Practice;
use crate::timeouts::Phase;

impl Core {
    /// What comes of CAPA alone.
    pub(crate) fn learn_from_capa<T>(&self, practice: Practice, outcome: &Result<T, Error>) {
        let known = self.known();
        match outcome {
            Ok(_) | Err(Error::Protocol(ProtocolError::Refused(_))) => {
                known.got_past(practice, Point::END, true);
            }
            Err(error) if error.is_silence() => match practice {
                Practice::CapaAfterLogin => {
                    known.broke(practice, Point::Listing);
                    known.broke_without(Practice::Pipelining, Point::Listing);
                }
                _ => known.broke(practice, Point::Login),
            },
            Err(_) => {}
        }
    }

    /// What comes of a login. A refusal is an answer, too.
    pub(crate) fn learn_from_login<T>(&self, login: &Login, outcome: &Result<T, Error>) {
        let known = self.known();
        let asked_capa = !self.avoided().capa;
        match outcome {
            Ok(_) | Err(Error::Protocol(ProtocolError::Refused(_))) => {
                known.got_past(Practice::Capa, Point::Login, asked_capa);
                known.got_past(Practice::Pipelining, Point::Login, login.is_pipelined());
            }
            Err(error) if error.is_silence() => {
                if login.tried().is_none() {
                    known.broke(Practice::Capa, Point::Login);
                } else if login.is_pipelined() {
                    known.broke(Practice::Pipelining, Point::Login);
                } else {
                    known.broke_without(Practice::Pipelining, Point::Login);
                    if !asked_capa {
                        known.broke_without(Practice::Capa, Point::Login);
                    }
                }
            }
            Err(_) => {}
        }
    }

    /// What comes of a survey, in one flight or not. What to tell the caller.
    pub(crate) fn learn_from_survey<T>(
        &self,
        survey: &Survey,
        is_flight: bool,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        let known = self.known();
        let error = match outcome {
            Ok(overview) => {
                known.got_past(Practice::Pipelining, Point::Listing, is_flight);
                let practice = Practice::CapaAfterLogin;
                known.got_past(practice, Point::Listing, survey.asks_capa());
                return Ok(overview);
            }
            Err(error) => self.in_flight(error, is_flight),
        };
        // In a flight CAPA is the first of four: which of them is too much, the next session shows.
        if !is_flight && survey.waits_for_capa() && error.is_silence() {
            known.broke(Practice::CapaAfterLogin, Point::Listing);
        } else if !survey.asks_capa() && error.is_silence() {
            known.broke_without(Practice::CapaAfterLogin, Point::Listing);
        }
        self.learn_from_break(&error, is_flight, Point::Listing);
        Err(error)
    }

    /// What comes of a batch: the next of its outcomes, of which there were `before`, its end, or
    /// the connection's. What to tell the caller.
    pub(crate) fn learn_from_batch<T>(
        &self,
        before: u64,
        is_pipelined: bool,
        next: Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let known = self.known();
        let point = Point::answers(before + 1);
        match next {
            Ok(Some(outcome)) => {
                known.got_past(Practice::Pipelining, point, is_pipelined);
                Ok(Some(outcome))
            }
            Ok(None) => {
                if !is_pipelined {
                    known.got_past(Practice::Pipelining, Point::END, false);
                }
                Ok(None)
            }
            Err(error) => {
                let error = self.in_flight(error, is_pipelined);
                self.learn_from_break(&error, is_pipelined, point);
                Err(error)
            }
        }
    }

    /// The end of the connection within a body. What to tell the caller.
    pub(crate) fn learn_from_body(&self, error: ProtocolError) -> Error {
        if matches!(error, ProtocolError::PipelineBroken(_)) {
            self.known().broke(Practice::Pipelining, Point::answers(1));
        }
        Error::Protocol(error)
    }

    /// In a flight of several commands a reset may come of that, too (Q7).
    fn in_flight(&self, error: Error, is_pipelined: bool) -> Error {
        match (error, self.connection.poisoned()) {
            (Error::Io { .. }, Some(cause)) if is_pipelined => {
                Error::Protocol(ProtocolError::PipelineBroken(Box::new(cause.clone())))
            }
            (error, _) => error,
        }
    }

    fn learn_from_break(&self, error: &Error, is_pipelined: bool, point: Point) {
        let looks_like_pipelining = matches!(
            error,
            Error::Protocol(ProtocolError::PipelineBroken(_))
                | Error::Timeout(Phase::Batch | Phase::Command(_))
        );
        if is_pipelined && looks_like_pipelining {
            self.known().broke(Practice::Pipelining, point);
        } else if !is_pipelined && error.is_silence() {
            self.known().broke_without(Practice::Pipelining, point);
        }
    }
}
