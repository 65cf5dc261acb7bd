//! What a session can be doing.

use poplib_proto::command::{BodyStart, Retr, Top};
use poplib_proto::connection::{BodyStep, Ticket};
use poplib_proto::{Call, Command, Connection, Error, Exchange, Step, Want};

use crate::output::Output;

/// An exchange whose output Python can have.
pub(crate) trait Operation: Send {
    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Output>, Error>;
}

/// An exchange, and what is made of its output.
pub(crate) struct Simple<E: Exchange> {
    exchange: E,
    convert: fn(E::Output) -> Output,
}

impl<E: Exchange + Send> Simple<E> {
    pub(crate) fn new(exchange: E, convert: fn(E::Output) -> Output) -> Self {
        Self { exchange, convert }
    }
}

impl<E: Exchange + Send> Operation for Simple<E> {
    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Output>, Error> {
        Ok(self.exchange.resume(connection)?.map(self.convert))
    }
}

/// A message, collected.
pub(crate) struct Message<C: Command<Output = BodyStart>> {
    call: Call<C>,
    body: Option<Body>,
}

impl Message<Retr> {
    pub(crate) fn retr(number: u32) -> Self {
        Self::new(Retr::new(number))
    }
}

impl Message<Top> {
    pub(crate) fn top(number: u32, lines: u32) -> Self {
        Self::new(Top::new(number, lines))
    }
}

impl<C: Command<Output = BodyStart>> Message<C> {
    fn new(command: C) -> Self {
        Self {
            call: Call::new(command),
            body: None,
        }
    }
}

impl<C: Command<Output = BodyStart> + Send> Operation for Message<C> {
    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Output>, Error> {
        let body = match &mut self.body {
            Some(body) => body,
            None => match self.call.resume(connection)?.into_done() {
                Ok(start) => self.body.insert(Body::new(start.ticket)),
                Err(waiting) => return Ok(waiting),
            },
        };
        Ok(match body.collect(connection)? {
            Some(content) => Step::Done(Output::Message(content)),
            None => Step::Want(Want::Read),
        })
    }
}

/// A body on its way into memory.
pub(crate) struct Body {
    ticket: Ticket,
    content: Vec<u8>,
}

impl Body {
    pub(crate) fn new(ticket: Ticket) -> Self {
        let content = Vec::new();
        Self { ticket, content }
    }

    /// Takes what there is; the content once it is complete.
    pub(crate) fn collect(
        &mut self,
        connection: &mut Connection,
    ) -> Result<Option<Vec<u8>>, Error> {
        loop {
            match connection.advance_body(self.ticket)? {
                BodyStep::Run => self.content.extend_from_slice(connection.run()),
                BodyStep::Read => return Ok(None),
                BodyStep::End => return Ok(Some(std::mem::take(&mut self.content))),
            }
        }
    }
}
