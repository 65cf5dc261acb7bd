//! What a session begins with: CAPA, STAT, UIDL and LIST, in one flight where that may be.

use super::{Capa, List, Listing, Maildrop, Stat, Uidl, UniqueIds};
use crate::connection::Connection;
use crate::error::Error;
use crate::exchange::{Call, Command, Exchange, Step};
use crate::wire::capability::Capabilities;

/// Asks for everything there is to know about a maildrop before its messages.
#[derive(Debug)]
pub struct Survey {
    one_flight: bool,
    with_capa: bool,
    capabilities: Asked<Capa>,
    maildrop: Asked<Stat>,
    unique_ids: Asked<Uidl>,
    listing: Asked<List>,
}

/// What a maildrop holds, as far as the server tells. Each part may have been refused by itself:
/// a refused LIST is not an empty maildrop.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Overview {
    /// What CAPA lists after login; nothing where it was not asked.
    pub capabilities: Result<Capabilities, Error>,
    /// What STAT tells.
    pub maildrop: Result<Maildrop, Error>,
    /// What UIDL tells.
    pub unique_ids: Result<UniqueIds, Error>,
    /// What LIST tells.
    pub listing: Result<Listing, Error>,
}

/// A call and what came of it.
#[derive(Debug)]
struct Asked<C: Command> {
    call: Call<C>,
    outcome: Option<Result<C::Output, Error>>,
}

impl Survey {
    /// A survey that has not begun. `one_flight`: all four commands at once.
    #[must_use]
    pub fn new(one_flight: bool) -> Self {
        Self {
            one_flight,
            with_capa: true,
            capabilities: Asked::new(Capa),
            maildrop: Asked::new(Stat),
            unique_ids: Asked::new(Uidl),
            listing: Asked::new(List),
        }
    }

    /// The same without CAPA, for servers that cannot bear it ([Q24]).
    ///
    /// [Q24]: crate::rows#q24
    #[must_use]
    pub fn without_capa(mut self) -> Self {
        self.with_capa = false;
        self.capabilities.outcome = Some(Ok(Capabilities::default()));
        self
    }

    /// Whether CAPA is one of the commands.
    #[must_use]
    pub fn asks_capa(&self) -> bool {
        self.with_capa
    }

    /// Whether CAPA is not answered yet.
    #[must_use]
    pub fn waits_for_capa(&self) -> bool {
        self.with_capa && self.capabilities.outcome.is_none()
    }

    fn submit(&mut self, connection: &mut Connection) -> Result<(), Error> {
        if self.with_capa {
            self.capabilities.call.submit(connection)?;
        }
        self.maildrop.call.submit(connection)?;
        self.unique_ids.call.submit(connection)?;
        self.listing.call.submit(connection)
    }

    /// Goes on in the order of the commands; what there is to wait for.
    fn advance(&mut self, connection: &mut Connection) -> Result<Option<Step<Overview>>, Error> {
        Ok(match self.capabilities.advance(connection)? {
            None => match self.maildrop.advance(connection)? {
                None => match self.unique_ids.advance(connection)? {
                    None => self.listing.advance(connection)?,
                    waiting => waiting,
                },
                waiting => waiting,
            },
            waiting => waiting,
        })
    }
}

impl<C: Command> Asked<C> {
    fn new(command: C) -> Self {
        Self {
            call: Call::new(command),
            outcome: None,
        }
    }

    fn advance<T>(&mut self, connection: &mut Connection) -> Result<Option<Step<T>>, Error> {
        if self.outcome.is_some() {
            return Ok(None);
        }
        match self.call.resume(connection).map(Step::into_done) {
            Ok(Err(waiting)) => return Ok(Some(waiting)),
            Ok(Ok(output)) => self.outcome = Some(Ok(output)),
            Err(error) if error.leaves_framing_intact() => self.outcome = Some(Err(error)),
            Err(error) => return Err(error),
        }
        Ok(None)
    }
}

impl Exchange for Survey {
    type Output = Overview;

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Overview>, Error> {
        if self.one_flight {
            self.submit(connection)?;
        }
        match self.advance(connection) {
            Ok(Some(waiting)) => return Ok(waiting),
            Ok(None) => {}
            Err(error) if self.one_flight => return Err(Error::PipelineBroken(error.into())),
            Err(error) => return Err(error),
        }
        let outcomes = (
            self.capabilities.outcome.take(),
            self.maildrop.outcome.take(),
            self.unique_ids.outcome.take(),
            self.listing.outcome.take(),
        );
        let (Some(capabilities), Some(maildrop), Some(unique_ids), Some(listing)) = outcomes else {
            return Ok(connection.wait());
        };
        Ok(Step::Done(Overview {
            capabilities,
            maildrop,
            unique_ids,
            listing,
        }))
    }
}
