//! The async client, over tokio's TCP or any `AsyncRead + AsyncWrite`.
//!
//! The types and methods are those of [`blocking`](crate::blocking), with `.await`:
//!
//! ```no_run
//! # async fn fetch() -> Result<(), poplib::Error> {
//! use poplib::Config;
//! use poplib::tokio::Client;
//!
//! let config = Config::new("pop.example.org");
//! let mut client = Client::connect(&config).await?;
//! client.user("me").await?;
//! let mut session = client.pass("secret").await?;
//! for scan in session.list().await?.scans() {
//!     let message = session.retr(scan.number()).await?.collect().await?;
//!     println!("{} octets", message.len());
//! }
//! session.quit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! It needs a runtime of tokio with I/O and time, as `#[tokio::main]` and
//! `Builder::enable_all` make them. Without a runtime every call is [`Error::NoRuntime`].
//!
//! Every future may be dropped at any await point. The session then goes on with the next
//! command, skipping the answer nobody waited for; or, where without that answer its state is
//! not known (STLS, a login, QUIT), it is over and says so.
//!
//! # Panics
//!
//! In a runtime that was made without I/O or time, tokio panics, and does not tell beforehand.

mod body;
mod connect;
mod link;
mod stream;

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
pub use self::stream::Transport;
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
    pub async fn connect(config: &Config) -> Result<Self, Error> {
        Self::connect_since(Instant::now(), config).await
    }

    /// [`connect`](Self::connect) for a session that began earlier, with another connection.
    async fn connect_since(begun: Instant, config: &Config) -> Result<Self, Error> {
        let stream = connect::connect(config, begun).await?;
        let peer = stream.peer_addr().ok();
        let mut link = Box::new(Link::new(Box::new(stream), config, begun));
        link.core.peer = peer;
        link.pass_proxy().await?;
        link.begin().await?;
        Ok(Self { link })
    }

    /// Takes a stream that is connected already: a Unix socket, a tunnel, a test's own. TLS or
    /// STLS is done over it as configured. It leads to the server already: proxy, port and source
    /// address of the configuration are not used, as they say how to get there.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    pub async fn from_stream(
        stream: impl Transport + 'static,
        config: &Config,
    ) -> Result<Self, Error> {
        let mut link = Box::new(Link::new(Box::new(stream), config, Instant::now()));
        link.begin().await?;
        Ok(Self { link })
    }
}

client!([async] [.await]);
session!([async] [.await] "# async fn fetch(session: &mut poplib::tokio::Session) -> Result<(), poplib::Error> {
let listing = session.list().await?;
let mut bodies = session.retr_many(listing.scans()).await?;
while let Some((number, body)) = bodies.next_body().await? {
    match body {
        Ok(body) => println!(\"{number}: {} octets\", body.collect().await?.len()),
        Err(refused) => eprintln!(\"{number}: {refused}\"),
    }
}
# Ok(())
# }",
"It is no stream, as tokio has none. `futures::stream::try_unfold` makes one of [`next_outcome`](Self::next_outcome).");

impl<I: Iterator, C: Command> Batch<'_, I, C> {
    /// All outcomes.
    ///
    /// # Errors
    ///
    /// Those of [`next_outcome`](Self::next_outcome); what came before is lost then.
    pub async fn collect(mut self) -> Result<Vec<(u32, Result<C::Output, Error>)>, Error> {
        let mut outcomes = Vec::new();
        while !self.is_over {
            outcomes.extend(self.next_outcome().await?);
        }
        Ok(outcomes)
    }
}
