//! The blocking client, over the standard library's TCP or any `Read + Write`.
//!
//! ```text
//!            connect, from_stream
//!                    │
//!                    ▼          user
//!  AUTHORIZATION  Client ──pass, apop, rpop──▶ Session  TRANSACTION
//!                    │  ◀──── refused ────┘       │
//!                   quit                         quit  UPDATE
//! ```

mod body;
mod connect;
mod link;
mod stream;
mod tls;

use std::iter::FusedIterator;
use std::net::SocketAddr;
use std::time::Instant;

use poplib_proto::command::{
    self, BodyStart, CustomAnswer, Language, Listing, LoggedIn, Maildrop, Overview, Scan,
    UniqueIds, Welcome,
};
use poplib_proto::sasl::{Credentials, Mechanism};
use poplib_proto::wire::line::Verb;
use poplib_proto::{
    Capabilities, Command, Connection, Error as ProtocolError, Pipeline, Reply, Secret,
};

pub use self::body::Body;
use self::link::{COMMAND_OCTETS, Link};
pub use self::stream::{Transport, Untimed};
use crate::batch::{self, Commands, Wanted};
use crate::face::{batches, client, common, session};
use crate::opening::Opening;
use crate::quirks::Practice;
use crate::{Config, Error, LoginError, Phase, TlsFacts};

/// A connection in the AUTHORIZATION state: nobody has logged in.
///
/// Dropping it closes the connection.
pub struct Client {
    link: Box<Link>,
}

/// A session in the TRANSACTION state: somebody has logged in and holds the maildrop.
///
/// Dropping it closes the connection without QUIT: nothing is deleted (RFC 1939 §6).
pub struct Session {
    link: Box<Link>,
    logged_in: LoggedIn,
}

impl Client {
    /// Connects, with TLS or STLS as configured, and reads the greeting.
    ///
    /// # Errors
    ///
    /// [`Error`] names the phase. No credential has been sent by then.
    pub fn connect(config: &Config) -> Result<Self, Error> {
        Self::connect_since(Instant::now(), config)
    }

    /// [`connect`](Self::connect) for a session that began earlier, with another connection.
    fn connect_since(begun: Instant, config: &Config) -> Result<Self, Error> {
        let stream = connect::connect(config, begun)?;
        let peer = stream.peer_addr().ok();
        let mut link = Box::new(Link::new(Box::new(stream), config, begun));
        link.core.peer = peer;
        link.pass_proxy()?;
        link.begin()?;
        Ok(Self { link })
    }

    /// Takes a stream that is connected already: a Unix socket, a tunnel, a test's own. TLS or
    /// STLS is done over it as configured. It leads to the server already: proxy, port and source
    /// address of the configuration are not used, as they say how to get there.
    ///
    /// A stream that knows no time-outs is wrapped in [`Untimed`]; deadlines are then looked at
    /// between its reads and cannot interrupt one.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    pub fn from_stream(stream: impl Transport + 'static, config: &Config) -> Result<Self, Error> {
        let mut link = Box::new(Link::new(Box::new(stream), config, Instant::now()));
        link.begin()?;
        Ok(Self { link })
    }
}

client!([] []);
session!([] [] "# fn fetch(session: &mut poplib::blocking::Session) -> Result<(), poplib::Error> {
let listing = session.list()?;
let mut bodies = session.retr_many(listing.scans())?;
while let Some((number, body)) = bodies.next_body()? {
    match body {
        Ok(body) => println!(\"{number}: {} octets\", body.collect()?.len()),
        Err(refused) => eprintln!(\"{number}: {refused}\"),
    }
}
# Ok(())
# }",
"It is an iterator, which ends behind an error: that is the connection's.");

impl<I: Iterator, C: Command> Iterator for Batch<'_, I, C> {
    type Item = Result<(u32, Result<C::Output, Error>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.is_over {
            true => None,
            false => self.next_outcome().transpose(),
        }
    }
}

impl<I: Iterator, C: Command> FusedIterator for Batch<'_, I, C> {}
