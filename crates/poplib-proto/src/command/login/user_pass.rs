//! USER and PASS as one way to log in.

use crate::command::{Pass, User};
use crate::connection::Connection;
use crate::error::{Error, Misbehaviour};
use crate::exchange::{Call, Exchange, Step};
use crate::secret::Secret;
use crate::wire::reply::Reply;

/// USER, and then PASS, or both in one flight.
#[derive(Debug)]
pub(super) struct UserPass {
    user: Call<User>,
    pass: Call<Pass>,
    one_flight: bool,
    /// What USER came to.
    named: Option<Result<(), Error>>,
}

impl UserPass {
    pub(super) fn new(user: &str, password: Secret, one_flight: bool) -> Self {
        Self {
            user: Call::new(User::new(user.as_bytes())),
            pass: Call::new(Pass::new(password)),
            one_flight,
            named: None,
        }
    }

    fn submit(&mut self, connection: &mut Connection) -> Result<(), Error> {
        self.pass.command().check(connection)?;
        self.user.submit(connection)?;
        if self.one_flight {
            self.pass.submit(connection)?;
        }
        Ok(())
    }

    /// Goes on until both are answered; what there is to wait for.
    fn advance(&mut self, connection: &mut Connection) -> Result<Step<Reply>, Error> {
        if self.named.is_none() {
            self.submit(connection)?;
            match self.user.resume(connection).map(Step::into_done) {
                Ok(Ok(_)) => self.named = Some(Ok(())),
                Ok(Err(waiting)) => return Ok(waiting),
                // PASS is on its way already, and must be heard.
                Err(error @ Error::Refused(_)) if self.one_flight => {
                    self.named = Some(Err(error));
                }
                Err(error) => return Err(error),
            }
        }
        match (self.pass.resume(connection), &self.named) {
            // What became of PASS does not matter any more.
            (Err(_), Some(Err(refused))) => Err(refused.clone()),
            // A password without a user: nobody knows whose maildrop this is.
            (Ok(Step::Done(reply)), Some(Err(_))) => {
                let how = Misbehaviour::Unsolicited;
                Err(connection.give_up(Error::misbehaved(&Pass::VERB, how, reply.line())))
            }
            (outcome, _) => outcome,
        }
    }
}

impl Exchange for UserPass {
    type Output = Reply;

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Reply>, Error> {
        let one_flight = self.one_flight;
        self.advance(connection).map_err(|error| {
            if one_flight && !error.leaves_framing_intact() {
                Error::PipelineBroken(error.into())
            } else {
                error
            }
        })
    }
}
